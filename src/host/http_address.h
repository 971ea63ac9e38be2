/* host/http_address.h - which addresses belong to the public internet.
 *
 * What a guest names may resolve to the host itself, its neighbours or a cloud's metadata service.
 * Such addresses are private: reached only where the operator says so for the host name.
 *
 * H-A1  An IPv6 form of an IPv4 address (mapped, compatible, translated) is as private as that one.
 * H-A2  What is neither IPv4 nor IPv6 is private.
 */
#ifndef BHI_HOST_HTTP_ADDRESS_H
#define BHI_HOST_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool bhi_http_address_is_public(const struct sockaddr *address);

/* Numeric text as libcurl tells it, without a port. False: it is none. */
bool bhi_http_address_parse(const char *text, struct sockaddr_storage *ret_address);

#endif
