/* The engine's own interface, without pool and pipeline: budgets, polling, abandoning, cached code.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/utf8.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "host/host.h"
#include "host/lease_context.h"
#include "support/runtime_fixture.h"
#include "worker/worker.h"

enum { PAGE_BYTES = 65536 };

static bhi_engine *engine;

static void ignore_log(void *arg, bhi_log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

/* Compilation is serial: the thread sanitizer does not see how the engine's threads synchronise. */
static void open_engine(bhi_engine_options options)
{
    bh_error error;
    options.is_compile_serial = true;
    if (bhi_engine_create(&options, &engine, &error) != BH_OK)
        fail_msg("%s", error.text);
    use_engine_signals();
}

static int open_default_engine(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_WARN, ignore_log, NULL);
    open_engine((bhi_engine_options){0});
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    bhi_engine_destroy(engine);
    engine = NULL;
    return 0;
}

/* ---- code ---- */

static bhi_bytes read_file(const char *path, bhi_arena *arena)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s: cannot open", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = bhi_arena_alloc(arena, len);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, len, file), len);
    fclose(file);
    return (bhi_bytes){bytes, len};
}

static bhi_code *load_code(const char *guest)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, guest);
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bhi_code *code = NULL;
    bh_error error;
    if (bhi_capsule_image_read(read_file(path, &arena), &arena, &image, &error) != BH_OK ||
        bhi_code_create(engine, &image, &code, &error) != BH_OK)
        fail_msg("%s: %s", guest, error.text);
    bhi_arena_deinit(&arena);
    return code;
}

/* ---- one instance ---- */

typedef struct sandbox {
    bhi_instance *instance;
    bhi_lease_context lease;
    bhi_task task;
    bhi_budget budget; /* of the next call */
    bhi_hook_call hook;
    bhi_buffer result;
} sandbox;

static const bhi_config no_config = {0};

static void log_nothing(void *arg, bhi_log_level level, bhi_bytes capsule, bhi_bytes principal,
                        bhi_bytes text)
{
    (void)arg, (void)level, (void)capsule, (void)principal, (void)text;
}

static void sandbox_init(sandbox *box, bhi_code *code)
{
    *box = (sandbox){
        .lease = {.capsule = BHI_BYTES_LITERAL("guest"),
                  .principal = BHI_BYTES_LITERAL("alice"),
                  .has_caller = true,
                  .config = &no_config,
                  .log_cb = log_nothing},
        .budget = {.fuel = 1000000000,
                   .deadline_ns = BHI_DEADLINE_NEVER,
                   .memory_bytes_max = 64 << 20,
                   .table_elements_max = 1000},
    };
    bh_error error;
    use_engine_signals();
    if (bhi_instance_create(code, &bhi_host, NULL, &box->instance, &error) != BH_OK)
        fail_msg("%s", error.text);
    bhi_instance_guest(box->instance)->lease = &box->lease;
}

static void sandbox_deinit(sandbox *box)
{
    bhi_instance_destroy(box->instance);
    bhi_buffer_deinit(&box->result);
}

/* For calls that run or yield, and never wait. */
static const bhi_call_result *poll_to_end(sandbox *box)
{
    bhi_poll poll;
    while ((poll = bhi_instance_poll(box->instance)) != BHI_POLL_DONE)
        assert_int_equal(poll, BHI_POLL_YIELDED);
    return bhi_instance_result(box->instance);
}

static bh_outcome build(sandbox *box)
{
    bhi_instance_begin_build(box->instance, &box->budget);
    return poll_to_end(box)->outcome;
}

