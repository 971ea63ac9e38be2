/* host/test_kv_processes.c - one directory shared by processes, and processes killed while writing.
 *
 * The other processes are this program, started again with the name of a role.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/kv_fixture.h"

#define NUMBERS_MAX   200000
#define IN_FLIGHT_MAX 64
#define HELD_READERS  4
#define GROWN_KEYS    40
#define GROWN_BYTES   100000
#define VALUE_BYTES   60000
#define MAP_BYTES     ((uint64_t)512 << 20)
#define KILL_ROUNDS   20
#define KILL_ACKS_MAX 400
#define PROCESSES     4
#define REOPENS       10
#define INCREMENTS    5

/* ---- the roles ---- */

static bhi_kv_store *open_store(const char *directory)
{
    bhi_kv_store_options options = {.directory = directory, .map_bytes_max = MAP_BYTES};
    bhi_kv_store *store;
    bh_error error;
    if (bhi_kv_store_open(&options, &store, &error) != BH_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    return store;
}

static int increment_role(const char *directory, int first)
{
    for (int i = 0; i < REOPENS; i++) {
        bhi_kv_store *store = open_store(directory);
        for (int j = 0; j < INCREMENTS; j++)
            kv_increment(store, KV_TEXT("counter"));
        bhi_kv_store_close(store);
    }
    return 0;
}

static int grow_role(const char *directory, int first)
{
    static uint8_t big[GROWN_BYTES];
    bhi_kv_store *store = open_store(directory);
    for (int i = 0; i < GROWN_KEYS; i++) {
        char key[32];
        snprintf(key, sizeof key, "grown%d", i);
        bhi_kv_write_spec spec = {
            .kind = BHI_KV_SET, .key = bhi_bytes_of(key), .value = {big, sizeof big}};
        if (kv_do(store, &kv_alice, &spec).verdict != BHI_KV_OK)
            return 3;
    }
    bhi_kv_store_close(store);
    return 0;
}

/* Another program that reads: takes all reader slots, says so, and keeps them until killed. */
static int hold_readers_role(const char *directory, int first)
{
    MDB_env *env;
    MDB_txn *txn;
    if (mdb_env_create(&env) != 0 || mdb_env_set_maxreaders(env, HELD_READERS) != 0 ||
        mdb_env_open(env, directory, MDB_NOTLS, 0600) != 0)
        return 3;
    while (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0)
        continue;
    int ready = 0;
    if (write(STDOUT_FILENO, &ready, sizeof ready) != sizeof ready)
        return 4;
    for (;;)
        pause();
}

/* The value of a number can be told from any other's. */
static bhi_bytes value_of(int number, uint8_t *buffer)
{
    size_t len = number % 50 == 0 ? VALUE_BYTES : (size_t)(number * 37 % 3000);
    memset(buffer, number % 251, len);
    return (bhi_bytes){buffer, len};
}

static bhi_bytes key_of(int number, char *text)
{
    snprintf(text, 32, "number %07d", number);
    return bhi_bytes_of(text);
}

static sem_t in_flight;

static void report_ack(void *arg, const bhi_kv_answer *answer)
{
    int number = (int)(intptr_t)arg;
    if (answer->verdict != BHI_KV_OK || write(STDOUT_FILENO, &number, sizeof number) < 0)
        _exit(5);
    sem_post(&in_flight);
}

/* Write numbers for ever, and report each that is acknowledged. Every tenth write also deletes and
 * rewrites a scratch area, so that kills meet freed pages too. */
static int write_role(const char *directory, int first)
{
    static uint8_t buffer[VALUE_BYTES];
    bhi_kv_store *store = open_store(directory);
    sem_init(&in_flight, 0, IN_FLIGHT_MAX);
    for (int number = first; number < NUMBERS_MAX; number++) {
        char key[32];
        bhi_kv_write_spec spec = {
            .kind = BHI_KV_SET, .key = key_of(number, key), .value = value_of(number, buffer)};
        bhi_kv_write *write;
        sem_wait(&in_flight);
        if (bhi_kv_write_create(&kv_alice, &spec, &write) != BHI_KV_OK ||
            bhi_kv_store_submit(store, write, report_ack, (void *)(intptr_t)number, NULL, NULL) !=
                BH_OK)
            return 3;
        if (number % 10 == 0) {
            bhi_kv_scope scratch = {KV_TEXT("alice"), KV_TEXT("scratch")};
            bhi_kv_write_spec clear = {.kind = BHI_KV_CLEAR_PREFIX};
            spec.key = KV_TEXT("again");
            if (kv_do(store, &scratch, &clear).verdict != BHI_KV_OK ||
                kv_do(store, &scratch, &spec).verdict != BHI_KV_OK)
                return 4;
        }
    }
    return 6;
}

static const struct {
    const char *name;
    int (*run)(const char *directory, int first);
} roles[] = {
    {"increment", increment_role},
    {"grow", grow_role},
    {"hold-readers", hold_readers_role},
    {"write", write_role},
};

/* ---- the tests ---- */

typedef struct process {
    pid_t pid;
    int output;
} process;

static kv_fixture fixture;

static int setup(void **state)
{
    kv_fixture_init(&fixture);
    fixture.options.map_bytes_max = MAP_BYTES;
    return 0;
}

static int teardown(void **state)
{
    kv_fixture_deinit(&fixture);
    return 0;
}

static process start(const char *role, int first)
{
    int ends[2];
    char number[16];
    snprintf(number, sizeof number, "%d", first);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "test_kv_processes", role, fixture.directory, number, NULL);
        _exit(127);
    }
    close(ends[1]);
    return (process){pid, ends[0]};
}

