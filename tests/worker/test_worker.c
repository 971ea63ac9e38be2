/* tests/worker/test_worker.c - the run queue, posts from other threads, the loop, start and stop.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/failing_calloc.h"
#include "worker/worker.h"

enum { TRACE_BYTES = 64 };

typedef struct trace {
    bhi_worker *worker;
    char text[TRACE_BYTES];
    int len;
} trace;

typedef struct letter {
    bhi_task task; /* first */
    trace *trace;
    char name;
    int again; /* how often it readies itself */
} letter;

static void run_letter(bhi_task *task)
{
    letter *self = (letter *)task;
    self->trace->text[self->trace->len++] = self->name;
    if (self->again-- > 0)
        bhi_worker_ready(self->trace->worker, task);
}

static void init_letter(letter *self, trace *traced, char name)
{
    *self = (letter){.trace = traced, .name = name};
    bhi_task_init(&self->task, run_letter);
}

static bhi_worker *new_worker(void)
{
    bhi_worker *worker;
    bh_error error = {0};
    if (bhi_worker_create(&worker, &error) != BH_OK)
        fail_msg("%s", error.text);
    return worker;
}

#define LETTER(variable, traced, name)                                                             \
    letter variable;                                                                               \
    init_letter(&variable, traced, name)

/* ---- the run queue ---- */

static void ready_tasks_run_in_arrival_order(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    LETTER(c, &t, 'c');
    bhi_worker_ready(t.worker, &b.task);
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_ready(t.worker, &c.task);
    assert_string_equal(t.text, ""); /* W2: not inside ready */
    bhi_worker_turn(t.worker, true); /* returns, though it may block: it had work */
    assert_string_equal(t.text, "bac");
    bhi_worker_destroy(t.worker);
}

static void queued_task_is_not_queued_again_W1(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_ready(t.worker, &b.task);
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_post(t.worker, &b.task); /* it is on the run queue already */
    bhi_worker_turn(t.worker, false);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "ab");
    bhi_worker_post(t.worker, &a.task);
    bhi_worker_post(t.worker, &a.task);
    bhi_worker_ready(t.worker, &a.task); /* it is on the posted stack already */
    bhi_worker_turn(t.worker, false);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "aba");
    bhi_worker_destroy(t.worker);
}

typedef struct forwarder {
    bhi_task task; /* first */
    bhi_worker *worker;
    bhi_task *to;
} forwarder;

static void run_forwarder(bhi_task *task)
{
    forwarder *self = (forwarder *)task;
    bhi_worker_post(self->worker, self->to);
}

/* Else a task that frees itself when it runs would still be on the stack. */
static void task_posted_while_it_is_ready_runs_once_W1(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    forwarder f = {.worker = t.worker, .to = &a.task};
    bhi_task_init(&f.task, run_forwarder);
    bhi_worker_ready(t.worker, &f.task);
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_turn(t.worker, false);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "a");
    bhi_worker_destroy(t.worker);
}

static void task_that_readies_itself_runs_once_a_turn(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    a.again = 2;
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_ready(t.worker, &b.task);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "ab");
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "aba");
    bhi_worker_turn(t.worker, false);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "abaa");
    bhi_worker_destroy(t.worker);
}

static void forgotten_task_does_not_run(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    LETTER(c, &t, 'c');
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_post(t.worker, &b.task);
    bhi_worker_post(t.worker, &c.task);
    bhi_worker_forget(t.worker, &a.task);
    bhi_worker_forget(t.worker, &b.task); /* posted: off that queue too */
    bhi_worker_forget(t.worker, &b.task); /* on no queue: nothing */
    memset(&b, 0xff, sizeof b);           /* it may be freed */
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "c");
    bhi_worker_ready(t.worker, &a.task); /* and a may be used again */
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "ca");
    bhi_worker_destroy(t.worker);
}

