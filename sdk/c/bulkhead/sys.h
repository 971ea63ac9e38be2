/* bulkhead/sys.h - configuration, log, clocks, randomness, sleep. Included by capsule.h. */
#ifndef BULKHEAD_SDK_SYS_H
#define BULKHEAD_SDK_SYS_H

#include "capsule.h"

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

/* "too-large"; static. */
const char *capsule_sys_status_name(capsule_sys_status status);

#endif
