/* The functions of astrid:fs/host, called by a guest through the SDK on real directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fs_roots.h"
#include "runtime/capsule.h"
#include "runtime/invocation.h"
#include "support/runtime_fixture.h"

#define ALL "[capabilities]\nfs_read = [\"*\", \"home://\"]\nfs_write = [\"*\", \"home://\"]\n"

static runtime_fixture fixture;
static bh_capsule *probe;
static char profiles_path[64], workspace[64];

static bh_capsule *load_with(const char *name, const char *manifest)
{
    guest_setup setup = {.guest = "probe_fs", .name = name, .manifest = manifest};
    return load_setup(&fixture, &setup);
}

static int open_fixture(void **state)
{
    strcpy(profiles_path, "/tmp/bulkhead-profiles-XXXXXX");
    strcpy(workspace, "/tmp/bulkhead-workspace-XXXXXX");
    int fd = mkstemp(profiles_path);
    assert_true(fd >= 0 && mkdtemp(workspace) != NULL);
    FILE *file = fdopen(fd, "w");
    fprintf(file,
            "[principal.small]\nstorage_mib = 1\n[capsule.probe]\nworkspace = \"%s\"\n"
            "[capsule.narrow]\nworkspace = \"%s\"\n",
            workspace, workspace);
    assert_int_equal(fclose(file), 0);
    bh_runtime_options options = {.profiles_file = profiles_path};
    runtime_fixture_open_with(&fixture, &options);
    probe = load_with("probe", ALL);
    return 0;
}

static int close_fixture(void **state)
{
    char command[256];
    bh_capsule_release(probe);
    runtime_fixture_close(&fixture);
    snprintf(command, sizeof command, "rm -rf %s %s", profiles_path, workspace);
    assert_int_equal(system(command), 0);
    return 0;
}

static const bh_result *call_by(bh_capsule *capsule, const char *principal, const char *action,
                                const char *payload)
{
    bh_request request = {.action = action,
                          .payload = payload,
                          .payload_len = strlen(payload),
                          .principal = principal};
    const bh_result *result = invoke_with(capsule, &request);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", action, result->message);
    return result;
}

static void expect(const char *action, const char *payload, const char *answer)
{
    const bh_result *result = call_by(probe, "alice", action, payload);
    if (strcmp(result->data, answer) != 0)
        fail_msg("%s %s: \"%s\", not \"%s\"", action, payload, result->data, answer);
}

static void in_home(char *path, const char *principal, const char *rest)
{
    sprintf(path, "%s/home/%s/probe/%s", fixture.directory, principal, rest);
}

static void in_workspace(char *path, const char *rest)
{
    sprintf(path, "%s/%s", workspace, rest);
}

static int count_fds(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* ---- whole files ---- */

static void a_file_is_written_read_replaced_and_removed(void **state)
{
    expect("read", "home://a", "not-found");
    expect("write", "home://a|one", "ok");
    expect("read", "home://a", "one");
    expect("write", "home://a|two", "ok");
    expect("read", "home://a", "two");
    expect("append", "home://a|+three", "ok");
    expect("read", "home://a", "two+three");
    expect("append", "home://new|x", "ok");
    expect("copy", "home://a|home://b", "ok");
    expect("read", "home://b", "two+three");
    expect("list", "home://", "a\nb\nnew\n");
    expect("remove", "home://a", "ok");
    expect("exists", "home://a", "false");
    expect("remove", "home://a", "not-found");
    expect("write", "home://no/such|x", "not-found");
}

static void spellings_lead_to_the_same_places(void **state)
{
    expect("write", "workspace://a|1", "ok");
    expect("read", "cwd://a", "1");
    expect("read", "a", "1");
    expect("read", "/a", "1");
    expect("read", "//./a", "1");
    expect("canonical", "cwd://a", "workspace://a");
    expect("canonical", "home://", "home://");
    expect("read", "https://a", "invalid-path");
    expect("read", "home://a\nb", "invalid-path");
    expect("read", "home://cafe\xcc\x81", "invalid-path");
    expect("write", "home://caf\xc3\xa9|x", "ok");
    expect("write", "home://x/..|x", "invalid-path");
    expect("write", "home://.|x", "invalid-path");
    expect("write", "home://.bulkhead-replacing-1|x", "invalid-path");
}

