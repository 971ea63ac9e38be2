/* host/http_recent_urls.h - parsed URLs of a worker's latest requests.
 *
 * Capsules ask few URLs many times, and taking one apart costs a tenth of a request.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_HTTP_RECENT_URLS_H
#define BHI_HOST_HTTP_RECENT_URLS_H

#include "base/list.h"
#include "host/http_url.h"

enum { BHI_HTTP_RECENT_URLS_MAX = 32, BHI_HTTP_RECENT_URL_BYTES_MAX = 256 /* longer: not kept */ };

typedef struct bhi_http_recent_urls {
    bhi_link latest; /* first */
    uint32_t count;
} bhi_http_recent_urls;

void bhi_http_recent_urls_init(bhi_http_recent_urls *recent);
/* URLs that were parsed here may outlive it. */
void bhi_http_recent_urls_deinit(bhi_http_recent_urls *recent);

/* As bhi_http_url_parse; *ret_url shares what an equal text was parsed to. */
bhi_http_url_verdict bhi_http_recent_urls_parse(bhi_http_recent_urls *recent, bhi_bytes text,
                                                bhi_http_url *ret_url);

#endif
