/* cli/bench_guest.c - see bench_guest.h. */
#include "cli/bench_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "cli/cli.h"

static _Noreturn void give_up(const char *what)
{
    exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", what));
}

static void ignore_line(void *arg, bh_log_level level, const char *capsule, const char *principal,
                        const char *text)
{
    (void)arg, (void)level, (void)capsule, (void)principal, (void)text;
}

char *bhi_bench_payload(size_t len)
{
    BHI_ASSERT(len >= 2);
    char *payload = malloc(len);
    if (payload == NULL)
        give_up("out of memory");
    memset(payload, 'x', len);
    payload[0] = payload[len - 1] = '"';
    return payload;
}

void bhi_bench_guest_open(bhi_bench_guest *guest, const char *path,
                          const bh_runtime_options *options, const char *action, size_t payload_len)
{
    bh_error error;
    bh_runtime_options quiet = options != NULL ? *options : (bh_runtime_options){0};
    bh_capsule_options pristine = {.has_reuse = true, .reuse = BH_REUSE_PRISTINE};
    *guest = (bhi_bench_guest){.action = action, .payload_len = payload_len};
    guest->payload = bhi_bench_payload(payload_len);
    quiet.guest_log_cb = ignore_line;
    if (bh_runtime_create(&quiet, &guest->runtime, &error) != BH_OK ||
        bh_capsule_load(guest->runtime, path, &pristine, &guest->capsule, &error) != BH_OK)
        give_up(error.text);
    if (!guest->capsule->is_tracked)
        give_up(bh_capsule_served_why(guest->capsule));
}

void bhi_bench_guest_close(bhi_bench_guest *guest)
{
    bh_capsule_release(guest->capsule);
    bh_runtime_destroy(guest->runtime);
    bhi_buffer_deinit(&guest->answer);
    free(guest->payload);
}

bhi_pooled *bhi_bench_guest_build(bhi_bench_guest *guest)
{
    bh_error error;
    bhi_lease_context lease;
    bhi_pooled *pooled;
    bhi_capsule_fill_init_lease(guest->capsule, &lease);
    if (bhi_pooled_begin_build(guest->capsule, BHI_BUILD_LENT, &lease, &pooled, &error) != BH_OK)
        give_up(error.text);
    bhi_pooled_run(pooled);
    if (bhi_pooled_check_built(pooled, &error) != BH_OK)
        give_up(error.text);
    bhi_instance_guest(pooled->instance)->lease = NULL;
    return pooled;
}

void bhi_bench_guest_call(bhi_bench_guest *guest, bhi_pooled *pooled)
{
    bhi_lease_context lease;
    bhi_budget budget = {.fuel = BH_FUEL_DEFAULT,
                         .deadline_ns = BHI_DEADLINE_NEVER,
                         .memory_bytes_max = BH_MEMORY_BYTES_DEFAULT,
                         .table_elements_max = BHI_TABLE_ELEMENTS_MAX};
    bhi_hook_call call = {.action = bhi_bytes_of(guest->action),
                          .payload = {(const uint8_t *)guest->payload, guest->payload_len},
                          .result = &guest->answer,
                          .skip_post_return = true};
    bhi_capsule_fill_init_lease(guest->capsule, &lease);
    bhi_instance_guest(pooled->instance)->lease = &lease;
    bhi_instance_begin_hook(pooled->instance, &budget, &call);
    bhi_pooled_run(pooled);
    bhi_instance_guest(pooled->instance)->lease = NULL;
    const bhi_call_result *result = bhi_instance_result(pooled->instance);
    if (result->outcome != BH_OUTCOME_RETURNED)
        give_up(result->message);
}

void bhi_bench_guest_restore(bhi_bench_guest *guest, bhi_pooled *pooled)
{
    if (bhi_pooled_restore(guest->capsule, pooled) != BHI_RESTORE_DONE)
        give_up("an instance could not be restored");
}

void bhi_bench_write_file(const void *bytes, size_t len, const char *suffix, char *ret_path)
{
    snprintf(ret_path, BHI_BENCH_PATH_BYTES, "/tmp/bulkhead-bench-XXXXXX%s", suffix);
    int fd = mkstemps(ret_path, (int)strlen(suffix));
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        give_up("a file could not be written to /tmp");
    close(fd);
}

void bhi_bench_write_module(const uint8_t *wasm, size_t len, char *ret_path)
{
    bhi_bench_write_file(wasm, len, ".wasm", ret_path);
}

static void write_file(const char *directory, const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        give_up("a capsule could not be written to /tmp");
}

static void remove_capsule(const char *directory)
{
    static const char *const names[] = {"Capsule.toml", "guest.wasm"};
    char path[128];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

bh_capsule *bhi_bench_capsule_load(bh_runtime *runtime, const bhi_bench_capsule *capsule)
{
    char directory[] = "/tmp/bulkhead-bench-XXXXXX";
    char manifest[1024];
    bh_error error;
    bh_capsule *loaded = NULL;
    if (mkdtemp(directory) == NULL)
        give_up("no directory could be made in /tmp");
    int len = snprintf(manifest, sizeof manifest,
                       "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n"
                       "[[component]]\nfile = \"guest.wasm\"\n%s",
                       capsule->name, capsule->manifest != NULL ? capsule->manifest : "");
    write_file(directory, "Capsule.toml", manifest, (size_t)len);
    write_file(directory, "guest.wasm", capsule->wasm, capsule->wasm_bytes);
    bh_status status = bh_capsule_load(runtime, directory, capsule->options, &loaded, &error);
    remove_capsule(directory);
    if (status != BH_OK)
        give_up(error.text);
    return loaded;
}
