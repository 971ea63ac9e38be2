/* tests/os/test_fault.c - page tracking and traps of guests beside handlers of the program, and
 * real crashes, which end as they would without us.
 *
 * Every case is a forked child, because most end in a crash. A child calls nothing of cmocka, whose
 * own handlers it puts away first; it tells by its exit code, or by the signal that kills it, how
 * it went. What handlers saw goes through a pipe.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <bulkhead/bulkhead.h>

#include "support/instance_peek.h"

enum { GOOD = 40, BAD_SETUP, BAD_LEASE, BAD_TRAP, BAD_FAULT, BAD_THREAD, SURVIVED };
enum { PAGE = 4096, LEASES = 30, LIMIT_S = 60, THREAD_STACK = 128 << 10 };

static int pipe_fds[2];
static uint8_t *volatile expected_address; /* of the crash to come */

/* ---- crashes ---- */

static void crash_by_segv(void)
{
    expected_address = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expected_address += 123;
    *(volatile uint8_t *)expected_address = 1;
}

/* A page of a file that is shorter than its mapping. */
static void crash_by_bus(void)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    expected_address = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    expected_address += 321;
    *(volatile uint8_t *)expected_address = 1;
}

/* ---- handlers of the program ---- */

static struct sigaction earlier[2]; /* of SIGSEGV, SIGBUS: what a chaining handler goes on to */

static void tell(char what)
{
    if (write(pipe_fds[1], &what, 1) != 1)
        _exit(BAD_SETUP);
}

static bool is_expected(const siginfo_t *info)
{
    return info->si_addr == expected_address && expected_address != NULL;
}

static void last_handler(int signum, siginfo_t *info, void *context)
{
    (void)context;
    tell(signum == SIGBUS ? 'b' : 's');
    _exit(is_expected(info) ? GOOD : BAD_FAULT);
}

static void chaining_handler(int signum, siginfo_t *info, void *context)
{
    if (is_expected(info))
        tell('c');
    earlier[signum == SIGBUS].sa_sigaction(signum, info, context);
}

static void install(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaction(SIGSEGV, &action, &earlier[0]) != 0 || sigaction(SIGBUS, &action, &earlier[1]))
        _exit(BAD_SETUP);
}

/* ---- guests ---- */

static void (*crash_in_log)(void); /* in the host call `log`; NULL: none */

static void log_cb(void *arg, bh_log_level level, const char *capsule, const char *principal,
                   const char *text)
{
    (void)arg, (void)level, (void)capsule, (void)principal, (void)text;
    if (crash_in_log != NULL)
        crash_in_log();
}

static bh_runtime *create_runtime(void)
{
    bh_runtime *runtime = NULL;
    bh_runtime_options options = {.guest_log_cb = log_cb, .verify_every = 1, .verify_whole = true};
    if (bh_runtime_create(&options, &runtime, NULL) != BH_OK)
        _exit(BAD_SETUP);
    return runtime;
}

static bh_capsule *load(bh_runtime *runtime, const char *guest)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.wasm", TEST_GUESTS_DIR, guest);
    bh_capsule *capsule = NULL;
    bh_capsule_options options = {.live_max = 1};
    if (bh_capsule_load(runtime, path, &options, &capsule, NULL) != BH_OK)
        _exit(BAD_SETUP);
    return capsule;
}

static bh_outcome call(bh_capsule *capsule, const char *action, const char *payload)
{
    bh_result result = {0};
    bh_request request = {.action = action, .payload = payload, .payload_len = strlen(payload)};
    if (bh_invoke(capsule, &request, &result, NULL) != BH_OK)
        _exit(BAD_LEASE);
    bh_outcome outcome = result.outcome;
    bh_result_deinit(&result);
    return outcome;
}

