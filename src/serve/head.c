/* serve/head.c - one walk over the header fields instead of one search per field. */
#include "serve/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bulkhead/invocation.h>

typedef struct field_rule {
    const char *name;
    size_t name_len;
    size_t offset; /* in bhi_head */
    bool is_single;
} field_rule;

#define FIELD(name, member, is_single)                                                             \
    {name, sizeof(name) - 1, offsetof(bhi_head, member), is_single}

static const field_rule field_rules[] = {
    FIELD(MHD_HTTP_HEADER_HOST, host, true),
    FIELD(MHD_HTTP_HEADER_ORIGIN, origin, true),
    FIELD(BHI_HEADER_PRINCIPAL, principal, true),
    FIELD(BHI_HEADER_TIMEOUT, timeout, true),
    FIELD(BHI_HEADER_NO_WAIT, no_wait, true),
    FIELD(BHI_HEADER_DRAIN, drain, true),
    FIELD(MHD_HTTP_HEADER_ACCEPT, accept, false),
    FIELD(MHD_HTTP_HEADER_EXPECT, expect, false),
    FIELD(MHD_HTTP_HEADER_CONTENT_LENGTH, content_length, true),
};

static enum MHD_Result read_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t value_len)
{
    bhi_head *head = arg;
    for (size_t i = 0; i < sizeof field_rules / sizeof field_rules[0]; i++) {
        const field_rule *rule = &field_rules[i];
        if (name_len != rule->name_len || strncasecmp(name, rule->name, name_len) != 0)
            continue;
        const char **field = (const char **)((char *)head + rule->offset);
        if (*field == NULL)
            *field = value == NULL ? "" : value;
        else if (rule->is_single)
            head->repeated = rule->name;
        break;
    }
    return MHD_YES;
}

void bhi_head_read(struct MHD_Connection *connection, bhi_head *ret_head)
{
    *ret_head = (bhi_head){0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_field, ret_head);
}

static bh_status read_ms(const char *name, const char *text, uint32_t min, uint32_t max,
                         uint32_t *ret_ms, bh_error *reterr)
{
    size_t digits = strspn(text, "0123456789");
    bool is_number = digits > 0 && digits < 10 && text[digits] == '\0';
    unsigned long value = is_number ? strtoul(text, NULL, 10) : 0;
    if (!is_number || value < min || value > max)
        return bhi_fail(reterr, BH_E_ARG, "%s: expected %u to %u milliseconds, found \"%.32s\"",
                        name, (unsigned)min, (unsigned)max, text);
    *ret_ms = (uint32_t)value;
    return BH_OK;
}

bh_status bhi_head_timeout_ms(const bhi_head *head, uint32_t *ret_timeout_ms, bh_error *reterr)
{
    *ret_timeout_ms = 0;
    return head->timeout == NULL ? BH_OK
                                 : read_ms(BHI_HEADER_TIMEOUT, head->timeout, 1, BH_TIMEOUT_MS_MAX,
                                           ret_timeout_ms, reterr);
}

bh_status bhi_head_no_wait(const bhi_head *head, bool *ret_no_wait, bh_error *reterr)
{
    *ret_no_wait = head->no_wait != NULL && strcmp(head->no_wait, "1") == 0;
    if (head->no_wait == NULL || *ret_no_wait || strcmp(head->no_wait, "0") == 0)
        return BH_OK;
    return bhi_fail(reterr, BH_E_ARG, "%s: expected 0 or 1, found \"%.32s\"", BHI_HEADER_NO_WAIT,
                    head->no_wait);
}

bh_status bhi_head_drain_ms(const bhi_head *head, uint32_t fallback_ms, uint32_t *ret_drain_ms,
                            bh_error *reterr)
{
    *ret_drain_ms = fallback_ms;
    return head->drain == NULL
               ? BH_OK
               : read_ms(BHI_HEADER_DRAIN, head->drain, 0, BHI_DRAIN_MS_MAX, ret_drain_ms, reterr);
}

uint64_t bhi_head_content_length(const bhi_head *head)
{
    if (head->content_length == NULL)
        return 0;
    errno = 0;
    return strtoull(head->content_length, NULL, 10); /* ULLONG_MAX when out of range */
}

/* Compared at the start of each element of the list; weights are not looked at. */
bool bhi_head_wants_octets(const bhi_head *head)
{
    static const char octets[] = "application/octet-stream";
    const char *at = head->accept;
    while (at != NULL) {
        at += strspn(at, ", \t");
        if (strncasecmp(at, octets, sizeof octets - 1) == 0)
            return true;
        at = strchr(at, ',');
    }
    return false;
}