/* A built instance of a guest. */
static void sandbox_open(sandbox *box, const char *guest)
{
    bhi_code *code = load_code(guest);
    sandbox_init(box, code);
    bhi_code_release(code); /* the instance keeps it */
    if (build(box) != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", guest, bhi_instance_result(box->instance)->message);
}

static void begin_hook_bytes(sandbox *box, const char *action, bhi_bytes payload)
{
    box->hook =
        (bhi_hook_call){.action = bhi_bytes_of(action), .payload = payload, .result = &box->result};
    bhi_instance_begin_hook(box->instance, &box->budget, &box->hook);
}

static void begin_hook(sandbox *box, const char *payload)
{
    begin_hook_bytes(box, "x", bhi_bytes_of(payload));
}

static const bhi_call_result *call(sandbox *box, const char *payload)
{
    begin_hook(box, payload);
    return poll_to_end(box);
}

/* ---- results ---- */

static void a_result_is_copied_whole_and_ends_with_a_nul(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "big_result");
    static const size_t sizes[] = {3, 0, 100000, 1};
    for (int i = 0; i < 4; i++) {
        char payload[16];
        snprintf(payload, sizeof payload, "%zu", sizes[i]);
        const bhi_call_result *result = call(&box, payload);
        assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
        assert_true(bhi_bytes_equal_text(result->action, "continue"));
        assert_int_equal(result->action.data[result->action.len], 0);
        assert_true(result->has_data);
        assert_int_equal(result->data.len, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(result->data.data[at], 'x');
        assert_int_equal(result->data.data[sizes[i]], 0);
        assert_true(result->data.data > box.result.data &&
                    result->data.data + sizes[i] < box.result.data + box.result.capacity);
    }
    sandbox_deinit(&box);
}

static void nuls_in_payload_and_result_are_bytes_like_others(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "probe");
    box.lease.config = &(bhi_config){
        .entries = &(bhi_config_entry){BHI_BYTES_LITERAL("k\0y"), BHI_BYTES_LITERAL("\0a\0\0b\0")},
        .count = 1};
    begin_hook_bytes(&box, "config", BHI_BYTES_LITERAL("k\0y"));
    const bhi_call_result *result = poll_to_end(&box);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    assert_true(result->has_data);
    assert_true(bhi_bytes_equal(result->data, BHI_BYTES_LITERAL("\0a\0\0b\0")));
    begin_hook_bytes(&box, "config", BHI_BYTES_LITERAL("k"));
    result = poll_to_end(&box);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    assert_false(result->has_data);
    sandbox_deinit(&box);
}

static void instances_of_one_code_share_no_state(void **state)
{
    (void)state;
    bhi_code *code = load_code("counter_state");
    sandbox first, second;
    sandbox_init(&first, code);
    sandbox_init(&second, code);
    bhi_code_release(code);
    assert_int_equal(build(&first), BH_OUTCOME_RETURNED);
    assert_true(bhi_bytes_equal_text(call(&first, "")->data, "1 1"));
    assert_true(bhi_bytes_equal_text(call(&first, "")->data, "2 2"));
    assert_int_equal(build(&second), BH_OUTCOME_RETURNED);
    assert_true(bhi_bytes_equal_text(call(&second, "")->data, "1 1"));
    assert_true(bhi_bytes_equal_text(call(&first, "")->data, "3 3"));
    sandbox_deinit(&first);
    assert_true(bhi_bytes_equal_text(call(&second, "")->data, "2 2"));
    sandbox_deinit(&second);
}

static void entry_points_run_only_where_they_are_exported(void **state)
{
    (void)state;
    bhi_code *code = load_code("lifecycle");
    assert_true(bhi_code_has_entry(code, BHI_ENTRY_HOOK));
    assert_true(bhi_code_has_entry(code, BHI_ENTRY_INSTALL));
    assert_true(bhi_code_has_entry(code, BHI_ENTRY_UPGRADE));
    assert_false(bhi_code_has_entry(code, BHI_ENTRY_RUN));
    sandbox box;
    sandbox_init(&box, code);
    bhi_code_release(code);
    assert_int_equal(build(&box), BH_OUTCOME_RETURNED);
    bhi_instance_begin_entry(box.instance, &box.budget, BHI_ENTRY_INSTALL);
    const bhi_call_result *result = poll_to_end(&box);
    assert_int_equal(result->outcome, BH_OUTCOME_RETURNED);
    assert_int_equal(result->action.len, 0);
    assert_false(result->has_data);
    bhi_instance_begin_entry(box.instance, &box.budget, BHI_ENTRY_UPGRADE);
    result = poll_to_end(&box);
    assert_int_equal(result->outcome, BH_OUTCOME_TRAPPED);
    assert_string_not_equal(result->message, "");
    assert_string_not_equal(result->backtrace, "");
    sandbox_deinit(&box);
}

