/* host/test_kv_open.c - directories and data files, good, foreign, torn. */
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/kv_fixture.h"

#define PATH_MAX_HERE  256
#define META_PAGES     2
#define PAGE_SIZE_AT   40 /* see kv_check.c */
#define MAGIC_AT       16
#define VERSION_AT     20
#define DATA_BYTES_MAX ((size_t)4 << 20)

static kv_fixture fixture;
static char data_path[PATH_MAX_HERE];

static int setup(void **state)
{
    kv_fixture_init(&fixture);
    snprintf(data_path, sizeof data_path, "%s/data.mdb", fixture.directory);
    return 0;
}

static int teardown(void **state)
{
    kv_fixture_deinit(&fixture);
    return 0;
}

static void write_file(const void *bytes, size_t len)
{
    int fd = open(data_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static size_t read_file(uint8_t *buffer)
{
    int fd = open(data_path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, buffer, DATA_BYTES_MAX);
    assert_in_range(len, 1, DATA_BYTES_MAX - 1);
    close(fd);
    return (size_t)len;
}

static bh_status try_open(bh_error *error)
{
    fixture.store = NULL;
    bh_status status = bhi_kv_store_open(&fixture.options, &fixture.store, error);
    assert_int_equal(fixture.store != NULL, status == BH_OK);
    if (status != BH_OK) {
        assert_int_equal(error->code, status);
        assert_non_null(strstr(error->text, fixture.directory));
    }
    return status;
}

static void expect_refused(bh_status expected)
{
    bh_error error;
    assert_int_equal(try_open(&error), expected);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void missing_directories_are_created_for_the_owner_alone(void **state)
{
    char outer[PATH_MAX_HERE];
    char inner[PATH_MAX_HERE * 2];
    char file[PATH_MAX_HERE * 3];
    snprintf(outer, sizeof outer, "%s/outer", fixture.directory);
    snprintf(inner, sizeof inner, "%s/kv", outer);
    fixture.options.directory = inner;
    kv_fixture_open(&fixture);
    assert_int_equal(mode_of(outer), 0700);
    assert_int_equal(mode_of(inner), 0700);
    snprintf(file, sizeof file, "%s/data.mdb", inner);
    assert_int_equal(mode_of(file), 0600);
    kv_fixture_close(&fixture);
    unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", inner);
    assert_int_equal(mode_of(file), 0600);
    unlink(file);
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(outer), 0);
}

static void wrong_options_are_refused(void **state)
{
    bhi_kv_store_options options = {.directory = NULL};
    bhi_kv_store *store;
    bh_error error;
    assert_int_equal(bhi_kv_store_open(&options, &store, &error), BH_E_ARG);
    options.directory = "";
    assert_int_equal(bhi_kv_store_open(&options, &store, &error), BH_E_ARG);
    options.directory = fixture.directory;
    options.map_bytes_max = 65535;
    assert_int_equal(bhi_kv_store_open(&options, &store, &error), BH_E_ARG);
    options.map_bytes_max = UINT64_MAX;
    assert_int_equal(bhi_kv_store_open(&options, &store, &error), BH_E_ARG);
    options.map_bytes_max = 65536;
    assert_int_equal(bhi_kv_store_open(&options, &store, &error), BH_OK);
    bhi_kv_store_close(store);
    bhi_kv_store_close(NULL);
}

static void a_directory_below_a_file_cannot_be_created(void **state)
{
    char path[PATH_MAX_HERE * 2];
    write_file("x", 1);
    snprintf(path, sizeof path, "%s/kv", data_path);
    fixture.options.directory = path;
    expect_refused(BH_E_IO);
}

static void a_directory_is_open_once_in_a_process(void **state)
{
    char same[PATH_MAX_HERE];
    bhi_kv_store *second;
    bh_error error;
    kv_fixture_open(&fixture);
    snprintf(same, sizeof same, "%s/./", fixture.directory);
    bhi_kv_store_options options = {.directory = same};
    assert_int_equal(bhi_kv_store_open(&options, &second, &error), BH_E_ARG);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
    kv_fixture_close(&fixture);
    kv_fixture_open(&fixture);
    kv_expect(&fixture, KV_TEXT("k"), KV_TEXT("v"));
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    static char text[10000];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    expect_refused(BH_E_CORRUPT);
    write_file(text, 10);
    expect_refused(BH_E_CORRUPT);
    assert_int_equal(unlink(data_path), 0);
    assert_int_equal(mkdir(data_path, 0700), 0);
    expect_refused(BH_E_IO);
    assert_int_equal(rmdir(data_path), 0);
}

static void an_empty_file_is_a_new_store(void **state)
{
    write_file("", 0);
    kv_fixture_open(&fixture);
    assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
}

/* Put one pair into the unnamed database, as another program may. */
static void put_directly(const char *key, const char *value)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi root;
    MDB_val stored_key = {strlen(key), (void *)key};
    MDB_val stored_value = {strlen(value), (void *)value};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, fixture.directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &root), 0);
    assert_int_equal(mdb_put(txn, root, &stored_key, &stored_value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_database_of_another_program_is_refused_and_left_alone(void **state)
{
    static uint8_t before[DATA_BYTES_MAX];
    static uint8_t after[DATA_BYTES_MAX];
    put_directly("theirs", "value");
    size_t len = read_file(before);
    expect_refused(BH_E_CORRUPT);
    assert_int_equal(read_file(after), len);
    assert_memory_equal(before, after, len);
}

static void another_format_is_refused(void **state)
{
    kv_fixture_open(&fixture);
    kv_fixture_close(&fixture);
    put_directly("bulkhead-kv-format", "2");
    expect_refused(BH_E_UNSUPPORTED);
}

static void fill(void)
{
    static uint8_t big[30000];
    kv_set_many(&fixture, "small", 300, KV_TEXT("a value of some length"));
    kv_set_many(&fixture, "big", 5, (bhi_bytes){big, sizeof big});
    /* Its pages are the last ones of the file, and free. */
    assert_int_equal(kv_set(&fixture, KV_TEXT("last"), (bhi_bytes){big, sizeof big}), BHI_KV_OK);
    assert_int_equal(kv_delete(&fixture, KV_TEXT("last")), BHI_KV_OK);
}

static void expect_whole(void)
{
    assert_int_equal(kv_value(&fixture, &kv_alice, KV_TEXT("big00004")).len, 30000);
    bhi_kv_keys keys;
    assert_int_equal(bhi_kv_list(fixture.store, &kv_alice, KV_TEXT(""), &fixture.arena, &keys),
                     BHI_KV_OK);
    assert_int_equal(keys.count, 305);
    for (size_t i = 0; i < keys.count; i++)
        assert_true(kv_value(&fixture, &kv_alice, keys.items[i]).len > 0);
}

/* Cut at each half page: a store that opens has everything, any other is refused unchanged. */
static void a_file_cut_short_is_refused_unless_only_free_pages_are_missing(void **state)
{
    static uint8_t whole[DATA_BYTES_MAX];
    size_t half_page = (size_t)sysconf(_SC_PAGESIZE) / 2;
    kv_fixture_open(&fixture);
    fill();
    kv_fixture_close(&fixture);
    size_t len = read_file(whole);
    int opened = 0;
    int refused = 0;
    for (size_t cut = half_page; cut < len; cut += half_page) {
        bh_error error;
        struct stat status;
        write_file(whole, cut);
        if (try_open(&error) == BH_OK) {
            expect_whole();
            assert_int_equal(kv_set(&fixture, KV_TEXT("k"), KV_TEXT("v")), BHI_KV_OK);
            kv_fixture_close(&fixture);
            assert_int_equal(kv_fixture_check_sizes(&fixture), 306);
            opened++;
        } else {
            assert_int_equal(error.code, BH_E_CORRUPT);
            assert_int_equal(stat(data_path, &status), 0);
            assert_int_equal(status.st_size, cut);
            refused++;
        }
    }
    assert_in_range(opened, 2, 40);
    assert_true(refused > 40);
}

static void a_meta_page_with_an_impossible_head_is_refused(void **state)
{
    static uint8_t whole[DATA_BYTES_MAX];
    static uint8_t broken[DATA_BYTES_MAX];
    static const struct {
        size_t at;
        uint32_t value;
    } heads[] = {{PAGE_SIZE_AT, 0},
                 {PAGE_SIZE_AT, 1},
                 {PAGE_SIZE_AT, 4095},
                 {PAGE_SIZE_AT, 0x80000000},
                 {PAGE_SIZE_AT, 0xffffffff},
                 {MAGIC_AT, 0},
                 {VERSION_AT, 77}};
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    kv_fixture_open(&fixture);
    fill();
    kv_fixture_close(&fixture);
    size_t len = read_file(whole);
    for (size_t i = 0; i < sizeof heads / sizeof *heads * META_PAGES; i++) {
        size_t at = heads[i / META_PAGES].at + i % META_PAGES * page_bytes;
        memcpy(broken, whole, len);
        memcpy(broken + at, &heads[i / META_PAGES].value, sizeof(uint32_t));
        write_file(broken, len);
        expect_refused(BH_E_CORRUPT);
    }
    write_file(whole, len);
    kv_fixture_open(&fixture);
    expect_whole();
}

/* As after a restore to a disk that lost everything but the beginning. */
static void a_file_whose_tree_is_zeros_is_refused(void **state)
{
    static uint8_t whole[DATA_BYTES_MAX];
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    kv_fixture_open(&fixture);
    fill();
    kv_fixture_close(&fixture);
    size_t len = read_file(whole);
    memset(whole + META_PAGES * page_bytes, 0, len - META_PAGES * page_bytes);
    write_file(whole, len);
    expect_refused(BH_E_CORRUPT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(missing_directories_are_created_for_the_owner_alone),
        CASE(wrong_options_are_refused),
        CASE(a_directory_below_a_file_cannot_be_created),
        CASE(a_directory_is_open_once_in_a_process),
        CASE(a_file_that_is_no_database_is_refused),
        CASE(an_empty_file_is_a_new_store),
        CASE(a_database_of_another_program_is_refused_and_left_alone),
        CASE(another_format_is_refused),
        CASE(a_file_cut_short_is_refused_unless_only_free_pages_are_missing),
        CASE(a_meta_page_with_an_impossible_head_is_refused),
        CASE(a_file_whose_tree_is_zeros_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
