/* bulkhead/sha256.h - SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104). Pure: builds natively too.
 *
 * No library offers these for a capsule in the distributions we build on, hence our own.
 */
#ifndef BULKHEAD_SDK_SHA256_H
#define BULKHEAD_SDK_SHA256_H

#include "bytes.h"

enum { CAPSULE_SHA256_BYTES = 32 };

void capsule_sha256(capsule_bytes message, uint8_t ret_digest[CAPSULE_SHA256_BYTES]);
void capsule_hmac_sha256(capsule_bytes key, capsule_bytes message,
                         uint8_t ret_digest[CAPSULE_SHA256_BYTES]);

/* Read hexadecimal digits of either case into exactly `size` bytes; false: anything else. */
bool capsule_parse_hex(capsule_bytes text, uint8_t *ret_bytes, size_t size);

#endif
