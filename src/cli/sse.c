/* cli/sse.c - what stands before an empty line is an event. */
#include "cli/sse.h"

#include <stdlib.h>
#include <string.h>

void bhi_sse_deinit(bhi_sse *sse)
{
    free(sse->text);
    sse->text = NULL;
    sse->len = sse->capacity = 0;
}

static bool reserve(bhi_sse *sse, size_t more)
{
    if (more > BHI_SSE_EVENT_BYTES_MAX - sse->len)
        return false;
    size_t capacity = sse->capacity > 0 ? sse->capacity : 4096;
    while (capacity < sse->len + more)
        capacity *= 2;
    char *text = capacity == sse->capacity ? sse->text : realloc(sse->text, capacity);
    if (text == NULL)
        return false;
    sse->text = text;
    sse->capacity = capacity;
    return true;
}

/* The value of a line "NAME: VALUE" or "NAME:VALUE"; NULL when it is another field. */
static char *value_of(char *line, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    return line + len + 1 + (line[len + 1] == ' ');
}

/* `text` holds whole lines; their ends become NULs. A comment alone is no event. */
static bool tell_event(bhi_sse *sse, char *text)
{
    bhi_sse_event event = {.id = "", .event = "", .data = ""};
    bool is_event = false;
    char *value, *end;
    for (char *line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if ((value = value_of(line, "id")) != NULL)
            event.id = value;
        else if ((value = value_of(line, "event")) != NULL)
            event.event = value;
        else if ((value = value_of(line, "data")) != NULL)
            event.data = value;
        is_event = is_event || value != NULL;
    }
    event.data_len = strlen(event.data);
    return !is_event || sse->event_cb(sse->arg, &event);
}

/* The events that are complete; what follows them moves to the front. Looks for an end from `from`
 * on only, so that a long event is not searched again and again. */
static bool tell_events(bhi_sse *sse, size_t from)
{
    char *start = sse->text, *end;
    char *look = sse->text + from;
    bool goes_on = true;
    while (goes_on && (end = memmem(look, (size_t)(sse->text + sse->len - look), "\n\n", 2))) {
        end[1] = '\0';
        goes_on = tell_event(sse, start);
        start = look = end + 2;
    }
    sse->len -= (size_t)(start - sse->text);
    memmove(sse->text, start, sse->len);
    return goes_on;
}

bool bhi_sse_read(bhi_sse *sse, const char *data, size_t len)
{
    if (len == 0)
        return true;
    if (!reserve(sse, len))
        return false;
    size_t from = sse->len > 0 ? sse->len - 1 : 0;
    memcpy(sse->text + sse->len, data, len);
    sse->len += len;
    return tell_events(sse, from);
}
