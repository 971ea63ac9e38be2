/* runtime/runtime.h - what the capsules of one runtime share. */
#ifndef BHI_RUNTIME_RUNTIME_H
#define BHI_RUNTIME_RUNTIME_H

#include <bulkhead/runtime.h>

#include "engine/engine.h"
#include "host/kv_store.h"
#include "host/lease_context.h"

struct bh_runtime {
    bhi_engine *engine;
    bhi_kv_store *kv;                  /* NULL: no state directory was given */
    struct bhi_file_roots *file_roots; /* NULL: no state directory was given */
    bhi_bus *bus;
    struct bhi_dispatcher *dispatcher;
    bhi_publish_rates *rates;
    struct bhi_sources *sources;
    struct bhi_keeper *keeper;
    struct bhi_supervisor *supervisor;
    struct bhi_profiles *profiles; /* NULL: no file was given */
    const struct bhi_host_table *host;
    bh_guest_log_cb guest_log_cb; /* NULL: to standard error */
    void *guest_log_arg;
    uint32_t verify_every; /* UINT32_MAX: never */
    bool is_verified_whole;
    atomic_uint capsules_count; /* alive; zero at destroy */
};

/* A guest's line to the runtime's log; `arg` is the bh_runtime. */
void bhi_runtime_guest_log(void *arg, bhi_log_level level, bhi_bytes capsule, bhi_bytes principal,
                           bhi_bytes text);

#endif
