/* support/scripted_host.c - see the header.
 *
 * Every function does the same three things: it writes its arguments as JSON, compares them with
 * the next recorded call (play), and turns the recorded answer into its result.
 */
#include "support/scripted_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static scripted_host *script_of(bhi_guest *guest)
{
    return (scripted_host *)guest->lease;
}

void scripted_host_begin(scripted_host *script, const json_t *calls, bool is_map_order_free)
{
    *script = (scripted_host){.calls = calls, .is_map_order_free = is_map_order_free};
}

static bool fail(scripted_host *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(scripted_host *script, const char *format, ...)
{
    if (script->failure[0] != '\0')
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(script->failure, sizeof script->failure, format, arguments);
    va_end(arguments);
    return false;
}

const char *scripted_host_end(scripted_host *script)
{
    const json_t *left = json_array_get(script->calls, script->next);
    if (left != NULL)
        fail(script, "host call %zu, %s, was never made", script->next,
             json_string_value(json_object_get(left, "call")));
    return script->failure;
}

/* ---- comparing ---- */

static json_t *text(bhi_bytes bytes)
{
    return json_stringn((const char *)bytes.data, bytes.len);
}

static json_t *optional_text(bool is_some, bhi_bytes bytes)
{
    return is_some ? text(bytes) : json_null();
}

static bool is_same_map(const json_t *a, const json_t *b)
{
    const char *a_text = json_string_value(a), *b_text = json_string_value(b);
    json_t *a_map = a_text == NULL || a_text[0] != '{' ? NULL : json_loads(a_text, 0, NULL);
    json_t *b_map = b_text == NULL || b_text[0] != '{' ? NULL : json_loads(b_text, 0, NULL);
    bool is_same = a_map != NULL && b_map != NULL && json_equal(a_map, b_map);
    json_decref(a_map);
    json_decref(b_map);
    return is_same;
}

static bool is_same_argument(const scripted_host *script, const json_t *a, const json_t *b)
{
    return json_equal(a, b) || (script->is_map_order_free && is_same_map(a, b));
}

static bool is_same_call(const scripted_host *script, const json_t *recorded, const char *name,
                         const json_t *arguments)
{
    const char *recorded_name = json_string_value(json_object_get(recorded, "call"));
    const json_t *expected = json_object_get(recorded, "args");
    if (recorded_name == NULL || strcmp(recorded_name, name) != 0 ||
        json_array_size(expected) != json_array_size(arguments))
        return false;
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        if (!is_same_argument(script, json_array_get(expected, i), json_array_get(arguments, i)))
            return false;
    }
    return true;
}

static bool refuse(scripted_host *script, const json_t *recorded, const char *name,
                   const json_t *arguments)
{
    char *expected = json_dumps(json_object_get(recorded, "args"), JSON_ENCODE_ANY);
    char *found = json_dumps(arguments, JSON_ENCODE_ANY);
    const char *expected_name = json_string_value(json_object_get(recorded, "call"));
    fail(script, "host call %zu: expected %s %s, found %s %s", script->next,
         expected_name == NULL ? "none" : expected_name, expected == NULL ? "" : expected, name,
         found == NULL ? "with an argument that is not text" : found);
    free(expected);
    free(found);
    return false;
}

/* The recorded answer of the call that the guest makes now, or NULL and a trap. `take_arguments`
 * is NULL when an argument is not UTF-8. */
static const json_t *play(bhi_guest *guest, const char *name, json_t *take_arguments)
{
    scripted_host *script = script_of(guest);
    const json_t *recorded = json_array_get(script->calls, script->next);
    bool is_recorded = is_same_call(script, recorded, name, take_arguments) ||
                       refuse(script, recorded, name, take_arguments);
    json_decref(take_arguments);
    script->next++;
    if (is_recorded)
        return recorded;
    bhi_guest_trap(guest, "the script has another host call here");
    return NULL;
}

/* ---- answering ---- */

static bhi_bytes bytes_of(const json_t *string)
{
    return (bhi_bytes){(const uint8_t *)json_string_value(string), json_string_length(string)};
}

static const json_t *answer_of(const json_t *recorded)
{
    return json_object_get(recorded, "ret");
}

/* True when the recorded call succeeded; else its error. */
static bool has_kv_succeeded(bhi_guest *guest, const json_t *recorded, bhi_kv_error_code *ret)
{
    static const char *const tags[] = {
        [BHI_KV_ERROR_CODE_INVALID_KEY] = "invalid-key",
        [BHI_KV_ERROR_CODE_TOO_LARGE] = "too-large",
        [BHI_KV_ERROR_CODE_QUOTA] = "quota",
        [BHI_KV_ERROR_CODE_CAS_MISMATCH] = "cas-mismatch",
        [BHI_KV_ERROR_CODE_UNKNOWN] = "unknown",
    };
    const json_t *error = json_object_get(recorded, "err");
    if (error == NULL)
        return true;
    const char *tag = json_string_value(json_object_get(error, "tag"));
    for (size_t i = 0; tag != NULL && i < sizeof tags / sizeof tags[0]; i++) {
        if (strcmp(tag, tags[i]) == 0) {
            ret->tag = (bhi_kv_error_code_tag)i;
            return false;
        }
    }
    return fail(script_of(guest), "the recording has an error that kv has not");
}

