/* host/ipc.c - astrid:ipc/host@1.0.0: publishing.
 *
 * Checks come in this order: form, rights, depth, rate; so that what is refused costs no budget.
 * A message carries the marks of the lease that publishes it, and what it causes is one deeper.
 */
#include "abi/json.h"
#include "bus/topic.h"
#include "host/host.h"
#include "host/initialising.h"
#include "host/ipc_subscription.h"
#include "host/lease_context.h"
#include "host/principal.h"

static bool is_covered(bhi_texts patterns, bhi_bytes narrow)
{
    for (size_t i = 0; i < patterns.count; i++)
        if (bhi_pattern_covers(patterns.items[i], narrow))
            return true;
    return false;
}

static bool fail(bhi_ipc_error_code_tag tag, bhi_ipc_error_code *ret_error)
{
    *ret_error = (bhi_ipc_error_code){.tag = tag};
    return false;
}

/* ---- publish ---- */

/* Capsules publish many messages on one topic: the latest was valid and granted. */
static bool is_latest(const bhi_lease_context *lease, bhi_bytes topic)
{
    const bhi_granted_topic *latest = &lease->latest_topic;
    return latest->len > 0 && bhi_bytes_equal((bhi_bytes){latest->text, latest->len}, topic);
}

static void remember(bhi_lease_context *lease, bhi_bytes topic)
{
    if (topic.len > sizeof lease->latest_topic.text)
        return;
    lease->latest_topic.len = (uint8_t)topic.len;
    memcpy(lease->latest_topic.text, topic.data, topic.len);
}

static bool check_form(const bhi_lease_context *lease, bhi_bytes topic, bhi_bytes payload,
                       bhi_ipc_error_code *ret_error)
{
    bool is_topic = is_latest(lease, topic) || bhi_topic_is_valid(topic);
    if (!is_topic || payload.len > BHI_BUS_QUEUE_BYTES_MAX - topic.len ||
        !bhi_json_is_valid(payload))
        return fail(BHI_IPC_ERROR_CODE_INVALID_INPUT, ret_error);
    return true;
}

static bool check_grant(bhi_lease_context *lease, bhi_bytes topic)
{
    if (is_latest(lease, topic))
        return true;
    if (!is_covered(lease->grants->publish, topic))
        return false;
    remember(lease, topic);
    return true;
}

/* An uplink pays too for whom it claims, so that new names buy no new budget. */
static bool charge(bhi_lease_context *lease, const bhi_message_spec *spec)
{
    bhi_rate_charge charge = {.bytes = spec->topic.len + spec->payload.len,
                              .bytes_per_s_max = lease->publish_bytes_per_s_max};
    if (lease->rate_window == NULL)
        lease->rate_window = bhi_rates_pin(lease->rates, lease->session_id, lease->principal);
    if (lease->rate_window == NULL)
        return false;
    if (bhi_bytes_equal(spec->principal, lease->principal))
        return bhi_rates_take(lease->rate_window, NULL, &charge);
    bhi_rate_window *claimed = bhi_rates_pin(lease->rates, lease->session_id, spec->principal);
    bool is_taken = claimed != NULL && bhi_rates_take(lease->rate_window, claimed, &charge);
    bhi_rates_unpin(lease->rates, claimed);
    return is_taken;
}

/* Rights to the topic, depth and rate. */
static bool admit(bhi_lease_context *lease, const bhi_message_spec *spec,
                  bhi_ipc_error_code *ret_error)
{
    if (!check_grant(lease, spec->topic))
        return fail(BHI_IPC_ERROR_CODE_CAPABILITY_DENIED, ret_error);
    if (spec->depth > BHI_BUS_DEPTH_MAX)
        return fail(BHI_IPC_ERROR_CODE_QUOTA, ret_error);
    if (!charge(lease, spec))
        return fail(BHI_IPC_ERROR_CODE_RATE_LIMITED, ret_error);
    return true;
}

static bhi_publish_verdict hand_over(bhi_bus *bus, const bhi_message_spec *spec)
{
    bhi_message *message;
    if (bhi_message_create(spec, &message, NULL) != BH_OK)
        return BHI_PUBLISH_FAILED;
    bhi_publish_verdict verdict = bhi_bus_publish(bus, message);
    bhi_message_release(message);
    return verdict;
}

static bool deliver(bhi_guest *guest, const bhi_message_spec *spec, bhi_ipc_error_code *ret_error)
{
    switch (hand_over(guest->lease->bus, spec)) {
    case BHI_PUBLISH_OK:
        return true;
    case BHI_PUBLISH_BACKPRESSURE:
        return fail(BHI_IPC_ERROR_CODE_BACKPRESSURE, ret_error);
    case BHI_PUBLISH_FAILED:
        break;
    }
    fail(BHI_IPC_ERROR_CODE_UNKNOWN, ret_error);
    ret_error->unknown = BHI_BYTES_LITERAL("the host has no memory");
    return false;
}