static void what_a_path_may_have_is_bounded(void **state)
{
    char payload[8192];
    sprintf(payload, "home://");
    for (int i = 0; i < 64; i++)
        strcat(payload, i > 0 ? "/d" : "d");
    expect("mkdirs", payload, "ok");
    strcat(payload, "/d");
    expect("mkdirs", payload, "invalid-path");
    strcpy(payload, "home://");
    memset(payload + 7, 'n', 255);
    strcpy(payload + 262, "|x");
    expect("write", payload, "ok");
    memset(payload + 7, 'n', 256);
    strcpy(payload + 263, "|x");
    expect("write", payload, "invalid-path");
    strcpy(payload + 263, "/x");
    expect("mkdirs", payload, "invalid-path");
    memset(payload, '/', 4097);
    payload[4096] = 0;
    assert_memory_equal(call_by(probe, "alice", "stat", payload)->data, "directory", 9);
    memset(payload, '/', 4097);
    payload[4097] = 0;
    expect("stat", payload, "invalid-path");
}

static void whole_files_have_at_most_10_mib(void **state)
{
    expect("big", "home://big|10485760", "ok");
    expect("big", "home://big|10485761", "too-large");
    expect("big", "https://nowhere|10485761", "too-large"); /* before its path is looked at */
    expect("grow", "home://big|10485761", "ok");
    expect("read", "home://big", "too-large");
}

/* ---- directories and names ---- */

static void directories_are_made_listed_and_removed_whole(void **state)
{
    expect("mkdir", "home://d", "ok");
    expect("mkdir", "home://d", "already-exists");
    expect("mkdir", "home://x/y", "not-found");
    expect("mkdirs", "home://d/e/f", "ok");
    expect("mkdirs", "home://d/e/f", "ok");
    expect("write", "home://d/e/file|x", "ok");
    expect("mkdirs", "home://d/e/file/g", "not-directory");
    expect("mkdir", "home://d/e/file", "already-exists");
    expect("list", "home://d/e", "f\nfile\n");
    expect("list", "home://d/e/file", "not-directory");
    expect("read", "home://d", "is-directory");
    expect("write", "home://d|x", "is-directory");
    expect("remove", "home://d", "is-directory");
    expect("tree", "home://d/e/file", "not-directory");
    expect("tree", "home://d", "4");
    expect("exists", "home://d", "false");
    expect("tree", "home://", "access");
    expect("tree", "home://d", "not-found");
}

static void a_deep_and_wide_tree_is_removed_with_few_descriptors(void **state)
{
    char path[300], command[400];
    expect("deep", "60", "ok");
    in_home(path, "alice", "d");
    for (int i = 0; i < 20; i++) { /* put together: 1,260 deep, which no path can name */
        snprintf(command, sizeof command, "home://d|home://e%d", i);
        expect("rename", command, "ok");
        expect("deep", "60", "ok");
        snprintf(command, sizeof command,
                 "home://e%d|home://d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d"
                 "/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d"
                 "/d/d/d/d/d/d/d/d/d/d/d/d/x",
                 i);
        expect("rename", command, "ok");
    }
    int fds = count_fds();
    expect("tree", "home://d", "1260");
    assert_int_equal(count_fds(), fds);
    expect("list", "home://", "");
}

/* Names that the removal could want, were they not secret. */
static void no_name_that_a_guest_takes_keeps_a_tree(void **state)
{
    char path[300], below[330];
    in_home(path, "alice", "");
    expect("mkdirs", "home://d", "ok");
    for (int i = 0; i < 1200; i++) {
        sprintf(below, "%sd/.removed-%d", path, i);
        assert_int_equal(mkdir(below, 0700), 0);
        sprintf(below, "%sd/a%d", path, i);
        assert_int_equal(mkdir(below, 0700), 0);
        strcat(below, "/y");
        assert_int_equal(mkdir(below, 0700), 0);
        strcat(below, "/z");
        assert_int_equal(mkdir(below, 0700), 0);
    }
    expect("tree", "home://d", "4801");
    expect("list", "home://", "");
}

static void names_are_moved_and_linked_within_one_root(void **state)
{
    expect("write", "home://a|1", "ok");
    expect("write", "home://b|22", "ok");
    expect("rename", "home://a|home://b", "ok");
    expect("read", "home://b", "1");
    expect("exists", "home://a", "false");
    expect("link", "home://b|home://c", "ok");
    expect("link", "home://b|home://c", "already-exists");
    expect("append", "home://c|2", "ok");
    expect("read", "home://b", "12");
    expect("mkdir", "home://d", "ok");
    expect("link", "home://d|home://e", "is-directory");
    expect("rename", "home://b|workspace://b", "cross-vfs");
    expect("link", "home://b|workspace://b", "cross-vfs");
    expect("copy", "home://b|workspace://b", "ok");
    expect("read", "workspace://b", "12");
    expect("rename", "home://d|home://d/e", "invalid-path");
    expect("write", "home://d/x|1", "ok");
    expect("mkdir", "home://f", "ok");
    expect("rename", "home://f|home://d", "not-empty");
    expect("rename", "home://|home://z", "access");
}

