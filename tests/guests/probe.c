/* probe.c - one action per host function: what a test wants of sys and kv, through the SDK.
 *
 * Each action is answered with what the function returned, as text; a failure is denied with the
 * name of its status and, after a space, the host's own words.
 *
 *   action     payload         answer
 *   config     KEY             value, or no data for none
 *   caller                     PRINCIPAL|SOURCE-ID|TIMESTAMP, principal "-" for none
 *   log        TEXT            TEXT at level info
 *   ready                      no data; install, as an entry point, logs "installed"
 *   clock                      wall clock in ms
 *   monotonic                  ns
 *   sleep      NS              "slept"
 *   random     COUNT           the bytes in hexadecimal
 *   scratch    COUNT           "ok": so many pieces of scratch memory lie apart, aligned and zeroed
 *   capability NAME            "true" or "false", of the caller
 *   capabilities               one per line
 *   get        KEY             value, or no data for none
 *   set        KEY=VALUE       "ok"
 *   delete     KEY             "ok"
 *   cas        KEY=OLD=NEW     "ok"; OLD "-" expects no value
 *   list       PREFIX          one per line
 *   page       PREFIX=CURSOR=LIMIT   one per line, then "next CURSOR"; empty cursor for none
 *   clear      PREFIX          how many
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>
#include <stdio.h>

typedef capsule_result (*probe)(capsule_bytes payload);

/* Cut the text before the first '=' off `rest`; all of it when there is none. */
static capsule_bytes cut(capsule_bytes *rest)
{
    uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '=', rest->len);
    capsule_bytes part = *rest;
    if (end != NULL)
        part.len = (size_t)(end - rest->data);
    size_t taken = part.len + (end != NULL);
    *rest = (capsule_bytes){rest->data + taken, rest->len - taken};
    return part;
}

static capsule_result denied(const char *status)
{
    capsule_bytes text = capsule_error_text();
    return capsule_deny("%s%s%.*s", status, text.len > 0 ? " " : "", (int)text.len,
                        (const char *)text.data);
}

static capsule_result sys_denied(capsule_sys_status status)
{
    return denied(capsule_sys_status_name(status));
}

static capsule_result kv_answer(capsule_kv_status status, capsule_bytes answer)
{
    if (status != CAPSULE_KV_OK)
        return denied(capsule_kv_status_name(status));
    return capsule_continue(answer);
}

static capsule_result option_answer(capsule_option option)
{
    return option.is_some ? capsule_continue(option.value) : capsule_pass();
}

static capsule_bytes lines(capsule_list list, capsule_bytes last)
{
    size_t size = last.len;
    for (size_t i = 0; i < list.count; i++)
        size += list.items[i].len + 1;
    capsule_bytes text = {capsule_alloc(size), 0};
    for (size_t i = 0; i < list.count; i++) {
        memcpy(text.data + text.len, list.items[i].data, list.items[i].len);
        text.len += list.items[i].len;
        text.data[text.len++] = '\n';
    }
    memcpy(text.data + text.len, last.data, last.len);
    text.len += last.len;
    return text;
}

/* --- sys ------------------------------------------------------------------------------------- */

static capsule_result probe_config(capsule_bytes payload)
{
    capsule_option value = CAPSULE_NONE;
    capsule_sys_status status = capsule_get_config(payload, &value);
    return status == CAPSULE_SYS_OK ? option_answer(value) : sys_denied(status);
}

static capsule_result probe_caller(capsule_bytes payload)
{
    capsule_caller caller;
    capsule_sys_status status = capsule_get_caller(&caller);
    if (status != CAPSULE_SYS_OK)
        return sys_denied(status);
    capsule_bytes principal = caller.principal.is_some ? caller.principal.value : capsule_text("-");
    return capsule_continue(capsule_format(
        "%.*s|%.*s|%.*s", (int)principal.len, (char *)principal.data, (int)caller.source_id.len,
        (char *)caller.source_id.data, (int)caller.timestamp.len, (char *)caller.timestamp.data));
}

static capsule_result probe_log(capsule_bytes payload)
{
    capsule_log(CAPSULE_LOG_INFO, "%.*s", (int)payload.len, (char *)payload.data);
    return capsule_pass();
}

static capsule_result probe_ready(capsule_bytes payload)
{
    capsule_signal_ready();
    return capsule_pass();
}

static capsule_result probe_clock(capsule_bytes payload)
{
    return capsule_continue(capsule_format("%" PRIu64, capsule_clock_ms()));
}

static capsule_result probe_monotonic(capsule_bytes payload)
{
    return capsule_continue(capsule_format("%" PRIu64, capsule_clock_monotonic_ns()));
}

static capsule_result probe_sleep(capsule_bytes payload)
{
    uint64_t duration_ns;
    if (!capsule_parse_u64(payload, &duration_ns))
        return capsule_deny("expected nanoseconds");
    capsule_sys_status status = capsule_sleep_ns(duration_ns);
    return status == CAPSULE_SYS_OK ? capsule_continue(capsule_text("slept")) : sys_denied(status);
}

static capsule_result probe_random(capsule_bytes payload)
{
    uint64_t count;
    if (!capsule_parse_u64(payload, &count) || count > UINT16_MAX)
        return capsule_deny("expected a count");
    uint8_t *bytes = capsule_alloc(count);
    capsule_bytes text = {capsule_alloc(2 * count + 1), 2 * count};
    capsule_sys_status status = capsule_random_bytes(bytes, count);
    if (status != CAPSULE_SYS_OK)
        return sys_denied(status);
    for (size_t i = 0; i < count; i++)
        snprintf((char *)text.data + 2 * i, 3, "%02x", bytes[i]);
    return capsule_continue(text);
}