static void names_in_a_backtrace_stay_text_and_steer_nothing(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "trap_names");
    const bhi_call_result *result = call(&box, "");
    assert_int_equal(result->outcome, BH_OUTCOME_TRAPPED);
    assert_true(bhi_utf8_is_valid(bhi_bytes_of(result->backtrace)));
    assert_non_null(strstr(result->backtrace, "0: steer?[2J??2J?? ("));
    assert_non_null(strstr(result->backtrace, "1: x\xc3\xa9"));  /* the limit falls on the first */
    assert_non_null(strstr(result->backtrace, "2: xy\xc3\xa9")); /* or second byte */
    sandbox_deinit(&box);
}

/* ---- budgets ---- */

static bh_outcome spin_with(uint64_t fuel, uint64_t *ret_used)
{
    sandbox box;
    sandbox_open(&box, "spin");
    box.budget.fuel = fuel;
    const bhi_call_result *result = call(&box, "1000");
    bh_outcome outcome = result->outcome;
    *ret_used = result->fuel_used;
    sandbox_deinit(&box);
    return outcome;
}

static void fuel_is_charged_exactly_and_ends_the_call(void **state)
{
    (void)state;
    uint64_t needed, used;
    assert_int_equal(spin_with(1000000, &needed), BH_OUTCOME_RETURNED);
    assert_true(needed > 1000);
    assert_int_equal(spin_with(1000000, &used), BH_OUTCOME_RETURNED);
    assert_int_equal(used, needed);
    assert_int_equal(spin_with(needed, &used), BH_OUTCOME_RETURNED);
    assert_int_equal(used, needed);
    assert_int_equal(spin_with(needed - 100, &used), BH_OUTCOME_OUT_OF_FUEL);
    assert_int_equal(spin_with(0, &used), BH_OUTCOME_OUT_OF_FUEL);
}

static bh_outcome build_with(const char *guest, uint64_t memory_bytes_max, uint32_t elements_max,
                             uint64_t *ret_bytes)
{
    bhi_code *code = load_code(guest);
    sandbox box;
    sandbox_init(&box, code);
    bhi_code_release(code);
    box.budget.memory_bytes_max = memory_bytes_max;
    box.budget.table_elements_max = elements_max;
    bh_outcome outcome = build(&box);
    *ret_bytes = bhi_instance_memory_bytes(box.instance);
    sandbox_deinit(&box);
    return outcome;
}

static void a_memory_that_begins_above_the_limit_is_not_built(void **state)
{
    (void)state;
    uint64_t bytes;
    assert_int_equal(build_with("spin", PAGE_BYTES, 1000, &bytes), BH_OUTCOME_RETURNED);
    assert_int_equal(bytes, PAGE_BYTES);
    assert_int_equal(build_with("spin", PAGE_BYTES - 1, 1000, &bytes), BH_OUTCOME_MEMORY_LIMIT);
    assert_int_equal(build_with("memory_hog", 64 << 20, 1000, &bytes), BH_OUTCOME_MEMORY_LIMIT);
    assert_int_equal(bytes, 0);
    assert_int_equal(build_with("memory_hog", 128 << 20, 1000, &bytes), BH_OUTCOME_RETURNED);
    assert_int_equal(bytes, 100 << 20);
    assert_int_equal(build_with("table_hog", 64 << 20, 1000, &bytes), BH_OUTCOME_TRAPPED);
}

