/* cli/inspect_served.c - how a capsule would be served: load it as the service does, and ask. */
#include "cli/inspect_served.h"

#include <bulkhead/bulkhead.h>

static void ignore_line(void *arg, bh_log_level level, const char *capsule, const char *principal,
                        const char *text)
{
    (void)arg, (void)level, (void)capsule, (void)principal, (void)text;
}

static json_t *served_json(const bh_capsule *capsule, const bh_capsule_stats *stats)
{
    return json_pack("{s:s, s:s, s:I}", "reuse", bh_reuse_name(bh_capsule_served_as(capsule)),
                     "why", bh_capsule_served_why(capsule), "snapshot_bytes",
                     (json_int_t)stats->memory_bytes_snapshot);
}

json_t *bhi_cli_inspect_served(const char *path)
{
    bh_runtime *runtime = NULL;
    bh_capsule *capsule = NULL;
    bh_error error;
    bh_runtime_options options = {.guest_log_cb = ignore_line};
    json_t *served;
    if (bh_runtime_create(&options, &runtime, &error) == BH_OK &&
        bh_capsule_load(runtime, path, NULL, &capsule, &error) == BH_OK) {
        bh_capsule_stats stats;
        bh_capsule_read_stats(capsule, &stats);
        served = served_json(capsule, &stats);
    } else {
        served = json_pack("{s:n, s:s, s:i}", "reuse", "why", error.text, "snapshot_bytes", 0);
    }
    bh_capsule_release(capsule);
    bh_runtime_destroy(runtime);
    return served;
}
