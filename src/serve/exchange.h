/* serve/exchange.h - one request and its answer.
 *
 *   RECEIVING ── whole ──► READY ─┬─ answered at once ──────────────► ANSWERED
 *                                 └► STARTED ─ done in one turn ─► DONE ─┘
 *                                       └► SUSPENDED ─ done ─► resumed ─┘
 *
 * What is started is an invocation, or a reload or unload (a change). Most invocations end in the
 * turn in which they start. So a started exchange first leaves its connection in libmicrohttpd's
 * ready list by returning without an answer, which makes the daemon ask again at its next run; only
 * when there is still no answer then is the connection suspended, which costs several system calls.
 */
#ifndef BHI_SERVE_EXCHANGE_H
#define BHI_SERVE_EXCHANGE_H

#include <microhttpd.h>

#include "serve/http_state.h"

/* The daemon's callbacks; `cls` is the bhi_http. */
enum MHD_Result bhi_exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version,
                                    const char *upload_data, size_t *upload_data_size,
                                    void **request_cls);
void bhi_exchange_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                            enum MHD_RequestTerminationCode how);

/* Cancel the invocations of all exchanges. */
void bhi_exchange_cancel_all(bhi_http *http);

/* Cancel those of versions that must end, and have them counted there. */
void bhi_exchange_sweep(bhi_http *http);

/* Free the spares. */
void bhi_exchange_free_spares(bhi_http *http);

#endif
