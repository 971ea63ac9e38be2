/* cli/bench_bus.c - what a message costs: for a guest that publishes to itself and drains in
 * batches, beside a host call that carries the same bytes; and on the bus alone, with one
 * subscriber and with many on topics of their own.
 *
 * The host call of the comparison is get-config with a key as long as topic and payload, which the
 * configuration does not have: lifted and checked like any text, looked up, answered with none.
 * Every round takes one sample of each, so that noise of the machine hits both sides of a ratio.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "bus/bus.h"
#include "cli/bench.h"
#include "cli/bench_guest.h"
#include "cli/cli.h"
#include "messages_wasm.h"

enum { BATCH = 64, GUEST_ROUNDS = 200, SUBSCRIBERS = 200, DELIVERIES = SUBSCRIBERS * BATCH };
enum { SIZES = 2, TOPIC_TEXT_BYTES = 32 };

static const size_t payload_bytes[SIZES] = {64, 1024};
static const double message_limit = 8, subscribers_limit = 2;

typedef struct bus_bench {
    bh_runtime *runtime;
    bh_capsule *capsule;
    bh_result result;
    bhi_samples message_ns[SIZES], call_ns[SIZES], message_over_call[SIZES];
    bhi_samples one_ns, many_ns, many_over_one;
} bus_bench;

/* A runtime in which publishing has no rate to speak of: the bench says more in a second than
 * principals usually may. */
static bh_status open_runtime(bh_runtime **ret_runtime, bh_error *reterr)
{
    char path[] = "/tmp/bulkhead-bench-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL)
        return bhi_fail_os(reterr, "write the profiles of the bench");
    fprintf(file, "[default]\npublish_kib = %u\n", UINT32_MAX);
    fclose(file);
    bh_runtime_options options = {.profiles_file = path};
    bh_status status = bh_runtime_create(&options, ret_runtime, reterr);
    unlink(path);
    return status;
}

/* ---- a guest ---- */

/* ns of one of GUEST_ROUNDS * BATCH. */
static double time_guest(bus_bench *bench, const char *action, size_t bytes)
{
    char payload[1200], number[16];
    bh_error error;
    size_t used = (size_t)snprintf(number, sizeof number, "%d ", GUEST_ROUNDS);
    memcpy(payload, number, used);
    memset(payload + used, 'x', bytes);
    payload[used] = payload[used + bytes - 1] = '"';
    bh_request request = {
        .action = action, .payload = payload, .payload_len = used + bytes, .principal = "bench"};
    uint64_t began_ns = bhi_monotonic_ns();
    if (bh_invoke(bench->capsule, &request, &bench->result, &error) != BH_OK)
        exit(bhi_cli_fail("bench", BHI_CLI_HOST, "%s", error.text));
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    if (bench->result.data == NULL || strcmp(bench->result.data, "done") != 0)
        exit(bhi_cli_fail("bench", BHI_CLI_GUEST, "the guest answered: %s %s", bench->result.data,
                          bench->result.message));
    return (double)took_ns / (GUEST_ROUNDS * BATCH);
}

static void measure_guest(bus_bench *bench, int size)
{
    double message_ns = time_guest(bench, "publish", payload_bytes[size]);
    double call_ns = time_guest(bench, "carry", payload_bytes[size]);
    bhi_samples_add(&bench->message_ns[size], message_ns);
    bhi_samples_add(&bench->call_ns[size], call_ns);
    bhi_samples_add(&bench->message_over_call[size], message_ns / call_ns);
}

/* ---- the bus alone ---- */

static void ignore_cb(void *arg)
{
    (void)arg;
}

static void publish(bhi_bus *bus, const char *topic)
{
    static const char payload[] = "{\"k\":1}";
    bhi_message *message;
    bhi_message_spec spec = {.topic = bhi_bytes_of(topic),
                             .payload = bhi_bytes_of(payload),
                             .principal = BHI_BYTES_LITERAL("bench"),
                             .attribution = BHI_ATTRIBUTION_VERIFIED};
    bh_status status = bhi_message_create(&spec, &message, NULL);
    BHI_ASSERT(status == BH_OK);
    bhi_publish_verdict verdict = bhi_bus_publish(bus, message);
    BHI_ASSERT(verdict == BHI_PUBLISH_OK);
    bhi_message_release(message);
}

static size_t drain(bhi_subscriber *subscriber)
{
    bhi_batch batch;
    bhi_subscriber_take(subscriber, BHI_BUS_QUEUE_BYTES_MAX, false, &batch);
    for (size_t i = 0; i < batch.count; i++)
        bhi_message_release(batch.messages[i]);
    return batch.count;
}

/* ns of one delivery: DELIVERIES messages, spread over `count` topics, BATCH of them each at a
 * time. */