static bool publish_spec(bhi_guest *guest, const bhi_message_spec *spec, bhi_ipc_unit_result *ret)
{
    bhi_lease_context *lease = guest->lease;
    ret->is_ok = admit(lease, spec, &ret->error) && deliver(guest, spec, &ret->error);
    if (ret->is_ok)
        lease->counters.published++;
    else
        lease->counters.publish_refused++;
    return true;
}

static bool publish(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload, bhi_ipc_unit_result *ret)
{
    bhi_lease_context *lease = guest->lease;
    if (!bhi_check_not_initialising(guest, "astrid:ipc/host@1.0.0#publish"))
        return false;
    if (!check_form(lease, topic, payload, &ret->error)) {
        lease->counters.publish_refused++;
        return true;
    }
    bhi_message_spec spec = {.topic = topic,
                             .payload = payload,
                             .source_id = lease->session_id,
                             .principal = lease->principal,
                             .attribution = lease->attribution,
                             .may_act = lease->may_act,
                             .depth = lease->publish_depth};
    return publish_spec(guest, &spec, ret);
}

static bool publish_as(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload, bhi_bytes principal,
                       bhi_ipc_unit_result *ret)
{
    bhi_lease_context *lease = guest->lease;
    const bhi_grants *grants = lease->grants;
    if (!bhi_check_not_initialising(guest, "astrid:ipc/host@1.0.0#publish-as"))
        return false;
    bool is_formed = check_form(lease, topic, payload, &ret->error);
    if (is_formed && !bhi_is_principal(principal))
        is_formed = fail(BHI_IPC_ERROR_CODE_INVALID_INPUT, &ret->error);
    if (is_formed && !(grants->is_uplink && grants->may_claim))
        is_formed = fail(BHI_IPC_ERROR_CODE_CAPABILITY_DENIED, &ret->error);
    if (!is_formed) {
        lease->counters.publish_refused++;
        return true;
    }
    bhi_message_spec spec = {.topic = topic,
                             .payload = payload,
                             .source_id = lease->session_id,
                             .principal = principal,
                             .attribution = BHI_ATTRIBUTION_CLAIMED,
                             .may_act = grants->may_act,
                             .depth = lease->publish_depth};
    return publish_spec(guest, &spec, ret);
}

/* ---- subscribe ---- */

static bool subscribe(bhi_guest *guest, bhi_bytes topic_pattern, bhi_ipc_subscription_result *ret)
{
    if (!bhi_check_not_initialising(guest, "astrid:ipc/host@1.0.0#subscribe"))
        return false;
    if (!bhi_pattern_is_subscribable(topic_pattern))
        ret->error.tag = BHI_IPC_ERROR_CODE_INVALID_INPUT;
    else if (!is_covered(guest->lease->grants->subscribe, topic_pattern))
        ret->error.tag = BHI_IPC_ERROR_CODE_CAPABILITY_DENIED;
    else if (bhi_handles_count(guest->handles, BHI_RESOURCE_IPC_SUBSCRIPTION) ==
             BHI_SUBSCRIPTIONS_MAX)
        ret->error.tag = BHI_IPC_ERROR_CODE_QUOTA;
    else
        return bhi_ipc_subscription_open(guest, topic_pattern, ret);
    return true;
}

/* The handlers of a run loop, which subscribes to their topics itself. */
static bool get_interceptor_bindings(bhi_guest *guest, bhi_ipc_interceptor_binding_list_result *ret)
{
    const bhi_lease_context *lease = guest->lease;
    if (!bhi_check_not_initialising(guest, "astrid:ipc/host@1.0.0#get-interceptor-bindings"))
        return false;
    ret->is_ok = true;
    size_t count = lease->is_run_loop ? lease->grants->handlers_count : 0;
    if (count == 0)
        return true;
    bhi_ipc_interceptor_binding *bindings =
        bhi_arena_calloc(&guest->arena, count, sizeof *bindings);
    if (bindings == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a list of handlers");
    for (size_t i = 0; i < count; i++) {
        const bhi_handler_binding *handler = &lease->grants->handlers[i];
        bindings[i] = (bhi_ipc_interceptor_binding){
            .handle_id = i, .action = handler->action, .topic = handler->pattern};
    }
    ret->ok = (bhi_ipc_interceptor_binding_list){bindings, count};
    return true;
}

const bhi_ipc_host bhi_host_ipc = {
    .subscription_drop = bhi_ipc_subscription_drop,
    .subscription_poll = bhi_ipc_subscription_poll,
    .subscription_recv = bhi_ipc_subscription_recv,
    .subscription_subscribe_readiness = bhi_ipc_subscription_subscribe_readiness,
    .publish = publish,
    .publish_as = publish_as,
    .subscribe = subscribe,
    .get_interceptor_bindings = get_interceptor_bindings,
};
