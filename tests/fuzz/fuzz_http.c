/* Any bytes as the head of a response and as a location: what is taken is within its bounds, text,
 * and what is connected to is what was checked. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "abi/utf8.h"
#include "host/http_head.h"
#include "host/http_rules.h"
#include "host/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const bhi_http_head *head)
{
    if (head->count > BHI_HTTP_RESPONSE_HEADERS_MAX ||
        head->bytes > BHI_HTTP_RESPONSE_HEAD_BYTES_MAX || head->status == 101 ||
        (head->is_complete && (head->status < 200 || head->status > 999)))
        abort();
    for (uint32_t i = 0; i < head->count; i++) {
        bhi_bytes value = head->headers[i].value;
        if (!bhi_http_is_token(head->headers[i].key) || !bhi_utf8_is_valid(value) ||
            memchr(value.data, '\n', value.len) != NULL)
            abort();
    }
}

static void read_head(const uint8_t *data, size_t size)
{
    bhi_arena arena = {0};
    bhi_http_head head;
    bhi_http_line verdict = BHI_HTTP_LINE_TAKEN;
    bhi_http_head_begin(&head, &arena);
    while (size > 0 && (verdict == BHI_HTTP_LINE_TAKEN || verdict == BHI_HTTP_LINE_LAST)) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end != NULL ? (size_t)(end - data) + 1 : size;
        verdict = bhi_http_head_add(&head, (bhi_bytes){data, len});
        data += len;
        size -= len;
        check_head(&head);
    }
    bhi_arena_deinit(&arena);
}

/* The host that libcurl will connect to is the one that was read. */
static void check_url(const bhi_http_url *url)
{
    char *host = NULL, *user = NULL;
    if (curl_url_get(url->parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url->parsed, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
        abort();
    const char *from = host + (host[0] == '[');
    if (url->host_len == 0 || strlen(url->host) != url->host_len ||
        strncasecmp(from, url->host, url->host_len) != 0 || strlen(from) > url->host_len + 1u)
        abort();
    curl_free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_http_url url, next;
    read_head(data, size);
    if (bhi_http_url_parse((bhi_bytes){data, size}, &url) == BHI_HTTP_URL_OK) {
        check_url(&url);
        bhi_http_url_deinit(&url);
    }
    if (bhi_http_url_parse(BHI_BYTES_LITERAL("https://a.org:8/x/y?q"), &url) != BHI_HTTP_URL_OK)
        abort();
    if (bhi_http_url_follow(&url, (bhi_bytes){data, size}, &next) == BHI_HTTP_URL_OK) {
        check_url(&next);
        bhi_http_url_deinit(&next);
    }
    bhi_http_url_deinit(&url);
    return 0;
}
