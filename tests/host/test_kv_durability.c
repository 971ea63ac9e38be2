/* host/test_kv_durability.c - no acknowledgement precedes the sync that covers it.
 *
 * This program defines the calls through which LMDB reaches the disk, so the dynamic linker gives
 * them to LMDB instead of libc's. A commit writes data pages, syncs them with fdatasync, then
 * writes the meta page, which makes them current, through a descriptor opened with O_DSYNC. The
 * program follows every written value through these stages:
 *
 *     absent ─► written (a page with it was written) ─► synced ─► durable (meta page on disk)
 *
 * It can also hold the writer inside one of the calls, or let one fail. Only the writer thread
 * writes, so what it records is in program order; the lock is for the test's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/kv_fixture.h"

#define TOKENS_MAX  1000
#define TOKEN_TEXT  "<token "
#define TOKEN_BYTES 12 /* "<token 0123>" */
#define INTERPOSED  __attribute__((visibility("default")))

typedef enum stage { ABSENT, WRITTEN, SYNCED, DURABLE } stage;
typedef enum call { CALL_DATA_WRITE, CALL_DATA_SYNC, CALL_META_WRITE, CALL_COUNT } call;

static struct {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t changed;
    bool is_held[CALL_COUNT]; /* a thread that comes to this call waits */
    int fail_with[CALL_COUNT];
    int entered[CALL_COUNT];
    stage stages[TOKENS_MAX];
    int answered_count;
    int failed_count;
    int early_count; /* OK answers before the value was durable */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Count, wait while held, and return the errno to fail with, or 0. */
static int enter(call which)
{
    pthread_mutex_lock(&disk.lock);
    disk.entered[which]++;
    pthread_cond_broadcast(&disk.changed);
    while (disk.is_held[which])
        pthread_cond_wait(&disk.changed, &disk.lock);
    int os_code = disk.fail_with[which];
    pthread_mutex_unlock(&disk.lock);
    return os_code;
}

static void advance_all(stage from, stage to)
{
    pthread_mutex_lock(&disk.lock);
    for (int i = 0; i < TOKENS_MAX; i++) {
        if (disk.stages[i] == from)
            disk.stages[i] = to;
    }
    pthread_mutex_unlock(&disk.lock);
}

static void note_tokens(const void *bytes, size_t len)
{
    const char *rest = bytes;
    const char *end = rest + len;
    pthread_mutex_lock(&disk.lock);
    while ((rest = memmem(rest, (size_t)(end - rest), TOKEN_TEXT, sizeof TOKEN_TEXT - 1)) != NULL) {
        int token = atoi(rest + sizeof TOKEN_TEXT - 1);
        if (disk.stages[token] == ABSENT)
            disk.stages[token] = WRITTEN;
        rest += TOKEN_BYTES;
    }
    pthread_mutex_unlock(&disk.lock);
}

INTERPOSED int fdatasync(int fd)
{
    errno = enter(CALL_DATA_SYNC);
    if (errno != 0)
        return -1;
    long rc = syscall(SYS_fdatasync, fd);
    if (rc == 0)
        advance_all(WRITTEN, SYNCED);
    return (int)rc;
}

INTERPOSED ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    bool is_meta = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    errno = enter(is_meta ? CALL_META_WRITE : CALL_DATA_WRITE);
    if (errno != 0)
        return -1;
    long done = syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (done == (long)len && is_meta)
        advance_all(SYNCED, DURABLE);
    else if (done > 0)
        note_tokens(bytes, (size_t)done);
    return done;
}

INTERPOSED ssize_t writev(int fd, const struct iovec *parts, int count)
{
    errno = enter(CALL_DATA_WRITE);
    if (errno != 0)
        return -1;
    long done = syscall(SYS_writev, fd, parts, count);
    for (int i = 0; done > 0 && i < count; i++)
        note_tokens(parts[i].iov_base, parts[i].iov_len);
    return done;
}

static kv_fixture fixture;