static double time_deliveries(bhi_bus *bus, bhi_subscriber **subscribers,
                              char topics[][TOPIC_TEXT_BYTES], int count)
{
    size_t received = 0;
    uint64_t began_ns = bhi_monotonic_ns();
    for (int group = 0; group < SUBSCRIBERS / count; group++) {
        for (int i = 0; i < BATCH; i++)
            for (int s = 0; s < count; s++)
                publish(bus, topics[s]);
        for (int s = 0; s < count; s++)
            received += drain(subscribers[s]);
    }
    uint64_t took_ns = bhi_monotonic_ns() - began_ns;
    BHI_ASSERT(received == DELIVERIES);
    return (double)took_ns / DELIVERIES;
}

static double measure_subscribers(int count)
{
    static char topics[SUBSCRIBERS][TOPIC_TEXT_BYTES];
    bhi_subscriber *subscribers[SUBSCRIBERS];
    bhi_bus *bus;
    bh_status status = bhi_bus_create(&bus, NULL);
    for (int i = 0; i < count && status == BH_OK; i++) {
        snprintf(topics[i], TOPIC_TEXT_BYTES, "bench.v1.topic-%d", i);
        bhi_subscriber_options options = {.pattern = bhi_bytes_of(topics[i]),
                                          .ready_cb = ignore_cb};
        status = bhi_bus_subscribe(bus, &options, &subscribers[i], NULL);
    }
    BHI_ASSERT(status == BH_OK);
    time_deliveries(bus, subscribers, topics, count);
    double ns = time_deliveries(bus, subscribers, topics, count);
    for (int i = 0; i < count; i++)
        bhi_subscriber_close(subscribers[i]);
    bhi_bus_destroy(bus);
    return ns;
}

static void run_round(bus_bench *bench)
{
    for (int size = 0; size < SIZES; size++)
        measure_guest(bench, size);
    double one_ns = measure_subscribers(1);
    double many_ns = measure_subscribers(SUBSCRIBERS);
    bhi_samples_add(&bench->one_ns, one_ns);
    bhi_samples_add(&bench->many_ns, many_ns);
    bhi_samples_add(&bench->many_over_one, many_ns / one_ns);
}

/* ---- printing ---- */

static json_t *size_json(const bus_bench *bench, int size)
{
    return json_pack("{s:i, s:o, s:o, s:o, s:f}", "payload_bytes", (int)payload_bytes[size],
                     "message_ns", bhi_bench_spread_json(&bench->message_ns[size]), "call_ns",
                     bhi_bench_spread_json(&bench->call_ns[size]), "message_over_call",
                     bhi_bench_spread_json(&bench->message_over_call[size]), "limit",
                     message_limit);
}

static void print_json(const bus_bench *bench)
{
    json_t *body = json_pack(
        "{s:i, s:[o, o], s:{s:i, s:o, s:o, s:o, s:f}}", "batch", BATCH, "guest",
        size_json(bench, 0), size_json(bench, 1), "bus", "subscribers", SUBSCRIBERS, "one_ns",
        bhi_bench_spread_json(&bench->one_ns), "many_ns", bhi_bench_spread_json(&bench->many_ns),
        "many_over_one", bhi_bench_spread_json(&bench->many_over_one), "limit", subscribers_limit);
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

static double median(const bhi_samples *samples)
{
    return bhi_samples_spread(samples).median;
}

static void print_text(const bus_bench *bench)
{
    for (int size = 0; size < SIZES; size++) {
        printf("%zu bytes, drained %d at a time\n", payload_bytes[size], BATCH);
        printf("%-32s %10.1f\n", "  message, ns", median(&bench->message_ns[size]));
        printf("%-32s %10.1f\n", "  host call of the same bytes", median(&bench->call_ns[size]));
        bhi_bench_print_limit("  message / call", median(&bench->message_over_call[size]),
                              message_limit, true);
    }
    printf("%-32s %10.1f\n", "delivery to one, ns", median(&bench->one_ns));
    printf("delivery to one of %-13d %10.1f\n", SUBSCRIBERS, median(&bench->many_ns));
    bhi_bench_print_limit("  ratio", median(&bench->many_over_one), subscribers_limit, true);
}

int bhi_bench_bus(const bhi_bench_bus_options *options)
{
    bus_bench *bench = calloc(1, sizeof *bench);
    bh_error error;
    bhi_bench_capsule capsule = {.name = "messages",
                                 .manifest = "[publish]\n\"bench.*\" = \"-\"\n"
                                             "[subscribe]\n\"bench.*\" = \"-\"\n",
                                 .wasm = messages_wasm,
                                 .wasm_bytes = sizeof messages_wasm};
    if (bench == NULL || open_runtime(&bench->runtime, &error) != BH_OK)
        return bhi_cli_fail("bench", BHI_CLI_HOST, "%s",
                            bench == NULL ? "out of memory" : error.text);
    bench->capsule = bhi_bench_capsule_load(bench->runtime, &capsule);
    for (uint32_t round = 0; round < options->rounds; round++)
        run_round(bench);
    if (options->is_json)
        print_json(bench);
    else
        print_text(bench);
    bh_result_deinit(&bench->result);
    bh_capsule_release(bench->capsule);
    bh_runtime_destroy(bench->runtime);
    free(bench);
    return BHI_CLI_OK;
}
