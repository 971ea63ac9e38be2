/* The pipeline of one invocation on a worker that the test turns by hand: every place at which it
 * can be cancelled, expire, be refused or have to wait.
 *
 * An invocation of the test is a letter; `ended` lists the letters in the order in which they were
 * done. Order is what is tested, never time. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/capsule.h"
#include "runtime/profiles.h"
#include "runtime/invocation.h"
#include "support/runtime_fixture.h"

#define MINUTE     "60000000000" /* a sleep that nobody sees the end of */
#define MOMENT     "1000000"
#define LONG       "50000000000"
#define FOR_EVER   BH_TIMEOUT_MS_MAX
#define SHORT_TIME 100

typedef struct record {
    bh_request request;
    bhi_invocation *invocation; /* NULL once done */
    int done_count;
    bh_status status;
    bh_outcome outcome;
    char data[64];
    char text[512];     /* of the error */
    char cancels_other; /* from within its own done_cb */
} record;

static runtime_fixture fixture;
static bhi_worker *worker;
static record records[128]; /* by letter */
static char ended[32];
static bool is_starting; /* inside a call that must not call back */

static record *record_of(char letter)
{
    return &records[(unsigned char)letter];
}

static int open_fixture(void **state)
{
    (void)state;
    memset(records, 0, sizeof records);
    memset(ended, 0, sizeof ended);
    runtime_fixture_open(&fixture);
    return bhi_worker_create(&worker, NULL) != BH_OK;
}

static int close_fixture(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        assert_null(records[i].invocation); /* else destroying the worker would abort */
    bhi_worker_destroy(worker);
    runtime_fixture_close(&fixture);
    return 0;
}

/* ---- invocations by letter ---- */

static const char *principal = "alice"; /* who starts the next ones */

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    record *one = arg;
    assert_false(is_starting);
    one->done_count++;
    one->invocation = NULL;
    ended[strlen(ended)] = (char)(one - records);
    one->status = status;
    if (status == BH_OK) {
        assert_null(error);
        one->outcome = result->outcome;
        snprintf(one->data, sizeof one->data, "%s", result->data);
    } else {
        assert_null(result);
        assert_int_equal(error->code, status);
        snprintf(one->text, sizeof one->text, "%s", error->text);
    }
    if (one->cancels_other != 0)
        bhi_invocation_cancel(record_of(one->cancels_other)->invocation);
}

static void start_for(char letter, bh_capsule *capsule, const char *action, const char *payload,
                      uint32_t timeout_ms)
{
    record *one = record_of(letter);
    one->request = (bh_request){.action = action,
                                .payload = payload,
                                .payload_len = strlen(payload),
                                .principal = principal,
                                .timeout_ms = timeout_ms};
    bh_error error;
    use_engine_signals();
    is_starting = true;
    if (bhi_invocation_start(capsule, worker, &one->request, done_cb, one, &one->invocation,
                             &error) != BH_OK)
        fail_msg("%c: %s", letter, error.text);
    is_starting = false;
}

static void start(char letter, bh_capsule *capsule, const char *payload)
{
    start_for(letter, capsule, "x", payload, FOR_EVER);
}

static void cancel(char letter)
{
    int done_count = record_of(letter)->done_count;
    bhi_invocation_cancel(record_of(letter)->invocation);
    assert_int_equal(record_of(letter)->done_count, done_count); /* soon, not now */
}

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        bhi_worker_turn(worker, false);
}

static void finish(char letter)
{
    while (record_of(letter)->done_count == 0)
        bhi_worker_turn(worker, true);
}

static void expect_refused(char letter, bh_status status, const char *part)
{
    const record *one = record_of(letter);
    assert_int_equal(one->done_count, 1);
    if (one->status != status)
        fail_msg("%c: %s %s", letter, bh_status_name(one->status), one->text);
    if (strstr(one->text, part) == NULL)
        fail_msg("%c: \"%s\" lacks \"%s\"", letter, one->text, part);
}

static void expect_outcome(char letter, bh_outcome outcome)
{
    const record *one = record_of(letter);
    assert_int_equal(one->done_count, 1);
    if (one->status != BH_OK)
        fail_msg("%c: %s %s", letter, bh_status_name(one->status), one->text);
    if (one->outcome != outcome)
        fail_msg("%c: %s", letter, bh_outcome_name(one->outcome));
}

