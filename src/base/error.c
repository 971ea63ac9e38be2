/* base/error.c - statuses, outcomes and their texts.
 *
 * An error never allocates: its text is cut to the struct with "..." at the end.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bulkhead/outcome.h>

#include "base/bytes.h"

static const struct {
    const char *name;
    bh_blame blame;
    bool may_retry;
    const char *text;
} statuses[BH_STATUS_COUNT] = {
#define STATUS_ROW(name, blame, retry, text) {#name, BH_BLAME_##blame, retry, text},
    BH_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static const struct {
    const char *name;
    bool is_clean;
} outcomes[BH_OUTCOME_COUNT] = {
#define OUTCOME_ROW(name, printed, clean, text) {printed, clean},
    BH_OUTCOME_MAP(OUTCOME_ROW)
#undef OUTCOME_ROW
};

static bool is_status(bh_status status)
{
    return (unsigned)status < BH_STATUS_COUNT;
}

const char *bh_status_name(bh_status status)
{
    return is_status(status) ? statuses[status].name : "unknown";
}

const char *bh_status_text(bh_status status)
{
    return is_status(status) ? statuses[status].text : "unknown";
}

bh_blame bh_status_blame(bh_status status)
{
    return is_status(status) ? statuses[status].blame : BH_BLAME_HOST;
}

bool bh_status_may_retry(bh_status status)
{
    return is_status(status) && statuses[status].may_retry;
}

const char *bh_outcome_name(bh_outcome outcome)
{
    return (unsigned)outcome < BH_OUTCOME_COUNT ? outcomes[outcome].name : "unknown";
}

bool bh_outcome_is_clean(bh_outcome outcome)
{
    return (unsigned)outcome < BH_OUTCOME_COUNT && outcomes[outcome].is_clean;
}

/* Between two characters: texts are UTF-8, and go into answers that must be. */
static void cut_with_dots(bh_error *error, int wanted)
{
    if (wanted < (int)sizeof error->text)
        return;
    size_t at = sizeof error->text - 4;
    while (at > 0 && ((unsigned char)error->text[at] & 0xc0) == 0x80)
        at--;
    memcpy(error->text + at, "...", 4);
}

/* Names of a capsule's author stand in many texts: no line or terminal sequence may be forged. */
static void mask_controls(char *text)
{
    size_t len = strlen(text);
    bool was_control = false;
    for (size_t i = 0; i < len; i++) {
        bool is_control = bhi_is_control(text, len, i) || (was_control && (text[i] & 0xc0) == 0x80);
        was_control = is_control && (unsigned char)text[i] == 0xc2;
        if (is_control)
            text[i] = '?';
    }
}

bh_status bhi_fail(bh_error *reterr, bh_status code, const char *format, ...)
{
    if (reterr == NULL)
        return code;
    reterr->code = code;
    reterr->os_code = 0;
    reterr->retry_after_ms = 0;
    va_list arguments;
    va_start(arguments, format);
    cut_with_dots(reterr, vsnprintf(reterr->text, sizeof reterr->text, format, arguments));
    va_end(arguments);
    mask_controls(reterr->text);
    return code;
}

bh_status bhi_fail_os(bh_error *reterr, const char *format, ...)
{
    int os_code = errno;
    if (reterr == NULL)
        return BH_E_IO;
    char what[sizeof reterr->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    bh_status code = bhi_fail(reterr, BH_E_IO, "%s: %s", what, strerror(os_code));
    reterr->os_code = os_code;
    return code;
}

bh_status bhi_fail_within(bh_error *reterr, bh_status code, const char *format, ...)
{
    if (reterr == NULL)
        return code;
    char prefix[sizeof reterr->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    bh_error inner = *reterr;
    code = bhi_fail(reterr, code, "%s: %s", prefix, inner.text);
    reterr->os_code = inner.os_code;
    reterr->retry_after_ms = inner.retry_after_ms;
    return code;
}
