/* Any bytes, cut at the first NUL into a pattern and a topic: what matches is valid, a pattern
 * covers itself, and who covers a pattern covers what it covers. */
#include <stdlib.h>
#include <string.h>

#include "bus/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_topic(bhi_bytes topic)
{
    size_t segments = 1;
    for (size_t i = 0; i < topic.len; i++)
        segments += topic.data[i] == '.';
    if (!bhi_pattern_is_valid(topic) || topic.len > BHI_TOPIC_BYTES_MAX ||
        segments > BHI_TOPIC_SEGMENTS_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const bhi_bytes everything = BHI_BYTES_LITERAL("*.*");
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = end != NULL ? (size_t)(end - data) : size;
    bhi_bytes pattern = {data, len};
    bhi_bytes topic = end != NULL ? (bhi_bytes){end + 1, size - len - 1} : pattern;
    if (bhi_topic_is_valid(topic))
        check_topic(topic);
    if (!bhi_pattern_is_valid(pattern))
        return bhi_pattern_is_subscribable(pattern) ? (abort(), 0) : 0;
    if (!bhi_pattern_covers(pattern, pattern))
        abort();
    if (bhi_topic_is_valid(topic) && bhi_pattern_covers(pattern, topic) &&
        bhi_pattern_covers(everything, pattern) && !bhi_pattern_covers(everything, topic))
        abort();
    return 0;
}
