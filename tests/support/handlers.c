/* support/handlers.c - see the header. */
#include "support/handlers.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/event.h"

bh_capsule *load_handler(runtime_fixture *fixture, const handler_spec *about)
{
    char manifest[1024], priority[32] = "", behaviour[200] = "", action[80];
    snprintf(action, sizeof action, "on-%s", about->name);
    if (about->priority != 0)
        snprintf(priority, sizeof priority, ", priority = %u", about->priority);
    if (about->behaviour != NULL)
        snprintf(behaviour, sizeof behaviour,
                 "[env.behaviour]\ntype = \"text\"\ndefault = \"%s\"\n", about->behaviour);
    snprintf(manifest, sizeof manifest,
             "[publish]\n\"t.*\" = \"-\"\n\"loop.*\" = \"-\"\n[subscribe]\n"
             "\"%s\" = {wit = \"-\", handler = \"%s\"%s%s}\n%s%s",
             about->topic != NULL ? about->topic : "t.*",
             about->action != NULL ? about->action : action, priority,
             about->continues ? ", on_failure = \"continue\"" : "",
             about->more != NULL ? about->more : "", behaviour);
    guest_setup setup = {
        .guest = "handler", .name = about->name, .manifest = manifest, .options = about->options};
    return load_setup(fixture, &setup);
}

bh_capsule *start_handler(runtime_fixture *fixture, const handler_spec *about)
{
    bh_error error;
    bh_capsule *capsule = load_handler(fixture, about);
    if (bh_capsule_start(capsule, &error) != BH_OK)
        fail_msg("%s", error.text);
    return capsule;
}

void wait_until_handled(runtime_fixture *fixture)
{
    bhi_dispatch_stats stats;
    do {
        sched_yield();
        bhi_dispatcher_read_stats(fixture->runtime->dispatcher, &stats);
    } while (stats.waiting > 0);
}

void wait_until_running(runtime_fixture *fixture, uint64_t count)
{
    bhi_dispatch_stats stats;
    do {
        sched_yield();
        bhi_dispatcher_read_stats(fixture->runtime->dispatcher, &stats);
    } while (stats.running < count);
}

/* On a lane's thread. */
static void keep(void *arg, const bhi_dispatch_result *result)
{
    kept_result *kept = arg;
    kept->verdict = result->verdict;
    snprintf(kept->by, sizeof kept->by, "%s", result->by);
    snprintf(kept->reason, sizeof kept->reason, "%.*s", (int)result->reason.len,
             (const char *)result->reason.data);
    kept->payload_len = result->payload.len;
    kept->steps_count = result->steps_count;
    for (size_t i = 0; i < result->steps_count; i++) {
        kept->steps[i] = result->steps[i];
        kept->steps[i].capsule = kept->steps[i].action = NULL;
    }
    atomic_store(&kept->is_done, true);
}

bh_status publish_and_keep(runtime_fixture *fixture, const bh_event *event, kept_result *ret_kept)
{
    bhi_message *message;
    *ret_kept = (kept_result){.observer = {.done_cb = keep, .arg = ret_kept}};
    bh_status status = bhi_event_message(event, &message, NULL);
    if (status != BH_OK)
        return status;
    status = bhi_event_send(fixture->runtime, message, &ret_kept->observer, NULL);
    bhi_message_release(message);
    return status;
}

void wait_until_kept(kept_result *kept)
{
    while (!atomic_load(&kept->is_done))
        sched_yield();
}