static void expect_answer(char letter, const char *data)
{
    expect_outcome(letter, BH_OUTCOME_RETURNED);
    assert_string_equal(record_of(letter)->data, data);
}

/* ---- capsules ---- */

static bh_capsule *load_with(const char *guest, bh_reuse reuse, uint32_t live_max,
                             uint32_t waiters_max)
{
    guest_setup setup = {
        .guest = guest,
        .options = {
            .live_max = live_max, .waiters_max = waiters_max, .has_reuse = true, .reuse = reuse}};
    return load_setup(&fixture, &setup);
}

/* Nothing is built at load, so that the first invocation builds. */
static bh_capsule *load_cold(const char *guest)
{
    guest_setup setup = {.guest = guest,
                         .manifest = "[capsule]\nmin_idle = 0\nlive_max = 1\n"
                                     "reuse = \"never\"\n"};
    return load_setup(&fixture, &setup);
}

static bhi_pool_stats pool_of(bh_capsule *capsule)
{
    bhi_pool_stats stats;
    bhi_pool_read_stats(capsule->pool, &stats);
    return stats;
}

/* The keeper has built what it builds ahead. */
static bhi_pool_stats pool_after_builds(bh_capsule *capsule)
{
    while (pool_of(capsule).building != 0)
        sched_yield();
    return pool_of(capsule);
}

/* Whatever happened left nothing leased, nothing half built, nobody queued. */
static void release(bh_capsule *capsule)
{
    turns(3);
    bhi_pool_stats pool = pool_after_builds(capsule);
    assert_int_equal(pool.leased, 0);
    assert_int_equal(pool.building, 0);
    assert_int_equal(pool.waiting, 0);
    assert_int_equal(pool.live, pool.idle);
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++)
        assert_true(records[i].done_count <= 1);
    bh_capsule_release(capsule);
}

static const bh_reuse both[] = {BH_REUSE_SHARED, BH_REUSE_NEVER};

/* ---- cancel ---- */

static void cancelled_before_its_first_turn_it_ends_once(void **state)
{
    (void)state;
    bh_capsule *warm = load_with("loop", BH_REUSE_SHARED, 1, 0);
    start('a', warm, "");
    cancel('a');
    finish('a');
    expect_refused('a', BH_E_CANCELLED, "before it began");
    assert_int_equal(pool_of(warm).condemned[BH_OUTCOME_CANCELLED],
                     0); /* the guest was never entered */
    release(warm);
    bh_capsule *cold = load_cold("loop");
    start('b', cold, "");
    cancel('b');
    cancel('b');
    finish('b');
    expect_refused('b', BH_E_CANCELLED, "before it began");
    release(cold);
}

static void cancelled_while_running_it_is_condemned(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("loop", BH_REUSE_SHARED, 1, 0);
    start('a', capsule, "");
    turns(3);
    assert_int_equal(pool_of(capsule).leased, 1);
    assert_int_equal(record_of('a')->done_count, 0);
    cancel('a');
    finish('a');
    expect_outcome('a', BH_OUTCOME_CANCELLED);
    assert_int_equal(pool_of(capsule).condemned[BH_OUTCOME_CANCELLED], 1);
    assert_int_equal(pool_after_builds(capsule).builds_ahead, 2); /* at load, and its replacement */
    release(capsule);
}

static void cancelled_while_waiting_in_a_sleep_it_leaves_no_timer(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 0);
    start('a', capsule, MINUTE);
    turns(3);
    assert_true(uv_loop_alive(bhi_worker_loop(worker)));
    cancel('a');
    finish('a');
    expect_outcome('a', BH_OUTCOME_CANCELLED);
    turns(1);
    assert_false(uv_loop_alive(bhi_worker_loop(worker)));
    start('b', capsule, "0");
    finish('b');
    expect_answer('b', "slept");
    release(capsule);
}

