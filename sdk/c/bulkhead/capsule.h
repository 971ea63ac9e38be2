/* bulkhead/capsule.h - write a capsule in C.
 *
 * A capsule is one function:
 *
 *     #include <bulkhead/capsule.h>
 *
 *     capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
 *     {
 *         return capsule_continue(payload);
 *     }
 *
 * `capsule-cc NAME.c -o NAME.wasm` compiles it to a core WebAssembly module that imports only the
 * host functions it really calls.
 *
 * Memory:   what the host hands in, what functions below hand out, and capsule_alloc live in
 *           scratch memory until the call ends; nothing of it is freed by hand. malloc and free of
 *           the C library work too and outlive a call only if the capsule's `reuse` says so. When
 *           memory runs out the capsule traps.
 * Globals:  with the default `reuse = "pristine"` every call starts with the values they had after
 *           initialisation. State that must last belongs in kv.
 * Text:     is UTF-8. The host traps a capsule that passes or returns text that is not.
 * Library:  there is no WASI: files, stdio, getenv, time and exit do not link. snprintf, strings
 *           and maths do.
 * Stack:    64 KiB; using more traps.
 *
 * ret_* is written only when the status is 0.
 */
#ifndef BULKHEAD_SDK_CAPSULE_H
#define BULKHEAD_SDK_CAPSULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "json.h"
#include "sha256.h"

#ifdef __wasm__
#define CAPSULE_EXPORT(name) __attribute__((export_name(name)))
#else
#define CAPSULE_EXPORT(name) /* built natively, for tests */
#endif
#define CAPSULE_MUST_USE        __attribute__((warn_unused_result))
#define CAPSULE_PRINTF(at, arg) __attribute__((format(printf, at, arg)))

/* --- what a capsule defines ------------------------------------------------------------------ */

typedef struct capsule_result {
    capsule_bytes action; /* text */
    capsule_option data;  /* text */
} capsule_result;

/* Required: called for each invocation. `payload` may be any bytes and may be changed in place. */
capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload);

/* Optional: a capsule exports each of these exactly when it defines it. Run loops that allocate
 * call capsule_scratch_reset once per round. */
CAPSULE_EXPORT("astrid-install") void capsule_install(void);
CAPSULE_EXPORT("astrid-upgrade") void capsule_upgrade(void);
CAPSULE_EXPORT("run") void capsule_run(void);

/* --- results --------------------------------------------------------------------------------- */

/* Go on; data, unless empty, replaces the payload for whoever is next. */
capsule_result capsule_continue(capsule_bytes data);
/* Go on with the payload as it was. */
capsule_result capsule_pass(void);
/* Stop here; data is the answer. */
capsule_result capsule_final(capsule_bytes data);
/* Stop and refuse. The reason is a printf format; what is not UTF-8 in it becomes '?'. */
capsule_result capsule_deny(const char *reason, ...) CAPSULE_PRINTF(1, 2);

/* --- memory ---------------------------------------------------------------------------------- */

/* `size` zeroed bytes, aligned to 16, until the call ends. Never NULL. */
void *capsule_alloc(size_t size) __attribute__((malloc, returns_nonnull));
/* printf into scratch memory; what is not UTF-8 becomes '?'. A NUL follows the bytes. */
capsule_bytes capsule_format(const char *format, ...) CAPSULE_PRINTF(1, 2);
/* Give back everything allocated in this call so far, arguments and results included. */
void capsule_scratch_reset(void);

/* --- sys ------------------------------------------------------------------------------------- */

typedef enum capsule_sys_status {
    CAPSULE_SYS_OK,
    CAPSULE_SYS_CAPABILITY_DENIED,
    CAPSULE_SYS_CONFIG_KEY_RESERVED,
    CAPSULE_SYS_TOO_LARGE, /* a sleep over 60 s, more than 4096 random bytes */
    CAPSULE_SYS_REGISTRY_UNAVAILABLE,
    CAPSULE_SYS_CANCELLED,
    CAPSULE_SYS_UNKNOWN /* capsule_error_text says more */
} capsule_sys_status;