/* Of piece i: odd sizes, most small, some larger than any block. */
static size_t piece_size(size_t i)
{
    return i % 50 == 49 ? 100000 : i * 7919 % 3001;
}

static bool is_filled(const uint8_t *piece, size_t size, uint8_t byte)
{
    for (size_t i = 0; i < size; i++)
        if (piece[i] != byte)
            return false;
    return true;
}

static capsule_result probe_scratch(capsule_bytes payload)
{
    enum { PIECES_MAX = 1000 };
    static uint8_t *pieces[PIECES_MAX];
    uint64_t count;
    if (!capsule_parse_u64(payload, &count) || count > PIECES_MAX)
        return capsule_deny("expected a count");
    for (size_t i = 0; i < count; i++) {
        pieces[i] = capsule_alloc(piece_size(i));
        if ((uintptr_t)pieces[i] % 16 != 0 || !is_filled(pieces[i], piece_size(i), 0))
            return capsule_deny("piece %zu is not aligned and zeroed", i);
        memset(pieces[i], (int)(i % 251 + 1), piece_size(i));
    }
    for (size_t i = 0; i < count; i++)
        if (!is_filled(pieces[i], piece_size(i), (uint8_t)(i % 251 + 1)))
            return capsule_deny("piece %zu was written by another", i);
    return capsule_continue(capsule_text("ok"));
}

static capsule_result probe_capability(capsule_bytes payload)
{
    capsule_caller caller;
    bool is_allowed = false;
    capsule_sys_status status = capsule_get_caller(&caller);
    if (status == CAPSULE_SYS_OK)
        status = capsule_check_capability(caller.source_id, payload, &is_allowed);
    if (status != CAPSULE_SYS_OK)
        return sys_denied(status);
    return capsule_continue(capsule_text(is_allowed ? "true" : "false"));
}

static capsule_result probe_capabilities(capsule_bytes payload)
{
    return capsule_continue(lines(capsule_enumerate_capabilities(), capsule_text("")));
}

/* --- kv -------------------------------------------------------------------------------------- */

static capsule_result probe_get(capsule_bytes payload)
{
    capsule_option value = CAPSULE_NONE;
    capsule_kv_status status = capsule_kv_get(payload, &value);
    return status == CAPSULE_KV_OK && !value.is_some ? capsule_pass()
                                                     : kv_answer(status, value.value);
}

static capsule_result probe_set(capsule_bytes payload)
{
    capsule_bytes key = cut(&payload);
    return kv_answer(capsule_kv_set(key, payload), capsule_text("ok"));
}

static capsule_result probe_delete(capsule_bytes payload)
{
    return kv_answer(capsule_kv_delete(payload), capsule_text("ok"));
}

static capsule_result probe_cas(capsule_bytes payload)
{
    capsule_bytes key = cut(&payload), old = cut(&payload);
    capsule_option expected = capsule_equal_text(old, "-") ? CAPSULE_NONE : capsule_some(old);
    return kv_answer(capsule_kv_cas(key, expected, payload), capsule_text("ok"));
}

static capsule_result probe_list(capsule_bytes payload)
{
    capsule_list keys = {0};
    capsule_kv_status status = capsule_kv_list_keys(payload, &keys);
    return kv_answer(status, lines(keys, capsule_text("")));
}

static capsule_result probe_page(capsule_bytes payload)
{
    capsule_bytes prefix = cut(&payload), cursor = cut(&payload);
    uint64_t limit;
    if (!capsule_parse_u64(payload, &limit) || limit > UINT32_MAX)
        return capsule_deny("expected PREFIX=CURSOR=LIMIT");
    capsule_key_page page = {0};
    capsule_kv_status status = capsule_kv_list_keys_page(
        prefix, cursor.len > 0 ? capsule_some(cursor) : CAPSULE_NONE, (uint32_t)limit, &page);
    capsule_bytes next = capsule_text("");
    if (page.next_cursor.is_some)
        next = capsule_format("next %.*s", (int)page.next_cursor.value.len,
                              (char *)page.next_cursor.value.data);
    return kv_answer(status, lines(page.keys, next));
}

static capsule_result probe_clear(capsule_bytes payload)
{
    uint64_t count = 0;
    capsule_kv_status status = capsule_kv_clear_prefix(payload, &count);
    return kv_answer(status, capsule_format("%" PRIu64, count));
}

static const struct {
    const char *action;
    probe run;
} probes[] = {
    {"config", probe_config},
    {"caller", probe_caller},
    {"log", probe_log},
    {"ready", probe_ready},
    {"clock", probe_clock},
    {"monotonic", probe_monotonic},
    {"sleep", probe_sleep},
    {"random", probe_random},
    {"scratch", probe_scratch},
    {"capability", probe_capability},
    {"capabilities", probe_capabilities},
    {"get", probe_get},
    {"set", probe_set},
    {"delete", probe_delete},
    {"cas", probe_cas},
    {"list", probe_list},
    {"page", probe_page},
    {"clear", probe_clear},
};

void capsule_install(void)
{
    capsule_log(CAPSULE_LOG_INFO, "installed");
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        if (capsule_equal_text(action, probes[i].action))
            return probes[i].run(payload);
    return capsule_deny("no such probe");
}