static void cancelled_while_building_it_gives_the_slot_back(void **state)
{
    (void)state;
    bh_capsule *capsule = load_cold("init_loop");
    start('a', capsule, "");
    turns(3);
    assert_int_equal(pool_of(capsule).building, 1);
    start('b', capsule, "");
    turns(2);
    assert_int_equal(pool_of(capsule).waiting, 1);
    cancel('a');
    finish('a');
    expect_refused('a', BH_E_CANCELLED, "cancelled while an instance was built");
    turns(3); /* the slot is the next one's to build into */
    assert_int_equal(pool_of(capsule).waiting, 0);
    assert_int_equal(pool_of(capsule).building, 1);
    cancel('b');
    finish('b');
    expect_refused('b', BH_E_CANCELLED, "cancelled while an instance was built");
    assert_int_equal(pool_of(capsule).build_failures, 0); /* nothing was wrong with the capsule */
    release(capsule);
}

static void cancelled_while_queued_it_leaves_the_queue(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 0);
    start('a', capsule, MINUTE);
    start('b', capsule, MOMENT);
    start('c', capsule, MOMENT);
    turns(3);
    assert_int_equal(pool_of(capsule).waiting, 2);
    cancel('b');
    finish('b');
    expect_refused('b', BH_E_CANCELLED, "waiting for an instance");
    assert_int_equal(pool_of(capsule).waiting, 1);
    cancel('a');
    finish('c');
    expect_answer('c', "slept");
    assert_string_equal(ended, "bac");
    release(capsule);
}

/* The grant is posted when 'a' returns its lease, before its done_cb, which cancels 'b': the grant
 * finds that 'b' has given up, and goes to 'c'. */
static void a_grant_that_comes_too_late_goes_to_the_next_in_the_queue(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(records, 0, sizeof records);
        bh_capsule *capsule = load_with("sleep", both[i], 1, 0);
        record_of('a')->cancels_other = 'b';
        start('a', capsule, MOMENT);
        start('b', capsule, MOMENT);
        start('c', capsule, MOMENT);
        finish('c');
        expect_answer('a', "slept");
        expect_refused('b', BH_E_CANCELLED, "waiting for an instance");
        expect_answer('c', "slept");
        assert_int_equal(pool_of(capsule).build_failures, 0);
        release(capsule);
    }
}

/* ---- cancel and deadline while a commit is awaited ---- */

/* Holds the store's writer thread inside the callback of a write of the test. */
typedef struct held_writer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_entered, is_released;
} held_writer;

static void hold_cb(void *arg, const bhi_kv_answer *answer)
{
    (void)answer;
    held_writer *held = arg;
    pthread_mutex_lock(&held->lock);
    held->is_entered = true;
    pthread_cond_broadcast(&held->changed);
    while (!held->is_released)
        pthread_cond_wait(&held->changed, &held->lock);
    pthread_mutex_unlock(&held->lock);
}

static void hold_writer(held_writer *held)
{
    *held = (held_writer){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    bhi_kv_scope scope = {BHI_BYTES_LITERAL("nobody"), BHI_BYTES_LITERAL("nothing")};
    bhi_kv_write_spec spec = {.kind = BHI_KV_DELETE, .key = BHI_BYTES_LITERAL("k")};
    bhi_kv_write *write;
    assert_int_equal(bhi_kv_write_create(&scope, &spec, &write), BHI_KV_OK);
    assert_int_equal(bhi_kv_store_submit(fixture.runtime->kv, write, hold_cb, held, NULL, NULL),
                     BH_OK);
    pthread_mutex_lock(&held->lock);
    while (!held->is_entered)
        pthread_cond_wait(&held->changed, &held->lock);
    pthread_mutex_unlock(&held->lock);
}

static void release_writer(held_writer *held)
{
    pthread_mutex_lock(&held->lock);
    held->is_released = true;
    pthread_cond_broadcast(&held->changed);
    pthread_mutex_unlock(&held->lock);
}

static void a_wait_for_a_commit_can_be_cancelled_and_expire(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("probe", BH_REUSE_SHARED, 3, 0);
    held_writer held;
    hold_writer(&held);
    start_for('a', capsule, "set", "a=1", FOR_EVER);
    start_for('b', capsule, "set", "b=1", SHORT_TIME);
    start_for('c', capsule, "set", "c=1", FOR_EVER);
    start_for('r', capsule, "get", "a", FOR_EVER); /* queued: three are live */
    turns(5);
    assert_int_equal(pool_of(capsule).leased, 3);
    cancel('a');
    finish('a');
    expect_outcome('a', BH_OUTCOME_CANCELLED);
    finish('b');
    expect_outcome('b', BH_OUTCOME_DEADLINE);
    finish('r'); /* reads wait for no write */
    expect_outcome('r', BH_OUTCOME_RETURNED);
    assert_int_equal(record_of('c')->done_count, 0);
    release_writer(&held);
    finish('c');
    expect_answer('c', "ok");
    release(capsule);
}

static void a_worker_ends_only_when_an_abandoned_commit_has_answered(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("probe", BH_REUSE_SHARED, 1, 0);
    held_writer held;
    hold_writer(&held);
    start_for('a', capsule, "set", "a=1", FOR_EVER);
    turns(3);
    cancel('a');
    finish('a');
    release_writer(&held);
    bhi_worker_destroy(worker); /* the answer may still be on its way */
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    release(capsule);
}

/* ---- deadlines ---- */

static void a_deadline_in_the_queue_refuses_and_leaves_no_trace(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 0);
    start('a', capsule, MINUTE);
    start_for('b', capsule, "x", MOMENT, SHORT_TIME);
    turns(2);
    assert_int_equal(pool_of(capsule).waiting, 1);
    finish('b');
    expect_refused('b', BH_E_DEADLINE, "waiting for an instance");
    assert_int_equal(pool_of(capsule).waiting, 0);
    assert_int_equal(pool_of(capsule).leased, 1); /* 'a' sleeps on */
    cancel('a');
    start('c', capsule, MOMENT);
    finish('c');
    assert_string_equal(ended, "bac");
    expect_answer('c', "slept");
    release(capsule);
}

