/* sys.c - the wrappers of astrid:sys/host. */
#include <stdarg.h>
#include <stdio.h>

#include "call.h"

typedef struct core_caller {
    core_option principal;
    capsule_bytes source_id;
    capsule_bytes timestamp;
} core_caller;
AT(core_caller, source_id, 12);
AT(core_caller, timestamp, 20);

/* Every result<_, error-code>. */
typedef struct sys_result {
    uint8_t is_error;
    union {
        core_error error;
        core_option option;
        core_caller caller;
        capsule_bytes bytes;
        uint8_t boolean;
    } as;
} sys_result;
AT(sys_result, as, 4);
AT(sys_result, as.error.text, 8);
_Static_assert(sizeof(sys_result) == 32, "the largest is result<caller-context, error-code>");

#define SYS(function) IMPORT("sys/host", function)

SYS("get-config") void sys_get_config(const uint8_t *key, size_t key_len, sys_result *ret);
SYS("get-caller") void sys_get_caller(sys_result *ret);
SYS("log") void sys_log(uint32_t level, const uint8_t *message, size_t message_len);
SYS("signal-ready") void sys_signal_ready(void);
SYS("clock-ms") uint64_t sys_clock_ms(void);
SYS("clock-monotonic-ns") uint64_t sys_clock_monotonic_ns(void);
SYS("sleep-ns") void sys_sleep_ns(uint64_t duration_ns, sys_result *ret);
SYS("random-bytes") void sys_random_bytes(uint64_t length, sys_result *ret);
SYS("check-capsule-capability")
void sys_check_capability(const uint8_t *source_id, size_t source_id_len, const uint8_t *capability,
                          size_t capability_len, sys_result *ret);
SYS("enumerate-capabilities") void sys_enumerate_capabilities(capsule_list *ret);

static capsule_sys_status sys_status(const sys_result *result)
{
    return result->is_error
               ? (capsule_sys_status)capsule_call_failure(&result->as.error, CAPSULE_SYS_UNKNOWN)
               : CAPSULE_SYS_OK;
}

capsule_sys_status capsule_get_config(capsule_bytes key, capsule_option *ret_value)
{
    sys_result result;
    sys_get_config(key.data, key.len, &result);
    if (!result.is_error)
        *ret_value = capsule_call_option(&result.as.option);
    return sys_status(&result);
}

capsule_sys_status capsule_get_caller(capsule_caller *ret_caller)
{
    sys_result result;
    sys_get_caller(&result);
    const core_caller *caller = &result.as.caller;
    if (!result.is_error)
        *ret_caller = (capsule_caller){capsule_call_option(&caller->principal), caller->source_id,
                                       caller->timestamp};
    return sys_status(&result);
}

void capsule_log(capsule_log_level level, const char *format, ...)
{
    char line[CAPSULE_LOG_BYTES_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (len < 0)
        return;
    capsule_bytes text = {(uint8_t *)line, (size_t)len};
    if (text.len > CAPSULE_LOG_BYTES_MAX)
        text.len = CAPSULE_LOG_BYTES_MAX;
    capsule_force_utf8(text);
    sys_log(level, text.data, text.len);
}

void capsule_signal_ready(void)
{
    sys_signal_ready();
}

uint64_t capsule_clock_ms(void)
{
    return sys_clock_ms();
}

uint64_t capsule_clock_monotonic_ns(void)
{
    return sys_clock_monotonic_ns();
}

capsule_sys_status capsule_sleep_ns(uint64_t duration_ns)
{
    sys_result result;
    sys_sleep_ns(duration_ns, &result);
    return sys_status(&result);
}

capsule_sys_status capsule_random_bytes(void *buffer, size_t size)
{
    sys_result result;
    sys_random_bytes(size, &result);
    if (!result.is_error && result.as.bytes.len != size)
        __builtin_trap(); /* never hand out a buffer that is partly not random */
    if (!result.is_error)
        memcpy(buffer, result.as.bytes.data, size);
    return sys_status(&result);
}

capsule_sys_status capsule_check_capability(capsule_bytes source_id, capsule_bytes capability,
                                            bool *ret_allowed)
{
    sys_result result;
    sys_check_capability(source_id.data, source_id.len, capability.data, capability.len, &result);
    if (!result.is_error)
        *ret_allowed = result.as.boolean != 0;
    return sys_status(&result);
}

capsule_list capsule_enumerate_capabilities(void)
{
    capsule_list list;
    sys_enumerate_capabilities(&list);
    return list;
}

const char *capsule_sys_status_name(capsule_sys_status status)
{
    static const char *const names[] = {"ok",        "capability-denied",    "config-key-reserved",
                                        "too-large", "registry-unavailable", "cancelled",
                                        "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
