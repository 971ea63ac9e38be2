/* Components that a third-party SDK built answer as they were recorded on another engine: on a host
 * that plays the recorded host calls back, and on the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "abi/handles.h"
#include "base/clock.h"
#include "runtime/capsule.h"
#include "support/recording.h"
#include "support/runtime_fixture.h"
#include "support/scripted_host.h"

/* ---- on the scripted host ---- */

typedef struct guest_player {
    guest_recording recording;
    bhi_engine *engine;
    bhi_code *code;
    bhi_instance *instance; /* NULL before a step that builds one */
    bhi_handles *handles;
    bool is_map_order_free; /* of the host calls' arguments */
    scripted_host script;
    bhi_buffer result;
} guest_player;

static void compile(guest_player *player)
{
    bh_error error = {0};
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bhi_bytes wasm = {player->recording.wasm, player->recording.wasm_len};
    if (bhi_capsule_image_read(wasm, &arena, &image, &error) != BH_OK ||
        bhi_code_create(player->engine, &image, &player->code, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_true(image.is_component);
    bhi_arena_deinit(&arena);
}

static void open_player(guest_player *player, const char *name)
{
    *player = (guest_player){0};
    recording_load(&player->recording, name);
    bh_error error = {0};
    if (bhi_engine_create(NULL, &player->engine, &error) != BH_OK)
        fail_msg("%s", error.text);
    use_engine_signals();
    compile(player);
}

static void drop_instance(guest_player *player)
{
    bhi_handles_destroy(player->handles);
    bhi_instance_destroy(player->instance);
    player->handles = NULL;
    player->instance = NULL;
}

static void close_player(guest_player *player)
{
    drop_instance(player);
    bhi_buffer_deinit(&player->result);
    bhi_code_release(player->code);
    bhi_engine_destroy(player->engine);
    recording_deinit(&player->recording);
}

static const bhi_budget plenty = {
    .fuel = BH_FUEL_DEFAULT,
    .deadline_ns = BHI_DEADLINE_NEVER,
    .memory_bytes_max = BH_MEMORY_BYTES_DEFAULT,
    .table_elements_max = 10000,
};

/* A scripted host call never waits, so a call only runs or yields. */
static const bhi_call_result *finish_call(guest_player *player)
{
    bhi_poll poll;
    while ((poll = bhi_instance_poll(player->instance)) == BHI_POLL_YIELDED) {
    }
    assert_int_equal(poll, BHI_POLL_DONE);
    return bhi_instance_result(player->instance);
}

static void build_instance(guest_player *player)
{
    bh_error error = {0};
    if (bhi_instance_create(player->code, &scripted_host_table, NULL, &player->instance, &error) !=
            BH_OK ||
        bhi_handles_create(&player->handles, &error) != BH_OK)
        fail_msg("%s", error.text);
    bhi_guest *guest = bhi_instance_guest(player->instance);
    guest->handles = player->handles;
    guest->lease = &player->script.lease;
    json_t *no_calls = json_array();
    scripted_host_begin(&player->script, no_calls, false);
    bhi_instance_begin_build(player->instance, &plenty);
    const bhi_call_result *result = finish_call(player);
    if (result->outcome != BH_OUTCOME_RETURNED)
        fail_msg("initialisation: %s", result->message);
    assert_string_equal(scripted_host_end(&player->script), "");
    json_decref(no_calls);
}

/* The script's verdict; the result is in the instance. */
static const char *play_step(guest_player *player, const recorded_step *step)
{
    if (player->instance == NULL)
        build_instance(player);
    bhi_hook_call call = {.action = bhi_bytes_of(step->action),
                          .payload = {(const uint8_t *)step->payload, step->payload_len},
                          .result = &player->result};
    scripted_host_begin(&player->script, step->host_calls, player->is_map_order_free);
    if (step->entry == BHI_ENTRY_HOOK)
        bhi_instance_begin_hook(player->instance, &plenty, &call);
    else
        bhi_instance_begin_entry(player->instance, &plenty, step->entry);
    finish_call(player);
    return scripted_host_end(&player->script);
}

static void check_step(guest_player *player, const recorded_step *step)
{
    const char *failure = play_step(player, step);
    if (failure[0] != '\0')
        fail_msg("%s: %s", step->text, failure);
    const bhi_call_result *result = bhi_instance_result(player->instance);
    recorded_answer answer = {.outcome = result->outcome,
                              .action = result->action,
                              .has_data = result->has_data,
                              .data = result->data,
                              .message = result->message};
    recorded_step_check(step, &answer);
    if (result->outcome != BH_OUTCOME_RETURNED)
        drop_instance(player);
}

/* The recording was made in one instance, so there its bytes are reproduced too. */
typedef enum instance_use { ONE_INSTANCE, INSTANCE_PER_STEP } instance_use;

static void replay(const char *name, instance_use use)
{
    guest_player player;
    open_player(&player, name);
    player.is_map_order_free = use == INSTANCE_PER_STEP;
    for (size_t i = 0; i < player.recording.steps_count; i++) {
        check_step(&player, &player.recording.steps[i]);
        if (use == INSTANCE_PER_STEP)
            drop_instance(&player);
    }
    close_player(&player);
}

static void echo_makes_its_recorded_calls_in_one_instance(void **state)
{
    (void)state;
    replay("echo", ONE_INSTANCE);
}

static void echo_makes_its_recorded_calls_in_an_instance_per_step(void **state)
{
    (void)state;
    replay("echo", INSTANCE_PER_STEP);
}

static void counter_makes_its_recorded_calls_in_one_instance(void **state)
{
    (void)state;
    replay("counter", ONE_INSTANCE);
}

static void counter_makes_its_recorded_calls_in_an_instance_per_step(void **state)
{
    (void)state;
    replay("counter", INSTANCE_PER_STEP);
}

/* A recording that does not fit must be noticed, or the tests above prove nothing. */
static void expect_failure(guest_player *player, json_t *take_calls, const char *words)
{
    recorded_step step = player->recording.steps[0];
    step.host_calls = take_calls;
    const char *failure = play_step(player, &step);
    if (strstr(failure, words) == NULL)
        fail_msg("expected a failure with \"%s\", found \"%s\"", words, failure);
    drop_instance(player);
    json_decref(take_calls);
}

static void a_script_notices_another_call_one_too_many_and_one_too_few(void **state)
{
    (void)state;
    guest_player player;
    open_player(&player, "echo");
    const json_t *calls = player.recording.steps[0].host_calls;
    assert_int_equal(json_array_size(calls), 1);

    json_t *other_argument = json_deep_copy(calls);
    json_array_set_new(json_object_get(json_array_get(other_argument, 0), "args"), 1,
                       json_string("echo 54 bytes"));
    expect_failure(&player, other_argument, "found log [\"info\", \"echo 53 bytes\"]");

    json_t *other_name = json_deep_copy(calls);
    json_object_set_new(json_array_get(other_name, 0), "call", json_string("publish"));
    expect_failure(&player, other_name, "expected publish");

    expect_failure(&player, json_array(), "expected none");

    json_t *one_more = json_deep_copy(calls);
    json_array_append(one_more, json_array_get(calls, 0));
    expect_failure(&player, one_more, "host call 1, log, was never made");
    close_player(&player);
}

/* ---- on the real host ---- */

static runtime_fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    runtime_fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    runtime_fixture_close(&fixture);
    return 0;
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Capsule NAME in a directory of its own. The recording's host had a configuration value. */
static bh_capsule *load_recorded(const char *name, const guest_recording *recording, bh_reuse reuse)
{
    char path[160], directory[96], manifest[512];
    snprintf(directory, sizeof directory, "%s/%s", fixture.directory, name);
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(path, sizeof path, "%s/%s.wasm", directory, name);
    write_file(path, recording->wasm, recording->wasm_len);
    int len = snprintf(manifest, sizeof manifest,
                       "[package]\nname = \"%s\"\nversion = \"0.1.0\"\n\n"
                       "[[component]]\nfile = \"%s.wasm\"\n\n"
                       "[env]\nprev_version = { type = \"string\", default = \"0.0.9\" }\n"
                       "[publish]\n\"tool.*\" = \"-\"\n",
                       name, name);
    snprintf(path, sizeof path, "%s/Capsule.toml", directory);
    write_file(path, manifest, (size_t)len);
    bh_capsule_options options = {.has_reuse = true, .reuse = reuse};
    bh_capsule *capsule = NULL;
    bh_error error = {0};
    if (bh_capsule_load(fixture.runtime, directory, &options, &capsule, &error) != BH_OK ||
        bh_capsule_start(capsule, &error) != BH_OK)
        fail_msg("%s", error.text);
    return capsule;
}

static const bh_result *invoke_step(bh_capsule *capsule, const recorded_step *step)
{
    static const bh_entry entries[] = {[BHI_ENTRY_HOOK] = BH_ENTRY_HOOK,
                                       [BHI_ENTRY_INSTALL] = BH_ENTRY_INSTALL,
                                       [BHI_ENTRY_UPGRADE] = BH_ENTRY_UPGRADE};
    bh_request request = {.entry = entries[step->entry],
                          .action = step->action,
                          .payload = step->payload,
                          .payload_len = step->payload_len,
                          .principal = "alice"};
    return invoke_with(capsule, &request);
}

static recorded_answer answer_of(const bh_result *result)
{
    return (recorded_answer){
        .outcome = result->outcome,
        .action = {(const uint8_t *)result->action, result->action_len},
        .has_data = result->has_data,
        .data = {(const uint8_t *)result->data, result->data_len},
        .message = result->message,
    };
}

/* The log lines of a step reach the embedding program; the last one is compared. */
static void check_logs(const recorded_step *step, int logs_before)
{
    int logs_count = 0;
    const json_t *last = NULL;
    size_t i;
    json_t *call;
    json_array_foreach(step->host_calls, i, call)
    {
        if (strcmp(json_string_value(json_object_get(call, "call")), "log") == 0) {
            last = json_object_get(call, "args");
            logs_count++;
        }
    }
    assert_int_equal(fixture.logs_count - logs_before, logs_count);
    if (last == NULL)
        return;
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};
    assert_string_equal(levels[fixture.last_log.level], json_string_value(json_array_get(last, 0)));
    assert_string_equal(fixture.last_log.text, json_string_value(json_array_get(last, 1)));
    assert_string_equal(fixture.last_log.principal, "alice");
}

static void check_real_step(bh_capsule *capsule, const recorded_step *step)
{
    int logs_before = fixture.logs_count;
    recorded_answer answer = answer_of(invoke_step(capsule, step));
    recorded_step_check(step, &answer);
    check_logs(step, logs_before);
}

static void check_echo(bh_reuse reuse)
{
    guest_recording recording;
    recording_load(&recording, "echo");
    bh_capsule *capsule = load_recorded("echo", &recording, reuse);
    for (size_t i = 0; i < recording.steps_count; i++) {
        const recorded_step *step = &recording.steps[i];
        if (step->entry != BHI_ENTRY_RUN) /* no invocation: a run loop's */
            check_real_step(capsule, step);
    }
    bh_capsule_release(capsule);
    recording_deinit(&recording);
}

static void echo_answers_as_recorded_on_the_real_host(void **state)
{
    (void)state;
    check_echo(BH_REUSE_PRISTINE);
}

static void echo_answers_as_recorded_when_its_instance_is_kept(void **state)
{
    (void)state;
    check_echo(BH_REUSE_SHARED);
}

/* The SDK exports `run` whether the capsule has one or not. */
static void a_stub_of_another_sdk_is_found_out_and_the_capsule_is_pooled(void **state)
{
    (void)state;
    static const char *const names[] = {"echo", "counter"};
    for (int i = 0; i < 2; i++) {
        guest_recording recording;
        bh_capsule_stats stats;
        recording_load(&recording, names[i]);
        bh_capsule *capsule = load_recorded(names[i], &recording, BH_REUSE_PRISTINE);
        assert_true(bhi_code_has_entry(capsule->code, BHI_ENTRY_RUN));
        bh_capsule_read_stats(capsule, &stats);
        assert_int_equal(stats.run_state, BH_RUN_NONE);
        assert_int_equal(stats.idle, 1);
        bh_capsule_release(capsule);
        recording_deinit(&recording);
    }
}

static void echo_answers_a_long_payload_unchanged(void **state)
{
    (void)state;
    guest_recording recording;
    recording_load(&recording, "echo");
    bh_capsule *capsule = load_recorded("echo", &recording, BH_REUSE_SHARED);
    size_t long_steps = 0;
    for (size_t i = 0; i < recording.steps_count; i++) {
        const recorded_step *step = &recording.steps[i];
        if (step->payload_len < 1000)
            continue;
        const bh_result *result = invoke_step(capsule, step);
        assert_int_equal(result->data_len, step->payload_len);
        assert_memory_equal(result->data, step->payload, step->payload_len);
        long_steps++;
    }
    assert_int_equal(long_steps, 1);
    bh_capsule_release(capsule);
    recording_deinit(&recording);
}

/* Nobody else writes the real store: a compare-and-swap that was made to fail in the recording
 * succeeds at once. */
static void without_lost_races(recorded_step *step, json_t **ret_ok)
{
    *ret_ok = json_deep_copy(step->ok);
    const char *data = json_string_value(json_object_get(step->ok, "data"));
    json_t *value = json_loads(data, 0, NULL);
    assert_true(json_integer_value(json_object_get(value, "tries")) > 1);
    json_object_set_new(value, "tries", json_integer(1));
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_object_set_new(*ret_ok, "data", json_string(text));
    step->ok = *ret_ok;
    free(text);
    json_decref(value);
}

static bool has_lost_races(const recorded_step *step)
{
    size_t i;
    json_t *call;
    json_array_foreach(step->host_calls, i, call)
    {
        if (json_object_get(call, "err") != NULL)
            return true;
    }
    return false;
}

static bool loses_every_race(const recorded_step *step)
{
    const char *data = json_string_value(json_object_get(step->ok, "data"));
    return has_lost_races(step) && data != NULL && strstr(data, "too much contention") != NULL;
}

static void check_counter_step(bh_capsule *capsule, const recorded_step *step)
{
    if (!has_lost_races(step)) {
        check_real_step(capsule, step);
        return;
    }
    recorded_step changed = *step;
    json_t *ok;
    without_lost_races(&changed, &ok);
    recorded_answer answer = answer_of(invoke_step(capsule, &changed));
    recorded_step_check(&changed, &answer);
    json_decref(ok);
}

static void ignore_ready(void *arg)
{
    (void)arg;
}

/* What the step published is on the bus, byte for byte, and nothing else. */
static int check_messages(bhi_subscriber *tool, const recorded_step *step)
{
    bhi_batch batch;
    size_t i, taken = 0;
    json_t *call;
    bhi_subscriber_take(tool, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    json_array_foreach(step->host_calls, i, call)
    {
        if (strcmp(json_string_value(json_object_get(call, "call")), "publish") != 0)
            continue;
        const json_t *arguments = json_object_get(call, "args");
        assert_true(taken < batch.count);
        const bhi_message_spec *spec = &batch.messages[taken++]->spec;
        assert_true(
            bhi_bytes_equal_text(spec->topic, json_string_value(json_array_get(arguments, 0))));
        assert_true(
            bhi_bytes_equal_text(spec->payload, json_string_value(json_array_get(arguments, 1))));
        assert_true(bhi_bytes_equal_text(spec->principal, "alice"));
    }
    assert_int_equal(taken, batch.count);
    for (i = 0; i < batch.count; i++)
        bhi_message_release(batch.messages[i]);
    return (int)taken;
}

static void check_counter(bh_reuse reuse)
{
    guest_recording recording;
    bhi_subscriber *tool;
    int published = 0;
    recording_load(&recording, "counter");
    bh_capsule *capsule = load_recorded("counter", &recording, reuse);
    bhi_subscriber_options options = {.pattern = bhi_bytes_of("tool.*"), .ready_cb = ignore_ready};
    assert_int_equal(bhi_bus_subscribe(fixture.runtime->bus, &options, &tool, NULL), BH_OK);
    for (size_t i = 0; i < recording.steps_count; i++) {
        if (recording.steps[i].entry == BHI_ENTRY_RUN)
            continue; /* no invocation: a run loop's */
        if (loses_every_race(&recording.steps[i]))
            continue; /* that takes the recorder's injected answers */
        check_counter_step(capsule, &recording.steps[i]);
        published += check_messages(tool, &recording.steps[i]);
    }
    assert_int_equal(published, 3);
    bhi_subscriber_close(tool);
    bh_capsule_release(capsule);
    recording_deinit(&recording);
}

static void counter_answers_as_recorded_on_the_real_store(void **state)
{
    (void)state;
    check_counter(BH_REUSE_PRISTINE);
}

static void counter_answers_as_recorded_when_its_instance_is_kept(void **state)
{
    (void)state;
    check_counter(BH_REUSE_SHARED);
}

static void a_component_for_a_newer_interface_version_is_refused_by_name(void **state)
{
    (void)state;
    static const char ours[] = "astrid:sys/host@1.0.0", newer[] = "astrid:sys/host@1.9.0";
    guest_recording recording;
    recording_load(&recording, "echo");
    uint8_t *found, *from = recording.wasm;
    uint8_t *end = recording.wasm + recording.wasm_len;
    int replaced = 0;
    while ((found = memmem(from, (size_t)(end - from), ours, strlen(ours))) != NULL) {
        memcpy(found, newer, strlen(newer));
        from = found + strlen(newer);
        replaced++;
    }
    assert_true(replaced > 0);
    char path[96];
    snprintf(path, sizeof path, "%s/newer.wasm", fixture.directory);
    write_file(path, recording.wasm, recording.wasm_len);
    bh_capsule *capsule = NULL;
    bh_error error = {0};
    assert_int_equal(bh_capsule_load(fixture.runtime, path, NULL, &capsule, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "not provided: astrid:sys/host@1.9.0 ("));
    assert_non_null(strstr(error.text, "this host provides astrid:sys/host@1.0.0"));
    recording_deinit(&recording);
}

#define ON_REAL_HOST(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_makes_its_recorded_calls_in_one_instance),
        cmocka_unit_test(echo_makes_its_recorded_calls_in_an_instance_per_step),
        cmocka_unit_test(counter_makes_its_recorded_calls_in_one_instance),
        cmocka_unit_test(counter_makes_its_recorded_calls_in_an_instance_per_step),
        cmocka_unit_test(a_script_notices_another_call_one_too_many_and_one_too_few),
        ON_REAL_HOST(echo_answers_as_recorded_on_the_real_host),
        ON_REAL_HOST(echo_answers_as_recorded_when_its_instance_is_kept),
        ON_REAL_HOST(a_stub_of_another_sdk_is_found_out_and_the_capsule_is_pooled),
        ON_REAL_HOST(echo_answers_a_long_payload_unchanged),
        ON_REAL_HOST(counter_answers_as_recorded_on_the_real_store),
        ON_REAL_HOST(counter_answers_as_recorded_when_its_instance_is_kept),
        ON_REAL_HOST(a_component_for_a_newer_interface_version_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
