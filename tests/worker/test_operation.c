/* tests/worker/test_operation.c - waiting in a host call: operations, timers, remotes.
 *
 * The guest is a fake: suspending runs turns of the worker inside the host call's own frame until
 * the guest is resumed or abandoned.
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

#include <cmocka.h>

#include "base/clock.h"
#include "worker/failing_calloc.h"
#include "worker/remote.h"
#include "worker/timer.h"

typedef struct fixture {
    bhi_guest guest; /* first */
    bhi_worker *worker;
    bhi_task task; /* the invocation */
    bhi_task abandon;
    bhi_operation operation;
    bool is_abandoned;
    int suspends;
    int invocation_runs;
} fixture;

static bool fake_suspend(bhi_guest *guest)
{
    fixture *f = (fixture *)guest;
    guest->is_resumed = false;
    f->suspends++;
    while (!guest->is_resumed && !f->is_abandoned)
        bhi_worker_turn(f->worker, true);
    return !f->is_abandoned;
}

static const bhi_guest_ops fake_ops = {.suspend = fake_suspend};

static void run_invocation(bhi_task *task)
{
    BHI_CONTAINER_OF(task, fixture, task)->invocation_runs++;
}

static void run_abandon(bhi_task *task)
{
    BHI_CONTAINER_OF(task, fixture, abandon)->is_abandoned = true;
}

static void begin_call(fixture *f)
{
    f->is_abandoned = false;
    f->suspends = 0;
    bhi_operation_init(&f->operation, f->worker, &f->task, &f->guest);
}

static void open_fixture(fixture *f)
{
    *f = (fixture){.guest = {.ops = &fake_ops, .may_leave = true}};
    assert_int_equal(bhi_worker_create(&f->worker, NULL), BH_OK);
    bhi_task_init(&f->task, run_invocation);
    bhi_task_init(&f->abandon, run_abandon);
    begin_call(f);
}

static void close_fixture(fixture *f)
{
    bhi_worker_destroy(f->worker);
}

/* ---- operations ---- */

typedef struct completer {
    bhi_task task; /* first */
    fixture *f;
} completer;

static void run_completer(bhi_task *task)
{
    bhi_operation_complete(&((completer *)task)->f->operation);
}

static void completer_cb(void *arg)
{
    run_completer(arg);
}

static void run_resumer(bhi_task *task)
{
    ((completer *)task)->f->guest.is_resumed = true;
}

static void awaited_operation_suspends_until_it_is_complete(void **state)
{
    fixture f;
    open_fixture(&f);
    completer c = {.f = &f};
    bhi_task_init(&c.task, run_completer);
    bhi_worker_ready(f.worker, &c.task);
    assert_true(bhi_operation_await(&f.operation));
    assert_int_equal(f.suspends, 1);
    bhi_worker_turn(f.worker, false);
    assert_int_equal(f.invocation_runs, 1); /* the invocation was made ready */
    close_fixture(&f);
}

static void operation_complete_before_await_neither_suspends_nor_wakes(void **state)
{
    fixture f;
    open_fixture(&f);
    bhi_operation_complete(&f.operation);
    assert_true(bhi_operation_await(&f.operation));
    assert_int_equal(f.suspends, 0);
    assert_false(f.guest.is_resumed);
    bhi_worker_turn(f.worker, false);
    assert_int_equal(f.invocation_runs, 0);
    close_fixture(&f);
}

static void guest_resumed_for_something_else_goes_on_waiting(void **state)
{
    fixture f;
    open_fixture(&f);
    completer other = {.f = &f}, c = {.f = &f};
    bhi_task_init(&other.task, run_resumer);
    bhi_task_init(&c.task, run_completer);
    bhi_worker_ready(f.worker, &other.task);
    bhi_worker_turn(f.worker, false);
    bhi_worker_ready(f.worker, &other.task);
    bhi_timer *timer;
    assert_int_equal(bhi_timer_open(f.worker, BHI_NS_PER_MS, completer_cb, &c, &timer, NULL),
                     BH_OK);
    assert_true(bhi_operation_await(&f.operation));
    assert_int_equal(f.suspends, 2);
    bhi_timer_close(timer);
    bhi_worker_turn(f.worker, false);
    close_fixture(&f);
}

static void run_other(bhi_task *task)
{
    ((completer *)task)->f->invocation_runs += 100;
}