static int wait_for(process child)
{
    int status;
    close(child.output);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    return status;
}

static bool read_number(process child, int *ret_number)
{
    size_t done = 0;
    while (done < sizeof *ret_number) {
        ssize_t count = read(child.output, (char *)ret_number + done, sizeof *ret_number - done);
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static void processes_that_swap_lose_no_increment(void **state)
{
    process children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start("increment", 0);
    kv_fixture_open(&fixture);
    for (int i = 0; i < REOPENS * INCREMENTS; i++)
        kv_increment(fixture.store, KV_TEXT("counter"));
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(wait_for(children[i]), 0);
    char total[16];
    snprintf(total, sizeof total, "%d", (PROCESSES + 1) * REOPENS * INCREMENTS);
    kv_expect(&fixture, KV_TEXT("counter"), bhi_bytes_of(total));
}

static void a_map_that_another_process_enlarged_is_followed(void **state)
{
    fixture.options.map_bytes_max = (uint64_t)1 << 20;
    kv_fixture_open(&fixture);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
    assert_int_equal(wait_for(start("grow", 0)), 0);
    assert_int_equal(kv_value(&fixture, &kv_alice, KV_TEXT("grown39")).len, GROWN_BYTES);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("v"));
    assert_int_equal(wait_for(start("grow", 0)), 0);
    assert_int_equal(kv_delete(&fixture, KV_TEXT("k")), BHI_KV_OK);
    static uint8_t big[BHI_KV_VALUE_BYTES_MAX];
    for (int i = 0; i < 10; i++) { /* its own limit still holds for what this process adds */
        char key[32];
        bhi_kv_verdict verdict = kv_set(&fixture, key_of(i, key), (bhi_bytes){big, sizeof big});
        assert_true(i < 9 ? verdict == BHI_KV_OK || verdict == BHI_KV_QUOTA
                          : verdict == BHI_KV_QUOTA);
    }
    assert_int_equal(kv_clear(&fixture, KV_TEXT("grown")), GROWN_KEYS);
    kv_fixture_close(&fixture);
    kv_fixture_check_sizes(&fixture);
}

static void a_read_without_a_reader_slot_fails_until_its_holder_is_gone(void **state)
{
    process holder = start("hold-readers", 0);
    int ready;
    assert_true(read_number(holder, &ready));
    kv_fixture_open(&fixture);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
    bool is_found;
    bhi_bytes value;
    assert_int_equal(
        bhi_kv_get(fixture.store, &kv_alice, KV_TEXT("k"), &fixture.arena, &is_found, &value),
        BHI_KV_FAILED);
    kill(holder.pid, SIGKILL);
    wait_for(holder);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("v"));
}

static bool acknowledged[NUMBERS_MAX];

/* Read acknowledgements, kill the writer after some, and take in those it still got out. Returns
 * one more than the highest number seen. */
static int kill_while_writing(process writer, int kill_after, int first)
{
    int number;
    int count = 0;
    int next = first;
    while ((count < kill_after) && read_number(writer, &number)) {
        count++;
        assert_in_range(number, first, NUMBERS_MAX - 1);
        acknowledged[number] = true;
        next = number >= next ? number + 1 : next;
    }
    assert_int_equal(count, kill_after);
    kill(writer.pid, SIGKILL);
    while (read_number(writer, &number)) {
        acknowledged[number] = true;
        next = number >= next ? number + 1 : next;
    }
    int status = wait_for(writer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return next;
}

/* Every acknowledged number is there, and what is there is whole. */
static void expect_acknowledged(int end)
{
    static uint8_t buffer[VALUE_BYTES];
    for (int number = 0; number < end; number++) {
        char key[32];
        bhi_arena_reset(&fixture.arena);
        bhi_bytes found = kv_value(&fixture, &kv_alice, key_of(number, key));
        if (found.data == NULL)
            assert_false(acknowledged[number]);
        else
            assert_true(bhi_bytes_equal(found, value_of(number, buffer)));
    }
}

/* In odd rounds this process has the store open too: then the dead writer's lock and reader slots
 * are not simply reset by the next open but must be recovered. */
static void K1_a_killed_process_loses_nothing_it_acknowledged(void **state)
{
    unsigned seed = 4711;
    int next = 0;
    for (int round = 0; round < KILL_ROUNDS; round++) {
        int kill_after = rand_r(&seed) % KILL_ACKS_MAX;
        if (round % 2 == 1)
            kv_fixture_open(&fixture);
        next = kill_while_writing(start("write", next), kill_after, next);
        if (round % 2 == 0)
            kv_fixture_open(&fixture);
        expect_acknowledged(next);
        assert_int_equal(kv_set(&fixture, KV_TEXT("after"), KV_TEXT("kill")), BHI_KV_OK);
        kv_fixture_close(&fixture);
        assert_true(kv_fixture_check_sizes(&fixture) > 0);
        next += IN_FLIGHT_MAX; /* past what was written and not acknowledged */
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 4 && i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(argv[1], roles[i].name) == 0)
            return roles[i].run(argv[2], atoi(argv[3]));
    }
    const struct CMUnitTest tests[] = {
        CASE(processes_that_swap_lose_no_increment),
        CASE(a_map_that_another_process_enlarged_is_followed),
        CASE(a_read_without_a_reader_slot_fails_until_its_holder_is_gone),
        CASE(K1_a_killed_process_loses_nothing_it_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