static void memory_grows_to_the_limit_of_the_call_and_no_further(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "grow_politely");
    assert_int_equal(bhi_instance_memory_bytes(box.instance), PAGE_BYTES);
    box.budget.memory_bytes_max = 3 * (1 << 20) + PAGE_BYTES;
    assert_int_equal(call(&box, "")->outcome, BH_OUTCOME_RETURNED); /* refusal is no fault */
    assert_int_equal(bhi_instance_memory_bytes(box.instance), box.budget.memory_bytes_max);
    box.budget.memory_bytes_max = 4 << 20;
    assert_int_equal(call(&box, "")->outcome, BH_OUTCOME_RETURNED);
    assert_int_equal(bhi_instance_memory_bytes(box.instance), 3 * (1 << 20) + PAGE_BYTES);
    sandbox_deinit(&box);
}

static void a_past_deadline_ends_a_guest_that_runs(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "loop");
    box.budget.fuel = UINT64_MAX >> 1;
    box.budget.deadline_ns = 0;
    const bhi_call_result *result = call(&box, "");
    assert_int_equal(result->outcome, BH_OUTCOME_DEADLINE);
    assert_string_equal(result->message, "the deadline passed");
    assert_true(result->fuel_used > 0);
    sandbox_deinit(&box);
}

static void a_cancel_flag_is_seen_at_the_next_slice(void **state)
{
    (void)state;
    sandbox box;
    sandbox_open(&box, "loop");
    atomic_bool is_cancelled = false;
    box.budget.fuel = UINT64_MAX >> 1;
    box.budget.is_cancelled = &is_cancelled;
    begin_hook(&box, "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_YIELDED);
    atomic_store(&is_cancelled, true);
    assert_int_equal(poll_to_end(&box)->outcome, BH_OUTCOME_CANCELLED);
    sandbox_deinit(&box);
}

/* ---- options ---- */

static void a_slice_has_as_many_ticks_as_configured(void **state)
{
    (void)state;
    bhi_engine_destroy(engine);
    open_engine((bhi_engine_options){.tick_us = 100, .slice_ticks = UINT32_MAX});
    sandbox box;
    sandbox_open(&box, "loop");
    box.budget.fuel = UINT64_MAX >> 1;
    box.budget.deadline_ns = bhi_monotonic_ns() + 20 * BHI_NS_PER_MS;
    begin_hook(&box, "");
    assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_DONE); /* in one slice */
    assert_int_equal(bhi_instance_result(box.instance)->outcome, BH_OUTCOME_DEADLINE);
    sandbox_deinit(&box);
}

static void ignore_line(void *arg, bhi_log_level level, const char *line)
{
    char *kept = arg;
    assert_int_equal(level, BHI_LOG_WARN);
    snprintf(kept, 512, "%s", line);
}

static void an_unusable_cache_directory_costs_a_warning_only(void **state)
{
    (void)state;
    bhi_engine *other = NULL;
    bh_error error;
    char line[512] = "";
    bhi_engine_options options = {.cache_directory = "/dev/null/code", .is_compile_serial = true};
    bhi_log_configure(BHI_LOG_WARN, ignore_line, line);
    assert_int_equal(bhi_engine_create(&options, &other, &error), BH_OK);
    bhi_log_configure(BHI_LOG_INFO, NULL, NULL);
    bhi_engine_destroy(other);
    assert_non_null(strstr(line, "/dev/null/code"));
    assert_non_null(strstr(line, "without a cache"));
    use_engine_signals();
}

/* ---- abandon ---- */

static void expect_abandoned(sandbox *box, bh_outcome why, const char *message)
{
    bhi_instance_abandon(box->instance, why);
    const bhi_call_result *result = bhi_instance_result(box->instance);
    assert_int_equal(result->outcome, why);
    assert_string_equal(result->message, message);
    bhi_instance_abandon(box->instance, BH_OUTCOME_TRAPPED); /* nothing is left to abandon */
    assert_int_equal(bhi_instance_result(box->instance)->outcome, why);
    sandbox_deinit(box);
}

