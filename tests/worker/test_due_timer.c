/* tests/worker/test_due_timer.c - a timer that is due before the loop looks at its descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/worker.h"

enum { FAR_MS = 1000 }; /* how long a worker that overlooks the task is asleep */

typedef struct fixture {
    bhi_worker *worker;
    bhi_task task;
    int runs;
    int far_fired;
    uv_timer_t due, far;
} fixture;

static fixture f;

static void run_cb(bhi_task *task)
{
    (void)task;
    f.runs++;
}

static void due_cb(uv_timer_t *timer)
{
    (void)timer;
    bhi_worker_ready(f.worker, &f.task);
}

static void far_cb(uv_timer_t *timer)
{
    (void)timer;
    f.far_fired++;
}

/* Libuv, before its version 1.45, calls back timers first and waits for descriptors then, up to
 * when the next timer is due: whom the first timer readied would wait for the second. */
static void worker_does_not_wait_for_events_when_a_due_timer_readies_a_task(void **state)
{
    (void)state;
    f = (fixture){0};
    assert_int_equal(bhi_worker_create(&f.worker, NULL), BH_OK);
    bhi_task_init(&f.task, run_cb);
    uv_timer_init(bhi_worker_loop(f.worker), &f.due);
    uv_timer_init(bhi_worker_loop(f.worker), &f.far);
    uv_timer_start(&f.due, due_cb, 0, 0);
    uv_timer_start(&f.far, far_cb, FAR_MS, 0);
    for (int turn = 0; turn < 2; turn++)
        bhi_worker_turn(f.worker, f.runs == 0);
    assert_int_equal(f.runs, 1);
    assert_int_equal(f.far_fired, 0);
    /* Nothing of it lasts: the worker waits again. */
    while (f.far_fired == 0)
        bhi_worker_turn(f.worker, true);
    assert_int_equal(f.far_fired, 1);
    uv_close((uv_handle_t *)&f.due, NULL);
    uv_close((uv_handle_t *)&f.far, NULL);
    bhi_worker_turn(f.worker, false);
    bhi_worker_destroy(f.worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_does_not_wait_for_events_when_a_due_timer_readies_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