static void a_deadline_while_building_refuses_and_gives_the_slot_back(void **state)
{
    (void)state;
    bh_capsule *capsule = load_cold("init_loop");
    start_for('a', capsule, "x", "", SHORT_TIME);
    start('b', capsule, "");
    finish('a');
    expect_refused('a', BH_E_DEADLINE, "while an instance was built");
    turns(3);
    assert_int_equal(pool_of(capsule).building, 1); /* now for 'b' */
    cancel('b');
    finish('b');
    assert_int_equal(pool_of(capsule).build_failures, 0);
    release(capsule);
}

static void a_deadline_ends_a_guest_that_waits_or_runs(void **state)
{
    (void)state;
    bh_capsule *sleeper = load_guest(&fixture, "sleep", BH_REUSE_SHARED);
    bh_capsule *runner = load_guest(&fixture, "loop", BH_REUSE_SHARED);
    start_for('a', sleeper, "x", MINUTE, SHORT_TIME);
    start_for('b', runner, "x", "", SHORT_TIME);
    finish('a');
    finish('b');
    expect_outcome('a', BH_OUTCOME_DEADLINE);
    expect_outcome('b', BH_OUTCOME_DEADLINE);
    release(sleeper);
    release(runner);
}

/* ---- close, saturation, order ---- */

static void close_refuses_who_queues_and_lets_who_runs_finish(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(records, 0, sizeof records);
        memset(ended, 0, sizeof ended);
        bh_capsule *capsule = load_with("sleep", both[i], 1, 0);
        start('a', capsule, "200000000");
        start('b', capsule, MOMENT);
        start('c', capsule, MOMENT);
        turns(2);
        assert_int_equal(pool_of(capsule).waiting, 2);
        bh_capsule_close(capsule);
        assert_int_equal(record_of('b')->done_count, 0); /* not inside close */
        finish('b');
        finish('c');
        assert_string_equal(ended, "bc");
        expect_refused('b', BH_E_CLOSED, "closed");
        expect_refused('c', BH_E_CLOSED, "closed");
        finish('a');
        expect_answer('a', "slept");
        start('d', capsule, MOMENT);
        finish('d');
        expect_refused('d', BH_E_CLOSED, "closed");
        assert_int_equal(pool_of(capsule).live, 0);
        release(capsule);
    }
}

static void close_while_building_lets_the_builder_call(void **state)
{
    (void)state;
    bh_capsule *capsule = load_cold("init_loop");
    start('a', capsule, "");
    start('b', capsule, "");
    turns(3);
    bh_capsule_close(capsule);
    finish('b');
    expect_refused('b', BH_E_CLOSED, "closed");
    assert_int_equal(pool_of(capsule).building, 1);
    cancel('a');
    finish('a');
    expect_refused('a', BH_E_CANCELLED, "while an instance was built");
    release(capsule);
}

