/* host/sources.c - a short list: a runtime has few capsules, and they are asked for rarely. */
#include "host/sources.h"

#include <pthread.h>
#include <stdlib.h>

struct bhi_sources {
    pthread_mutex_t lock;
    bhi_source *first; /* guarded by lock */
};

bh_status bhi_sources_create(bhi_sources **ret_sources, bh_error *reterr)
{
    bhi_sources *sources = calloc(1, sizeof *sources);
    if (sources == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a list of capsules");
    pthread_mutex_init(&sources->lock, NULL);
    *ret_sources = sources;
    return BH_OK;
}

void bhi_sources_destroy(bhi_sources *sources)
{
    if (sources == NULL)
        return;
    pthread_mutex_destroy(&sources->lock);
    free(sources);
}

void bhi_sources_add(bhi_sources *sources, bhi_source *source)
{
    pthread_mutex_lock(&sources->lock);
    source->next = sources->first;
    sources->first = source;
    pthread_mutex_unlock(&sources->lock);
}

void bhi_sources_remove(bhi_sources *sources, bhi_source *source)
{
    pthread_mutex_lock(&sources->lock);
    for (bhi_source **at = &sources->first; *at != NULL; at = &(*at)->next) {
        if (*at == source) {
            *at = source->next;
            break;
        }
    }
    pthread_mutex_unlock(&sources->lock);
}

static bool holds(const bhi_source *source, bhi_bytes capability)
{
    for (const char *const *name = source->capabilities; *name != NULL; name++)
        if (bhi_bytes_equal_text(capability, *name))
            return true;
    return false;
}

bool bhi_sources_hold(bhi_sources *sources, bhi_bytes session_id, bhi_bytes capability)
{
    bool is_held = false;
    pthread_mutex_lock(&sources->lock);
    for (const bhi_source *source = sources->first; source != NULL; source = source->next)
        if (bhi_bytes_equal_text(session_id, source->session_id))
            is_held = holds(source, capability);
    pthread_mutex_unlock(&sources->lock);
    return is_held;
}