typedef struct forgetter {
    bhi_task task; /* first */
    bhi_worker *worker;
    bhi_task *victim;
} forgetter;

static void run_forgetter(bhi_task *task)
{
    forgetter *self = (forgetter *)task;
    bhi_worker_forget(self->worker, self->victim);
}

static void task_may_forget_another_of_its_round(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    forgetter f = {.worker = t.worker, .victim = &a.task};
    bhi_task_init(&f.task, run_forgetter);
    bhi_worker_ready(t.worker, &f.task);
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_ready(t.worker, &b.task);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "b");
    bhi_worker_destroy(t.worker);
}

typedef struct nester {
    bhi_task task; /* first */
    trace *trace;
} nester;

static void run_nester(bhi_task *task)
{
    nester *self = (nester *)task;
    self->trace->text[self->trace->len++] = '(';
    bhi_worker_turn(self->trace->worker, false);
    self->trace->text[self->trace->len++] = ')';
}

static void turn_inside_a_task_runs_the_rest_of_its_round(void **state)
{
    trace t = {.worker = new_worker()};
    nester n = {.trace = &t};
    bhi_task_init(&n.task, run_nester);
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    bhi_worker_ready(t.worker, &n.task);
    bhi_worker_ready(t.worker, &a.task);
    bhi_worker_ready(t.worker, &b.task);
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "(ab)");
    bhi_worker_destroy(t.worker);
}

static void run_freeing(bhi_task *task)
{
    free(task);
}

static void task_may_free_itself(void **state)
{
    trace t = {.worker = new_worker()};
    bhi_worker_stats before, after;
    bhi_worker_read_stats(t.worker, &before);
    bhi_task *task = malloc(sizeof *task);
    bhi_task_init(task, run_freeing);
    bhi_worker_ready(t.worker, task);
    bhi_worker_turn(t.worker, false);
    bhi_worker_read_stats(t.worker, &after);
    assert_int_equal(after.tasks_run, before.tasks_run + 1);
    assert_int_equal(after.turns, before.turns + 1);
    bhi_worker_destroy(t.worker);
}

/* ---- posting ---- */

static void posted_tasks_run_in_arrival_order(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    LETTER(b, &t, 'b');
    LETTER(c, &t, 'c');
    bhi_worker_post(t.worker, &c.task);
    bhi_worker_post(t.worker, &a.task);
    bhi_worker_post(t.worker, &b.task);
    assert_string_equal(t.text, ""); /* W2: not inside post */
    bhi_worker_turn(t.worker, false);
    assert_string_equal(t.text, "cab");
    bhi_worker_stats stats;
    bhi_worker_read_stats(t.worker, &stats);
    assert_int_equal(stats.posts, 3);
    bhi_worker_destroy(t.worker);
}

enum { POSTERS = 4, POSTS_EACH = 10000 };

typedef struct poster {
    bhi_task task; /* first */
    bhi_worker *worker;
    atomic_int told;  /* raised before each post */
    int seen;         /* the worker's: the last value it read */
    atomic_bool done; /* the worker saw the last one */
} poster;

static void run_poster(bhi_task *task)
{
    poster *self = (poster *)task;
    self->seen = atomic_load_explicit(&self->told, memory_order_relaxed);
    if (self->seen == POSTS_EACH)
        atomic_store(&self->done, true);
}

static void *post_many(void *arg)
{
    poster *self = arg;
    for (int i = 1; i <= POSTS_EACH; i++) {
        atomic_store_explicit(&self->told, i, memory_order_relaxed);
        bhi_worker_post(self->worker, &self->task);
    }
    return NULL;
}

static bool all_done(poster *posters)
{
    for (int i = 0; i < POSTERS; i++)
        if (!atomic_load(&posters[i].done))
            return false;
    return true;
}