/* Leases whose writes fault, and leases that trap, of instances that are restored. */
static void use_guests(bh_runtime *runtime)
{
    static const char *const places[] = {"hide-static", "hide-heap", "hide-stack", "hide-grown"};
    bh_capsule *leak = load(runtime, "leak"), *trap = load(runtime, "trap_kinds");
    for (int i = 0; i < LEASES; i++)
        if (call(leak, places[i % 4], "SECRET#000000001") != BH_OUTCOME_RETURNED)
            _exit(BAD_LEASE);
    bh_capsule_stats stats;
    bh_capsule_read_stats(leak, &stats);
    if (stats.verified != LEASES || stats.mismatches != 0 || stats.builds != 1 ||
        peek_region(peek_idle(leak))->open_count == 0)
        _exit(BAD_LEASE);
    for (int i = 0; i < 4; i++)
        if (call(trap, i % 2 == 0 ? "l" : "d", "") != BH_OUTCOME_TRAPPED)
            _exit(BAD_TRAP);
    bh_capsule_release(leak);
    bh_capsule_release(trap);
}

/* ---- children ---- */

/* What handlers told, in the parent, and how the child ended, as waitpid says. */
static int run_child(void (*child)(void), char ret_told[64])
{
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
        for (int i = 0; i < 4; i++)
            signal(signals[i], SIG_DFL);
        alarm(LIMIT_S); /* a loop of handlers ends so */
        child();
        _exit(SURVIVED);
    }
    close(pipe_fds[1]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t len = read(pipe_fds[0], ret_told, 63);
    ret_told[len > 0 ? len : 0] = 0;
    close(pipe_fds[0]);
    return status;
}

static void expect_exit(void (*child)(void), const char *told)
{
    char text[64];
    int status = run_child(child, text);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != GOOD)
        fail_msg("exit %d, signal %d, told \"%s\"", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0, text);
    assert_string_equal(text, told);
}

static void expect_killed(void (*child)(void), int signum, const char *told)
{
    char text[64];
    int status = run_child(child, text);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != signum)
        fail_msg("exit %d, signal %d, told \"%s\"", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0, text);
    assert_string_equal(text, told);
}

/* ---- handlers from before the runtime ---- */

static void crash_outside_of_guests_by(void (*crash)(void))
{
    install(last_handler);
    use_guests(create_runtime());
    crash();
}

static void crash_outside_by_segv(void)
{
    crash_outside_of_guests_by(crash_by_segv);
}

static void crash_outside_by_bus(void)
{
    crash_outside_of_guests_by(crash_by_bus);
}

static void a_crash_outside_of_guests_reaches_the_handler_from_before(void **state)
{
    (void)state;
    expect_exit(crash_outside_by_segv, "s");
    expect_exit(crash_outside_by_bus, "b");
}

static void crash_in_a_host_call_by(void (*crash)(void))
{
    bh_runtime *runtime = create_runtime();
    use_guests(runtime);
    bh_capsule *capsule = load(runtime, "raw_log");
    crash_in_log = crash;
    call(capsule, "2", "text");
}

static void crash_in_a_host_call_by_segv(void)
{
    install(last_handler);
    crash_in_a_host_call_by(crash_by_segv);
}

static void crash_in_a_host_call_by_bus(void)
{
    install(last_handler);
    crash_in_a_host_call_by(crash_by_bus);
}

static void a_crash_in_a_host_call_reaches_the_handler_from_before(void **state)
{
    (void)state;
    expect_exit(crash_in_a_host_call_by_segv, "s");
    expect_exit(crash_in_a_host_call_by_bus, "b");
}

/* ---- no handler ---- */

static void crash_without_a_handler_by_segv(void)
{
    use_guests(create_runtime());
    crash_by_segv();
}

static void crash_without_a_handler_by_bus(void)
{
    use_guests(create_runtime());
    crash_by_bus();
}

static void crash_in_a_host_call_without_a_handler(void)
{
    crash_in_a_host_call_by(crash_by_segv);
}

