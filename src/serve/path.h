/* serve/path.h - which resource a request path names.
 *
 * The path is split before it is decoded, so "%2F" never makes a segment; a decoded segment that
 * holds a slash, a control character, or bytes that are not UTF-8 is refused.
 *
 * Threads: any; nothing here keeps state.
 */
#ifndef BHI_SERVE_PATH_H
#define BHI_SERVE_PATH_H

#include "base/bytes.h"
#include "base/error.h"

#define BHI_PATH_SEGMENT_MAX 256 /* bytes of a decoded segment: an action is the longest */

typedef enum bhi_resource {
    BHI_RESOURCE_UNKNOWN,
    BHI_RESOURCE_HEALTH,   /* /healthz */
    BHI_RESOURCE_METRICS,  /* /metrics */
    BHI_RESOURCE_CAPSULES, /* /v1/capsules */
    BHI_RESOURCE_CAPSULE,  /* /v1/capsules/{capsule} */
    BHI_RESOURCE_ACTION,   /* /v1/capsules/{capsule}/actions/{action} */
    BHI_RESOURCE_RELOAD,   /* /v1/capsules/{capsule}/reload */
    BHI_RESOURCE_UNLOAD,   /* /v1/capsules/{capsule}/unload */
    BHI_RESOURCE_EVENTS,   /* /v1/events */
    BHI_RESOURCE_EVENT     /* /v1/events/{topic} */
} bhi_resource;

typedef struct bhi_path {
    bhi_resource resource;
    char capsule[BHI_PATH_SEGMENT_MAX + 1];
    char action[BHI_PATH_SEGMENT_MAX + 1];
    char topic[BHI_PATH_SEGMENT_MAX + 1];
} bhi_path;

/* `text` is the path as sent, without its query. BH_E_NOT_FOUND: no such resource; BH_E_ARG: a
 * segment is badly encoded or too long. */
BH_MUST_USE bh_status bhi_path_parse(const char *text, bhi_path *ret_path, bh_error *reterr);

/* Decode one segment into `ret_text` of `size` bytes. Fails with BH_E_ARG. */
BH_MUST_USE bh_status bhi_path_decode(bhi_bytes segment, char *ret_text, size_t size,
                                      bh_error *reterr);

/* The inverse for header values: every byte outside the visible ASCII characters, and '%', becomes
 * %XX. Cut at a whole character to fit `size`. */
void bhi_path_encode(bhi_bytes text, char *ret_text, size_t size);

#endif
