/* support/runtime_fixture.h - a real runtime in a temporary directory, and capsules in it. */
#ifndef TEST_RUNTIME_FIXTURE_H
#define TEST_RUNTIME_FIXTURE_H

#include <bulkhead/bulkhead.h>

typedef struct runtime_fixture {
    char directory[64]; /* removed at close */
    bh_runtime *runtime;
    struct {
        bh_log_level level;
        char principal[65];
        char text[512];
    } last_log; /* what a guest logged last */
    int logs_count;
} runtime_fixture;

void runtime_fixture_open(runtime_fixture *fixture);
/* The same with further options; NULL: none. */
void runtime_fixture_open_with(runtime_fixture *fixture, const bh_runtime_options *more);
void runtime_fixture_close(runtime_fixture *fixture);

/* Put the engine's signal handlers back, by which guests trap: cmocka replaces them around every
 * test. Call it after creating an engine, and before guests run in another test. */
void use_engine_signals(void);

/* Load build/tests/guests/NAME.wasm; fails the test when it does not load. */
bh_capsule *load_guest(runtime_fixture *fixture, const char *name, bh_reuse reuse);
/* The status of loading it, for guests that must be refused. */
bh_status try_load_guest(runtime_fixture *fixture, const char *name, bh_error *reterr);
/* A guest as a capsule with a manifest of its own. */
typedef struct guest_setup {
    const char *guest;    /* build/tests/guests/GUEST.wasm */
    const char *name;     /* of the capsule; NULL: "guest" */
    const char *manifest; /* what follows [package] and [[component]]; NULL: nothing */
    bh_capsule_options options;
} guest_setup;

bh_capsule *load_setup(runtime_fixture *fixture, const guest_setup *setup);
bh_status try_load_setup(runtime_fixture *fixture, const guest_setup *setup,
                         bh_capsule **ret_capsule, bh_error *reterr);
/* Load examples/NAME. */
bh_capsule *load_example(runtime_fixture *fixture, const char *name);

/* Invoke for principal "alice"; the result is the fixture's own until the next call. Fails the test
 * when the status is not BH_OK. */
const bh_result *invoke(bh_capsule *capsule, const char *action, const char *payload);
const bh_result *invoke_with(bh_capsule *capsule, const bh_request *request);

#endif
