/* serve/version.c - a count of users around a capsule. */
#include "serve/version.h"

#include <stdlib.h>

#include "base/clock.h"

bhi_version *bhi_version_create(bh_capsule *take_capsule)
{
    bhi_version *version = calloc(1, sizeof *version);
    if (version == NULL) {
        bh_capsule_release(take_capsule);
        return NULL;
    }
    version->capsule = take_capsule;
    version->loaded_ns = bhi_monotonic_ns();
    atomic_init(&version->users, 1);
    return version;
}

bhi_version *bhi_version_use(bhi_version *version)
{
    atomic_fetch_add_explicit(&version->users, 1, memory_order_relaxed);
    return version;
}

void bhi_version_release(bhi_version *version)
{
    if (version == NULL || atomic_fetch_sub_explicit(&version->users, 1, memory_order_acq_rel) != 1)
        return;
    if (version->gone_task != NULL)
        bhi_worker_post(version->gone_worker, version->gone_task);
    else
        bhi_version_end(version);
}

void bhi_version_retire(bhi_version *take_version, bhi_worker *worker, bhi_task *task)
{
    take_version->gone_worker = worker;
    take_version->gone_task = task;
    bh_capsule_close(take_version->capsule);
    bhi_version_release(take_version);
}

void bhi_version_end(bhi_version *version)
{
    if (version == NULL)
        return;
    bh_capsule_close(version->capsule);
    bh_capsule_release(version->capsule);
    free(version);
}