static void a_yield_lets_ready_tasks_run_first(void **state)
{
    fixture f;
    open_fixture(&f);
    completer other = {.f = &f};
    bhi_task_init(&other.task, run_other);
    bhi_worker_ready(f.worker, &other.task);
    assert_true(bhi_operation_yield(f.worker, &f.task, &f.guest));
    assert_int_equal(f.invocation_runs, 100);
    assert_int_equal(f.suspends, 1);
    bhi_worker_turn(f.worker, false);
    assert_int_equal(f.invocation_runs, 101); /* the invocation was made ready */
    close_fixture(&f);
}

static void an_abandoned_yield_leaves_no_task(void **state)
{
    fixture f;
    open_fixture(&f);
    f.is_abandoned = true;
    assert_false(bhi_operation_yield(f.worker, &f.task, &f.guest));
    bhi_worker_turn(f.worker, false); /* its task lay on a stack frame that is gone */
    assert_int_equal(f.invocation_runs, 0);
    close_fixture(&f);
}

static void abandoned_operation_is_told_so(void **state)
{
    fixture f;
    open_fixture(&f);
    bhi_worker_ready(f.worker, &f.abandon);
    assert_false(bhi_operation_await(&f.operation));
    close_fixture(&f);
}

/* ---- timers ---- */

static void count_cb(void *arg)
{
    ++*(int *)arg;
}

static bhi_timer *open_timer(bhi_worker *worker, uint64_t delay_ns, int *count)
{
    bhi_timer *timer;
    assert_int_equal(bhi_timer_open(worker, delay_ns, count_cb, count, &timer, NULL), BH_OK);
    return timer;
}

static void spin_ns(uint64_t ns)
{
    uint64_t until_ns = bhi_monotonic_ns() + ns;
    while (bhi_monotonic_ns() < until_ns)
        ;
}

static void timer_never_fires_early_however_old_the_loops_time(void **state)
{
    fixture f;
    open_fixture(&f);
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t delay_ns = i * 170000 + 1;
        spin_ns(i % 4 * 700000); /* no turn meanwhile, and another phase of the millisecond */
        int fired = 0;
        uint64_t began_ns = bhi_worker_now_ns(f.worker);
        bhi_timer *timer = open_timer(f.worker, delay_ns, &fired);
        while (fired == 0)
            bhi_worker_turn(f.worker, true);
        assert_true(bhi_worker_now_ns(f.worker) - began_ns >= delay_ns);
        assert_int_equal(fired, 1);
        bhi_timer_close(timer);
    }
    close_fixture(&f);
}

static void closed_timer_does_not_fire(void **state)
{
    fixture f;
    open_fixture(&f);
    int closed = 0, open = 0;
    bhi_timer *first = open_timer(f.worker, BHI_NS_PER_MS, &closed);
    bhi_timer *second = open_timer(f.worker, 3 * BHI_NS_PER_MS, &open);
    bhi_timer_close(first);
    bhi_timer_close(NULL);
    while (open == 0)
        bhi_worker_turn(f.worker, true);
    assert_int_equal(closed, 0);
    bhi_timer_close(second);
    close_fixture(&f);
}

typedef struct self_closing {
    bhi_timer *timer;
    bool has_fired;
} self_closing;

static void close_self_cb(void *arg)
{
    self_closing *self = arg;
    self->has_fired = true;
    bhi_timer_close(self->timer);
}

static void timer_may_be_closed_from_its_own_callback(void **state)
{
    fixture f;
    open_fixture(&f);
    self_closing self = {0};
    assert_int_equal(bhi_timer_open(f.worker, 0, close_self_cb, &self, &self.timer, NULL), BH_OK);
    while (!self.has_fired)
        bhi_worker_turn(f.worker, true);
    close_fixture(&f);
}

static void delay_past_the_end_of_the_clock_never_fires(void **state)
{
    fixture f;
    open_fixture(&f);
    int never = 0, soon = 0;
    bhi_timer *far = open_timer(f.worker, UINT64_MAX, &never);
    bhi_timer *further = open_timer(f.worker, UINT64_MAX - bhi_monotonic_ns(), &never);
    bhi_timer *near = open_timer(f.worker, BHI_NS_PER_MS, &soon);
    while (soon == 0)
        bhi_worker_turn(f.worker, true);
    assert_int_equal(never, 0);
    bhi_timer_close(far);
    bhi_timer_close(further);
    bhi_timer_close(near);
    close_fixture(&f); /* closing timers are no open ones */
}

