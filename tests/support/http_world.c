/* support/http_world.c - see the header. */
#include "support/http_world.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *kept_answer;

static char *with_port(const http_world *world, const char *format)
{
    char *text = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", http_peer_port(world->peer));
    size_t size = 2 * strlen(format) + 8, len = 0;
    text = malloc(size);
    for (const char *at = format; *at != '\0'; at++) {
        if (strncmp(at, "PORT", 4) == 0) {
            len += (size_t)sprintf(text + len, "%s", port);
            at += 3;
        } else {
            text[len++] = *at;
        }
    }
    text[len] = '\0';
    return text;
}

static struct curl_slist *resolve(void *arg)
{
    http_world *world = arg;
    struct curl_slist *list = NULL;
    world->resolves++;
    for (size_t i = 0; i < 4 && world->resolved[i] != NULL; i++) {
        char line[256];
        const char *address = strchr(world->resolved[i], ':');
        snprintf(line, sizeof line, "%.*s:%u%s", (int)(address - world->resolved[i]),
                 world->resolved[i], http_peer_port(world->peer), address);
        list = curl_slist_append(list, line);
    }
    return list;
}

static void write_profiles(const http_world *world, const char *private_hosts, const char *path)
{
    char *hosts = with_port(world, private_hosts);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "[capsule.probe]\nprivate_hosts = %s\n", hosts);
    assert_int_equal(fclose(file), 0);
    free(hosts);
}

static void open_client(http_world *world)
{
    void *service;
    assert_int_equal(bhi_worker_create(&world->worker, NULL), BH_OK);
    assert_int_equal(bhi_worker_service(world->worker, &bhi_http_client_kind, &service, NULL),
                     BH_OK);
    world->client = service;
    bhi_http_client_seams(world->client)->resolve = resolve;
    bhi_http_client_seams(world->client)->arg = world;
}

void http_world_open_with(http_world *world, const char *net, const char *private_hosts)
{
    char path[] = "/tmp/bulkhead-profiles-XXXXXX";
    unsigned descriptors = count_descriptors();
    *world = (http_world){.descriptors = descriptors,
                          .peer = http_peer_open("127.0.0.1"),
                          .resolved = {"granted.test:127.0.0.1", "other.test:127.0.0.1"}};
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    write_profiles(world, private_hosts, path);
    bh_runtime_options options = {.profiles_file = path};
    runtime_fixture_open_with(&world->fixture, &options);
    unlink(path);
    char manifest[512];
    snprintf(manifest, sizeof manifest, "[capabilities]\nnet = %s\n", net);
    guest_setup setup = {.guest = "probe_http",
                         .name = "probe",
                         .manifest = manifest,
                         .options = {.live_max = 1100}};
    world->probe = load_setup(&world->fixture, &setup);
    open_client(world);
}

void http_world_open(http_world *world)
{
    http_world_open_with(world, "[\"127.0.0.1\", \"::1\", \"granted.test\", \"localhost\"]",
                         "[\"127.0.0.1:PORT\", \"granted.test:PORT\"]");
}

/* The first world opened some that the process keeps. A thread of libcurl's may have one for a
 * moment after a lookup. */
static void expect_descriptors(unsigned count)
{
    static bool is_checked;
    for (int looks = 0; is_checked && looks < 10000 && count_descriptors() > count; looks++)
        usleep(1000);
    if (is_checked)
        assert_true(count_descriptors() <= count);
    is_checked = true;
}

void http_world_close(http_world *world)
{
    free(kept_answer);
    kept_answer = NULL;
    bh_capsule_release(world->probe);
    bhi_worker_destroy(world->worker);
    http_peer_close(world->peer);
    runtime_fixture_close(&world->fixture);
    expect_descriptors(world->descriptors);
}

static void keep_answer(http_call *call, const bh_result *result)
{
    const char *data = result->outcome == BH_OUTCOME_RETURNED ? result->data : result->message;
    call->len = result->outcome == BH_OUTCOME_RETURNED ? result->data_len : strlen(data);
    call->outcome = result->outcome;
    call->is_denied = strcmp(result->action, "deny") == 0;
    call->data = malloc(call->len + 1);
    memcpy(call->data, data, call->len);
    call->data[call->len] = '\0';
}

static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    http_call *call = arg;
    call->is_done = true;
    call->invocation = NULL;
    call->status = status;
    if (status == BH_OK)
        keep_answer(call, result);
    else
        call->data = strdup(error->text);
}

http_call *http_start_for(http_world *world, bh_capsule *capsule, const char *principal,
                          const char *action, const char *payload)
{
    http_call *call = calloc(1, sizeof *call);
    *call = (http_call){.world = world, .payload = with_port(world, payload)};
    call->request = (bh_request){.action = action,
                                 .payload = call->payload,
                                 .payload_len = strlen(call->payload),
                                 .principal = principal,
                                 .timeout_ms = 120000,
                                 .memory_bytes_max = 128u << 20};
    bh_error error;
    use_engine_signals();
    if (bhi_invocation_start(capsule, world->worker, &call->request, done_cb, call,
                             &call->invocation, &error) != BH_OK)
        fail_msg("%s", error.text);
    return call;
}

http_call *http_start(http_world *world, const char *action, const char *payload)
{
    return http_start_for(world, world->probe, "alice", action, payload);
}

void http_turn_until_waiters(http_world *world, unsigned count)
{
    while (http_peer_waiters(world->peer) < count)
        bhi_worker_turn(world->worker, false);
}

void http_turn_until_requests(http_world *world, unsigned count)
{
    while (http_peer_requests(world->peer) < count)
        bhi_worker_turn(world->worker, false);
}

void http_finish(http_call *call)
{
    while (!call->is_done)
        bhi_worker_turn(call->world->worker, true);
}

void http_free(http_call *call)
{
    free(call->payload);
    free(call->data);
    free(call);
}

const char *http_ask(http_world *world, const char *action, const char *payload)
{
    http_call *call = http_start(world, action, payload);
    http_finish(call);
    if (call->status != BH_OK || call->outcome != BH_OUTCOME_RETURNED)
        fail_msg("%s: %s", payload, call->data);
    free(kept_answer);
    kept_answer = malloc(call->len + 16);
    sprintf(kept_answer, "%s%s", call->is_denied ? "deny: " : "", call->data);
    http_free(call);
    return kept_answer;
}

void http_expect(http_world *world, const char *action, const char *payload, const char *answer)
{
    const char *found = http_ask(world, action, payload);
    if (strcmp(found, answer) != 0)
        fail_msg("%s: expected \"%s\", found \"%s\"", payload, answer, found);
}

unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}