static void start_posters(bhi_worker *worker, poster *posters, pthread_t *threads)
{
    for (int i = 0; i < POSTERS; i++) {
        bhi_task_init(&posters[i].task, run_poster);
        posters[i].worker = worker;
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
}

/* A lost wake-up or post would leave the last value unseen, and the turn waiting for ever. */
static void no_post_of_many_threads_is_lost(void **state)
{
    bhi_worker *worker = new_worker();
    static poster posters[POSTERS];
    pthread_t threads[POSTERS];
    start_posters(worker, posters, threads);
    while (!all_done(posters))
        bhi_worker_turn(worker, true);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    bhi_worker_destroy(worker);
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(posters[i].seen, POSTS_EACH);
}

typedef struct parcel {
    bhi_task task; /* first */
    bhi_worker *worker;
    bool has_come;
} parcel;

static void run_parcel(bhi_task *task)
{
    parcel *self = (parcel *)task;
    bhi_worker_expected_came(self->worker);
    self->has_come = true;
}

static void *post_parcel(void *arg)
{
    parcel *self = arg;
    bhi_worker_post(self->worker, &self->task);
    return NULL;
}

/* The poster may still be inside post when the worker has run the task: destroy must wait for it.
 * Found by the sanitizers, so it is repeated. */
static void worker_may_be_destroyed_as_soon_as_a_posted_task_ran(void **state)
{
    for (int i = 0; i < 300; i++) {
        parcel p = {.worker = new_worker()};
        bhi_task_init(&p.task, run_parcel);
        bhi_worker_expect_post(p.worker);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, post_parcel, &p), 0);
        bhi_worker_destroy(p.worker); /* waits for what is owed */
        assert_true(p.has_come);
        pthread_join(thread, NULL);
    }
}

static void destroy_runs_what_was_posted(void **state)
{
    trace t = {.worker = new_worker()};
    LETTER(a, &t, 'a');
    bhi_worker_post(t.worker, &a.task);
    bhi_worker_destroy(t.worker);
    assert_string_equal(t.text, "a");
}

/* ---- the loop ---- */

typedef struct ender {
    bhi_task task; /* first */
    bhi_worker *worker;
    bool has_fired;
    long runs;
} ender;

static void fire_cb(uv_timer_t *timer)
{
    ((ender *)timer->data)->has_fired = true;
}

static void run_ender(bhi_task *task)
{
    ender *self = (ender *)task;
    self->runs++;
    if (!self->has_fired)
        bhi_worker_ready(self->worker, task);
}

static void always_ready_task_does_not_starve_a_timer(void **state)
{
    ender e = {.worker = new_worker()};
    bhi_task_init(&e.task, run_ender);
    uv_timer_t timer = {.data = &e};
    uv_timer_init(bhi_worker_loop(e.worker), &timer);
    uv_timer_start(&timer, fire_cb, 3, 0);
    bhi_worker_ready(e.worker, &e.task);
    while (!e.has_fired)
        bhi_worker_turn(e.worker, true); /* never waits: there is always a task */
    assert_true(e.runs > 1);
    bhi_worker_turn(e.worker, true);
    uv_close((uv_handle_t *)&timer, NULL);
    bhi_worker_destroy(e.worker);
}

static void readable_cb(uv_poll_t *poll, int status, int events)
{
    ((ender *)poll->data)->has_fired = true;
}

static void always_ready_task_does_not_starve_a_descriptor(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    ender e = {.worker = new_worker()};
    bhi_task_init(&e.task, run_ender);
    uv_poll_t poll = {.data = &e};
    assert_int_equal(uv_poll_init(bhi_worker_loop(e.worker), &poll, ends[0]), 0);
    uv_poll_start(&poll, UV_READABLE, readable_cb);
    bhi_worker_ready(e.worker, &e.task);
    bhi_worker_turn(e.worker, true);
    assert_false(e.has_fired);
    assert_int_equal(write(ends[1], "x", 1), 1);
    bhi_worker_turn(e.worker, true);
    assert_true(e.has_fired);
    bhi_worker_turn(e.worker, true);
    uv_close((uv_handle_t *)&poll, NULL);
    bhi_worker_destroy(e.worker);
    close(ends[0]);
    close(ends[1]);
}