enum { WAVES = 3, WAVE = 400 }; /* more at once than are kept */

/* Closed before they fired, after, and in waves: each opened one fires once, no other does. */
static void timers_that_were_closed_serve_again(void **state)
{
    fixture f;
    open_fixture(&f);
    int never = 0, soon = 0;
    bhi_timer *timers[WAVE];
    for (int wave = 0; wave < WAVES; wave++) {
        for (int i = 0; i < WAVE; i++)
            timers[i] = open_timer(f.worker, BHI_NS_PER_MS, &never);
        for (int i = 0; i < WAVE; i++)
            bhi_timer_close(timers[i]);
        for (int i = 0; i < WAVE; i++)
            timers[i] = open_timer(f.worker, (uint64_t)(i % 5) * BHI_NS_PER_MS, &soon);
        while (soon < (wave + 1) * WAVE)
            bhi_worker_turn(f.worker, true);
        for (int i = 0; i < WAVE; i++)
            bhi_timer_close(timers[i]);
    }
    bhi_timer *last = open_timer(f.worker, 10 * BHI_NS_PER_MS, &soon);
    while (soon == WAVES * WAVE)
        bhi_worker_turn(f.worker, true);
    bhi_timer_close(last);
    assert_int_equal(soon, WAVES * WAVE + 1);
    assert_int_equal(never, 0);
    close_fixture(&f);
}

static void timer_without_memory_is_refused(void **state)
{
    if (!CAN_FAIL_CALLOC)
        skip();
    fixture f;
    open_fixture(&f);
    int fired = 0;
    bhi_timer *timer = NULL;
    bh_error error = {0};
    callocs_left = 0;
    bh_status status = bhi_timer_open(f.worker, 1, count_cb, &fired, &timer, &error);
    callocs_left = -1;
    assert_int_equal(status, BH_E_NOMEM);
    assert_int_equal(error.code, BH_E_NOMEM);
    assert_null(timer);
    close_fixture(&f);
}

/* ---- remotes ---- */

typedef struct payload {
    int value;      /* the other side's, until it finishes */
    int *frees;     /* the worker's thread's */
    max_align_t at; /* any type may be in it */
} payload;

static void free_payload_cb(void *memory)
{
    payload *self = memory;
    if (self->frees != NULL)
        ++*self->frees;
}

static bhi_remote *new_remote(fixture *f, int *frees)
{
    bhi_remote *remote;
    assert_int_equal(
        bhi_remote_create(&f->operation, sizeof(payload), free_payload_cb, &remote, NULL), BH_OK);
    payload *p = bhi_remote_payload(remote);
    assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
    assert_int_equal(p->value, 0);
    p->frees = frees;
    return remote;
}

static void *finish_remote(void *remote)
{
    ((payload *)bhi_remote_payload(remote))->value = 42;
    bhi_remote_finish(remote);
    return NULL;
}

static pthread_t finish_on_a_thread(bhi_remote *remote)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_remote, remote), 0);
    return thread;
}

static void finished_remote_hands_over_its_payload_R1(void **state)
{
    fixture f;
    open_fixture(&f);
    int frees = 0;
    bhi_remote *remote = new_remote(&f, &frees);
    pthread_t thread = finish_on_a_thread(remote);
    assert_true(bhi_remote_await(remote));
    assert_int_equal(((payload *)bhi_remote_payload(remote))->value, 42);
    assert_int_equal(frees, 0);
    bhi_remote_release(remote);
    assert_int_equal(frees, 1);
    pthread_join(thread, NULL);
    close_fixture(&f);
}

static void remote_finished_before_await_does_not_suspend(void **state)
{
    fixture f;
    open_fixture(&f);
    int frees = 0;
    bhi_remote *remote = new_remote(&f, &frees);
    finish_remote(remote);            /* on the worker's own thread */
    bhi_worker_turn(f.worker, false); /* the post arrives */
    assert_true(bhi_remote_await(remote));
    assert_int_equal(f.suspends, 0);
    bhi_remote_release(remote);
    assert_int_equal(frees, 1);
    close_fixture(&f);
}

