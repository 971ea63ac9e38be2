/* bus/topic.c - one pass over the segments of each. */
#include "bus/topic.h"

/* Cut the first segment off *inout_rest, with the dot behind it. */
static bhi_bytes next_segment(bhi_bytes *inout_rest)
{
    const uint8_t *dot = memchr(inout_rest->data, '.', inout_rest->len);
    bhi_bytes segment = *inout_rest;
    if (dot != NULL)
        segment.len = (size_t)(dot - inout_rest->data);
    size_t taken = segment.len + (dot != NULL);
    *inout_rest = (bhi_bytes){inout_rest->data + taken, inout_rest->len - taken};
    return segment;
}

static bool is_star(bhi_bytes segment)
{
    return segment.len == 1 && segment.data[0] == '*';
}

enum { IS_OTHER, IS_PLAIN = 1, IS_DOT = 2, IS_STAR = 4 };

static const uint8_t kind_of[256] = {
    ['a' ... 'z'] = IS_PLAIN, ['0' ... '9'] = IS_PLAIN, ['_'] = IS_PLAIN,
    ['-'] = IS_PLAIN,         ['.'] = IS_DOT,           ['*'] = IS_STAR,
};

/* One pass without branches, since every publisher takes it. */
bool bhi_topic_is_valid(bhi_bytes topic)
{
    unsigned bad = 0, segments = 1, last = IS_DOT;
    if (topic.len == 0 || topic.len > BHI_TOPIC_BYTES_MAX)
        return false;
    for (size_t i = 0; i < topic.len; i++) {
        unsigned kind = kind_of[topic.data[i]];
        bad |= (kind & (IS_PLAIN | IS_DOT)) == 0;
        bad |= last & kind & IS_DOT; /* an empty segment */
        segments += kind == IS_DOT;
        last = kind;
    }
    return bad == 0 && last != IS_DOT && segments <= BHI_TOPIC_SEGMENTS_MAX;
}

/* Of a pattern: `len` and `kind` are of the segment so far; a star is a segment of its own. */
static bool is_pattern(bhi_bytes text, bool stars_anywhere)
{
    size_t segments = 1, len = 0;
    unsigned kind = 0;
    if (text.len == 0 || text.len > BHI_TOPIC_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned found = kind_of[text.data[i]];
        if (found == IS_DOT) {
            if (len == 0 || (kind == IS_STAR && !stars_anywhere))
                return false;
            segments++;
            len = 0;
            continue;
        }
        if (found == IS_OTHER || (len > 0 && (kind == IS_STAR || found == IS_STAR)))
            return false;
        kind = found;
        len++;
    }
    return len > 0 && segments <= BHI_TOPIC_SEGMENTS_MAX;
}

bool bhi_pattern_is_valid(bhi_bytes pattern)
{
    return is_pattern(pattern, true);
}

bool bhi_pattern_is_subscribable(bhi_bytes pattern)
{
    return is_pattern(pattern, false);
}

/* Most patterns are some segments and a star; equal segments cover each other. */
static bool is_below(bhi_bytes pattern, bhi_bytes narrow)
{
    size_t above = pattern.len - 1;
    return pattern.len > 2 && pattern.data[above] == '*' && narrow.len > above &&
           memcmp(pattern.data, narrow.data, above) == 0;
}

bool bhi_pattern_covers(bhi_bytes pattern, bhi_bytes narrow)
{
    if (is_below(pattern, narrow))
        return true;
    bool is_first = true;
    while (pattern.len > 0 && narrow.len > 0) {
        bhi_bytes wanted = next_segment(&pattern);
        bool is_subtree = is_star(wanted) && pattern.len == 0 && !is_first;
        if (is_subtree)
            return true;
        bhi_bytes found = next_segment(&narrow);
        /* A "*" at the end of `narrow` stands for one segment or more, unless it stands alone. */
        bool found_is_subtree = is_star(found) && narrow.len == 0 && !is_first;
        if (found_is_subtree || !(is_star(wanted) || bhi_bytes_equal(wanted, found)))
            return false;
        is_first = false;
    }
    return pattern.len == 0 && narrow.len == 0;
}