static void turn_that_may_not_block_returns_with_nothing_to_do(void **state)
{
    bhi_worker *worker = new_worker();
    bhi_worker_turn(worker, false);
    bhi_worker_stats stats;
    bhi_worker_read_stats(worker, &stats);
    assert_int_equal(stats.turns, 1);
    assert_int_equal(stats.tasks_run, 0);
    bhi_worker_destroy(worker);
}

/* ---- a thread of its own ---- */

typedef struct namer {
    bhi_task task; /* first */
    char name[32];
    pthread_t thread;
    atomic_bool has_run;
} namer;

static void run_namer(bhi_task *task)
{
    namer *self = (namer *)task;
    self->thread = pthread_self();
    pthread_getname_np(self->thread, self->name, sizeof self->name);
    atomic_store(&self->has_run, true);
}

static void started_worker_runs_tasks_on_its_named_thread_W2(void **state)
{
    bhi_worker *worker = new_worker();
    namer n = {0};
    bhi_task_init(&n.task, run_namer);
    bhi_worker_ready(worker, &n.task); /* before start the creator is the own thread */
    char name[32] = "a-name-that-is-longer-than-kept";
    assert_int_equal(bhi_worker_start(worker, name, NULL), BH_OK);
    memset(name, 0, sizeof name); /* it was copied */
    bhi_worker_stop(worker);
    bhi_worker_join(worker);
    assert_true(n.has_run); /* W3: queues were emptied first */
    assert_false(pthread_equal(n.thread, pthread_self()));
    assert_string_equal(n.name, "a-name-that-is-");
    bhi_worker_destroy(worker);
}

static void stop_wakes_a_waiting_worker_and_runs_what_is_queued_W3(void **state)
{
    bhi_worker *worker = new_worker();
    static poster posters[POSTERS];
    memset(posters, 0, sizeof posters);
    pthread_t threads[POSTERS];
    assert_int_equal(bhi_worker_start(worker, "poster-test", NULL), BH_OK);
    start_posters(worker, posters, threads);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    bhi_worker_stop(worker);
    bhi_worker_join(worker);
    assert_true(all_done(posters));
    bhi_worker_join(worker); /* again: nothing */
    bhi_worker_destroy(worker);
}

static void destroy_stops_and_joins_a_started_worker(void **state)
{
    bhi_worker *worker = new_worker();
    assert_int_equal(bhi_worker_start(worker, "idle", NULL), BH_OK);
    bhi_worker_destroy(worker);
    bhi_worker_destroy(NULL);
}

/* ---- refusals ---- */

static void worker_without_memory_is_refused(void **state)
{
    if (!CAN_FAIL_CALLOC)
        skip();
    int failures = 0;
    for (;; failures++) {
        bhi_worker *worker = NULL;
        bh_error error = {0};
        callocs_left = failures;
        bh_status status = bhi_worker_create(&worker, &error);
        bool has_failed = callocs_left == -1;
        callocs_left = -1;
        if (!has_failed) {
            assert_int_equal(status, BH_OK);
            bhi_worker_destroy(worker);
            break;
        }
        assert_int_equal(status, BH_E_NOMEM);
        assert_int_equal(error.code, BH_E_NOMEM);
        assert_null(worker);
    }
    assert_true(failures > 0);
}

static int lowest_free_descriptor(void)
{
    int descriptor = dup(0);
    close(descriptor);
    return descriptor;
}

/* With `free_count` descriptors left to open. */
static bh_status create_with_descriptors(int free_count, bhi_worker **ret_worker, bh_error *reterr)
{
    struct rlimit limit, low;
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = (rlim_t)(lowest_free_descriptor() + free_count);
    setrlimit(RLIMIT_NOFILE, &low);
    bh_status status = bhi_worker_create(ret_worker, reterr);
    setrlimit(RLIMIT_NOFILE, &limit);
    return status;
}