static void remote_abandoned_before_it_is_finished_lives_until_then_R1_R3(void **state)
{
    fixture f;
    open_fixture(&f);
    int frees = 0;
    bhi_remote *remote = new_remote(&f, &frees);
    bhi_worker_ready(f.worker, &f.abandon);
    assert_false(bhi_remote_await(remote));
    memset(&f.operation, 0xff, sizeof f.operation); /* the host function's frame is gone */
    assert_int_equal(frees, 0);
    pthread_t thread = finish_on_a_thread(remote);
    close_fixture(&f); /* waits for the finish */
    assert_int_equal(frees, 1);
    assert_int_equal(f.invocation_runs, 0); /* it woke nobody */
    pthread_join(thread, NULL);
}

static void remote_abandoned_while_its_finish_is_posted_is_freed_once(void **state)
{
    fixture f;
    open_fixture(&f);
    int frees = 0;
    bhi_remote *remote = new_remote(&f, &frees);
    f.is_abandoned = true;
    finish_remote(remote); /* posted, not taken yet */
    assert_false(bhi_remote_await(remote));
    assert_int_equal(frees, 0);
    bhi_worker_turn(f.worker, false);
    assert_int_equal(frees, 1);
    close_fixture(&f);
}

static void discarded_remote_is_freed_at_once(void **state)
{
    fixture f;
    open_fixture(&f);
    int frees = 0;
    bhi_remote_discard(new_remote(&f, &frees));
    assert_int_equal(frees, 1);
    bhi_remote *plain;
    assert_int_equal(bhi_remote_create(&f.operation, 0, NULL, &plain, NULL), BH_OK);
    bhi_remote_discard(plain);
    close_fixture(&f); /* waits for nobody */
}

static void remotes_of_a_task_are_counted_until_each_is_finished(void **state)
{
    fixture f;
    open_fixture(&f);
    bhi_remotes *remotes = f.task.remotes = bhi_remotes_create();
    int frees = 0;
    bhi_remote_discard(new_remote(&f, &frees));
    assert_false(bhi_remotes_are_open(remotes, &f.task));
    bhi_remote *first = new_remote(&f, &frees), *second = new_remote(&f, &frees);
    bhi_worker_ready(f.worker, &f.abandon);
    assert_false(bhi_remote_await(first)); /* goes on although it was abandoned */
    finish_remote(second);
    bhi_worker_turn(f.worker, false);
    bhi_remote_release(second);
    assert_true(bhi_remotes_are_open(remotes, &f.task));
    assert_int_equal(f.invocation_runs, 0);
    pthread_t thread = finish_on_a_thread(first);
    while (f.invocation_runs == 0) /* made ready by the last one */
        bhi_worker_turn(f.worker, true);
    assert_false(bhi_remotes_are_open(remotes, &f.task));
    bhi_remotes_leave(remotes);
    pthread_join(thread, NULL);
    assert_int_equal(frees, 3);
    close_fixture(&f);
}

static void remotes_that_were_left_wake_nobody_and_go_with_the_last(void **state)
{
    fixture f;
    open_fixture(&f);
    bhi_remotes *remotes = f.task.remotes = bhi_remotes_create();
    int frees = 0;
    bhi_remote *remote = new_remote(&f, &frees);
    bhi_worker_ready(f.worker, &f.abandon);
    assert_false(bhi_remote_await(remote));
    assert_true(bhi_remotes_are_open(remotes, &f.task));
    f.task.remotes = NULL;
    bhi_remotes_leave(remotes);
    bhi_remotes_leave(NULL);
    finish_remote(remote);
    bhi_worker_turn(f.worker, false);
    bhi_worker_turn(f.worker, false);
    assert_int_equal(frees, 1);
    assert_int_equal(f.invocation_runs, 0);
    close_fixture(&f);
}

static void remote_without_memory_is_refused(void **state)
{
    fixture f;
    open_fixture(&f);
    bhi_remote *remote = NULL;
    bh_error error = {0};
    assert_int_equal(bhi_remote_create(&f.operation, SIZE_MAX, NULL, &remote, &error), BH_E_NOMEM);
    if (CAN_FAIL_CALLOC) {
        callocs_left = 0;
        bh_status status = bhi_remote_create(&f.operation, 8, NULL, &remote, NULL);
        callocs_left = -1;
        assert_int_equal(status, BH_E_NOMEM);
    }
    assert_int_equal(error.code, BH_E_NOMEM);
    assert_null(remote);
    close_fixture(&f); /* a refused remote owes no finish */
}

