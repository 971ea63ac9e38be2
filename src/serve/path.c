/* serve/path.c - one pass over the path, one pass over a segment. */
#include "serve/path.h"

#include <stdio.h>

#include "abi/utf8.h"

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte at *inout_at, decoded, past which *inout_at moves; -1 when a '%' is not followed by two
 * hexadecimal digits. */
static int decode_byte(bhi_bytes segment, size_t *inout_at)
{
    uint8_t byte = segment.data[(*inout_at)++];
    if (byte != '%')
        return byte;
    if (segment.len - *inout_at < 2)
        return -1;
    int high = hex_value(segment.data[*inout_at]);
    int low = hex_value(segment.data[*inout_at + 1]);
    *inout_at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bh_status bhi_path_decode(bhi_bytes segment, char *ret_text, size_t size, bh_error *reterr)
{
    size_t len = 0;
    for (size_t at = 0; at < segment.len;) {
        size_t start = at;
        int byte = decode_byte(segment, &at);
        if (byte < 0)
            return bhi_fail(reterr, BH_E_ARG,
                            "path: expected two hexadecimal digits after '%%' at byte %zu of a "
                            "segment",
                            start);
        if (byte < 0x20 || byte == 0x7f || byte == '/')
            return bhi_fail(reterr, BH_E_ARG,
                            "path: character 0x%02x at byte %zu of a segment is not allowed", byte,
                            start);
        if (len + 1 >= size)
            return bhi_fail(reterr, BH_E_ARG, "path: a segment has at most %zu bytes", size - 1);
        ret_text[len++] = (char)byte;
    }
    ret_text[len] = '\0';
    if (!bhi_utf8_is_valid((bhi_bytes){(const uint8_t *)ret_text, len}))
        return bhi_fail(reterr, BH_E_ARG, "path: a segment is not UTF-8");
    return BH_OK;
}

/* Cut the first segment off *inout_rest, which begins with '/'. */
static bhi_bytes next_segment(const char **inout_rest)
{
    const char *start = *inout_rest + 1;
    size_t len = strcspn(start, "/");
    *inout_rest = start + len;
    return (bhi_bytes){(const uint8_t *)start, len};
}

/* What stands behind the capsule's name. */
static bh_status parse_capsule_part(const char *rest, bhi_path *ret_path, bh_error *reterr)
{
    bhi_bytes part = next_segment(&rest);
    bool is_last = *rest == '\0';
    if (is_last && bhi_bytes_equal_text(part, "reload")) {
        ret_path->resource = BHI_RESOURCE_RELOAD;
        return BH_OK;
    }
    if (is_last && bhi_bytes_equal_text(part, "unload")) {
        ret_path->resource = BHI_RESOURCE_UNLOAD;
        return BH_OK;
    }
    if (is_last || !bhi_bytes_equal_text(part, "actions"))
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no such path");
    bhi_bytes action = next_segment(&rest);
    if (*rest != '\0' || action.len == 0)
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no such path");
    ret_path->resource = BHI_RESOURCE_ACTION;
    return bhi_path_decode(action, ret_path->action, sizeof ret_path->action, reterr);
}

static bh_status parse_capsule_path(const char *rest, bhi_path *ret_path, bh_error *reterr)
{
    bh_status status =
        bhi_path_decode(next_segment(&rest), ret_path->capsule, sizeof ret_path->capsule, reterr);
    if (status != BH_OK)
        return status;
    if (ret_path->capsule[0] == '\0')
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no such path");
    ret_path->resource = BHI_RESOURCE_CAPSULE;
    return *rest == '\0' ? BH_OK : parse_capsule_part(rest, ret_path, reterr);
}

static bh_status parse_event_path(const char *rest, bhi_path *ret_path, bh_error *reterr)
{
    bhi_bytes topic = next_segment(&rest);
    if (*rest != '\0' || topic.len == 0)
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no such path");
    ret_path->resource = BHI_RESOURCE_EVENT;
    return bhi_path_decode(topic, ret_path->topic, sizeof ret_path->topic, reterr);
}

bh_status bhi_path_parse(const char *text, bhi_path *ret_path, bh_error *reterr)
{
    static const char capsules[] = "/v1/capsules", events[] = "/v1/events";
    static const struct {
        const char *text;
        bhi_resource resource;
    } fixed[] = {{"/healthz", BHI_RESOURCE_HEALTH},
                 {"/metrics", BHI_RESOURCE_METRICS},
                 {capsules, BHI_RESOURCE_CAPSULES},
                 {events, BHI_RESOURCE_EVENTS}};
    ret_path->resource = BHI_RESOURCE_UNKNOWN;
    ret_path->capsule[0] = ret_path->action[0] = ret_path->topic[0] = '\0';
    if (strncmp(text, capsules, sizeof capsules - 1) == 0 && text[sizeof capsules - 1] == '/')
        return parse_capsule_path(text + sizeof capsules - 1, ret_path, reterr);
    if (strncmp(text, events, sizeof events - 1) == 0 && text[sizeof events - 1] == '/')
        return parse_event_path(text + sizeof events - 1, ret_path, reterr);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(text, fixed[i].text) == 0) {
            ret_path->resource = fixed[i].resource;
            return BH_OK;
        }
    return bhi_fail(reterr, BH_E_NOT_FOUND, "no such path");
}

void bhi_path_encode(bhi_bytes text, char *ret_text, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        bool is_plain = byte > 0x20 && byte < 0x7f && byte != '%';
        if (len + (is_plain ? 1 : 3) >= size)
            break;
        if (is_plain)
            ret_text[len++] = (char)byte;
        else
            len += (size_t)snprintf(ret_text + len, size - len, "%%%02X", byte);
    }
    ret_text[len] = '\0';
}
