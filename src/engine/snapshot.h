/* engine/snapshot.h - the state right after initialisation, as instance.c and restore.c use it. */
#ifndef BHI_ENGINE_SNAPSHOT_H
#define BHI_ENGINE_SNAPSHOT_H

#include "engine/engine.h"
#include "engine/wasmtime_api.h"
#include "os/image.h"

struct bhi_snapshot {
    atomic_uint references;
    bhi_image *image;        /* memory; NULL: of no bytes */
    wasmtime_val_t *globals; /* of the code's exported globals; function references are not used */
    bool must_initialise;    /* see bhi_snapshot_must_initialise */
    bool is_primed;
};

#endif
