/* support/runtime_fixture.c - see the header. */
#include "support/runtime_fixture.h"

#include "runtime/runtime.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bh_result kept_result;

static void log_cb(void *arg, bh_log_level level, const char *capsule, const char *principal,
                   const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guests log on any thread */
    (void)capsule;
    runtime_fixture *fixture = arg;
    pthread_mutex_lock(&lock);
    fixture->logs_count++;
    fixture->last_log.level = level;
    snprintf(fixture->last_log.principal, sizeof fixture->last_log.principal, "%s", principal);
    snprintf(fixture->last_log.text, sizeof fixture->last_log.text, "%s", text);
    pthread_mutex_unlock(&lock);
}

/* cmocka puts its own handlers around every test and fixture; the engine installs its handlers, by
 * which guests trap, once per process. Keep them, and put them back before guests run. */
static const int trap_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
static struct sigaction engine_actions[4];
static bool has_engine_actions;

void use_engine_signals(void)
{
    for (int i = 0; i < 4; i++) {
        if (has_engine_actions)
            sigaction(trap_signals[i], &engine_actions[i], NULL);
        else
            sigaction(trap_signals[i], NULL, &engine_actions[i]);
    }
    has_engine_actions = true;
}

void runtime_fixture_open(runtime_fixture *fixture)
{
    runtime_fixture_open_with(fixture, NULL);
}

void runtime_fixture_open_with(runtime_fixture *fixture, const bh_runtime_options *more)
{
    *fixture = (runtime_fixture){.directory = "/tmp/bulkhead-test-XXXXXX"};
    assert_non_null(mkdtemp(fixture->directory));
    bh_error error = {0};
    bh_runtime_options options = more != NULL ? *more : (bh_runtime_options){0};
    options.state_directory = fixture->directory;
    options.guest_log_cb = log_cb;
    options.guest_log_arg = fixture;
    if (bh_runtime_create(&options, &fixture->runtime, &error) != BH_OK)
        fail_msg("runtime: %s", error.text);
    use_engine_signals();
}

void runtime_fixture_close(runtime_fixture *fixture)
{
    bh_result_deinit(&kept_result);
    /* A test that failed still holds its capsules, and destroying their runtime would abort before
     * the failure is printed. */
    for (int tries = 0; tries < 1000000 && atomic_load(&fixture->runtime->capsules_count) != 0;
         tries++)
        sched_yield(); /* the keeper may hold one until it has built ahead */
    unsigned held = atomic_load(&fixture->runtime->capsules_count);
    if (held == 0)
        bh_runtime_destroy(fixture->runtime);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", fixture->directory);
    assert_int_equal(system(command), 0);
    if (held != 0)
        fail_msg("%u capsules are held after the test", held);
}

bh_status try_load_guest(runtime_fixture *fixture, const char *name, bh_error *reterr)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, name);
    bh_capsule *capsule = NULL;
    use_engine_signals();
    *reterr = (bh_error){0};
    bh_status status = bh_capsule_load(fixture->runtime, path, NULL, &capsule, reterr);
    if (status == BH_OK)
        bh_capsule_release(capsule);
    return status;
}

static bh_capsule *load(runtime_fixture *fixture, const char *path,
                        const bh_capsule_options *options)
{
    bh_capsule *capsule = NULL;
    bh_error error = {0};
    use_engine_signals();
    if (bh_capsule_load(fixture->runtime, path, options, &capsule, &error) != BH_OK)
        fail_msg("%s: %s", path, error.text);
    return capsule;
}

bh_capsule *load_guest(runtime_fixture *fixture, const char *name, bh_reuse reuse)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, name);
    bh_capsule_options options = {.has_reuse = true, .reuse = reuse};
    return load(fixture, path, &options);
}

/* The wasm is copied: a symbolic link that leaves the capsule directory is refused. */
static void write_capsule(const char *directory, const guest_setup *setup, const char *name)
{
    char command[1024];
    snprintf(command, sizeof command,
             "rm -rf '%s' && mkdir '%s' && cp '%s/%s.wasm' '%s/guest.wasm'", directory, directory,
             TEST_GUESTS_DIR, setup->guest, directory);
    assert_int_equal(system(command), 0);
    char path[512];
    snprintf(path, sizeof path, "%s/Capsule.toml", directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n"
            "[[component]]\nfile = \"guest.wasm\"\n%s",
            name, setup->manifest != NULL ? setup->manifest : "");
    assert_int_equal(fclose(file), 0);
}

bh_status try_load_setup(runtime_fixture *fixture, const guest_setup *setup,
                         bh_capsule **ret_capsule, bh_error *reterr)
{
    const char *name = setup->name != NULL ? setup->name : "guest";
    char directory[256];
    snprintf(directory, sizeof directory, "%s/capsule-%s", fixture->directory, name);
    write_capsule(directory, setup, name);
    use_engine_signals();
    *reterr = (bh_error){0};
    return bh_capsule_load(fixture->runtime, directory, &setup->options, ret_capsule, reterr);
}

bh_capsule *load_setup(runtime_fixture *fixture, const guest_setup *setup)
{
    bh_capsule *capsule = NULL;
    bh_error error;
    if (try_load_setup(fixture, setup, &capsule, &error) != BH_OK)
        fail_msg("%s: %s", setup->guest, error.text);
    return capsule;
}

bh_capsule *load_example(runtime_fixture *fixture, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/examples/%s", TEST_SOURCE_DIR, name);
    return load(fixture, path, NULL);
}

const bh_result *invoke_with(bh_capsule *capsule, const bh_request *request)
{
    bh_error error = {0};
    use_engine_signals();
    if (bh_invoke(capsule, request, &kept_result, &error) != BH_OK)
        fail_msg("invoke: %s: %s", bh_status_name(error.code), error.text);
    return &kept_result;
}

const bh_result *invoke(bh_capsule *capsule, const char *action, const char *payload)
{
    bh_request request = {
        .action = action, .payload = payload, .payload_len = strlen(payload), .principal = "alice"};
    return invoke_with(capsule, &request);
}