typedef enum capsule_log_level {
    CAPSULE_LOG_TRACE,
    CAPSULE_LOG_DEBUG,
    CAPSULE_LOG_INFO,
    CAPSULE_LOG_WARN,
    CAPSULE_LOG_ERROR
} capsule_log_level;

typedef struct capsule_caller {
    capsule_option principal; /* none: nobody called, the capsule runs for its owner */
    capsule_bytes source_id;  /* UUID text or empty */
    capsule_bytes timestamp;  /* RFC 3339 or empty */
} capsule_caller;

/* A value declared in the manifest's [env], or none. */
CAPSULE_MUST_USE capsule_sys_status capsule_get_config(capsule_bytes key,
                                                       capsule_option *ret_value);
CAPSULE_MUST_USE capsule_sys_status capsule_get_caller(capsule_caller *ret_caller);
/* One line for the capsule's log, cut at CAPSULE_LOG_BYTES_MAX. */
void capsule_log(capsule_log_level level, const char *format, ...) CAPSULE_PRINTF(2, 3);
/* A run loop tells that it is ready to serve. */
void capsule_signal_ready(void);
uint64_t capsule_clock_ms(void);           /* wall clock, since 1970 */
uint64_t capsule_clock_monotonic_ns(void); /* since some fixed moment */
/* Blocks this capsule only. */
CAPSULE_MUST_USE capsule_sys_status capsule_sleep_ns(uint64_t duration_ns);
/* Fill `size` bytes at `buffer`. */
CAPSULE_MUST_USE capsule_sys_status capsule_random_bytes(void *buffer, size_t size);
/* Does the capsule behind a caller's source_id hold the capability? */
CAPSULE_MUST_USE capsule_sys_status capsule_check_capability(capsule_bytes source_id,
                                                             capsule_bytes capability,
                                                             bool *ret_allowed);
/* The capabilities this capsule holds, sorted. */
capsule_list capsule_enumerate_capabilities(void);

enum { CAPSULE_LOG_BYTES_MAX = 1024 };

/* --- kv: one namespace per principal and capsule --------------------------------------------- */

typedef enum capsule_kv_status {
    CAPSULE_KV_OK,
    CAPSULE_KV_INVALID_KEY, /* a key is 1 to 256 bytes of UTF-8 without control characters */
    CAPSULE_KV_TOO_LARGE,   /* a value over 1 MiB, more than 1024 keys to list at once */
    CAPSULE_KV_QUOTA,
    CAPSULE_KV_CAS_MISMATCH,
    CAPSULE_KV_UNKNOWN /* capsule_error_text says more */
} capsule_kv_status;

typedef struct capsule_key_page {
    capsule_list keys;
    capsule_option next_cursor; /* none on the last page */
} capsule_key_page;

/* None when the key does not exist; an empty value is some. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_get(capsule_bytes key, capsule_option *ret_value);
/* Durable when it returns. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_set(capsule_bytes key, capsule_bytes value);
/* A missing key is fine. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_delete(capsule_bytes key);
/* Write `value` if the key still holds `expected` (none: if it does not exist), else
 * CAPSULE_KV_CAS_MISMATCH. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_cas(capsule_bytes key, capsule_option expected,
                                                  capsule_bytes value);
/* The keys that begin with `prefix`; the empty prefix is every key. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_list_keys(capsule_bytes prefix,
                                                        capsule_list *ret_keys);
/* At most `limit` of them after `cursor` (none: from the start); 0 is the host's maximum. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_list_keys_page(capsule_bytes prefix,
                                                             capsule_option cursor, uint32_t limit,
                                                             capsule_key_page *ret_page);
/* Delete every key that begins with `prefix`. */
CAPSULE_MUST_USE capsule_kv_status capsule_kv_clear_prefix(capsule_bytes prefix,
                                                           uint64_t *ret_count);

/* --- errors ---------------------------------------------------------------------------------- */

/* "cas-mismatch"; static. */
const char *capsule_sys_status_name(capsule_sys_status status);
const char *capsule_kv_status_name(capsule_kv_status status);
/* What the host said with the last UNKNOWN of this call; empty when there was none. */
capsule_bytes capsule_error_text(void);

#endif
