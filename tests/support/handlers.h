/* support/handlers.h - started capsules that handle messages (tests/guests/handler.c). */
#ifndef TEST_HANDLERS_H
#define TEST_HANDLERS_H

#include "runtime/dispatcher.h"
#include "support/runtime_fixture.h"

typedef struct handler_spec {
    const char *name;
    const char *behaviour; /* NULL: the payload says it */
    const char *topic;     /* NULL: "t.*" */
    const char *action;    /* NULL: "on-NAME" */
    const char *more;      /* lines of [subscribe]; NULL: none */
    unsigned priority;     /* 0: the default */
    bool continues;        /* on_failure = "continue" */
    bh_capsule_options options;
} handler_spec;

/* Fails the test when it does not load, or start. */
bh_capsule *load_handler(runtime_fixture *fixture, const handler_spec *about);
bh_capsule *start_handler(runtime_fixture *fixture, const handler_spec *about);

/* Until no handler of any message is left to run. */
void wait_until_handled(runtime_fixture *fixture);
/* Until so many hooks run at once. */
void wait_until_running(runtime_fixture *fixture, uint64_t count);

/* An observer that keeps what it is told. */
typedef struct kept_result {
    bhi_dispatch_observer observer;
    atomic_bool is_done; /* the fields below are there */
    bh_verdict verdict;
    char by[65], reason[1100];
    size_t payload_len;
    bh_event_step steps[BHI_DISPATCH_STEPS_MAX]; /* without texts */
    size_t steps_count;
} kept_result;

/* Publish and keep what comes of it; the status of publishing. */
bh_status publish_and_keep(runtime_fixture *fixture, const bh_event *event, kept_result *ret_kept);
void wait_until_kept(kept_result *kept);

#endif
