/* The first line as a URL, the others as a response's head, then as a redirect's location: what is
 * taken keeps its limits, and a host is never one that reads otherwise to libcurl. */
#include <stdlib.h>
#include <string.h>

#include "host/http_head.h"
#include "host/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bhi_bytes cut_line(bhi_bytes *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) + 1 : rest->len;
    bhi_bytes line = {rest->data, len};
    *rest = (bhi_bytes){rest->data + len, rest->len - len};
    return line;
}

static void check_url(const bhi_http_url *url)
{
    char *host = NULL;
    if (url->parsed == NULL || url->host_len == 0 || url->host[url->host_len] != 0 ||
        strlen(url->host) != url->host_len ||
        curl_url_get(url->parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        abort();
    size_t offset = host[0] == '[';
    if (strncasecmp(host + offset, url->host, url->host_len) != 0)
        abort();
    curl_free(host);
}

static void read_head(bhi_bytes rest, const bhi_http_url *url)
{
    bhi_arena arena = {0};
    bhi_http_head head = {0};
    bhi_http_line taken = BHI_HTTP_LINE_TAKEN;
    bhi_http_head_begin(&head, &arena);
    while (rest.len > 0 && taken == BHI_HTTP_LINE_TAKEN)
        taken = bhi_http_head_add(&head, cut_line(&rest));
    if (head.count > BHI_HTTP_RESPONSE_HEADERS_MAX ||
        (taken == BHI_HTTP_LINE_LAST && (head.status < 100 || head.status > 999)))
        abort();
    const bhi_bytes *location = bhi_http_head_find(&head, "location");
    bhi_http_url next = {0};
    if (location != NULL && bhi_http_url_follow(url, *location, &next) == BHI_HTTP_URL_OK)
        check_url(&next);
    bhi_http_url_deinit(&next);
    bhi_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bhi_bytes rest = {data, size}, line = cut_line(&rest);
    bhi_http_url url = {0};
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (bhi_http_url_parse(line, &url) == BHI_HTTP_URL_OK) {
        check_url(&url);
        read_head(rest, &url);
    }
    bhi_http_url_deinit(&url);
    return 0;
}
