/* host/sys.c - astrid:sys/host@1.0.0: configuration, log, clocks, randomness, sleep. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "host/host.h"
#include "host/initialising.h"
#include "host/lease_context.h"
#include "host/log_bucket.h"
#include "host/log_line.h"
#include "host/sources.h"
#include "worker/operation.h"
#include "worker/timer.h"

#define SLEEP_NS_MAX (60 * BHI_NS_PER_SECOND)
enum { RANDOM_BYTES_MAX = 4096 };

static bool no_memory(bhi_guest *guest, const char *function)
{
    return bhi_guest_trap(guest, "the host has no memory for %s", function);
}

static int compare_name(const void *key, const void *entry)
{
    bhi_bytes a = *(const bhi_bytes *)key, b = ((const bhi_config_entry *)entry)->name;
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool get_config(bhi_guest *guest, bhi_bytes key, bhi_sys_text_option_result *ret)
{
    const bhi_config *config = guest->lease->config;
    const bhi_config_entry *found = config->count == 0
                                        ? NULL
                                        : bsearch(&key, config->entries, config->count,
                                                  sizeof config->entries[0], compare_name);
    ret->is_ok = true;
    ret->ok.is_some = found != NULL;
    if (found != NULL)
        ret->ok.value = found->value;
    return true;
}

/* RFC 3339 in UTC with milliseconds, of a moment `ago_ns` before now. */
static char *timestamp(bhi_arena *arena, uint64_t ago_ns)
{
    uint64_t ms = (bhi_clock_read(CLOCK_REALTIME) - ago_ns) / BHI_NS_PER_MS;
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32];
    if (gmtime_r(&seconds, &utc) == NULL)
        return NULL;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return bhi_arena_printf(arena, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

static bool get_caller(bhi_guest *guest, bhi_sys_caller_context_result *ret)
{
    const bhi_lease_context *lease = guest->lease;
    ret->is_ok = true;
    if (!lease->has_caller)
        return true; /* none, "", "" */
    char *text = timestamp(&guest->arena, bhi_monotonic_ns() - lease->called_at_ns);
    if (text == NULL)
        return no_memory(guest, "get-caller");
    ret->ok.has_principal = true;
    ret->ok.principal = lease->principal;
    ret->ok.source_id = lease->source_id;
    ret->ok.timestamp = bhi_bytes_of(text);
    return true;
}

static void write_line(const bhi_lease_context *lease, bhi_log_level level, bhi_bytes line)
{
    lease->log_cb(lease->log_arg, level, lease->capsule, lease->principal, line);
}

static bool log_line(bhi_guest *guest, bhi_sys_log_level level, bhi_bytes message)
{
    const bhi_lease_context *lease = guest->lease;
    uint64_t suppressed = 0;
    if (lease->log_bucket != NULL &&
        !bhi_log_bucket_take(lease->log_bucket, bhi_monotonic_ns(), &suppressed))
        return true;
    bhi_bytes line = bhi_log_line(&guest->arena, message);
    if (line.data == NULL)
        return no_memory(guest, "log");
    if (suppressed > 0) {
        char text[80];
        snprintf(text, sizeof text, "%llu lines were suppressed: the capsule logs too fast",
                 (unsigned long long)suppressed);
        write_line(lease, BHI_LOG_WARN, bhi_bytes_of(text));
    }
    write_line(lease, (bhi_log_level)level, line);
    return true;
}

/* Readiness matters to run loops only: nobody looks at a pooled one's. */
static bool signal_ready(bhi_guest *guest)
{
    guest->lease->has_signalled_ready = true;
    return true;
}

static bool clock_ms(bhi_guest *guest, uint64_t *ret)
{
    guest->lease->has_read_clock = true;
    *ret = bhi_clock_read(CLOCK_REALTIME) / BHI_NS_PER_MS;
    return true;
}

static bool clock_monotonic_ns(bhi_guest *guest, uint64_t *ret)
{
    guest->lease->has_read_clock = true;
    *ret = bhi_monotonic_ns();
    return true;
}

static void slept_cb(void *arg)
{
    bhi_operation_complete(arg);
}

static bool sleep_ns(bhi_guest *guest, uint64_t duration_ns, bhi_sys_unit_result *ret)
{
    if (!bhi_check_not_initialising(guest, "astrid:sys/host@1.0.0#sleep-ns"))
        return false;
    guest->lease->has_waited = true;
    ret->is_ok = duration_ns <= SLEEP_NS_MAX;
    if (!ret->is_ok)
        ret->error.tag = BHI_SYS_ERROR_CODE_TOO_LARGE;
    if (!ret->is_ok || duration_ns == 0)
        return true;
    bhi_operation operation;
    bhi_timer *timer;
    bhi_operation_init(&operation, guest->lease->worker, guest->lease->task, guest);
    if (bhi_timer_open(guest->lease->worker, duration_ns, slept_cb, &operation, &timer, NULL) !=
        BH_OK)
        return no_memory(guest, "sleep-ns");
    bool has_slept = bhi_operation_await(&operation);
    bhi_timer_close(timer);
    return has_slept;
}

static bool random_bytes(bhi_guest *guest, uint64_t length, bhi_sys_bytes_result *ret)
{
    if (length > RANDOM_BYTES_MAX) {
        ret->error.tag = BHI_SYS_ERROR_CODE_TOO_LARGE;
        return true;
    }
    uint8_t *bytes = bhi_arena_alloc(&guest->arena, length);
    if (bytes == NULL)
        return no_memory(guest, "random-bytes");
    guest->lease->has_read_randomness = true;
    randombytes_buf(bytes, length);
    ret->is_ok = true;
    ret->ok = (bhi_bytes){bytes, length};
    return true;
}

static bool check_capsule_capability(bhi_guest *guest,
                                     const bhi_sys_capability_check_request *request,
                                     bhi_sys_capability_check_response_result *ret)
{
    struct bhi_sources *sources = guest->lease->sources;
    ret->is_ok = true;
    ret->ok.allowed =
        sources != NULL && bhi_sources_hold(sources, request->source_uuid, request->capability);
    return true;
}

static bool enumerate_capabilities(bhi_guest *guest, bhi_text_list *ret)
{
    const char *const *names = guest->lease->capabilities;
    size_t count = 0;
    while (names != NULL && names[count] != NULL)
        count++;
    bhi_bytes *items = bhi_arena_calloc(&guest->arena, count, sizeof *items);
    if (items == NULL)
        return no_memory(guest, "enumerate-capabilities");
    for (size_t i = 0; i < count; i++)
        items[i] = bhi_bytes_of(names[i]);
    *ret = (bhi_text_list){items, count};
    return true;
}

const bhi_sys_host bhi_host_sys = {
    .get_config = get_config,
    .get_caller = get_caller,
    .log = log_line,
    .signal_ready = signal_ready,
    .clock_ms = clock_ms,
    .clock_monotonic_ns = clock_monotonic_ns,
    .sleep_ns = sleep_ns,
    .random_bytes = random_bytes,
    .check_capsule_capability = check_capsule_capability,
    .enumerate_capabilities = enumerate_capabilities,
};
