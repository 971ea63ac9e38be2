/* serve/linger.h - let the client of an early answer read it.
 *
 * A request that is answered before its body was read leaves bytes in the socket; closing it then
 * makes the kernel send a reset, and the client may lose the answer. So the socket is kept a
 * little longer and what arrives is thrown away, within a bound of time and bytes.
 */
#ifndef BHI_SERVE_LINGER_H
#define BHI_SERVE_LINGER_H

#include "serve/http_state.h"

#define BHI_LINGER_BYTES_MAX (64u << 20)
#define BHI_LINGERS_MAX      256 /* per worker; beyond it the socket is just closed */

/* The daemon is about to close this connection. */
void bhi_linger_open(bhi_http *http, struct MHD_Connection *connection);

/* End all of them. */
void bhi_linger_close_all(bhi_http *http);

#endif
