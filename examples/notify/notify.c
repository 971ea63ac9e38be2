/* notify.c - posts alerts that are bad enough to a webhook.
 *
 * The payload is {"level": "info" | "warning" | "error", "text": "..."}. An alert of NOTIFY_LEVEL
 * or worse becomes a POST of {"text": "LEVEL: TEXT"} to NOTIFY_URL, the form that chat services
 * take. The message goes on unchanged in any case, because nobody who publishes an alert should be
 * refused for want of a webhook; what could not be told is in the log. What is no alert is denied,
 * so that a mistake of the publisher is seen.
 */
#include <bulkhead/capsule.h>

static const char *const levels[] = {"info", "warning", "error"};
enum { LEVELS_COUNT = sizeof(levels) / sizeof(levels[0]) };

/* LEVELS_COUNT: it is none. */
static size_t rank_of(capsule_bytes level)
{
    size_t rank = 0;
    while (rank < LEVELS_COUNT &&
           (level.len != strlen(levels[rank]) || memcmp(level.data, levels[rank], level.len) != 0))
        rank++;
    return rank;
}

static bool read_config(const char *name, capsule_bytes *ret_value)
{
    capsule_option value = CAPSULE_NONE;
    if (capsule_get_config(capsule_text(name), &value) != CAPSULE_SYS_OK || !value.is_some)
        return false;
    *ret_value = value.value;
    return true;
}

static capsule_bytes body_of(const char *level, capsule_bytes text)
{
    capsule_bytes line = capsule_format("%s: %.*s", level, (int)text.len, (const char *)text.data);
    uint8_t *quoted = capsule_alloc(6 * line.len + 2);
    size_t len = capsule_json_quote(line, quoted);
    return capsule_format("{\"text\":%.*s}", (int)len, (const char *)quoted);
}

static void post(capsule_bytes url, capsule_bytes body)
{
    capsule_http_response response;
    capsule_http_request request = capsule_http_post(url, body);
    capsule_http_add_header(&request, capsule_text("content-type"),
                            capsule_text("application/json"));
    capsule_http_status status = capsule_http_send(&request, &response);
    if (status != CAPSULE_HTTP_OK)
        capsule_log(CAPSULE_LOG_WARN, "an alert was not told: %s",
                    capsule_http_status_name(status));
    else if (response.status >= 300)
        capsule_log(CAPSULE_LOG_WARN, "an alert was not told: the webhook answered %u",
                    response.status);
}

static capsule_result notify(size_t rank, capsule_bytes text)
{
    capsule_bytes least, url;
    if (!read_config("NOTIFY_LEVEL", &least) || rank_of(least) == LEVELS_COUNT)
        return capsule_deny("NOTIFY_LEVEL: expected info, warning or error");
    if (!read_config("NOTIFY_URL", &url))
        return capsule_deny("NOTIFY_URL is not set");
    if (rank >= rank_of(least))
        post(url, body_of(levels[rank], text));
    return capsule_pass();
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_bytes level, text;
    capsule_json_status status =
        capsule_json_member(payload, "level", capsule_alloc(payload.len), &level);
    if (status != CAPSULE_JSON_FOUND)
        return capsule_deny("level: %s", capsule_json_status_name(status));
    if (rank_of(level) == LEVELS_COUNT)
        return capsule_deny("level: expected info, warning or error");
    status = capsule_json_member(payload, "text", capsule_alloc(payload.len), &text);
    if (status != CAPSULE_JSON_FOUND)
        return capsule_deny("text: %s", capsule_json_status_name(status));
    return notify(rank_of(level), text);
}
