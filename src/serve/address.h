/* serve/address.h - where the service may listen, and who may ask it.
 *
 * Principals are taken on trust from a request header, so only this machine may connect: every
 * address is checked to be loopback. The same rule applied to the Host and Origin headers keeps web
 * pages out, which a browser on this machine would otherwise let in (DNS rebinding).
 *
 * Threads: any; nothing here keeps state.
 */
#ifndef BHI_SERVE_ADDRESS_H
#define BHI_SERVE_ADDRESS_H

#include <sys/socket.h>

#include "base/error.h"

#define BHI_ADDRESS_TEXT_MAX 64

typedef struct bhi_address {
    struct sockaddr_storage socket;
    socklen_t len;
} bhi_address;

/* "127.0.0.1:8787", "[::1]:0" or "localhost:8787" (which is 127.0.0.1). Fails with BH_E_ARG for
 * other forms and for addresses that are not loopback. */
BH_MUST_USE bh_status bhi_address_parse(const char *text, bhi_address *ret_address,
                                        bh_error *reterr);

/* "127.0.0.1:8787", "[::1]:8787" */
void bhi_address_format(const bhi_address *address, char ret_text[BHI_ADDRESS_TEXT_MAX]);

/* Is this Host header ("localhost:8787", "[::1]") a name or address of the loopback? */
bool bhi_host_is_loopback(const char *host);

/* Is this Origin header ("http://localhost:3000") a page of the loopback? "null" is not. */
bool bhi_origin_is_loopback(const char *origin);

/* `count` listening sockets that share one port (port 0: one is chosen and written to
 * *inout_address). A port that another process listens on is refused, although the kernel would
 * let us share it. The caller closes the sockets. Fails with BH_E_IO. */
BH_MUST_USE bh_status bhi_address_listen(bhi_address *inout_address, uint32_t count,
                                         int *ret_sockets, bh_error *reterr);

#endif