static void waiters_are_served_in_the_order_they_came(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(records, 0, sizeof records);
        memset(ended, 0, sizeof ended);
        bh_capsule *capsule = load_with("sleep", both[i], 1, 0);
        /* The later, the shorter: only the queue keeps them in order. */
        static const char *const sleeps[] = {"8000000", "6000000", "4000000", "2000000", "0"};
        for (int letter = 0; letter < 5; letter++)
            start((char)('a' + letter), capsule, sleeps[letter]);
        finish('e');
        assert_string_equal(ended, "abcde");
        for (char letter = 'a'; letter <= 'e'; letter++)
            expect_answer(letter, "slept");
        assert_int_equal(pool_of(capsule).builds, both[i] == BH_REUSE_SHARED ? 1 : 5);
        release(capsule);
    }
}

static void one_more_than_the_queue_holds_is_refused(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 1);
    start('a', capsule, MOMENT);
    start('b', capsule, MOMENT);
    start('c', capsule, MOMENT);
    finish('c');
    expect_refused('c', BH_E_SATURATED, "queue");
    finish('b');
    assert_string_equal(ended, "cab");
    expect_answer('a', "slept");
    expect_answer('b', "slept");
    assert_int_equal(pool_of(capsule).refusals[BH_E_SATURATED], 1);
    start('d', capsule, "0");
    finish('d');
    expect_answer('d', "slept");
    release(capsule);
}

static void start_as(char letter, bh_capsule *capsule, const char *who)
{
    principal = who;
    start(letter, capsule, MOMENT);
    principal = "alice";
}

static void principals_take_turns_when_they_wait(void **state)
{
    (void)state;
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 8);
    start_as('a', capsule, "alice");
    start_as('b', capsule, "alice");
    start_as('c', capsule, "alice");
    start_as('d', capsule, "bob");
    finish('c');
    assert_string_equal(ended, "abdc");
    release(capsule);
}

static void a_profile_says_how_many_are_served_in_a_turn(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/profiles.toml", fixture.directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("[principal.bob]\nweight = 2\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(bhi_profiles_load(path, &fixture.runtime->profiles, NULL), BH_OK);
    bh_capsule *capsule = load_with("sleep", BH_REUSE_SHARED, 1, 8);
    start_as('a', capsule, "carol");
    start_as('b', capsule, "alice");
    start_as('c', capsule, "alice");
    start_as('d', capsule, "bob");
    start_as('e', capsule, "bob");
    start_as('f', capsule, "bob");
    finish('f');
    assert_string_equal(ended, "abdecf");
    release(capsule);
}

static void a_principal_at_its_cap_waits_beside_a_free_instance(void **state)
{
    (void)state;
    guest_setup setup = {
        .guest = "sleep",
        .options = {
            .live_max = 3, .principal_leases_max = 1, .has_reuse = true, .reuse = BH_REUSE_SHARED}};
    bh_capsule *capsule = load_setup(&fixture, &setup);
    start_as('a', capsule, "alice");
    start_as('b', capsule, "alice");
    start_as('c', capsule, "bob");
    turns(3);
    assert_int_equal(pool_of(capsule).waiting, 1);
    finish('c');
    finish('b');
    assert_string_equal(ended, "acb");
    assert_true(pool_of(capsule).live <= 2); /* the third was never needed */
    release(capsule);
}

static void a_failed_build_tells_its_builder_and_the_next_one_builds(void **state)
{
    (void)state;
    bh_capsule *capsule = load_cold("init_trap");
    start('a', capsule, "");
    start('b', capsule, "");
    finish('b');
    expect_refused('a', BH_E_BUILD, "initialisation ended as trapped");
    expect_refused('b', BH_E_BUILD, "initialisation ended as trapped");
    assert_int_equal(pool_of(capsule).build_failures, 2);
    release(capsule);
}

/* ---- side by side ---- */