static void a_build_can_be_abandoned(void **state)
{
    (void)state;
    static const char *const guests[] = {"init_loop", "start_loop"};
    for (int polls = 0; polls < 3; polls++) {
        for (int i = 0; i < 2; i++) {
            bhi_code *code = load_code(guests[i]);
            sandbox box;
            sandbox_init(&box, code);
            bhi_code_release(code);
            box.budget.fuel = UINT64_MAX >> 1;
            bhi_instance_begin_build(box.instance, &box.budget);
            for (int poll = 0; poll < polls; poll++)
                assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_YIELDED);
            expect_abandoned(&box, BH_OUTCOME_CANCELLED, "the invocation was cancelled");
        }
    }
}

static void a_call_can_be_abandoned_before_and_between_its_slices(void **state)
{
    (void)state;
    for (int polls = 0; polls < 3; polls++) {
        sandbox box;
        sandbox_open(&box, "loop");
        box.budget.fuel = UINT64_MAX >> 1;
        begin_hook(&box, "");
        for (int poll = 0; poll < polls; poll++)
            assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_YIELDED);
        expect_abandoned(&box, BH_OUTCOME_DEADLINE, "the deadline passed");
    }
}

static void never_run(bhi_task *task)
{
    (void)task;
}

/* A guest that sleeps for a minute, on a worker of its own. */
static void open_sleeper(sandbox *box, bhi_worker **ret_worker)
{
    sandbox_open(box, "sleep");
    assert_int_equal(bhi_worker_create(ret_worker, NULL), BH_OK);
    bhi_task_init(&box->task, never_run);
    box->lease.worker = *ret_worker;
    box->lease.task = &box->task;
    begin_hook(box, "60000000000");
    assert_int_equal(bhi_instance_poll(box->instance), BHI_POLL_WAITING);
}

static void a_waiting_call_can_be_abandoned_and_ends_its_operation(void **state)
{
    (void)state;
    sandbox box;
    bhi_worker *worker;
    open_sleeper(&box, &worker);
    assert_true(uv_loop_alive(bhi_worker_loop(worker)));
    expect_abandoned(&box, BH_OUTCOME_CANCELLED, "the invocation was cancelled");
    bhi_worker_turn(worker, false);
    assert_false(uv_loop_alive(bhi_worker_loop(worker))); /* the timer is closed */
    bhi_worker_destroy(worker);
}

static void polling_a_waiting_call_too_early_changes_nothing(void **state)
{
    (void)state;
    sandbox box;
    bhi_worker *worker;
    open_sleeper(&box, &worker);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_WAITING);
    sandbox_deinit(&box); /* destroy abandons */
    bhi_worker_destroy(worker);
}

static void an_instance_can_be_destroyed_in_every_state(void **state)
{
    (void)state;
    sandbox box;
    bhi_code *code = load_code("init_loop");
    sandbox_init(&box, code);
    sandbox_deinit(&box); /* unbuilt */
    sandbox_init(&box, code);
    bhi_instance_begin_build(box.instance, &box.budget);
    sandbox_deinit(&box); /* begun */
    sandbox_init(&box, code);
    bhi_instance_begin_build(box.instance, &box.budget);
    assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_YIELDED);
    sandbox_deinit(&box); /* building */
    bhi_code_release(code);
    sandbox_open(&box, "loop");
    sandbox_deinit(&box); /* ready */
    sandbox_open(&box, "loop");
    begin_hook(&box, "");
    assert_int_equal(bhi_instance_poll(box.instance), BHI_POLL_YIELDED);
    sandbox_deinit(&box); /* running */
    sandbox_open(&box, "trap");
    assert_int_equal(call(&box, "")->outcome, BH_OUTCOME_TRAPPED);
    sandbox_deinit(&box); /* dead */
    bhi_instance_destroy(NULL);
}

/* ---- code on disk ---- */

static char cache_directory[64];

static int open_cached_engine(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_WARN, ignore_log, NULL);
    strcpy(cache_directory, "/tmp/bulkhead-test-XXXXXX");
    assert_non_null(mkdtemp(cache_directory));
    open_engine((bhi_engine_options){.cache_directory = cache_directory});
    return 0;
}