/* libuv 1.44 loses descriptors of its own on some of these paths, so none are counted. */
static void worker_without_descriptors_is_refused(void **state)
{
    int failures = 0;
    for (;; failures++) {
        bhi_worker *worker = NULL;
        bh_error error = {0};
        bh_status status = create_with_descriptors(failures, &worker, &error);
        if (status == BH_OK) {
            bhi_worker_destroy(worker);
            break;
        }
        assert_int_equal(status, BH_E_IO);
        assert_int_equal(error.os_code, EMFILE);
        assert_null(worker);
    }
    assert_true(failures >= 2); /* the epoll descriptor, the wake-up */
}

/* libuv aborts when it cannot open its process-wide pipe, so the first loop is opened up front. */
static int open_first_loop(void **state)
{
    bhi_worker_destroy(new_worker());
    return 0;
}

/* ---- services ---- */

static int services_opened, services_closed;

static bh_status open_service(bhi_worker *worker, void **ret_service, bh_error *reterr)
{
    if (services_opened < 0)
        return bhi_fail(reterr, BH_E_IO, "not today");
    services_opened++;
    *ret_service = worker;
    return BH_OK;
}

static void close_service(void *service)
{
    services_closed++;
}

static void service_is_opened_once_and_closed_with_its_worker(void **state)
{
    static const bhi_service_kind one = {open_service, close_service};
    static const bhi_service_kind other = {open_service, close_service};
    bhi_worker *worker = new_worker();
    void *service = NULL;
    services_opened = -1;
    assert_int_equal(bhi_worker_service(worker, &one, &service, NULL), BH_E_IO);
    services_opened = services_closed = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bhi_worker_service(worker, &one, &service, NULL), BH_OK);
        assert_int_equal(bhi_worker_service(worker, &other, &service, NULL), BH_OK);
    }
    assert_ptr_equal(service, worker);
    assert_int_equal(services_opened, 2);
    bhi_worker_destroy(worker);
    assert_int_equal(services_closed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tasks_run_in_arrival_order),
        cmocka_unit_test(queued_task_is_not_queued_again_W1),
        cmocka_unit_test(task_posted_while_it_is_ready_runs_once_W1),
        cmocka_unit_test(task_that_readies_itself_runs_once_a_turn),
        cmocka_unit_test(forgotten_task_does_not_run),
        cmocka_unit_test(task_may_forget_another_of_its_round),
        cmocka_unit_test(turn_inside_a_task_runs_the_rest_of_its_round),
        cmocka_unit_test(task_may_free_itself),
        cmocka_unit_test(posted_tasks_run_in_arrival_order),
        cmocka_unit_test(no_post_of_many_threads_is_lost),
        cmocka_unit_test(worker_may_be_destroyed_as_soon_as_a_posted_task_ran),
        cmocka_unit_test(destroy_runs_what_was_posted),
        cmocka_unit_test(always_ready_task_does_not_starve_a_timer),
        cmocka_unit_test(always_ready_task_does_not_starve_a_descriptor),
        cmocka_unit_test(turn_that_may_not_block_returns_with_nothing_to_do),
        cmocka_unit_test(started_worker_runs_tasks_on_its_named_thread_W2),
        cmocka_unit_test(stop_wakes_a_waiting_worker_and_runs_what_is_queued_W3),
        cmocka_unit_test(destroy_stops_and_joins_a_started_worker),
        cmocka_unit_test(service_is_opened_once_and_closed_with_its_worker),
        cmocka_unit_test(worker_without_memory_is_refused),
        cmocka_unit_test(worker_without_descriptors_is_refused),
    };
    return cmocka_run_group_tests(tests, open_first_loop, NULL);
}