static void a_waiting_guest_keeps_no_other_from_finishing(void **state)
{
    (void)state;
    bh_capsule *sleeper = load_guest(&fixture, "sleep", BH_REUSE_SHARED);
    bh_capsule *echo = load_example(&fixture, "echo");
    start('s', sleeper, MINUTE);
    start('e', echo, "hello");
    finish('e');
    expect_answer('e', "hello");
    assert_int_equal(record_of('s')->done_count, 0);
    cancel('s');
    finish('s');
    assert_string_equal(ended, "es");
    release(sleeper);
    release(echo);
}

static void a_busy_guest_lets_others_finish_while_it_runs(void **state)
{
    (void)state;
    bh_capsule *busy = load_guest(&fixture, "loop", BH_REUSE_SHARED);
    bh_capsule *sleeper = load_guest(&fixture, "sleep", BH_REUSE_SHARED);
    bh_capsule *echo = load_example(&fixture, "echo");
    start('l', busy, "");
    start('m', busy, "");
    start('s', sleeper, MOMENT);
    start('e', echo, "hello");
    finish('e');
    finish('s'); /* timers get their turn too */
    expect_answer('e', "hello");
    expect_answer('s', "slept");
    assert_int_equal(record_of('l')->done_count + record_of('m')->done_count, 0);
    cancel('m');
    finish('m');
    cancel('l');
    finish('l');
    assert_string_equal(ended, "esml");
    expect_outcome('l', BH_OUTCOME_CANCELLED);
    release(busy);
    release(sleeper);
    release(echo);
}

/* ---- run, admission ---- */

static void run_ends_a_short_invocation_at_once(void **state)
{
    (void)state;
    bh_capsule *capsule = load_example(&fixture, "echo");
    record *one = record_of('a');
    one->request = (bh_request){.action = "x", .payload = "now", .payload_len = 3};
    use_engine_signals();
    is_starting = true;
    assert_int_equal(
        bhi_invocation_create(capsule, worker, &one->request, done_cb, one, &one->invocation, NULL),
        BH_OK);
    is_starting = false;
    bhi_invocation_run(one->invocation);
    /* One slice suffices unless a tick falls into it. */
    finish('a');
    expect_answer('a', "now");
    release(capsule);
}