static void hold(call which, bool is_held)
{
    pthread_mutex_lock(&disk.lock);
    disk.is_held[which] = is_held;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static void fail_with(call which, int os_code)
{
    pthread_mutex_lock(&disk.lock);
    disk.fail_with[which] = os_code;
    pthread_mutex_unlock(&disk.lock);
}

static int entered(call which)
{
    pthread_mutex_lock(&disk.lock);
    int count = disk.entered[which];
    pthread_mutex_unlock(&disk.lock);
    return count;
}

static void await_entered(call which, int count)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.entered[which] < count)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static int answered(void)
{
    pthread_mutex_lock(&disk.lock);
    int count = disk.answered_count;
    pthread_mutex_unlock(&disk.lock);
    return count;
}

static void await_answered(int count)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.answered_count < count)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static int setup(void **state)
{
    kv_fixture_init(&fixture);
    kv_fixture_open(&fixture);
    memset(disk.is_held, 0, sizeof disk.is_held);
    memset(disk.fail_with, 0, sizeof disk.fail_with);
    memset(disk.entered, 0, sizeof disk.entered);
    memset(disk.stages, 0, sizeof disk.stages);
    disk.answered_count = disk.failed_count = disk.early_count = 0;
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < CALL_COUNT; i++) {
        hold(i, false);
        fail_with(i, 0);
    }
    kv_fixture_deinit(&fixture);
    return 0;
}

