/* capsule.c - the canonical ABI of the capsule world, by hand.
 *
 * Exports are named as the canonical ABI names them for a core module: the host allocates the
 * arguments with cabi_realloc, calls the hook, reads the result area, and may call post-return.
 * Imports write their results to a result area whose layout is spelled out below as C structs;
 * wasm32's C layout and the canonical ABI's agree on them, which the assertions check.
 *
 * Scratch memory holds arguments, results and capsule_alloc: a fixed block that is used from its
 * start in every call, so that a call dirties few pages and always the same ones, and malloc for
 * what does not fit.
 *
 * S1  Scratch is emptied by post-return or, because a host may skip that, by the first allocation
 *     after a hook returned. Nothing of a call is used after that: the host has read the result.
 */
#include <bulkhead/capsule.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define IMPORT(interface, function)                                                                \
    __attribute__((import_module("astrid:" interface "@1.0.0"), import_name(function)))
#define EXPORT(function) __attribute__((export_name(function)))
#define AT(type, field, offset)                                                                    \
    _Static_assert(offsetof(type, field) == (offset), "canonical ABI layout of " #type)

_Static_assert(sizeof(capsule_bytes) == 8, "a list is a pointer and a length");
_Static_assert(sizeof(capsule_list) == 8, "a list is a pointer and a length");

/* option<list<u8>>, option<string> */
typedef struct core_option {
    uint8_t is_some;
    capsule_bytes value;
} core_option;
_Static_assert(sizeof(core_option) == 12, "canonical ABI size of an option<list>");

/* Both error-codes: only the last case carries something, its text. */
typedef struct core_error {
    uint8_t code;
    capsule_bytes text;
} core_error;

typedef struct core_caller {
    core_option principal;
    capsule_bytes source_id;
    capsule_bytes timestamp;
} core_caller;
AT(core_caller, source_id, 12);
AT(core_caller, timestamp, 20);

typedef struct core_key_page {
    capsule_list keys;
    core_option next_cursor;
} core_key_page;
AT(core_key_page, next_cursor, 8);

/* Every result<_, error-code> whose payload aligns to 4. */
typedef struct core_result {
    uint8_t is_error;
    union {
        core_error error;
        core_option option;
        core_caller caller;
        core_key_page page;
        capsule_list list;
        capsule_bytes bytes;
        uint8_t boolean;
    } as;
} core_result;
AT(core_result, as, 4);
AT(core_result, as.error.text, 8);
_Static_assert(sizeof(core_result) == 32, "the largest is result<caller-context, error-code>");

/* result<u64, error-code> */
typedef struct core_result_u64 {
    uint8_t is_error;
    union {
        core_error error;
        uint64_t value;
    } as;
} core_result_u64;
AT(core_result_u64, as, 8);
AT(core_result_u64, as.error.text, 12);
_Static_assert(sizeof(core_result_u64) == 24, "canonical ABI size of result<u64, error-code>");

/* capsule-result */
typedef struct core_capsule_result {
    capsule_bytes action;
    core_option data;
} core_capsule_result;
AT(core_capsule_result, data, 8);
_Static_assert(sizeof(core_capsule_result) == 20, "canonical ABI size of capsule-result");

/* --- scratch --------------------------------------------------------------------------------- */

enum { SCRATCH_BYTES = 64 << 10, SCRATCH_ALIGN = 16, PAGE_BYTES = 4096 };

typedef struct scratch_chunk {
    _Alignas(SCRATCH_ALIGN) struct scratch_chunk *next;
} scratch_chunk;

static _Alignas(PAGE_BYTES) struct {
    core_capsule_result result;
    capsule_bytes error_text;
    scratch_chunk *chunks; /* allocations that did not fit the block */
    size_t used;           /* of the block */
    size_t last;           /* where the block's latest allocation begins */
    bool is_stale;         /* S1: a hook returned since the last reset */
    _Alignas(SCRATCH_ALIGN) uint8_t block[SCRATCH_BYTES];
} scratch;

void capsule_scratch_reset(void)
{
    while (scratch.chunks != NULL) {
        scratch_chunk *chunk = scratch.chunks;
        scratch.chunks = chunk->next;
        free(chunk);
    }
    scratch.used = scratch.last = 0;
    scratch.error_text = (capsule_bytes){0};
    scratch.is_stale = false;
}

static uint8_t *chunk_alloc(size_t size)
{
    scratch_chunk *chunk = NULL;
    if (size <= SIZE_MAX - sizeof(*chunk))
        chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        __builtin_trap();
    chunk->next = scratch.chunks;
    scratch.chunks = chunk;
    return (uint8_t *)(chunk + 1);
}

static uint8_t *scratch_alloc(size_t align, size_t size)
{
    if (scratch.is_stale)
        capsule_scratch_reset();
    if (align == 0 || align > SCRATCH_ALIGN || (align & (align - 1)) != 0)
        __builtin_trap();
    size_t from = (scratch.used + align - 1) & ~(align - 1);
    if (from > SCRATCH_BYTES || size > SCRATCH_BYTES - from)
        return chunk_alloc(size);
    scratch.last = from;
    scratch.used = from + size;
    return scratch.block + from;
}

/* Grow or shrink the block's latest allocation where it stands. */
static bool resize_in_place(const uint8_t *old, size_t new_size)
{
    if (old != scratch.block + scratch.last || scratch.used == 0 ||
        new_size > SCRATCH_BYTES - scratch.last)
        return false;
    scratch.used = scratch.last + new_size;
    return true;
}

EXPORT("cabi_realloc")
void *capsule_cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size);