static void what_is_refused_at_the_door_is_never_called_back(void **state)
{
    (void)state;
    bh_capsule *capsule = load_example(&fixture, "echo");
    static char long_action[BH_ACTION_BYTES_MAX + 2];
    memset(long_action, 'a', BH_ACTION_BYTES_MAX + 1);
    const struct {
        bh_request request;
        bh_status status;
    } cases[] = {
        {{.action = NULL}, BH_E_ARG},
        {{.action = ""}, BH_E_ARG},
        {{.action = long_action}, BH_E_ARG},
        {{.action = "\xff"}, BH_E_ARG},
        {{.action = "x", .principal = ""}, BH_E_ARG},
        {{.action = "x", .principal = "a/b"}, BH_E_ARG},
        {{.action = "x", .timeout_ms = BH_TIMEOUT_MS_MAX + 1}, BH_E_ARG},
        {{.action = "x", .payload_len = 1}, BH_E_ARG},
        {{.action = "x", .payload = "", .payload_len = BH_PAYLOAD_BYTES_MAX + 1}, BH_E_LIMIT},
        {{.entry = BH_ENTRY_UPGRADE}, BH_E_NOT_FOUND},
        {{.entry = (bh_entry)3, .action = "x"}, BH_E_ARG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bh_error error;
        bh_status status = bhi_invocation_start(capsule, worker, &cases[i].request, done_cb,
                                                record_of('a'), NULL, &error);
        if (status != cases[i].status)
            fail_msg("case %zu: %s", i, bh_status_name(status));
        assert_int_equal(error.code, status);
    }
    turns(3);
    assert_int_equal(record_of('a')->done_count, 0);
    release(capsule);
}

/* ---- invocations made by invocations ---- */

/* Its parent sleeps, as it would while it waits for what it called. */
static void start_nested(char letter, bh_capsule *capsule, char parent)
{
    start(letter, capsule, MOMENT);
    bhi_invocation_nest(record_of(letter)->invocation, record_of(parent)->invocation);
}

static void a_call_that_could_only_wait_for_its_own_caller_is_refused_as_nested(void **state)
{
    (void)state;
    bh_capsule *one = load_with("sleep", BH_REUSE_SHARED, 1, 4);
    start('a', one, LONG);
    turns(2);
    start_nested('b', one, 'a');
    finish('b');
    expect_refused('b', BH_E_NESTED, "wait for it themselves");
    assert_int_equal(pool_of(one).refusals[BH_E_NESTED], 1);
    cancel('a');
    finish('a');
    release(one);
}

static void a_chain_through_another_capsule_that_comes_back_is_refused_as_nested(void **state)
{
    (void)state;
    bh_capsule *one = load_with("sleep", BH_REUSE_SHARED, 1, 4);
    bh_capsule *other = load_with("sleep", BH_REUSE_SHARED, 1, 4);
    start('a', one, LONG);
    start('c', other, LONG);
    turns(2);
    start_nested('b', other, 'a'); /* waits for c, which waits for nobody */
    turns(2);
    assert_int_equal(pool_of(other).waiting, 1);
    start_nested('d', one, 'c'); /* would wait for a, which waits for c */
    finish('d');
    expect_refused('d', BH_E_NESTED, "wait for it themselves");
    cancel('c');
    finish('c');
    finish('b');
    expect_answer('b', "slept");
    cancel('a');
    finish('a');
    release(one);
    release(other);
}

static void a_nested_call_is_served_when_an_instance_is_left(void **state)
{
    (void)state;
    bh_capsule *two = load_with("sleep", BH_REUSE_SHARED, 2, 4);
    start('a', two, LONG);
    turns(2);
    start_nested('b', two, 'a');
    finish('b');
    expect_answer('b', "slept");
    cancel('a');
    finish('a');
    release(two);
}

static void who_will_not_wait_is_refused_at_once_and_told_why(void **state)
{
    (void)state;
    bh_capsule *one = load_with("sleep", BH_REUSE_SHARED, 1, 4);
    start('a', one, MOMENT);
    turns(2);
    bh_request request = {.action = "x", .principal = "alice", .no_wait = true};
    bh_error error;
    assert_int_equal(bhi_invocation_start(one, worker, &request, done_cb, record_of('b'),
                                          &record_of('b')->invocation, &error),
                     BH_OK);
    finish('b');
    expect_refused('b', BH_E_SATURATED, "all instances are in use (of at most 1)");
    finish('a');
    release(one);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(cancelled_before_its_first_turn_it_ends_once),
        CASE(cancelled_while_running_it_is_condemned),
        CASE(cancelled_while_waiting_in_a_sleep_it_leaves_no_timer),
        CASE(cancelled_while_building_it_gives_the_slot_back),
        CASE(cancelled_while_queued_it_leaves_the_queue),
        CASE(a_grant_that_comes_too_late_goes_to_the_next_in_the_queue),
        CASE(a_wait_for_a_commit_can_be_cancelled_and_expire),
        CASE(a_worker_ends_only_when_an_abandoned_commit_has_answered),
        CASE(a_deadline_in_the_queue_refuses_and_leaves_no_trace),
        CASE(a_deadline_while_building_refuses_and_gives_the_slot_back),
        CASE(a_deadline_ends_a_guest_that_waits_or_runs),
        CASE(close_refuses_who_queues_and_lets_who_runs_finish),
        CASE(close_while_building_lets_the_builder_call),
        CASE(waiters_are_served_in_the_order_they_came),
        CASE(one_more_than_the_queue_holds_is_refused),
        CASE(principals_take_turns_when_they_wait),
        CASE(a_profile_says_how_many_are_served_in_a_turn),
        CASE(a_principal_at_its_cap_waits_beside_a_free_instance),
        CASE(a_failed_build_tells_its_builder_and_the_next_one_builds),
        CASE(a_waiting_guest_keeps_no_other_from_finishing),
        CASE(a_busy_guest_lets_others_finish_while_it_runs),
        CASE(run_ends_a_short_invocation_at_once),
        CASE(what_is_refused_at_the_door_is_never_called_back),
        CASE(a_call_that_could_only_wait_for_its_own_caller_is_refused_as_nested),
        CASE(a_chain_through_another_capsule_that_comes_back_is_refused_as_nested),
        CASE(a_nested_call_is_served_when_an_instance_is_left),
        CASE(who_will_not_wait_is_refused_at_once_and_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