static void note_answer(void *arg, const bhi_kv_answer *answer)
{
    const stage *reached = arg;
    pthread_mutex_lock(&disk.lock);
    disk.answered_count++;
    disk.failed_count += answer->verdict == BHI_KV_FAILED;
    disk.early_count += answer->verdict == BHI_KV_OK && *reached != DURABLE;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static bhi_bytes key_of(int token, char *text)
{
    snprintf(text, 32, "key %04d", token);
    return bhi_bytes_of(text);
}

static void submit_token(int token)
{
    char key[32];
    char value[32];
    snprintf(value, sizeof value, TOKEN_TEXT "%04d>", token);
    bhi_kv_write_spec spec = {
        .kind = BHI_KV_SET, .key = key_of(token, key), .value = bhi_bytes_of(value)};
    bhi_kv_write *write;
    assert_int_equal(bhi_kv_write_create(&kv_alice, &spec, &write), BHI_KV_OK);
    assert_int_equal(
        bhi_kv_store_submit(fixture.store, write, note_answer, &disk.stages[token], NULL, NULL),
        BH_OK);
}

static bool is_present(int token)
{
    char key[32];
    return kv_value(&fixture, &kv_alice, key_of(token, key)).data != NULL;
}

static void the_disk_calls_of_a_commit_are_seen(void **state)
{
    submit_token(0);
    await_answered(1);
    assert_true(entered(CALL_DATA_WRITE) >= 1);
    assert_int_equal(entered(CALL_DATA_SYNC), 1);
    assert_int_equal(entered(CALL_META_WRITE), 1);
    assert_int_equal(disk.early_count, 0);
}

enum { SUBMITTERS = 4, TOKENS_EACH = 200 };

static void *submit_main(void *arg)
{
    int first = *(int *)arg;
    for (int i = 0; i < TOKENS_EACH; i++)
        submit_token(first + i);
    return NULL;
}

static void K1_every_acknowledged_value_was_on_disk_before(void **state)
{
    pthread_t threads[SUBMITTERS];
    int firsts[SUBMITTERS];
    for (int i = 0; i < SUBMITTERS; i++) {
        firsts[i] = i * TOKENS_EACH;
        assert_int_equal(pthread_create(&threads[i], NULL, submit_main, &firsts[i]), 0);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(threads[i], NULL);
    await_answered(SUBMITTERS * TOKENS_EACH);
    assert_int_equal(disk.failed_count, 0);
    assert_int_equal(disk.early_count, 0);
    assert_int_equal(entered(CALL_DATA_SYNC), entered(CALL_META_WRITE));
}

/* Whatever the writer waits for, nothing is answered and nothing can be read before it has it. */
static void expect_silence_while_held(call which)
{
    hold(which, true);
    submit_token(0);
    await_entered(which, 1);
    for (int token = 1; token < 50; token++)
        submit_token(token);
    assert_int_equal(answered(), 0);
    assert_false(is_present(0));
    hold(which, false);
    await_answered(50);
    assert_true(is_present(0) && is_present(49));
    assert_int_equal(disk.early_count + disk.failed_count, 0);
}

static void K1_nothing_is_answered_while_the_data_sync_is_held(void **state)
{
    expect_silence_while_held(CALL_DATA_SYNC);
}

static void K1_nothing_is_answered_while_the_meta_page_is_held(void **state)
{
    expect_silence_while_held(CALL_META_WRITE);
}

static void writes_that_come_during_a_sync_share_the_next_one(void **state)
{
    hold(CALL_DATA_SYNC, true);
    submit_token(0);
    await_entered(CALL_DATA_SYNC, 1);
    for (int token = 1; token <= 200; token++)
        submit_token(token);
    hold(CALL_DATA_SYNC, false);
    await_answered(201);
    assert_int_equal(entered(CALL_DATA_SYNC), 2);
    assert_int_equal(disk.early_count, 0);
}

/* One failure of `which` fails all writes of its batch and only those. */
static void expect_failed_batch(call which, int os_code)
{
    submit_token(0);
    await_answered(1);
    hold(CALL_DATA_SYNC, true);
    submit_token(1);
    await_entered(CALL_DATA_SYNC, 2);
    for (int token = 2; token < 20; token++)
        submit_token(token);
    fail_with(which, os_code);
    hold(CALL_DATA_SYNC, false);
    await_answered(20);
    assert_in_range(disk.failed_count, 18, 19); /* the held one fails as well if it is the sync */
    assert_int_equal(disk.early_count, 0);
    assert_true(is_present(0));
    assert_false(is_present(2) || is_present(19));
    fail_with(which, 0);
    submit_token(20);
    await_answered(21);
    assert_in_range(disk.failed_count, 18, 19);
    assert_true(is_present(20));
    kv_fixture_close(&fixture);
    assert_in_range(kv_fixture_check_sizes(&fixture), 2, 3);
}

static void a_failed_sync_is_never_acknowledged(void **state)
{
    expect_failed_batch(CALL_DATA_SYNC, EIO);
}

static void a_full_disk_fails_the_batch_and_the_store_recovers(void **state)
{
    expect_failed_batch(CALL_DATA_WRITE, ENOSPC);
}

/* What the meta page on disk says is then unknown, so the store stays failed until reopened. */
static void after_a_failed_meta_page_nothing_is_acknowledged_until_reopened(void **state)
{
    submit_token(0);
    await_answered(1);
    fail_with(CALL_META_WRITE, EIO);
    submit_token(1);
    await_answered(2);
    fail_with(CALL_META_WRITE, 0);
    submit_token(2);
    await_answered(3);
    assert_int_equal(disk.failed_count, 2);
    assert_int_equal(disk.early_count, 0);
    kv_fixture_close(&fixture);
    kv_fixture_open(&fixture);
    assert_true(is_present(0));
    submit_token(3);
    await_answered(4);
    assert_int_equal(disk.failed_count, 2);
    assert_true(is_present(3));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_disk_calls_of_a_commit_are_seen),
        CASE(K1_every_acknowledged_value_was_on_disk_before),
        CASE(K1_nothing_is_answered_while_the_data_sync_is_held),
        CASE(K1_nothing_is_answered_while_the_meta_page_is_held),
        CASE(writes_that_come_during_a_sync_share_the_next_one),
        CASE(a_failed_sync_is_never_acknowledged),
        CASE(a_full_disk_fails_the_batch_and_the_store_recovers),
        CASE(after_a_failed_meta_page_nothing_is_acknowledged_until_reopened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
