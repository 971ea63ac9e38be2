/* tests/runtime/test_manifest_files.c - which files a capsule directory may lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bulkhead_rust.h"
#include "runtime/manifest.h"

#define PACKAGE "[package]\nname = \"echo\"\nversion = \"0.1.0\"\n[[component]]\n"
#define MINIMAL PACKAGE "file = \"echo.wasm\"\n"

static bhi_arena arena;
static char top[64];       /* a fresh directory for each test */
static char directory[80]; /* the capsule directory inside it */

static const char *in(const char *base, const char *name)
{
    return bhi_arena_printf(&arena, "%s/%s", base, name);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_directory(void **state)
{
    strcpy(top, "/tmp/bulkhead-manifest-XXXXXX");
    if (mkdtemp(top) == NULL)
        return -1;
    snprintf(directory, sizeof directory, "%s/echo", top);
    return mkdir(directory, 0700);
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    return remove(path);
}

static int remove_directory(void **state)
{
    bhi_arena_deinit(&arena);
    return nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static bh_status read_component(bhi_bytes *ret_wasm, bh_error *error)
{
    bhi_manifest manifest;
    bh_status status = bhi_manifest_read(directory, &arena, &manifest, error);
    assert_int_equal(status, BH_OK);
    return bhi_manifest_read_component(directory, &manifest, &arena, ret_wasm, error);
}

static void assert_component_refused(bh_status expected, const char *text)
{
    bhi_bytes wasm;
    bh_error error = {0};
    assert_int_equal(read_component(&wasm, &error), expected);
    assert_int_equal(error.code, expected);
    assert_string_equal(error.text,
                        bhi_arena_printf(&arena, "%s/Capsule.toml:%s", directory, text));
}

static void component_is_read_from_the_directory(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    write_file(in(directory, "echo.wasm"), "some bytes");
    bhi_bytes wasm;
    assert_int_equal(read_component(&wasm, NULL), BH_OK);
    assert_true(bhi_bytes_equal_text(wasm, "some bytes"));
}

static void symbolic_link_inside_the_directory_is_followed(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    write_file(in(directory, "real.wasm"), "real");
    assert_int_equal(symlink("real.wasm", in(directory, "echo.wasm")), 0);
    bhi_bytes wasm;
    assert_int_equal(read_component(&wasm, NULL), BH_OK);
    assert_true(bhi_bytes_equal_text(wasm, "real"));
}

static void symbolic_link_that_leaves_the_directory_is_refused(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    write_file(in(top, "secret"), "secret");
    assert_int_equal(symlink("../secret", in(directory, "echo.wasm")), 0);
    assert_component_refused(BH_E_MANIFEST,
                             "4:1: component echo.wasm: the path leaves the capsule directory");
    assert_int_equal(unlink(in(directory, "echo.wasm")), 0);
    assert_int_equal(symlink(in(top, "secret"), in(directory, "echo.wasm")), 0);
    assert_component_refused(BH_E_MANIFEST,
                             "4:1: component echo.wasm: the path leaves the capsule directory");
}

static void directory_link_that_leaves_the_directory_is_refused(void **state)
{
    write_file(in(directory, "Capsule.toml"), PACKAGE "file = \"out/secret\"\n");
    write_file(in(top, "secret"), "secret");
    assert_int_equal(symlink("..", in(directory, "out")), 0);
    assert_component_refused(BH_E_MANIFEST,
                             "4:1: component out/secret: the path leaves the capsule directory");
}

static void missing_component_is_named_with_what_to_do(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    assert_component_refused(BH_E_NOT_FOUND, "4:1: component echo.wasm (build the capsule first?): "
                                             "no such file");
}

static void component_that_is_no_regular_file_is_refused_without_waiting(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    assert_int_equal(mkfifo(in(directory, "echo.wasm"), 0600), 0);
    assert_component_refused(BH_E_IO, "4:1: component echo.wasm: is not a regular file");
}

static void component_one_byte_over_the_limit_is_refused(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    write_file(in(directory, "echo.wasm"), "");
    assert_int_equal(truncate(in(directory, "echo.wasm"), BHI_COMPONENT_BYTES_MAX + 1), 0);
    assert_component_refused(BH_E_LIMIT, "4:1: component echo.wasm: is 67108865 bytes, more than "
                                         "the 67108864 allowed");
    assert_int_equal(truncate(in(directory, "echo.wasm"), BHI_COMPONENT_BYTES_MAX), 0);
    bhi_bytes wasm;
    assert_int_equal(read_component(&wasm, NULL), BH_OK);
    assert_int_equal(wasm.len, BHI_COMPONENT_BYTES_MAX);
}

static void hash_is_compared_with_the_file(void **state)
{
    uint8_t hash[32];
    char hex[65];
    bhr_blake3((const uint8_t *)"some bytes", 10, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02X", hash[i]);
    write_file(in(directory, "Capsule.toml"),
               bhi_arena_printf(&arena, MINIMAL "hash = \"blake3:%s\"\n", hex));
    write_file(in(directory, "echo.wasm"), "some bytes");
    bhi_bytes wasm;
    assert_int_equal(read_component(&wasm, NULL), BH_OK);
    write_file(in(directory, "echo.wasm"), "other bytes");
    bh_error error;
    assert_int_equal(read_component(&wasm, &error), BH_E_MANIFEST);
    assert_non_null(strstr(error.text, "Capsule.toml:4:1: echo.wasm is not the file that \"hash\" "
                                       "names: its BLAKE3 begins with "));
}

static void directory_without_a_manifest_is_not_found(void **state)
{
    bhi_manifest manifest;
    bh_error error;
    assert_int_equal(bhi_manifest_read(directory, &arena, &manifest, &error), BH_E_NOT_FOUND);
    assert_string_equal(error.text,
                        bhi_arena_printf(&arena,
                                         "%s/Capsule.toml does not exist: expected a capsule "
                                         "directory",
                                         directory));
    assert_int_equal(bhi_manifest_read(in(top, "none"), &arena, &manifest, &error), BH_E_NOT_FOUND);
}

static void manifest_over_the_limit_is_refused(void **state)
{
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    assert_int_equal(truncate(in(directory, "Capsule.toml"), BHI_MANIFEST_BYTES_MAX + 1), 0);
    bhi_manifest manifest;
    bh_error error;
    assert_int_equal(bhi_manifest_read(directory, &arena, &manifest, &error), BH_E_MANIFEST);
    assert_non_null(strstr(error.text, "is 65537 bytes, more than the 65536 allowed"));
}

static void manifest_that_is_a_link_outside_is_refused(void **state)
{
    write_file(in(top, "Other.toml"), MINIMAL);
    assert_int_equal(symlink("../Other.toml", in(directory, "Capsule.toml")), 0);
    bhi_manifest manifest;
    assert_int_equal(bhi_manifest_read(directory, &arena, &manifest, NULL), BH_E_MANIFEST);
}

static void long_directory_leaves_room_for_the_message(void **state)
{
    char name[201] = {0};
    memset(name, 'd', 200);
    const char *deep = in(directory, name);
    assert_int_equal(mkdir(deep, 0700), 0);
    write_file(in(deep, "Capsule.toml"), "[package]\nnam = 1\n");
    bhi_manifest manifest;
    bh_error error;
    assert_int_equal(bhi_manifest_read(deep, &arena, &manifest, &error), BH_E_MANIFEST);
    assert_memory_equal(error.text, "...ddd", 6);
    assert_non_null(strstr(error.text, "/Capsule.toml:2:1: unknown key \"nam\" in [package]: did "
                                       "you mean \"name\"?"));
}

static void bare_file_is_named_after_itself(void **state)
{
    bhi_manifest manifest;
    assert_int_equal(bhi_manifest_for_file("/x/My_Echo.v2.wasm", &arena, &manifest, NULL), BH_OK);
    assert_string_equal(manifest.name, "my-echo-v2");
    assert_string_equal(manifest.version, "0.0.0");
    assert_true(manifest.is_bare);
    assert_int_equal(manifest.reuse, BH_REUSE_PRISTINE);
    assert_null(manifest.capabilities[0]);
    char name[106] = {0};
    memset(name, 'n', 100);
    memcpy(name + 100, ".wasm", 5);
    assert_int_equal(bhi_manifest_for_file(name, &arena, &manifest, NULL), BH_OK);
    assert_int_equal(strlen(manifest.name), 64);
}

static void other_files_are_no_capsules(void **state)
{
    static const char *const names[] = {"a.txt", ".wasm", "wasm", "", "dir/.wasm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bhi_manifest manifest;
        bh_error error;
        assert_int_equal(bhi_manifest_for_file(names[i], &arena, &manifest, &error), BH_E_ARG);
    }
}

static void path_is_taken_as_directory_or_file(void **state)
{
    bhi_manifest manifest;
    bhi_bytes wasm;
    bh_error error;
    write_file(in(directory, "Capsule.toml"), MINIMAL);
    write_file(in(directory, "bare.wasm"), "bare");
    assert_int_equal(bhi_manifest_find(directory, &arena, &manifest, NULL), BH_OK);
    assert_string_equal(manifest.name, "echo");
    const char *path = in(directory, "bare.wasm");
    assert_int_equal(bhi_manifest_find(path, &arena, &manifest, NULL), BH_OK);
    assert_string_equal(manifest.name, "bare");
    assert_int_equal(bhi_manifest_read_component(path, &manifest, &arena, &wasm, NULL), BH_OK);
    assert_true(bhi_bytes_equal_text(wasm, "bare"));
    assert_int_equal(bhi_manifest_find(in(top, "none"), &arena, &manifest, &error), BH_E_NOT_FOUND);
    assert_string_equal(error.text,
                        bhi_arena_printf(&arena,
                                         "%s/none does not exist: expected a capsule directory or "
                                         "a .wasm file",
                                         top));
}

/* As some containers' filters do. For the rest of the process. */
static bool take_away_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           syscall(SYS_openat2, AT_FDCWD, ".", NULL, 0) == -1 && errno == ENOSYS;
}

static const struct {
    const char *file;
    bh_status expected;
} walks[] = {{"bin/real.wasm", BH_OK},         {"./bin/./real.wasm", BH_OK},
             {"link.wasm", BH_E_MANIFEST},     {"out/secret", BH_E_NOT_FOUND},
             {"none.wasm", BH_E_NOT_FOUND},    {"bin/real.wasm/x", BH_E_NOT_FOUND},
             {"bin//real.wasm", BH_E_MANIFEST}};

/* Exit status of a child without openat2: 0, or which of the walks went wrong. */
static int walk_all(void)
{
    if (!take_away_openat2())
        return 100;
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        bhi_manifest manifest = {.file = "Capsule.toml", .component_file = walks[i].file};
        bhi_bytes wasm;
        if (bhi_manifest_read_component(directory, &manifest, &arena, &wasm, NULL) !=
            walks[i].expected)
            return (int)i + 1;
    }
    return 0;
}

static void without_openat2_no_link_is_followed_at_all(void **state)
{
    assert_int_equal(mkdir(in(directory, "bin"), 0700), 0);
    write_file(in(directory, "bin/real.wasm"), "real");
    write_file(in(top, "secret"), "secret");
    assert_int_equal(symlink("bin/real.wasm", in(directory, "link.wasm")), 0);
    assert_int_equal(symlink("..", in(directory, "out")), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(walk_all());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(WIFEXITED(status));
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(component_is_read_from_the_directory),
        FILE_TEST(symbolic_link_inside_the_directory_is_followed),
        FILE_TEST(symbolic_link_that_leaves_the_directory_is_refused),
        FILE_TEST(directory_link_that_leaves_the_directory_is_refused),
        FILE_TEST(missing_component_is_named_with_what_to_do),
        FILE_TEST(component_that_is_no_regular_file_is_refused_without_waiting),
        FILE_TEST(component_one_byte_over_the_limit_is_refused),
        FILE_TEST(hash_is_compared_with_the_file),
        FILE_TEST(directory_without_a_manifest_is_not_found),
        FILE_TEST(manifest_over_the_limit_is_refused),
        FILE_TEST(manifest_that_is_a_link_outside_is_refused),
        FILE_TEST(long_directory_leaves_room_for_the_message),
        FILE_TEST(bare_file_is_named_after_itself),
        FILE_TEST(other_files_are_no_capsules),
        FILE_TEST(path_is_taken_as_directory_or_file),
        FILE_TEST(without_openat2_no_link_is_followed_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