void *capsule_cabi_realloc(void *old, size_t old_size, size_t align, size_t new_size)
{
    if (old == NULL)
        return scratch_alloc(align, new_size);
    if (resize_in_place(old, new_size))
        return old;
    uint8_t *moved = scratch_alloc(align, new_size);
    memcpy(moved, old, old_size < new_size ? old_size : new_size);
    return moved;
}

void *capsule_alloc(size_t size)
{
    return memset(scratch_alloc(SCRATCH_ALIGN, size), 0, size);
}

/* --- text ------------------------------------------------------------------------------------ */

/* Formatting can cut a character or let in bytes from a guest's guest; the host traps on either. */
static void force_utf8(capsule_bytes text)
{
    while (text.len > 0) {
        size_t length = capsule_utf8_length(text);
        if (length == 0)
            *text.data = '?';
        length += length == 0;
        text.data += length;
        text.len -= length;
    }
}

static capsule_bytes format_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0) /* an encoding error: only a wide character can cause one */
        return capsule_text("");
    capsule_bytes text = {scratch_alloc(1, (size_t)len + 1), (size_t)len};
    vsnprintf((char *)text.data, text.len + 1, format, arguments);
    force_utf8(text);
    return text;
}

capsule_bytes capsule_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    capsule_bytes text = format_text(format, arguments);
    va_end(arguments);
    return text;
}

/* --- results --------------------------------------------------------------------------------- */

capsule_result capsule_continue(capsule_bytes data)
{
    return (capsule_result){capsule_text("continue"), capsule_some(data)};
}

capsule_result capsule_pass(void)
{
    return (capsule_result){capsule_text("continue"), CAPSULE_NONE};
}

capsule_result capsule_final(capsule_bytes data)
{
    return (capsule_result){capsule_text("final"), capsule_some(data)};
}

capsule_result capsule_deny(const char *reason, ...)
{
    va_list arguments;
    va_start(arguments, reason);
    capsule_bytes text = format_text(reason, arguments);
    va_end(arguments);
    return (capsule_result){capsule_text("deny"), capsule_some(text)};
}

/* --- entry points ---------------------------------------------------------------------------- */

EXPORT("astrid-hook-trigger")
core_capsule_result *capsule_enter_hook(uint8_t *action, size_t action_len, uint8_t *payload,
                                        size_t payload_len);
EXPORT("cabi_post_astrid-hook-trigger") void capsule_leave_hook(core_capsule_result *result);

core_capsule_result *capsule_enter_hook(uint8_t *action, size_t action_len, uint8_t *payload,
                                        size_t payload_len)
{
    capsule_result result =
        capsule_hook((capsule_bytes){action, action_len}, (capsule_bytes){payload, payload_len});
    scratch.result.action = result.action;
    scratch.result.data.is_some = result.data.is_some;
    scratch.result.data.value = result.data.value;
    scratch.is_stale = true;
    return &scratch.result;
}

void capsule_leave_hook(core_capsule_result *result)
{
    capsule_scratch_reset();
}

/* --- what results have in common ------------------------------------------------------------- */

/* The status of a failure: 0 is success, so every case moves up by one. */
static int failure(const core_error *error, int unknown)
{
    int status = error->code + 1;
    if (status == unknown)
        scratch.error_text = error->text;
    return status;
}

static capsule_option option_of(const core_option *option)
{
    return option->is_some ? capsule_some(option->value) : CAPSULE_NONE;
}

capsule_bytes capsule_error_text(void)
{
    return scratch.error_text;
}

/* --- sys ------------------------------------------------------------------------------------- */

#define SYS(function) IMPORT("sys/host", function)

SYS("get-config") void sys_get_config(const uint8_t *key, size_t key_len, core_result *ret);
SYS("get-caller") void sys_get_caller(core_result *ret);
SYS("log") void sys_log(uint32_t level, const uint8_t *message, size_t message_len);
SYS("signal-ready") void sys_signal_ready(void);
SYS("clock-ms") uint64_t sys_clock_ms(void);
SYS("clock-monotonic-ns") uint64_t sys_clock_monotonic_ns(void);
SYS("sleep-ns") void sys_sleep_ns(uint64_t duration_ns, core_result *ret);
SYS("random-bytes") void sys_random_bytes(uint64_t length, core_result *ret);
SYS("check-capsule-capability")
void sys_check_capability(const uint8_t *source_id, size_t source_id_len, const uint8_t *capability,
                          size_t capability_len, core_result *ret);