static int close_cached_engine(void **state)
{
    close_engine(state);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", cache_directory);
    return system(command);
}

/* The one entry of the cache. */
static void find_entry(char *ret_path, size_t size)
{
    DIR *listing = opendir(cache_directory);
    assert_non_null(listing);
    ret_path[0] = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strlen(entry->d_name) == 64)
            snprintf(ret_path, size, "%s/%s", cache_directory, entry->d_name);
    }
    closedir(listing);
    assert_int_not_equal(ret_path[0], 0);
}

/* Load counter_state, see that it runs, and tell where its code came from. */
static bool is_from_cache(void)
{
    bhi_code *code = load_code("counter_state");
    bool is_cached = bhi_code_read_stats(code)->is_from_cache;
    sandbox box;
    sandbox_init(&box, code);
    bhi_code_release(code);
    assert_int_equal(build(&box), BH_OUTCOME_RETURNED);
    assert_true(bhi_bytes_equal_text(call(&box, "")->data, "1 1"));
    sandbox_deinit(&box);
    return is_cached;
}

static void code_is_compiled_once_and_then_loaded(void **state)
{
    (void)state;
    assert_false(is_from_cache());
    assert_true(is_from_cache());
    bhi_engine_destroy(engine);
    open_engine((bhi_engine_options){.cache_directory = cache_directory});
    assert_true(is_from_cache());
}

static void a_truncated_entry_is_compiled_again_and_replaced(void **state)
{
    (void)state;
    char path[256];
    struct stat whole;
    assert_false(is_from_cache());
    find_entry(path, sizeof path);
    assert_int_equal(stat(path, &whole), 0);
    const off_t lengths[] = {0, 1, 63, 64, 65, whole.st_size / 2, whole.st_size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_false(is_from_cache());
        assert_true(is_from_cache());
    }
}

static void flip_byte(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void a_tampered_entry_is_never_loaded(void **state)
{
    (void)state;
    enum { PLACES = 16 };
    char path[256];
    struct stat whole;
    assert_false(is_from_cache());
    find_entry(path, sizeof path);
    assert_int_equal(stat(path, &whole), 0);
    for (int i = 0; i < PLACES; i++) {
        flip_byte(path, (whole.st_size - 1) * i / (PLACES - 1)); /* first and last byte too */
        assert_false(is_from_cache());
        assert_true(is_from_cache());
    }
}

#define CASE(name)   cmocka_unit_test_setup_teardown(name, open_default_engine, close_engine)
#define CACHED(name) cmocka_unit_test_setup_teardown(name, open_cached_engine, close_cached_engine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_result_is_copied_whole_and_ends_with_a_nul),
        CASE(nuls_in_payload_and_result_are_bytes_like_others),
        CASE(instances_of_one_code_share_no_state),
        CASE(entry_points_run_only_where_they_are_exported),
        CASE(names_in_a_backtrace_stay_text_and_steer_nothing),
        CASE(fuel_is_charged_exactly_and_ends_the_call),
        CASE(a_memory_that_begins_above_the_limit_is_not_built),
        CASE(memory_grows_to_the_limit_of_the_call_and_no_further),
        CASE(a_past_deadline_ends_a_guest_that_runs),
        CASE(a_cancel_flag_is_seen_at_the_next_slice),
        CASE(a_slice_has_as_many_ticks_as_configured),
        CASE(an_unusable_cache_directory_costs_a_warning_only),
        CASE(a_build_can_be_abandoned),
        CASE(a_call_can_be_abandoned_before_and_between_its_slices),
        CASE(a_waiting_call_can_be_abandoned_and_ends_its_operation),
        CASE(polling_a_waiting_call_too_early_changes_nothing),
        CASE(an_instance_can_be_destroyed_in_every_state),
        CACHED(code_is_compiled_once_and_then_loaded),
        CACHED(a_truncated_entry_is_compiled_again_and_replaced),
        CACHED(a_tampered_entry_is_never_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