static void stat_tells_kind_size_mode_and_times(void **state)
{
    char path[200];
    expect("write", "home://a|12345", "ok");
    expect("stat", "home://a", "regular 5 600 111");
    in_home(path, "alice", "link");
    assert_int_equal(symlink("a", path), 0);
    expect("stat", "home://link", "regular 5 600 111");
    expect("lstat", "home://link", "symlink 1 777 111");
    expect("stat", "home://nothing", "not-found");
    in_home(path, "alice", "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect("stat", "home://fifo", "fifo 0 600 111");
    expect("open", "r|home://fifo", "unknown"); /* and did not block */
    expect("read", "home://fifo", "unknown");
}

/* ---- handles ---- */

static void a_handle_reads_writes_syncs_and_resizes(void **state)
{
    expect("handle", "home://h", "there! 1 11 0");
    expect("handle", "tmp://h", "there! 1 11 0");
    expect("handle", "workspace://h", "there! 1 11 0");
    expect("read", "home://h", "hello there!");
}

static void modes_say_what_must_exist(void **state)
{
    expect("open", "r|home://f", "not-found");
    expect("open", "rw|home://f", "not-found");
    expect("open", "a|home://f", "ok");
    expect("write", "home://f|x", "ok");
    expect("open", "rw|home://f", "ok");
    expect("read", "home://f", "x");
    expect("open", "w|home://f", "ok");
    expect("read", "home://f", "");
    expect("open", "r|home://", "is-directory");
    expect("open", "w|home://", "is-directory");
}

static void a_lease_has_16_open_files_and_the_next_has_16_again(void **state)
{
    expect("write", "home://f|x", "ok");
    int fds = count_fds();
    for (int i = 0; i < 3; i++) {
        expect("many", "home://f|16", "ok");
        expect("many", "home://f|17", "quota");
        expect("keep", "home://f", "ok");
    }
    assert_int_equal(count_fds(), fds);
}

static void a_call_on_a_handle_moves_1_mb_at_most(void **state)
{
    expect("big", "home://f|2000000", "ok");
    expect("readat", "home://f|0|4000000", "1000000"); /* reads are cut */
    expect("readat", "home://f|1999999|10", "1");
    expect("readat", "home://f|2000000|10", "0");
    expect("readat", "home://f|18446744073709551615|10", "0");
    expect("writeat", "home://f|0|#1000000", "1000000");
    expect("writeat", "home://f|0|#1000001", "too-large");
    expect("writeat", "home://f|9223372036854775807|x", "too-large");
}

/* ---- roots ---- */

static void principals_and_capsules_have_homes_of_their_own(void **state)
{
    bh_capsule *other = load_with("other", ALL);
    expect("write", "home://secret|of alice", "ok");
    assert_string_equal(call_by(probe, "bob", "read", "home://secret")->data, "not-found");
    assert_string_equal(call_by(other, "alice", "read", "home://secret")->data, "not-found");
    assert_string_equal(call_by(probe, "bob", "read", "home://../../alice/probe/secret")->data,
                        "boundary-escape");
    assert_string_equal(call_by(other, "alice", "read", "workspace://secret")->data,
                        "capability-denied"); /* none was granted */
    bh_capsule_release(other);
}

static int count_entries(const char *rest)
{
    char path[128];
    int count = -2; /* "." and ".." */
    snprintf(path, sizeof path, "%s/%s", fixture.directory, rest);
    DIR *directory = opendir(path);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* In the directory of each runtime. */
static int count_tmps(void)
{
    char command[300];
    int count = -1;
    snprintf(command, sizeof command, "find %s/tmp -mindepth 2 -maxdepth 2 | wc -l",
             fixture.directory);
    FILE *found = popen(command, "r");
    assert_int_equal(fscanf(found, "%d", &count), 1);
    pclose(found);
    return count;
}

static void a_tmp_is_empty_at_the_start_and_gone_at_the_end(void **state)
{
    expect("write", "tmp://a|1", "ok");
    expect("list", "tmp://", "");
    expect("mkdirs", "/tmp/x/y/z", "ok");
    expect("list", "/tmp", "");
    expect("read", "tmp://a", "not-found");
    for (int tries = 0; count_tmps() > 0 && tries < 1000; tries++)
        expect("exists", "home://x", "false"); /* turns the loop on which the removal ends */
    assert_int_equal(count_tmps(), 0);
}

static void what_a_crash_left_in_tmp_goes_at_the_start(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "mkdir -p %s/tmp/left/a/b && touch %s/tmp/left/a/b/c",
             fixture.directory, fixture.directory);
    bh_capsule_release(probe);
    probe = NULL;
    bh_runtime_destroy(fixture.runtime);
    assert_int_equal(system(command), 0);
    bh_runtime_options options = {.state_directory = fixture.directory};
    assert_int_equal(bh_runtime_create(&options, &fixture.runtime, NULL), BH_OK);
    assert_int_equal(count_entries("tmp"), 1); /* this runtime's */
    assert_int_equal(count_tmps(), 0);
}

static void who_shares_the_state_directory_keeps_its_tmp(void **state)
{
    bhi_file_roots *other;
    assert_int_equal(bhi_file_roots_open(fixture.directory, &other, NULL), BH_OK);
    assert_int_equal(count_entries("tmp"), 2);
    expect("write", "tmp://a|1", "ok");
    bhi_file_roots_close(other);
    assert_int_equal(count_entries("tmp"), 1);
    expect("write", "tmp://a|1", "ok");
}

static void a_replaced_file_keeps_its_mode(void **state)
{
    char path[256];
    struct stat about;
    expect("write", "workspace://a|1", "ok");
    in_workspace(path, "a");
    assert_int_equal(chmod(path, 0640), 0);
    expect("write", "workspace://a|2", "ok");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

/* ---- rights ---- */

static void entries_of_the_manifest_limit_reading_and_writing(void **state)
{
    bh_capsule *narrow =
        load_with("narrow", "[capabilities]\nfs_read = [\"home://in\", \"cwd://r\"]\n"
                            "fs_write = [\"home://in/out\"]\n");
#define NARROW(action, payload) call_by(narrow, "alice", action, payload)->data
    assert_string_equal(NARROW("mkdirs", "home://in/out"), "ok");
    assert_string_equal(NARROW("write", "home://in/out/a|1"), "ok");
    assert_string_equal(NARROW("write", "home://in/a|1"), "capability-denied");
    assert_string_equal(NARROW("write", "home://a|1"), "capability-denied");
    assert_string_equal(NARROW("read", "home://in/out/a"), "1");
    assert_string_equal(NARROW("read", "home://in/nothing"), "not-found");
    assert_string_equal(NARROW("read", "home://inn/a"), "not-found");
    assert_string_equal(NARROW("list", "home://"), "capability-denied");
    assert_string_equal(NARROW("list", "home://in"), "out\n");
    assert_string_equal(NARROW("open", "rw|home://in/out/a"), "ok");
    assert_string_equal(NARROW("write", "workspace://r/a|1"), "not-found");
    assert_string_equal(NARROW("list", "workspace://"), "capability-denied");
    assert_string_equal(NARROW("write", "tmp://a|1"), "ok"); /* needs no entry */
    char path[256];
    sprintf(path, "%s/home/alice/narrow/in/out/link", fixture.directory);
    assert_int_equal(symlink("../../outside", path), 0);
    sprintf(path, "%s/home/alice/narrow/outside", fixture.directory);
    FILE *file = fopen(path, "w");
    fputs("secret", file);
    fclose(file);
    /* A link inside what is granted does not lead out of it. */
    assert_string_equal(NARROW("read", "home://in/out/link"), "capability-denied");
    assert_string_equal(NARROW("append", "home://in/out/link|x"), "capability-denied");
    assert_string_equal(NARROW("open", "w|home://in/out/link"), "capability-denied");
    assert_string_equal(NARROW("stat", "home://in/out/link"), "capability-denied");
    assert_string_equal(NARROW("lstat", "home://in/out/link"), "symlink 13 777 111");
    bh_capsule_release(narrow);
}

static void what_may_not_be_read_gets_no_name_that_may(void **state)
{
    bh_capsule *narrow =
        load_with("narrow", "[capabilities]\nfs_read = [\"home://out\", \"home://deep/er\"]\n"
                            "fs_write = [\"home://in\", \"home://out\", \"home://deep\"]\n");
    assert_string_equal(NARROW("mkdirs", "home://in/er"), "ok");
    assert_string_equal(NARROW("mkdirs", "home://out"), "ok");
    assert_string_equal(NARROW("write", "home://in/er/s|secret"), "ok");
    assert_string_equal(NARROW("write", "home://out/o|open"), "ok");
    assert_string_equal(NARROW("read", "home://in/er/s"), "capability-denied");
    assert_string_equal(NARROW("link", "home://in/er/s|home://out/s"), "capability-denied");
    assert_string_equal(NARROW("rename", "home://in/er/s|home://out/s"), "capability-denied");
    assert_string_equal(NARROW("rename", "home://in|home://deep"), "capability-denied");
    assert_string_equal(NARROW("link", "home://in/er/s|home://in/t"), "ok");
    assert_string_equal(NARROW("rename", "home://in/t|home://in/u"), "ok");
    assert_string_equal(NARROW("rename", "home://out/o|home://in/o"), "ok");
    bh_capsule_release(narrow);
}

static void without_entries_there_is_only_tmp(void **state)
{
    bh_capsule *bare = load_with("bare", NULL);
    assert_string_equal(call_by(bare, "alice", "read", "home://a")->data, "not-found");
    assert_string_equal(call_by(bare, "alice", "write", "home://a|1")->data, "capability-denied");
    assert_string_equal(call_by(bare, "alice", "list", "home://")->data, "capability-denied");
    assert_string_equal(call_by(bare, "alice", "mkdirs", "home://a/b")->data, "capability-denied");
    assert_string_equal(call_by(bare, "alice", "handle", "tmp://h")->data, "there! 1 11 0");
    bhi_host_counters counters;
    bhi_host_totals_read(&bare->host_totals, &counters);
    assert_true(counters.fs_refused >= 3);
    bh_capsule_release(bare);
}

/* ---- escapes ---- */

static void no_path_leads_out_of_its_root(void **state)
{
    char path[300];
    expect("write", "workspace://inside|1", "ok");
    in_workspace(path, "out");
    assert_int_equal(symlink("/etc", path), 0);
    in_workspace(path, "up");
    assert_int_equal(symlink("..", path), 0);
    in_workspace(path, "fine");
    assert_int_equal(symlink("inside", path), 0);
    in_workspace(path, "magic");
    assert_int_equal(symlink("/proc/self/root/etc/passwd", path), 0);
    in_workspace(path, "dangling");
    assert_int_equal(symlink("nowhere", path), 0);
    expect("read", "fine", "1");
    expect("canonical", "fine", "workspace://inside");
    expect("readlink", "fine", "workspace://inside");
    expect("readlink", "inside", "invalid-path");
    expect("readlink", "up", "boundary-escape");
    expect("readlink", "out", "boundary-escape");
    expect("readlink", "dangling", "workspace://nowhere");
    expect("read", "out/passwd", "boundary-escape");
    expect("read", "magic", "boundary-escape");
    expect("read", "../etc/passwd", "boundary-escape");
    expect("read", "workspace://a/../../x", "not-found");
    expect("list", "up", "boundary-escape");
    expect("write", "up/x|1", "boundary-escape");
    expect("write", "out/x|1", "boundary-escape");
    expect("canonical", "up", "boundary-escape");
    expect("exists", "out", "boundary-escape");
    expect("exists", "dangling", "false");
    expect("open", "w|dangling", "not-found"); /* never created through a link */
    expect("append", "dangling|x", "not-found");
    expect("rename", "inside|up/x", "boundary-escape");
    expect("link", "inside|up/x", "boundary-escape");
    expect("lstat", "out", "symlink 4 777 111");
    expect("remove", "out", "ok"); /* the link itself */
    expect("mkdirs", "t/u", "ok");
    in_workspace(path, "t/u/etc");
    assert_int_equal(symlink("/etc", path), 0);
    expect("tree", "t", "3");
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static atomic_bool must_stop;

/* A directory and a link out of the root change places all the time. */
static void *swap_places(void *arg)
{
    char here[128], link[128];
    in_workspace(here, "race");
    in_workspace(link, "race-link");
    while (!atomic_load(&must_stop))
        syscall(SYS_renameat2, AT_FDCWD, here, AT_FDCWD, link, 2 /* RENAME_EXCHANGE */);
    return NULL;
}

static void no_race_leads_out_of_the_root(void **state)
{
    char path[128];
    pthread_t swapper;
    char outside[] = "/tmp/bulkhead-outside-XXXXXX";
    assert_non_null(mkdtemp(outside));
    sprintf(path, "%s/f", outside);
    FILE *file = fopen(path, "w");
    fputs("OUTSIDE", file);
    fclose(file);
    expect("mkdir", "race", "ok");
    expect("write", "race/f|inside", "ok");
    in_workspace(path, "race-link");
    assert_int_equal(symlink(outside, path), 0);
    atomic_store(&must_stop, false);
    pthread_create(&swapper, NULL, swap_places, NULL);
    int inside = 0, escapes = 0;
    for (int i = 0; i < 3000; i++) {
        const char *answer = call_by(probe, "alice", "read", "race/f")->data;
        assert_string_not_equal(answer, "OUTSIDE");
        inside += strcmp(answer, "inside") == 0;
        escapes += strcmp(answer, "boundary-escape") == 0;
        call_by(probe, "alice", "write", "race/new|x");
    }
    atomic_store(&must_stop, true);
    pthread_join(swapper, NULL);
    assert_true(inside > 0 && escapes > 0); /* the race was run */
    sprintf(path, "%s/new", outside);
    assert_int_equal(access(path, F_OK), -1);
    sprintf(path, "rm -rf %s", outside);
    assert_int_equal(system(path), 0);
}

/* ---- quotas ---- */

static void small(const char *action, const char *payload, const char *answer)
{
    const char *found = call_by(probe, "small", action, payload)->data;
    if (strcmp(found, answer) != 0)
        fail_msg("%s %s: %s", action, payload, found);
}

static void a_home_holds_so_many_bytes_whoever_writes_them(void **state)
{
    small("big", "home://a|1048576", "ok");
    small("append", "home://a|x", "quota");
    small("write", "home://b|x", "quota");
    small("write", "home://b|", "ok");
    small("grow", "home://a|1048577", "quota");
    small("grow", "home://a|1048575", "ok");
    small("write", "home://b|x", "ok");
    small("writeat", "home://b|1|y", "quota");
    small("copy", "home://a|home://c", "quota");
    small("link", "home://a|home://l", "ok"); /* the same bytes */
    small("remove", "home://a", "ok");
    small("big", "home://c|1000", "quota");
    small("remove", "home://l", "ok"); /* now they are gone */
    small("big", "home://c|1048575", "ok");
    small("rename", "home://b|home://c", "ok"); /* what is replaced gives back its bytes */
    small("big", "home://d|1048575", "ok");
    expect("big", "home://a|2000000", "ok"); /* another principal's is its own */
    small("mkdirs", "home://x/y", "ok");
    small("tree", "home://x", "2");
    small("remove", "home://d", "ok");
    small("big", "home://d|1048575", "ok");
}

static void a_file_without_a_name_counts_while_it_is_open_Q1(void **state)
{
    static const char *const ways[] = {"remove|1048576", "replace|1048576", "tree|1048576",
                                       "rename|1048576"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        small("held", ways[i], "quota quota ok");
        small("remove", "home://more", "ok");
    }
}

static void a_file_without_a_name_may_grow_and_gives_back_once_Q1(void **state)
{
    small("big", "home://a|524288", "ok");
    small("nameless", "home://b|524288|524289", "quota");
    small("nameless", "home://b|524288|0", "ok");
    small("big", "home://c|524288", "ok");
    small("write", "home://d|x", "quota"); /* a and c are the quota */
    small("remove", "home://a", "ok");
    small("nameless", "home://b|1000|2000", "ok");
    small("big", "home://a|524288", "ok"); /* nothing of it was left counted */
    small("write", "home://d|x", "quota");
}

static void what_is_on_disk_counts_from_the_first_use_on(void **state)
{
    char path[200], command[300];
    snprintf(command, sizeof command, "mkdir -p %s/home/small/probe", fixture.directory);
    assert_int_equal(system(command), 0);
    in_home(path, "small", "planted");
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(truncate(path, 1 << 20), 0);
    small("write", "home://b|x", "quota");
    small("remove", "home://planted", "ok");
    small("write", "home://b|x", "ok");
}

/* As a crash leaves it. */
static void plant_hidden(const char *name, int64_t age_s)
{
    char path[200], whole[100];
    struct timespec times[2] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};
    snprintf(whole, sizeof whole, BHI_FS_HIDDEN_PREFIX "%s", name);
    in_home(path, "small", whole);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(truncate(path, 1 << 19), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_a_crash_left_of_a_replaced_file_is_removed(void **state)
{
    char path[200], command[300];
    snprintf(command, sizeof command, "mkdir -p %s/home/small/probe", fixture.directory);
    assert_int_equal(system(command), 0);
    plant_hidden("old", 3700);
    plant_hidden("new", 0); /* somebody else's, who is writing it */
    small("big", "home://b|524289", "quota");
    small("big", "home://b|524288", "ok");
    in_home(path, "small", BHI_FS_HIDDEN_PREFIX "old");
    assert_int_equal(access(path, F_OK), -1);
    in_home(path, "small", BHI_FS_HIDDEN_PREFIX "new");
    assert_int_equal(access(path, F_OK), 0);
}

static void a_tmp_has_64_mib(void **state)
{
    expect("grow", "tmp://a|67108864", "ok");
    expect("grow", "tmp://a|67108865", "quota");
}

/* A file system of 1 MiB, full: nothing is lost, half written, or left behind. `root` is a prefix
 * of paths and `top` names the same place. */
static void fill_disk(const char *mounted, const char *root, const char *top)
{
    static char payload[200100];
    if (mount("tmpfs", mounted, "tmpfs", 0, "size=1m") != 0) {
        print_message("mounting needs root: %s\n", strerror(errno));
        skip();
    }
    const struct {
        const char *action, *payload, *answer;
    } steps[] = {{"write", "%skeep|old", "ok"},     {"big", "%skeep|2000000", "quota"},
                 {"read", "%skeep", "old"},         {"big", "%sfill|900000", "ok"},
                 {"big", "%smore|900000", "quota"}, {"copy", "%sfill|%sagain", "quota"},
                 {"append", NULL, "quota"},         {"read", "%skeep", "old"},
                 {"list", top, "fill\nkeep\n"},     {"remove", "%sfill", "ok"},
                 {"big", "%smore|900000", "ok"}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].payload != NULL)
            snprintf(payload, sizeof payload, steps[i].payload, root, root);
        else
            snprintf(payload, sizeof payload, "%skeep|%0200000d", root, 0);
        expect(steps[i].action, payload, steps[i].answer);
    }
    assert_int_equal(umount2(mounted, MNT_DETACH), 0);
}

static void a_full_disk_is_a_quota_and_leaves_nothing_behind(void **state)
{
    fill_disk(workspace, "", "/");
}

static void a_full_disk_below_a_home_is_a_quota_too(void **state)
{
    char path[200], command[300];
    in_home(path, "alice", "");
    snprintf(command, sizeof command, "mkdir -p %s", path);
    assert_int_equal(system(command), 0);
    fill_disk(path, "home://", "home://");
}

/* ---- abandoned calls ---- */

static void abandoned_calls_leave_no_descriptor_and_no_file(void **state)
{
    expect("big", "home://source|10485760", "ok");
    int fds = count_fds();
    for (uint32_t timeout_ms = 1; timeout_ms <= 12; timeout_ms++) {
        bh_request request = {.action = "copy",
                              .payload = "home://source|home://copied",
                              .payload_len = 27,
                              .principal = "alice",
                              .timeout_ms = timeout_ms};
        bh_result result = {0};
        use_engine_signals();
        bh_status status = bh_invoke(probe, &request, &result, NULL);
        assert_true(status == BH_E_DEADLINE || result.outcome == BH_OUTCOME_DEADLINE ||
                    result.outcome == BH_OUTCOME_RETURNED);
        bh_result_deinit(&result);
    }
    const char *names;
    int tries = 0; /* until the last one's thread is done */
    do
        names = call_by(probe, "alice", "list", "home://")->data;
    while (count_fds() != fds && ++tries < 1000);
    assert_int_equal(count_fds(), fds);
    assert_true(strcmp(names, "source\n") == 0 || strcmp(names, "copied\nsource\n") == 0);
    char command[300];
    snprintf(command, sizeof command, "ls -a %s/home/alice/probe | grep -q replacing",
             fixture.directory);
    assert_int_not_equal(system(command), 0);
}

/* Threads of libuv's pool, all of them busy until they are let go. */
enum { POOL_THREADS = 4 };

typedef struct busy_pool {
    uv_loop_t loop;
    uv_work_t works[POOL_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int busy; /* guarded by lock, as what follows */
    bool may_end;
} busy_pool;

static void be_busy(uv_work_t *work)
{
    busy_pool *pool = work->data;
    pthread_mutex_lock(&pool->lock);
    pool->busy++;
    pthread_cond_broadcast(&pool->changed);
    while (!pool->may_end)
        pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void open_busy_pool(busy_pool *pool)
{
    pool->busy = 0;
    pool->may_end = false;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    assert_int_equal(uv_loop_init(&pool->loop), 0);
    for (int i = 0; i < POOL_THREADS; i++) {
        pool->works[i].data = pool;
        assert_int_equal(uv_queue_work(&pool->loop, &pool->works[i], be_busy, NULL), 0);
    }
    pthread_mutex_lock(&pool->lock);
    while (pool->busy < POOL_THREADS)
        pthread_cond_wait(&pool->changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *let_go(void *arg)
{
    busy_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    pool->may_end = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void close_busy_pool(busy_pool *pool)
{
    uv_run(&pool->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pool->loop), 0);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
}

static void note_outcome(void *arg, bh_status status, const bh_result *result,
                         const bh_error *error)
{
    assert_int_equal(status, BH_OK);
    *(int *)arg = (int)result->outcome;
}

/* The guest is told at once; the worker's end waits for the thread that works for it. */
static void a_worker_ends_while_a_call_of_it_waits_for_a_thread(void **state)
{
    expect("write", "home://kept|old", "ok");
    int fds = count_fds(), outcome = -1;
    busy_pool pool;
    pthread_t thread;
    bhi_worker *worker;
    bhi_invocation *invocation;
    bh_request request = {
        .action = "write", .payload = "home://kept|new", .payload_len = 15, .principal = "alice"};
    open_busy_pool(&pool);
    use_engine_signals();
    assert_int_equal(bhi_worker_create(&worker, NULL), BH_OK);
    assert_int_equal(
        bhi_invocation_create(probe, worker, &request, note_outcome, &outcome, &invocation, NULL),
        BH_OK);
    bhi_invocation_begin(invocation);
    for (int turns = 0; turns < 100; turns++)
        bhi_worker_turn(worker, false);
    assert_int_equal(outcome, -1);
    bhi_invocation_cancel(invocation);
    for (int turns = 0; turns < 100; turns++)
        bhi_worker_turn(worker, false);
    assert_int_equal(outcome, BH_OUTCOME_CANCELLED);
    assert_int_equal(pthread_create(&thread, NULL, let_go, &pool), 0);
    bhi_worker_destroy(worker);
    pthread_join(thread, NULL);
    close_busy_pool(&pool);
    assert_int_equal(count_fds(), fds);
    const char *kept = call_by(probe, "alice", "read", "home://kept")->data;
    assert_true(strcmp(kept, "old") == 0 || strcmp(kept, "new") == 0);
    expect("list", "home://", "kept\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    setenv("UV_THREADPOOL_SIZE", "4", 1); /* POOL_THREADS */
    const struct CMUnitTest tests[] = {
        CASE(a_file_is_written_read_replaced_and_removed),
        CASE(spellings_lead_to_the_same_places),
        CASE(what_a_path_may_have_is_bounded),
        CASE(whole_files_have_at_most_10_mib),
        CASE(directories_are_made_listed_and_removed_whole),
        CASE(a_deep_and_wide_tree_is_removed_with_few_descriptors),
        CASE(no_name_that_a_guest_takes_keeps_a_tree),
        CASE(names_are_moved_and_linked_within_one_root),
        CASE(stat_tells_kind_size_mode_and_times),
        CASE(a_handle_reads_writes_syncs_and_resizes),
        CASE(modes_say_what_must_exist),
        CASE(a_lease_has_16_open_files_and_the_next_has_16_again),
        CASE(a_call_on_a_handle_moves_1_mb_at_most),
        CASE(principals_and_capsules_have_homes_of_their_own),
        CASE(a_tmp_is_empty_at_the_start_and_gone_at_the_end),
        CASE(what_a_crash_left_in_tmp_goes_at_the_start),
        CASE(who_shares_the_state_directory_keeps_its_tmp),
        CASE(a_replaced_file_keeps_its_mode),
        CASE(entries_of_the_manifest_limit_reading_and_writing),
        CASE(what_may_not_be_read_gets_no_name_that_may),
        CASE(without_entries_there_is_only_tmp),
        CASE(no_path_leads_out_of_its_root),
        CASE(no_race_leads_out_of_the_root),
        CASE(a_home_holds_so_many_bytes_whoever_writes_them),
        CASE(a_file_without_a_name_counts_while_it_is_open_Q1),
        CASE(a_file_without_a_name_may_grow_and_gives_back_once_Q1),
        CASE(what_is_on_disk_counts_from_the_first_use_on),
        CASE(what_a_crash_left_of_a_replaced_file_is_removed),
        CASE(a_tmp_has_64_mib),
        CASE(a_full_disk_is_a_quota_and_leaves_nothing_behind),
        CASE(a_full_disk_below_a_home_is_a_quota_too),
        CASE(abandoned_calls_leave_no_descriptor_and_no_file),
        CASE(a_worker_ends_while_a_call_of_it_waits_for_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
