/* run_loop.c - a run loop whose behaviour is a configuration value, `do`.
 *
 *   count         signals ready, then counts a round each millisecond, in kv under
 *                 the key that `tag` says; if `after` is set, watches that key for
 *                 20 ms first, and sets "overlap" when it still moves
 *   sleep         sets "began" and sleeps for ever
 *   waits-once    sleeps, returns
 *   traps         sleeps, traps
 *   traps-at-once traps without having waited
 *   ready         signals ready, returns
 *   zero          sleeps for no time, returns
 *   nothing       returns
 *   computes      computes for long, returns
 *   spins         computes for ever
 *   spins-late    sleeps, then computes for ever
 *   busy          a little computing and a sleep by turns, for ever
 *   recv-zero     asks an empty subscription for messages without waiting
 *   hog           sleeps, then allocates for ever
 *   echo          answers messages on loop.v1.ask.* on loop.v1.answer
 *   files         on loop.v1.ask.*: opens home://f and tmp://f (0), looks whether home://f
 *                 is there (1), or makes both handles' files so many bytes; answers as echo
 *   bindings      publishes how many handlers it has on loop.v1.answer
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void die(void)
{
    __builtin_trap();
}

static void rest_ns(uint64_t duration_ns)
{
    if (capsule_sleep_ns(duration_ns) != CAPSULE_SYS_OK)
        die();
}

static capsule_bytes config(const char *name)
{
    capsule_option value;
    if (capsule_get_config(capsule_text(name), &value) != CAPSULE_SYS_OK)
        die();
    return value.is_some ? value.value : capsule_text("");
}

static bool is(capsule_bytes text, const char *expected)
{
    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

static void put(capsule_bytes key, capsule_bytes value)
{
    if (capsule_kv_set(key, value) != CAPSULE_KV_OK)
        die();
}

static uint64_t number_of(capsule_bytes digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len; i++)
        number = number * 10 + (digits.data[i] - '0');
    return number;
}

static uint64_t read_count(capsule_bytes key)
{
    capsule_option value;
    if (capsule_kv_get(key, &value) != CAPSULE_KV_OK)
        die();
    return value.is_some ? number_of(value.value) : 0;
}

static void watch(capsule_bytes other)
{
    uint64_t before = read_count(other);
    rest_ns(20000000);
    if (read_count(other) != before)
        put(capsule_text("overlap"), capsule_text("yes"));
}

static void count_rounds(void)
{
    capsule_bytes after = config("after");
    if (after.len > 0)
        watch(after);
    capsule_signal_ready();
    for (;;) {
        capsule_scratch_reset();
        capsule_bytes tag = config("tag");
        put(tag, capsule_format("%" PRIu64, read_count(tag) + 1));
        rest_ns(1000000);
    }
}

static void sleep_for_ever(void)
{
    put(capsule_text("began"), capsule_text("yes"));
    for (;;)
        rest_ns(60000000000);
}

static volatile uint32_t sink;

static void spin(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++)
        sink++;
}

static void be_busy(void)
{
    for (;;) {
        spin(200000);
        rest_ns(1);
    }
}

static capsule_subscription subscribe(const char *pattern)
{
    capsule_subscription subscription;
    if (capsule_subscribe(capsule_text(pattern), &subscription) != CAPSULE_IPC_OK)
        die();
    return subscription;
}

static void ask_for_ever(void)
{
    capsule_subscription subscription = subscribe("loop.v1.ask.*");
    capsule_batch batch;
    for (;;) {
        capsule_scratch_reset();
        if (capsule_subscription_recv(subscription, 0, &batch) != CAPSULE_IPC_OK ||
            batch.count != 0)
            die();
    }
}

static void answer(capsule_bytes payload)
{
    if (capsule_publish(capsule_text("loop.v1.answer"), payload) != CAPSULE_IPC_OK)
        die();
}

static void echo(void)
{
    capsule_subscription subscription = subscribe("loop.v1.ask.*");
    capsule_signal_ready();
    for (;;) {
        capsule_scratch_reset();
        capsule_batch batch;
        capsule_ipc_status status = capsule_subscription_recv(subscription, 60000, &batch);
        for (size_t i = 0; status == CAPSULE_IPC_OK && i < batch.count; i++)
            answer(batch.messages[i].payload);
    }
}

static capsule_bytes do_with_files(capsule_file files[2], uint64_t what)
{
    bool is_there;
    capsule_fs_status home, tmp = CAPSULE_FS_OK;
    if (what == 0) {
        home = capsule_open(capsule_text("home://f"), CAPSULE_OPEN_APPEND, &files[0]);
        tmp = capsule_open(capsule_text("tmp://f"), CAPSULE_OPEN_APPEND, &files[1]);
    } else if (what == 1) {
        home = capsule_file_exists(capsule_text("home://f"), &is_there);
    } else {
        home = capsule_file_set_size(files[0], what);
        tmp = capsule_file_set_size(files[1], what);
    }
    return capsule_format("\"%s %s\"", capsule_fs_status_name(home), capsule_fs_status_name(tmp));
}

static void use_files(void)
{
    capsule_subscription subscription = subscribe("loop.v1.ask.*");
    capsule_file files[2];
    capsule_batch batch;
    capsule_signal_ready();
    while (capsule_subscription_recv(subscription, 60000, &batch) == CAPSULE_IPC_OK) {
        for (size_t i = 0; i < batch.count; i++)
            answer(do_with_files(files, number_of(batch.messages[i].payload)));
        capsule_scratch_reset();
    }
}

static void tell_bindings(void)
{
    const capsule_binding *bindings;
    size_t count;
    if (capsule_interceptor_bindings(&bindings, &count) != CAPSULE_IPC_OK)
        die();
    answer(capsule_format("%zu", count));
    sleep_for_ever();
}

static void hog(void)
{
    rest_ns(1);
    for (;;)
        memset(capsule_alloc(1 << 20), 1, 1 << 20);
}

static void rest_then(void (*next)(void))
{
    rest_ns(1);
    next();
}

static void return_at_once(void)
{
}

static void spin_for_ever(void)
{
    spin(UINT64_MAX);
}

static void wait_and_return(void)
{
    rest_then(return_at_once);
}

static void wait_and_trap(void)
{
    rest_then(die);
}

static void wait_and_spin(void)
{
    rest_then(spin_for_ever);
}

static void rest_for_nothing(void)
{
    rest_ns(0);
}

static void compute(void)
{
    spin(100000000);
}

static const struct {
    const char *name;
    void (*act)(void);
} behaviours[] = {
    {"count", count_rounds},
    {"sleep", sleep_for_ever},
    {"waits-once", wait_and_return},
    {"traps", wait_and_trap},
    {"traps-at-once", die},
    {"ready", capsule_signal_ready},
    {"zero", rest_for_nothing},
    {"nothing", return_at_once},
    {"computes", compute},
    {"spins", spin_for_ever},
    {"spins-late", wait_and_spin},
    {"busy", be_busy},
    {"recv-zero", ask_for_ever},
    {"hog", hog},
    {"echo", echo},
    {"files", use_files},
    {"bindings", tell_bindings},
};

void capsule_run(void)
{
    capsule_bytes wanted = config("do");
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (is(wanted, behaviours[i].name)) {
            behaviours[i].act();
            return;
        }
    die();
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    (void)action;
    return capsule_continue(payload);
}
