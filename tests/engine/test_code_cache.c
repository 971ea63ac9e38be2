/* Compiled code on disk: found again, and refused when it is torn, foreign or exposed. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "engine/code_cache.h"

static char directory[64];

static void ignore_log(void *arg, bhi_log_level level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

static int make_directory(void **state)
{
    (void)state;
    bhi_log_configure(BHI_LOG_WARN, ignore_log, NULL);
    strcpy(directory, "/tmp/bulkhead-test-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command);
}

static bhi_code_cache *open_cache(const char *settings)
{
    bhi_code_cache *cache = NULL;
    bh_error error = {0};
    if (bhi_code_cache_open(directory, settings, &cache, &error) != BH_OK)
        fail_msg("%s", error.text);
    return cache;
}

static const bhi_bytes wasm = {(const uint8_t *)"some wasm", 9};
static const bhi_bytes code = {(const uint8_t *)"some code", 9};

static bool is_hit(bhi_code_cache *cache, bhi_bytes of)
{
    uint8_t *storage;
    bhi_bytes found;
    if (!bhi_code_cache_get(cache, of, &storage, &found))
        return false;
    assert_true(bhi_bytes_equal(found, code));
    free(storage);
    return true;
}

/* The one file that is neither the key nor a directory entry of its own. */
static void find_entry(char *ret_path, size_t size)
{
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    ret_path[0] = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strlen(entry->d_name) == 64)
            snprintf(ret_path, size, "%s/%s", directory, entry->d_name);
    }
    closedir(listing);
    assert_int_not_equal(ret_path[0], 0);
}

static void a_stored_entry_is_found_also_after_reopening(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    assert_false(is_hit(cache, wasm));
    bhi_code_cache_put(cache, wasm, code);
    assert_true(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
    cache = open_cache("s");
    assert_true(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
}

static void other_wasm_and_other_settings_are_misses(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    bhi_code_cache_put(cache, wasm, code);
    assert_false(is_hit(cache, BHI_BYTES_LITERAL("some wasn")));
    bhi_code_cache_close(cache);
    cache = open_cache("t");
    assert_false(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
}

static void an_entry_changed_at_any_byte_is_a_miss(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    bhi_code_cache_put(cache, wasm, code);
    char path[256];
    find_entry(path, sizeof path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    int fd = open(path, O_RDWR);
    for (off_t at = 0; at < status.st_size; at++) {
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_false(is_hit(cache, wasm));
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    assert_true(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
}

static void an_entry_torn_at_any_length_is_a_miss(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    bhi_code_cache_put(cache, wasm, code);
    char path[256];
    find_entry(path, sizeof path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (off_t len = status.st_size - 1; len >= 0; len--) {
        assert_int_equal(truncate(path, len), 0);
        assert_false(is_hit(cache, wasm));
    }
    bhi_code_cache_close(cache);
}

static void an_entry_of_another_key_is_a_miss(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    bhi_code_cache_put(cache, wasm, code);
    bhi_code_cache_close(cache);
    char key[128];
    snprintf(key, sizeof key, "%s/key", directory);
    assert_int_equal(unlink(key), 0);
    cache = open_cache("s");
    assert_false(is_hit(cache, wasm));
    bhi_code_cache_put(cache, wasm, code);
    assert_true(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
}

static void an_entry_renamed_to_another_wasm_is_a_miss(void **state)
{
    (void)state;
    bhi_code_cache *cache = open_cache("s");
    bhi_code_cache_put(cache, wasm, code);
    char first[256], second[256];
    find_entry(first, sizeof first);
    assert_int_equal(unlink(first), 0);
    bhi_bytes other = BHI_BYTES_LITERAL("other wasm");
    bhi_code_cache_put(cache, other, code);
    find_entry(second, sizeof second);
    assert_int_equal(rename(second, first), 0);
    assert_false(is_hit(cache, wasm));
    bhi_code_cache_close(cache);
}

static bh_status reopen(bh_error *reterr)
{
    bhi_code_cache *cache = NULL;
    bh_status status = bhi_code_cache_open(directory, "s", &cache, reterr);
    if (status == BH_OK)
        bhi_code_cache_close(cache);
    return status;
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    bhi_code_cache_close(open_cache("s"));
    char key[128];
    snprintf(key, sizeof key, "%s/key", directory);
    struct stat status;
    assert_int_equal(stat(key, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(chmod(key, 0640), 0);
    bh_error error;
    assert_int_equal(reopen(&error), BH_E_IO);
    assert_non_null(strstr(error.text, "0600"));
}

static void a_short_key_is_refused(void **state)
{
    (void)state;
    bhi_code_cache_close(open_cache("s"));
    char key[128];
    snprintf(key, sizeof key, "%s/key", directory);
    assert_int_equal(truncate(key, 31), 0);
    bh_error error;
    assert_int_equal(reopen(&error), BH_E_IO);
    assert_non_null(strstr(error.text, "32 bytes"));
}

static void a_directory_that_others_can_write_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(directory, 0777), 0);
    bh_error error;
    assert_int_equal(reopen(&error), BH_E_IO);
    assert_non_null(strstr(error.text, "chmod 700"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stored_entry_is_found_also_after_reopening),
        CASE(other_wasm_and_other_settings_are_misses),
        CASE(an_entry_changed_at_any_byte_is_a_miss),
        CASE(an_entry_torn_at_any_length_is_a_miss),
        CASE(an_entry_of_another_key_is_a_miss),
        CASE(an_entry_renamed_to_another_wasm_is_a_miss),
        CASE(a_key_that_others_can_read_is_refused),
        CASE(a_short_key_is_refused),
        CASE(a_directory_that_others_can_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
