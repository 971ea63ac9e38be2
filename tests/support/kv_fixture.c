/* support/kv_fixture.c - see kv_fixture.h. */
#include "support/kv_fixture.h"

#include <endian.h>
#include <lmdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

const bhi_kv_scope kv_alice = {{(const uint8_t *)"alice", 5}, {(const uint8_t *)"notes", 5}};

void kv_fixture_init(kv_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    strcpy(fixture->directory, "/tmp/bulkhead-kv-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->options.directory = fixture->directory;
    fixture->options.map_bytes_max = (uint64_t)64 << 20;
    fixture->options.queue_writes_max = 4096;
}

void kv_fixture_open(kv_fixture *fixture)
{
    bh_error error;
    if (bhi_kv_store_open(&fixture->options, &fixture->store, &error) != BH_OK)
        fail_msg("%s", error.text);
}

void kv_fixture_close(kv_fixture *fixture)
{
    bhi_kv_store_close(fixture->store);
    fixture->store = NULL;
}

void kv_fixture_deinit(kv_fixture *fixture)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    kv_fixture_close(fixture);
    bhi_arena_deinit(&fixture->arena);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[sizeof fixture->directory + 16];
        snprintf(path, sizeof path, "%s/%s", fixture->directory, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(fixture->directory), 0);
}

typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    int awaited_count;
    bhi_kv_answer answer; /* the last one that was not OK, or else the last one */
} waiter;

static void take_answer(void *arg, const bhi_kv_answer *answer)
{
    waiter *waiting = arg;
    pthread_mutex_lock(&waiting->lock);
    if (waiting->answer.verdict == BHI_KV_OK)
        waiting->answer = *answer;
    waiting->awaited_count--;
    pthread_cond_signal(&waiting->answered);
    pthread_mutex_unlock(&waiting->lock);
}

static void submit(bhi_kv_store *store, bhi_kv_write *write, waiter *waiting, uint64_t *ret_ticket)
{
    bh_error error;
    pthread_mutex_lock(&waiting->lock);
    waiting->awaited_count++;
    pthread_mutex_unlock(&waiting->lock);
    if (bhi_kv_store_submit(store, write, take_answer, waiting, ret_ticket, &error) != BH_OK)
        fail_msg("%s", error.text);
}

static void await(bhi_kv_store *store, waiter *waiting, uint64_t last_ticket)
{
    pthread_mutex_lock(&waiting->lock);
    while (waiting->awaited_count > 0)
        pthread_cond_wait(&waiting->answered, &waiting->lock);
    pthread_mutex_unlock(&waiting->lock);
    /* The last callback must have left the lock before it goes out of scope. */
    assert_false(bhi_kv_store_abandon(store, last_ticket));
}

bhi_kv_answer kv_do(bhi_kv_store *store, const bhi_kv_scope *scope, const bhi_kv_write_spec *spec)
{
    waiter waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    bhi_kv_write *write;
    uint64_t ticket;
    bhi_kv_verdict verdict = bhi_kv_write_create(scope, spec, &write);
    if (verdict != BHI_KV_OK)
        return (bhi_kv_answer){verdict, 0};
    submit(store, write, &waiting, &ticket);
    await(store, &waiting, ticket);
    return waiting.answer;
}

void kv_set_many(kv_fixture *fixture, const char *prefix, int count, bhi_bytes value)
{
    waiter waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    uint64_t ticket = 0;
    for (int i = 0; i < count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s%05d", prefix, i);
        bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = bhi_bytes_of(key), .value = value};
        bhi_kv_write *write;
        assert_int_equal(bhi_kv_write_create(&kv_alice, &spec, &write), BHI_KV_OK);
        submit(fixture->store, write, &waiting, &ticket);
    }
    await(fixture->store, &waiting, ticket);
    assert_int_equal(waiting.answer.verdict, BHI_KV_OK);
}

bhi_kv_verdict kv_set(kv_fixture *fixture, bhi_bytes key, bhi_bytes value)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = key, .value = value};
    return kv_do(fixture->store, &kv_alice, &spec).verdict;
}

bhi_kv_verdict kv_delete(kv_fixture *fixture, bhi_bytes key)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_DELETE, .key = key};
    return kv_do(fixture->store, &kv_alice, &spec).verdict;
}

uint64_t kv_clear(kv_fixture *fixture, bhi_bytes prefix)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_CLEAR_PREFIX, .key = prefix};
    bhi_kv_answer answer = kv_do(fixture->store, &kv_alice, &spec);
    assert_int_equal(answer.verdict, BHI_KV_OK);
    return answer.cleared_count;
}

