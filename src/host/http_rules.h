/* host/http_rules.h - what of a request a guest may choose: hosts, methods, headers.
 *
 * Pure. Whether an address may be connected to is asked later, of http_address.h.
 */
#ifndef BHI_HOST_HTTP_RULES_H
#define BHI_HOST_HTTP_RULES_H

#include "abi/generated/http.h"
#include "host/grants.h"

enum {
    BHI_HTTP_METHOD_BYTES_MAX = 32,
    BHI_HTTP_REQUEST_HEADERS_MAX = 100,
    BHI_HTTP_REQUEST_HEADER_BYTES_MAX = 64 << 10, /* names and values of one request */
    BHI_HTTP_REQUEST_BODY_BYTES_MAX = 10 << 20,
};

/* `host` is lower case, without brackets and without a dot at its end (http_url.h); an entry allows
 * the host it names, and every host below that one unless the host is an address. "*" is any. */
bool bhi_http_host_is_granted(const bhi_texts *net, bhi_bytes host, bool is_address);

/* "HOST" or "HOST:PORT", nothing below it. An IPv6 address with a port has brackets. */
bool bhi_http_host_may_be_private(const bhi_texts *private_hosts, bhi_bytes host, uint16_t port);

/* The method's text. False: no token, too long, or CONNECT. */
bool bhi_http_method_text(const bhi_http_method *method, bhi_bytes *ret_text);

/* Token names, values without control characters, none of the connection's own headers, and not
 * more than the limits above. */
bool bhi_http_headers_are_allowed(bhi_http_key_value_pair_list headers);

bool bhi_http_is_token(bhi_bytes text);
/* ASCII letters are equal in both cases. */
bool bhi_http_equal(bhi_bytes text, bhi_bytes other);

/* A redirect to another host, port or scheme takes these away. */
bool bhi_http_is_credential(bhi_bytes name);
/* A redirect that drops the body takes these away. */
bool bhi_http_describes_body(bhi_bytes name);

#endif