SYS("enumerate-capabilities") void sys_enumerate_capabilities(capsule_list *ret);

static capsule_sys_status sys_status(const core_result *result)
{
    return result->is_error ? (capsule_sys_status)failure(&result->as.error, CAPSULE_SYS_UNKNOWN)
                            : CAPSULE_SYS_OK;
}

capsule_sys_status capsule_get_config(capsule_bytes key, capsule_option *ret_value)
{
    core_result result;
    sys_get_config(key.data, key.len, &result);
    if (!result.is_error)
        *ret_value = option_of(&result.as.option);
    return sys_status(&result);
}

capsule_sys_status capsule_get_caller(capsule_caller *ret_caller)
{
    core_result result;
    sys_get_caller(&result);
    const core_caller *caller = &result.as.caller;
    if (!result.is_error)
        *ret_caller =
            (capsule_caller){option_of(&caller->principal), caller->source_id, caller->timestamp};
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
    force_utf8(text);
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
    core_result result;
    sys_sleep_ns(duration_ns, &result);
    return sys_status(&result);
}

capsule_sys_status capsule_random_bytes(void *buffer, size_t size)
{
    core_result result;
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
    core_result result;
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

/* --- kv -------------------------------------------------------------------------------------- */

#define KV(function) IMPORT("kv/host", function)

KV("kv-get") void kv_get(const uint8_t *key, size_t key_len, core_result *ret);
KV("kv-set")
void kv_set(const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len,
            core_result *ret);
KV("kv-delete") void kv_delete(const uint8_t *key, size_t key_len, core_result *ret);
KV("kv-list-keys") void kv_list_keys(const uint8_t *prefix, size_t prefix_len, core_result *ret);
KV("kv-list-keys-page")
void kv_list_keys_page(const uint8_t *prefix, size_t prefix_len, uint32_t has_cursor,
                       const uint8_t *cursor, size_t cursor_len, uint32_t limit, core_result *ret);
KV("kv-clear-prefix")
void kv_clear_prefix(const uint8_t *prefix, size_t prefix_len, core_result_u64 *ret);
KV("kv-cas")
void kv_cas(const uint8_t *key, size_t key_len, uint32_t has_expected, const uint8_t *expected,
            size_t expected_len, const uint8_t *value, size_t value_len, core_result *ret);

static capsule_kv_status kv_status(const core_result *result)
{
    return result->is_error ? (capsule_kv_status)failure(&result->as.error, CAPSULE_KV_UNKNOWN)
                            : CAPSULE_KV_OK;
}

capsule_kv_status capsule_kv_get(capsule_bytes key, capsule_option *ret_value)
{
    core_result result;
    kv_get(key.data, key.len, &result);
    if (!result.is_error)
        *ret_value = option_of(&result.as.option);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_set(capsule_bytes key, capsule_bytes value)
{
    core_result result;
    kv_set(key.data, key.len, value.data, value.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_delete(capsule_bytes key)
{
    core_result result;
    kv_delete(key.data, key.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_cas(capsule_bytes key, capsule_option expected, capsule_bytes value)
{
    core_result result;
    kv_cas(key.data, key.len, expected.is_some, expected.value.data, expected.value.len, value.data,
           value.len, &result);
    return kv_status(&result);
}

capsule_kv_status capsule_kv_list_keys(capsule_bytes prefix, capsule_list *ret_keys)
{
    core_result result;
    kv_list_keys(prefix.data, prefix.len, &result);
    if (!result.is_error)
        *ret_keys = result.as.list;
    return kv_status(&result);
}

capsule_kv_status capsule_kv_list_keys_page(capsule_bytes prefix, capsule_option cursor,
                                            uint32_t limit, capsule_key_page *ret_page)
{
    core_result result;
    kv_list_keys_page(prefix.data, prefix.len, cursor.is_some, cursor.value.data, cursor.value.len,
                      limit, &result);
    const core_key_page *page = &result.as.page;
    if (!result.is_error)
        *ret_page = (capsule_key_page){page->keys, option_of(&page->next_cursor)};
    return kv_status(&result);
}

capsule_kv_status capsule_kv_clear_prefix(capsule_bytes prefix, uint64_t *ret_count)
{
    core_result_u64 result;
    kv_clear_prefix(prefix.data, prefix.len, &result);
    if (result.is_error)
        return (capsule_kv_status)failure(&result.as.error, CAPSULE_KV_UNKNOWN);
    *ret_count = result.as.value;
    return CAPSULE_KV_OK;
}

const char *capsule_kv_status_name(capsule_kv_status status)
{
    static const char *const names[] = {"ok",    "invalid-key",  "too-large",
                                        "quota", "cas-mismatch", "unknown"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
