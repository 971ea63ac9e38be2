/* Every call by which memory is mapped, protected, discarded or looked at fails once, and for good,
 * at every step of a capsule's life. What comes out may be slower or refused; it is never wrong,
 * and when the kernel gives again, everything works again.
 *
 * src/os/pages.c is built into this program with the functions below in place of the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "os/mappings.h"
#include "runtime/runtime.h"
#include "support/failing_pages.h"
#include "support/runtime_fixture.h"

/* Also read in the fault handler, and on the keeper's thread. */
static atomic_long calls_until_failure = -1; /* -1: none fails */
static atomic_bool is_failing_for_good;
static atomic_long calls;

static bool must_fail(int code)
{
    long nth = atomic_fetch_add(&calls, 1) + 1, from = calls_until_failure;
    if (from < 0 || nth <= from || (!is_failing_for_good && nth > from + 1))
        return false;
    errno = code;
    return true;
}

void *failing_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return must_fail(ENOMEM) ? MAP_FAILED : mmap(at, bytes, protection, flags, fd, offset);
}

/* As the kernel does, which goes from mapping to mapping: a part is done before it is refused. */
int failing_mprotect(void *at, size_t bytes, int protection)
{
    enum { PAGE = 4096 };
    if (!must_fail(ENOMEM))
        return mprotect(at, bytes, protection);
    if (bytes > PAGE && mprotect(at, bytes / PAGE / 2 * PAGE, protection) != 0)
        return -1;
    errno = ENOMEM;
    return -1;
}

int failing_madvise(void *at, size_t bytes, int advice)
{
    return must_fail(EAGAIN) ? -1 : madvise(at, bytes, advice);
}

int failing_memfd_create(const char *name, unsigned flags)
{
    return must_fail(EMFILE) ? -1 : memfd_create(name, flags);
}

int failing_ftruncate(int fd, off_t bytes)
{
    return must_fail(ENOSPC) ? -1 : ftruncate(fd, bytes);
}

int failing_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    return must_fail(EPERM) ? -1 : fcntl(fd, command, argument);
}

ssize_t failing_pread(int fd, void *to, size_t bytes, off_t offset)
{
    return must_fail(EIO) ? -1 : pread(fd, to, bytes, offset);
}

static void ignore_log(void *arg, bhi_log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

/* ---- one life of a capsule ---- */

typedef struct life {
    unsigned answered, failed, refused;
} life;

static bool is_failure(bh_outcome outcome)
{
    return outcome == BH_OUTCOME_TRAPPED || outcome == BH_OUTCOME_HOST_FAILURE ||
           outcome == BH_OUTCOME_RESTORE_FAILED || outcome == BH_OUTCOME_MEMORY_LIMIT ||
           outcome == BH_OUTCOME_DEADLINE; /* of a call with little time on a busy machine */
}

/* `action` answers with what it found and changes it: a restored instance finds the same again. */
static void call(bh_capsule *capsule, const char *action, const char *payload, life *counts)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = "alice",
                          .timeout_ms =
                              calls_until_failure >= 0 && is_failing_for_good ? 5 : 10000};
    bh_result result = {0};
    bh_error error = {0};
    bh_status status = bh_invoke(capsule, &request, &result, &error);
    if (status != BH_OK) {
        counts->refused++;
        if (calls_until_failure < 0)
            fail_msg("%s: %s", action, error.text);
    } else if (result.outcome == BH_OUTCOME_RETURNED) {
        counts->answered++;
        if (strcmp(result.data, "clean") != 0)
            fail_msg("%s: the instance was \"%s\"", action, result.data);
    } else {
        counts->failed++;
        if (!is_failure(result.outcome))
            fail_msg("%s: %s: %s", action, bh_outcome_name(result.outcome), result.message);
    }
    bh_result_deinit(&result);
}

static void use(bh_capsule *capsule, life *counts)
{
    for (int i = 0; i < 3; i++)
        call(capsule, "touch", "4", counts); /* a few pages */
    call(capsule, "grow", "2", counts);
    call(capsule, "grow", "8", counts);
    call(capsule, "touch", "60", counts);
    for (int i = 0; i < 8; i++)
        call(capsule, "touch", "2", counts); /* the others age and are closed */
    call(capsule, "touch", "300", counts);   /* too many: whole */
    call(capsule, "touch", "2", counts);
}

static bh_capsule *load(bh_runtime *runtime)
{
    bh_capsule *capsule = NULL;
    bh_error error;
    bh_capsule_options options = {.live_max = 1, .breaker_condemned_max = UINT32_MAX};
    bh_status status =
        bh_capsule_load(runtime, TEST_GUESTS_DIR "/pages.wasm", &options, &capsule, &error);
    if (status != BH_OK && calls_until_failure < 0)
        fail_msg("%s", error.text);
    return capsule;
}

/* After one failure the same capsule answers every call; after many its pool backs off from
 * building for a while, so it is loaded anew. */
static bh_capsule *recover(bh_runtime *runtime, bh_capsule *capsule)
{
    calls_until_failure = -1; /* the kernel gives again */
    if (!is_failing_for_good)
        return capsule;
    bh_capsule_release(capsule);
    return load(runtime);
}

static life live_once(bh_runtime *runtime, bool *ret_is_loaded)
{
    life counts = {0};
    bh_capsule *capsule = load(runtime);
    *ret_is_loaded = capsule != NULL;
    if (capsule == NULL)
        return counts;
    use(capsule, &counts);
    capsule = recover(runtime, capsule);
    use(capsule, &counts);
    bh_capsule_stats stats;
    bh_capsule_read_stats(capsule, &stats);
    assert_int_equal(stats.mismatches, 0);
    bh_capsule_release(capsule);
    return counts;
}

static bh_runtime *open_runtime(void)
{
    bh_runtime *runtime;
    bh_error error;
    bh_runtime_options options = {.verify_every = 1, .verify_whole = true};
    bhi_log_configure(BHI_LOG_ERROR, ignore_log, NULL);
    if (bh_runtime_create(&options, &runtime, &error) != BH_OK)
        fail_msg("%s", error.text);
    use_engine_signals();
    return runtime;
}

static void sweep(bool for_good)
{
    bh_runtime *runtime = open_runtime();
    bool is_loaded;
    uint32_t held = bhi_mappings_held();
    calls = 0;
    is_failing_for_good = for_good;
    live_once(runtime, &is_loaded);
    long steps = calls;
    assert_true(steps > 50);
    unsigned refused_loads = 0, disturbed = 0;
    for (long step = 0; step < steps; step++) {
        calls = 0;
        calls_until_failure = step;
        life counts = live_once(runtime, &is_loaded);
        calls_until_failure = -1;
        refused_loads += !is_loaded;
        disturbed += counts.failed + counts.refused > 0;
        while (atomic_load(&runtime->capsules_count) != 0)
            sched_yield(); /* the keeper may still build ahead */
        assert_int_equal(bhi_mappings_held(), held);
    }
    printf("%ld steps: %u loads refused, %u lives with a failed call\n", steps, refused_loads,
           disturbed);
    assert_true(refused_loads > 0 && refused_loads < steps);
    bh_runtime_destroy(runtime);
}

static void each_mapping_call_fails_once_and_nothing_is_wrong_afterwards(void **state)
{
    (void)state;
    sweep(false);
}

static void mapping_calls_fail_for_good_and_nothing_is_wrong_afterwards(void **state)
{
    (void)state;
    sweep(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mapping_call_fails_once_and_nothing_is_wrong_afterwards),
        cmocka_unit_test(mapping_calls_fail_for_good_and_nothing_is_wrong_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
