/* host/sources.h - the loaded capsules by the id that stands on their messages.
 *
 * Threads: any.
 */
#ifndef BHI_HOST_SOURCES_H
#define BHI_HOST_SOURCES_H

#include "base/bytes.h"
#include "base/error.h"

typedef struct bhi_sources bhi_sources;

/* Embedded in a capsule. */
typedef struct bhi_source {
    const char *session_id;          /* UUID text                                 */
    const char *const *capabilities; /* held names, NULL-terminated               */
    struct bhi_source *next;         /* private                                   */
} bhi_source;

/* Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_sources_create(bhi_sources **ret_sources, bh_error *reterr);
/* Every source has been removed. Takes NULL. */
void bhi_sources_destroy(bhi_sources *sources);

void bhi_sources_add(bhi_sources *sources, bhi_source *source);
void bhi_sources_remove(bhi_sources *sources, bhi_source *source);

/* Whether the capsule behind `session_id` is loaded and holds the capability. */
bool bhi_sources_hold(bhi_sources *sources, bhi_bytes session_id, bhi_bytes capability);

#endif