static void without_a_handler_a_crash_kills(void **state)
{
    (void)state;
    expect_killed(crash_without_a_handler_by_segv, SIGSEGV, "");
    expect_killed(crash_without_a_handler_by_bus, SIGBUS, "");
    expect_killed(crash_in_a_host_call_without_a_handler, SIGSEGV, "");
}

/* ---- handlers from after the runtime ---- */

static void chain_and_crash_by_segv(void)
{
    bh_runtime *runtime = create_runtime();
    install(chaining_handler);
    use_guests(runtime);
    crash_by_segv();
}

static void chain_and_crash_by_bus(void)
{
    bh_runtime *runtime = create_runtime();
    install(chaining_handler);
    use_guests(runtime);
    crash_by_bus();
}

static void chain_and_crash_in_a_host_call(void)
{
    bh_runtime *runtime = create_runtime();
    install(chaining_handler);
    use_guests(runtime);
    crash_in_log = crash_by_segv;
    call(load(runtime, "raw_log"), "2", "text");
}

static void a_chaining_handler_from_after_leaves_guests_alone_and_sees_a_crash_once(void **state)
{
    (void)state;
    expect_killed(chain_and_crash_by_segv, SIGSEGV, "c");
    expect_killed(chain_and_crash_by_bus, SIGBUS, "c");
    expect_killed(chain_and_crash_in_a_host_call, SIGSEGV, "c");
}

/* The second runtime puts itself in front of the handler that calls the first one. */
static void chain_between_runtimes_and_crash(void)
{
    bh_runtime *first = create_runtime();
    install(chaining_handler);
    bh_runtime *second = create_runtime();
    use_guests(first);
    use_guests(second);
    crash_by_segv();
}

static void handlers_from_before_and_between(void)
{
    install(last_handler);
    chain_between_runtimes_and_crash();
}

static void a_handler_between_two_runtimes_sees_a_crash_once(void **state)
{
    (void)state;
    expect_killed(chain_between_runtimes_and_crash, SIGSEGV, "c");
    expect_exit(handlers_from_before_and_between, "cs");
}

/* ---- threads of the program ---- */

static bh_runtime *shared_runtime;

static void *use_guests_main(void *arg)
{
    size_t stack_bytes = (size_t)(uintptr_t)arg; /* of a signal stack of its own; 0: none */
    stack_t stack = {.ss_size = stack_bytes};
    if (stack_bytes != 0 &&
        ((stack.ss_sp = malloc(stack_bytes)) == NULL || sigaltstack(&stack, NULL) != 0))
        _exit(BAD_SETUP);
    use_guests(shared_runtime);
    return NULL;
}

static void use_guests_on_a_thread(size_t signal_stack_bytes)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, THREAD_STACK) != 0 ||
        pthread_create(&thread, &attributes, use_guests_main,
                       (void *)(uintptr_t)signal_stack_bytes) != 0 ||
        pthread_join(thread, NULL) != 0)
        _exit(BAD_THREAD);
}

static void threads_with_and_without_signal_stacks(void)
{
    shared_runtime = create_runtime();
    for (int i = 0; i < 3; i++) {
        use_guests_on_a_thread(0);
        use_guests_on_a_thread(16 << 10);
        use_guests_on_a_thread(256 << 10);
    }
    _exit(GOOD);
}

static void threads_run_guests_with_a_small_stack_and_any_signal_stack(void **state)
{
    (void)state;
    expect_exit(threads_with_and_without_signal_stacks, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_outside_of_guests_reaches_the_handler_from_before),
        cmocka_unit_test(a_crash_in_a_host_call_reaches_the_handler_from_before),
        cmocka_unit_test(without_a_handler_a_crash_kills),
        cmocka_unit_test(a_chaining_handler_from_after_leaves_guests_alone_and_sees_a_crash_once),
        cmocka_unit_test(a_handler_between_two_runtimes_sees_a_crash_once),
        cmocka_unit_test(threads_run_guests_with_a_small_stack_and_any_signal_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