/* Recordings have errors of kv only. */
static bool check_success(bhi_guest *guest, const json_t *recorded)
{
    if (json_object_get(recorded, "err") == NULL)
        return true;
    fail(script_of(guest), "the recording has an error that the script cannot answer");
    return bhi_guest_trap(guest, "%s", script_of(guest)->failure);
}

static bool kv_unit(bhi_guest *guest, const json_t *recorded, bhi_kv_unit_result *ret)
{
    if (recorded == NULL)
        return false;
    ret->is_ok = has_kv_succeeded(guest, recorded, &ret->error);
    return true;
}

/* ---- kv ---- */

static bool kv_get(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret)
{
    const json_t *recorded = play(guest, "kv-get", json_pack("[o]", text(key)));
    if (recorded == NULL)
        return false;
    ret->is_ok = has_kv_succeeded(guest, recorded, &ret->error);
    if (ret->is_ok && json_is_string(answer_of(recorded)))
        ret->ok = (bhi_bytes_option){true, bytes_of(answer_of(recorded))};
    return true;
}

static bool kv_set(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret)
{
    json_t *arguments = json_pack("[o,o]", text(key), text(value));
    return kv_unit(guest, play(guest, "kv-set", arguments), ret);
}

static bool kv_cas(bhi_guest *guest, bhi_bytes key, bhi_bytes_option expected, bhi_bytes new,
                   bhi_kv_unit_result *ret)
{
    json_t *arguments =
        json_pack("[o,o,o]", text(key), optional_text(expected.is_some, expected.value), text(new));
    return kv_unit(guest, play(guest, "kv-cas", arguments), ret);
}

static bool fill_page(bhi_guest *guest, const json_t *answer, bhi_kv_key_page *ret)
{
    const json_t *keys = json_object_get(answer, "keys");
    const json_t *cursor = json_object_get(answer, "nextCursor");
    size_t count = json_array_size(keys);
    bhi_bytes *names = bhi_arena_calloc(&guest->arena, count, sizeof *names);
    if (names == NULL && count > 0)
        return bhi_guest_trap(guest, "no memory for a page of keys");
    for (size_t i = 0; i < count; i++)
        names[i] = bytes_of(json_array_get(keys, i));
    ret->keys = (bhi_text_list){names, count};
    ret->has_next_cursor = json_is_string(cursor);
    if (ret->has_next_cursor)
        ret->next_cursor = bytes_of(cursor);
    return true;
}

static bool kv_list_keys_page(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                              uint32_t limit, bhi_kv_key_page_result *ret)
{
    json_t *arguments = json_pack("[o,o,I]", text(prefix),
                                  optional_text(cursor.is_some, cursor.value), (json_int_t)limit);
    const json_t *recorded = play(guest, "kv-list-keys-page", arguments);
    if (recorded == NULL)
        return false;
    ret->is_ok = has_kv_succeeded(guest, recorded, &ret->error);
    return !ret->is_ok || fill_page(guest, answer_of(recorded), &ret->ok);
}

static bool kv_clear_prefix(bhi_guest *guest, bhi_bytes prefix, bhi_kv_u64_result *ret)
{
    const json_t *recorded = play(guest, "kv-clear-prefix", json_pack("[o]", text(prefix)));
    if (recorded == NULL)
        return false;
    ret->is_ok = has_kv_succeeded(guest, recorded, &ret->error);
    if (ret->is_ok)
        ret->ok = (uint64_t)json_integer_value(answer_of(recorded));
    return true;
}

/* ---- sys and ipc ---- */

static bool get_config(bhi_guest *guest, bhi_bytes key, bhi_sys_text_option_result *ret)
{
    const json_t *recorded = play(guest, "get-config", json_pack("[o]", text(key)));
    if (recorded == NULL || !check_success(guest, recorded))
        return false;
    ret->is_ok = true;
    if (json_is_string(answer_of(recorded)))
        ret->ok = (bhi_text_option){true, bytes_of(answer_of(recorded))};
    return true;
}

static bool log_line(bhi_guest *guest, bhi_sys_log_level level, bhi_bytes message)
{
    static const char *const levels[] = {
        [BHI_SYS_LOG_LEVEL_TRACE] = "trace", [BHI_SYS_LOG_LEVEL_DEBUG] = "debug",
        [BHI_SYS_LOG_LEVEL_INFO] = "info",   [BHI_SYS_LOG_LEVEL_WARN] = "warn",
        [BHI_SYS_LOG_LEVEL_ERROR] = "error",
    };
    const json_t *recorded = play(guest, "log", json_pack("[s,o]", levels[level], text(message)));
    return recorded != NULL && check_success(guest, recorded);
}

static bool publish(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload, bhi_ipc_unit_result *ret)
{
    const json_t *recorded = play(guest, "publish", json_pack("[o,o]", text(topic), text(payload)));
    if (recorded == NULL || !check_success(guest, recorded))
        return false;
    ret->is_ok = true;
    return true;
}

static const bhi_kv_host kv_host = {
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_list_keys_page = kv_list_keys_page,
    .kv_clear_prefix = kv_clear_prefix,
    .kv_cas = kv_cas,
};

static const bhi_sys_host sys_host = {
    .get_config = get_config,
    .log = log_line,
};

static const bhi_ipc_host ipc_host = {
    .publish = publish,
};

const bhi_host_table scripted_host_table = {
    .ipc = &ipc_host,
    .kv = &kv_host,
    .sys = &sys_host,
};
