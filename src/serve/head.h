/* serve/head.h - what the header fields of a request say.
 *
 * Texts are borrowed from the connection until the request ends. A field that decides on whose
 * behalf a call runs, or for how long, may come once only: with two, a proxy in front
 * and this service could each believe another one.
 */
#ifndef BHI_SERVE_HEAD_H
#define BHI_SERVE_HEAD_H

#include <microhttpd.h>

#include "base/error.h"

#define BHI_HEADER_PRINCIPAL "Bulkhead-Principal"
#define BHI_HEADER_TIMEOUT   "Bulkhead-Timeout-Ms"
#define BHI_HEADER_NO_WAIT   "Bulkhead-No-Wait"
#define BHI_HEADER_DRAIN     "Bulkhead-Drain-Ms"
#define BHI_HEADER_OUTCOME   "Bulkhead-Outcome"
#define BHI_HEADER_ACTION    "Bulkhead-Action"

typedef struct bhi_head {
    const char *host, *origin, *principal, *timeout, *no_wait, *drain, *accept, *expect,
        *content_length;  /* or NULL */
    const char *repeated; /* the name of a field that may come once and came twice, or NULL */
} bhi_head;

void bhi_head_read(struct MHD_Connection *connection, bhi_head *ret_head);

/* 0 without the field. Fails with BH_E_ARG unless it is 1..BH_TIMEOUT_MS_MAX in decimal. */
BH_MUST_USE bh_status bhi_head_timeout_ms(const bhi_head *head, uint32_t *ret_timeout_ms,
                                          bh_error *reterr);

/* False without the field. Fails with BH_E_ARG unless it is 0 or 1. */
BH_MUST_USE bh_status bhi_head_no_wait(const bhi_head *head, bool *ret_no_wait, bh_error *reterr);

/* How long a reload or unload lets invocations finish; `fallback_ms` without the field. Fails with
 * BH_E_ARG unless it is 0..BHI_DRAIN_MS_MAX in decimal. */
#define BHI_DRAIN_MS_MAX 3600000
BH_MUST_USE bh_status bhi_head_drain_ms(const bhi_head *head, uint32_t fallback_ms,
                                        uint32_t *ret_drain_ms, bh_error *reterr);

/* The length that the client announced, saturating; 0 when it announced none. */
uint64_t bhi_head_content_length(const bhi_head *head);

/* Does the client want the raw data rather than JSON? */
bool bhi_head_wants_octets(const bhi_head *head);

#endif
