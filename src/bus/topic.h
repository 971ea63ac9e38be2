/* bus/topic.h - the grammar of topics and patterns, and the one matcher.
 *
 *   topic    = segment ("." segment){0,7}, at most 256 bytes; segment = [a-z0-9_-]+
 *   pattern  = the same, where a segment may also be "*": as the last of several it covers one or
 *              more segments ("a.*" covers "a.b" and "a.b.c", not "a"); elsewhere, and alone,
 *              exactly one.
 *
 * Publishing rights, subscribing rights, subscriptions and handlers all match like this.
 *
 * Threads: any; nothing here keeps state.
 */
#ifndef BHI_BUS_TOPIC_H
#define BHI_BUS_TOPIC_H

#include "base/bytes.h"

enum { BHI_TOPIC_BYTES_MAX = 256, BHI_TOPIC_SEGMENTS_MAX = 8 };

bool bhi_topic_is_valid(bhi_bytes topic);
bool bhi_pattern_is_valid(bhi_bytes pattern);
/* What a guest may subscribe to: "*" as the last segment only. */
bool bhi_pattern_is_subscribable(bhi_bytes pattern);

/* Every topic that `narrow`, a topic or a pattern, matches is matched by `pattern`. Both valid. */
bool bhi_pattern_covers(bhi_bytes pattern, bhi_bytes narrow);

#endif