/* ---- both sides at once ---- */

enum { ROUNDS = 5000 };

typedef struct exchange {
    _Atomic(bhi_remote *) offered; /* release by the worker, acquire by the finisher */
    _Atomic(bhi_task *) abandon;   /* posted by the finisher around its finish */
    bhi_worker *worker;
    atomic_bool is_over;
    atomic_int rounds_done; /* the finisher has let go of a round's tasks */
} exchange;

/* Finish and abandon race, in either order of posting. */
static void *finish_many(void *arg)
{
    exchange *e = arg;
    for (int i = 0; !atomic_load(&e->is_over);) {
        bhi_remote *remote = atomic_exchange(&e->offered, NULL);
        if (remote == NULL)
            continue;
        bhi_task *abandon = atomic_load(&e->abandon);
        if (i % 3 == 0)
            bhi_worker_post(e->worker, abandon);
        finish_remote(remote);
        if (i % 3 == 1)
            bhi_worker_post(e->worker, abandon);
        atomic_store(&e->rounds_done, ++i);
    }
    return NULL;
}

static void run_round(fixture *f, exchange *e, int *frees, int *abandons, int round)
{
    begin_call(f);
    bhi_remote *remote = new_remote(f, frees);
    atomic_store(&e->offered, remote);
    if (round % 5 == 0) /* abandoned at once, so that the finish meets every stage of it */
        bhi_worker_ready(f->worker, &f->abandon);
    if (bhi_remote_await(remote)) {
        assert_int_equal(((payload *)bhi_remote_payload(remote))->value, 42);
        bhi_remote_release(remote);
    } else {
        ++*abandons;
    }
    while (atomic_load(&e->rounds_done) <= round)
        bhi_worker_turn(f->worker, false);
    bhi_worker_forget(f->worker, &f->abandon);
}

static void finish_and_abandon_at_once_free_each_remote_once(void **state)
{
    fixture f;
    open_fixture(&f);
    exchange e = {.abandon = &f.abandon, .worker = f.worker};
    int frees = 0, abandons = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, finish_many, &e), 0);
    for (int round = 0; round < ROUNDS; round++)
        run_round(&f, &e, &frees, &abandons, round);
    atomic_store(&e.is_over, true);
    pthread_join(thread, NULL);
    bhi_worker_forget(f.worker, &f.task);
    close_fixture(&f);
    assert_int_equal(frees, ROUNDS);
    assert_true(abandons > 0 && abandons < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(awaited_operation_suspends_until_it_is_complete),
        cmocka_unit_test(operation_complete_before_await_neither_suspends_nor_wakes),
        cmocka_unit_test(guest_resumed_for_something_else_goes_on_waiting),
        cmocka_unit_test(a_yield_lets_ready_tasks_run_first),
        cmocka_unit_test(an_abandoned_yield_leaves_no_task),
        cmocka_unit_test(abandoned_operation_is_told_so),
        cmocka_unit_test(timer_never_fires_early_however_old_the_loops_time),
        cmocka_unit_test(closed_timer_does_not_fire),
        cmocka_unit_test(timer_may_be_closed_from_its_own_callback),
        cmocka_unit_test(delay_past_the_end_of_the_clock_never_fires),
        cmocka_unit_test(timers_that_were_closed_serve_again),
        cmocka_unit_test(timer_without_memory_is_refused),
        cmocka_unit_test(finished_remote_hands_over_its_payload_R1),
        cmocka_unit_test(remote_finished_before_await_does_not_suspend),
        cmocka_unit_test(remote_abandoned_before_it_is_finished_lives_until_then_R1_R3),
        cmocka_unit_test(remote_abandoned_while_its_finish_is_posted_is_freed_once),
        cmocka_unit_test(discarded_remote_is_freed_at_once),
        cmocka_unit_test(remotes_of_a_task_are_counted_until_each_is_finished),
        cmocka_unit_test(remotes_that_were_left_wake_nobody_and_go_with_the_last),
        cmocka_unit_test(remote_without_memory_is_refused),
        cmocka_unit_test(finish_and_abandon_at_once_free_each_remote_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
