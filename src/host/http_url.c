/* host/http_url.c - see the header.
 *
 * libcurl's parser turns every spelling of an IPv4 address (decimal, octal, hexadecimal, short)
 * into the usual one, decodes percent signs in hosts, and refuses control characters. What it lets
 * through and other parsers may read differently is refused here: hosts beyond letters, digits,
 * '-',
 * '_' and '.', zone ids of link-local addresses.
 */
#include "host/http_url.h"

#include <stdlib.h>
#include <string.h>

#include "host/http_address.h"

/* A host that is not ASCII is refused rather than converted; a fragment stays on this side. */
enum { PARSE_FLAGS = CURLU_DISALLOW_USER | CURLU_URLENCODE };

static bhi_http_url_verdict verdict_of(CURLUcode code)
{
    if (code == CURLUE_OK)
        return BHI_HTTP_URL_OK;
    return code == CURLUE_OUT_OF_MEMORY ? BHI_HTTP_URL_NO_MEMORY : BHI_HTTP_URL_MALFORMED;
}

static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
}

static bool is_name(const char *host)
{
    for (; *host != '\0'; host++)
        if (!is_host_char(*host))
            return false;
    return true;
}

/* Copy `from` in lower case, without brackets and without a dot at its end. */
static bool take_host(bhi_http_url *url, const char *from)
{
    size_t len = strlen(from);
    bool has_brackets = len > 2 && from[0] == '[' && from[len - 1] == ']';
    if (has_brackets) {
        from++;
        len -= 2;
    } else if (len > 0 && from[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > BHI_HTTP_HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        url->host[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] | 0x20 : from[i]);
    url->host[len] = '\0';
    url->host_len = (uint8_t)len;
    struct sockaddr_storage address;
    url->is_address = bhi_http_address_parse(url->host, &address);
    return has_brackets ? url->is_address : is_name(url->host);
}

static bhi_http_url_verdict read_host(bhi_http_url *url)
{
    char *text = NULL;
    bhi_http_url_verdict verdict = verdict_of(curl_url_get(url->parsed, CURLUPART_HOST, &text, 0));
    if (verdict == BHI_HTTP_URL_OK && !take_host(url, text))
        verdict = BHI_HTTP_URL_MALFORMED;
    curl_free(text);
    return verdict;
}

static bhi_http_url_verdict read_scheme(bhi_http_url *url)
{
    char *text = NULL;
    bhi_http_url_verdict verdict =
        verdict_of(curl_url_get(url->parsed, CURLUPART_SCHEME, &text, 0));
    if (verdict == BHI_HTTP_URL_OK) {
        url->is_https = strcmp(text, "https") == 0;
        if (!url->is_https && strcmp(text, "http") != 0)
            verdict = BHI_HTTP_URL_MALFORMED;
    }
    curl_free(text);
    return verdict;
}

static bhi_http_url_verdict read_port(bhi_http_url *url)
{
    char *text = NULL;
    bhi_http_url_verdict verdict =
        verdict_of(curl_url_get(url->parsed, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT));
    if (verdict == BHI_HTTP_URL_OK)
        url->port = (uint16_t)strtoul(text, NULL, 10); /* checked by the parser */
    curl_free(text);
    return verdict;
}

static bhi_http_url_verdict refuse_zone(const bhi_http_url *url)
{
    char *text = NULL;
    if (strchr(url->host, ':') == NULL)
        return BHI_HTTP_URL_OK; /* only IPv6 has them */
    CURLUcode code = curl_url_get(url->parsed, CURLUPART_ZONEID, &text, 0);
    curl_free(text);
    return code == CURLUE_NO_ZONEID ? BHI_HTTP_URL_OK : BHI_HTTP_URL_MALFORMED;
}

static bhi_http_url_verdict read_parts(bhi_http_url *url)
{
    bhi_http_url_verdict verdict = read_scheme(url);
    if (verdict == BHI_HTTP_URL_OK)
        verdict = read_host(url);
    if (verdict == BHI_HTTP_URL_OK)
        verdict = read_port(url);
    if (verdict == BHI_HTTP_URL_OK)
        verdict = refuse_zone(url);
    return verdict;
}

/* `text` on top of what `take_parsed` holds. */
static bhi_http_url_verdict set_text(CURLU *take_parsed, bhi_bytes text, bhi_http_url *ret_url)
{
    char terminated[BHI_HTTP_URL_BYTES_MAX + 1];
    *ret_url = (bhi_http_url){.parsed = take_parsed};
    bhi_http_url_verdict verdict = BHI_HTTP_URL_MALFORMED;
    if (take_parsed == NULL)
        verdict = BHI_HTTP_URL_NO_MEMORY;
    else if (text.len > 0 && text.len < sizeof terminated &&
             memchr(text.data, '\0', text.len) == NULL) {
        memcpy(terminated, text.data, text.len);
        terminated[text.len] = '\0';
        verdict = verdict_of(curl_url_set(take_parsed, CURLUPART_URL, terminated, PARSE_FLAGS));
    }
    if (verdict == BHI_HTTP_URL_OK)
        verdict = read_parts(ret_url);
    if (verdict != BHI_HTTP_URL_OK)
        bhi_http_url_deinit(ret_url);
    return verdict;
}

bhi_http_url_verdict bhi_http_url_parse(bhi_bytes text, bhi_http_url *ret_url)
{
    return set_text(curl_url(), text, ret_url);
}

bhi_http_url_verdict bhi_http_url_follow(const bhi_http_url *url, bhi_bytes location,
                                         bhi_http_url *ret_url)
{
    return set_text(curl_url_dup(url->parsed), location, ret_url);
}

void bhi_http_url_deinit(bhi_http_url *url)
{
    if (url->shared != NULL)
        bhi_http_recent_url_release(url->shared);
    else
        curl_url_cleanup(url->parsed);
    *url = (bhi_http_url){0};
}

bool bhi_http_url_is_same_origin(const bhi_http_url *a, const bhi_http_url *b)
{
    return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}
