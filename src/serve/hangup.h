/* serve/hangup.h - learn that the client of a suspended connection went away.
 *
 * libmicrohttpd does not look at a suspended connection. While it is suspended the loop watches the
 * socket for the peer's end of stream. Like most servers we take a half-closed connection for
 * one whose client has gone.
 */
#ifndef BHI_SERVE_HANGUP_H
#define BHI_SERVE_HANGUP_H

#include "serve/http_state.h"

typedef struct bhi_hangup bhi_hangup;

/* NULL when it cannot be watched (out of memory): the request then runs to its end. */
bhi_hangup *bhi_hangup_open(bhi_http *http, struct MHD_Connection *connection,
                            void (*gone_cb)(void *arg), void *arg);
/* To be called before the connection is resumed. Takes NULL. After this gone_cb is not called. */
void bhi_hangup_close(bhi_hangup *hangup);

#endif
