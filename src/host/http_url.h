/* host/http_url.h - a URL that was taken apart once: what is checked is what is connected to.
 *
 * libcurl parses the text and later gets the parsed form, so the two cannot disagree on its host.
 */
#ifndef BHI_HOST_HTTP_URL_H
#define BHI_HOST_HTTP_URL_H

#include <curl/curl.h>

#include "base/bytes.h"

enum { BHI_HTTP_URL_BYTES_MAX = 8 << 10, BHI_HTTP_HOST_BYTES_MAX = 255 };

typedef struct bhi_http_recent_url bhi_http_recent_url; /* host/http_recent_urls.h */

typedef struct bhi_http_url {
    CURLU *parsed;               /* NULL: none */
    bhi_http_recent_url *shared; /* whose `parsed` it is; NULL: its own */
    uint16_t port;
    bool is_https;
    bool is_address; /* the host is an IPv4 or IPv6 address, however it was spelled */
    uint8_t host_len;
    char host[BHI_HTTP_HOST_BYTES_MAX + 1]; /* lower case, no brackets, no dot at the end */
} bhi_http_url;

typedef enum bhi_http_url_verdict {
    BHI_HTTP_URL_OK,
    BHI_HTTP_URL_MALFORMED, /* not http or https, with credentials, a host that is not ASCII, ... */
    BHI_HTTP_URL_NO_MEMORY
} bhi_http_url_verdict;

/* On BHI_HTTP_URL_OK *ret_url is to be deinited; else it is empty. */
bhi_http_url_verdict bhi_http_url_parse(bhi_bytes text, bhi_http_url *ret_url);
/* `location` may be relative to `url`. */
bhi_http_url_verdict bhi_http_url_follow(const bhi_http_url *url, bhi_bytes location,
                                         bhi_http_url *ret_url);
/* Zeroed bytes are an empty one. */
void bhi_http_url_deinit(bhi_http_url *url);
void bhi_http_recent_url_release(
    bhi_http_recent_url *entry); /* what deinit does with a shared one */

static inline bhi_bytes bhi_http_url_host(const bhi_http_url *url)
{
    return (bhi_bytes){(const uint8_t *)url->host, url->host_len};
}

bool bhi_http_url_is_same_origin(const bhi_http_url *a, const bhi_http_url *b);

#endif