bhi_kv_verdict kv_cas(bhi_kv_store *store, bhi_bytes key, bhi_bytes expected, bhi_bytes value)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_CAS,
                              .key = key,
                              .value = value,
                              .expected = expected,
                              .has_expected = expected.data != NULL};
    return kv_do(store, &kv_alice, &spec).verdict;
}

bhi_bytes kv_value(kv_fixture *fixture, const bhi_kv_scope *scope, bhi_bytes key)
{
    bool is_found;
    bhi_bytes value = {NULL, 0};
    assert_int_equal(bhi_kv_get(fixture->store, scope, key, &fixture->arena, &is_found, &value),
                     BHI_KV_OK);
    assert_int_equal(is_found, value.data != NULL);
    return value;
}

void kv_expect(kv_fixture *fixture, bhi_bytes key, bhi_bytes value)
{
    bhi_bytes found = kv_value(fixture, &kv_alice, key);
    assert_non_null(found.data);
    assert_int_equal(found.len, value.len);
    assert_true(bhi_bytes_equal(found, value));
}

void kv_expect_absent(kv_fixture *fixture, bhi_bytes key)
{
    assert_null(kv_value(fixture, &kv_alice, key).data);
}

void kv_increment(bhi_kv_store *store, bhi_bytes key)
{
    bhi_arena arena = {0};
    bhi_kv_verdict verdict;
    do {
        bhi_arena_reset(&arena);
        bool is_found;
        bhi_bytes current = {NULL, 0};
        verdict = bhi_kv_get(store, &kv_alice, key, &arena, &is_found, &current);
        assert_int_equal(verdict, BHI_KV_OK);
        char next[24];
        snprintf(next, sizeof next, "%ld",
                 is_found ? strtol((const char *)current.data, NULL, 10) + 1 : 1L);
        verdict = kv_cas(store, key, current, bhi_bytes_of(next));
        assert_true(verdict == BHI_KV_OK || verdict == BHI_KV_CAS_MISMATCH);
    } while (verdict != BHI_KV_OK);
    bhi_arena_deinit(&arena);
}

/* Past the second NUL. */
static size_t namespace_len(MDB_val place)
{
    const char *bytes = place.mv_data;
    const char *first = memchr(bytes, '\0', place.mv_size);
    assert_non_null(first);
    size_t rest = place.mv_size - (size_t)(first + 1 - bytes);
    const char *second = memchr(first + 1, '\0', rest);
    assert_non_null(second);
    return (size_t)(second + 1 - bytes);
}

static uint64_t sum_namespace(MDB_txn *txn, MDB_dbi pairs, MDB_val namespace, size_t *pair_count)
{
    MDB_cursor *cursor;
    MDB_val place = namespace;
    MDB_val value;
    uint64_t bytes = 0;
    assert_int_equal(mdb_cursor_open(txn, pairs, &cursor), 0);
    int rc = mdb_cursor_get(cursor, &place, &value, MDB_SET_RANGE);
    while (rc == 0 && place.mv_size > namespace.mv_size &&
           memcmp(place.mv_data, namespace.mv_data, namespace.mv_size) == 0) {
        assert_int_equal(namespace_len(place), namespace.mv_size);
        bytes += place.mv_size - namespace.mv_size + value.mv_size;
        ++*pair_count;
        rc = mdb_cursor_get(cursor, &place, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return bytes;
}

static size_t check_sizes_in(MDB_txn *txn)
{
    MDB_dbi pairs;
    MDB_dbi sizes;
    MDB_cursor *cursor;
    MDB_stat stat;
    MDB_val namespace;
    MDB_val record;
    size_t pair_count = 0;
    assert_int_equal(mdb_dbi_open(txn, "pairs", 0, &pairs), 0);
    assert_int_equal(mdb_dbi_open(txn, "sizes", 0, &sizes), 0);
    assert_int_equal(mdb_cursor_open(txn, sizes, &cursor), 0);
    while (mdb_cursor_get(cursor, &namespace, &record, MDB_NEXT) == 0) {
        uint64_t bytes;
        assert_int_equal(record.mv_size, sizeof bytes);
        memcpy(&bytes, record.mv_data, sizeof bytes);
        assert_true(bytes > 0);
        assert_int_equal(sum_namespace(txn, pairs, namespace, &pair_count), le64toh(bytes));
    }
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_stat(txn, pairs, &stat), 0);
    assert_int_equal(stat.ms_entries, pair_count);
    return pair_count;
}

size_t kv_fixture_check_sizes(kv_fixture *fixture)
{
    MDB_env *env;
    MDB_txn *txn;
    assert_null(fixture->store);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 2), 0);
    assert_int_equal(mdb_env_open(env, fixture->directory, MDB_RDONLY, 0), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    size_t pair_count = check_sizes_in(txn);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return pair_count;
}
