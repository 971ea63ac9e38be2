/* runtime/chain.c - one step after the other; D1 is decided in judge. */
#include "runtime/chain.h"

#include <stdlib.h>

#include "base/assert.h"
#include "runtime/handlers.h"

enum { ANSWER_BYTES_KEPT = 4 << 10 }; /* while a chain waits for its next step; uncounted */

static bhi_chain_step *step_of(bhi_chain *chain)
{
    return &chain->steps[chain->at];
}

/* Whole characters of the text's first BHI_DISPATCH_REASON_MAX bytes. */
static void keep_reason(bhi_chain *chain, bhi_bytes text)
{
    if (text.len > BHI_DISPATCH_REASON_MAX) {
        text.len = BHI_DISPATCH_REASON_MAX;
        while (text.len > 0 && (text.data[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    bhi_bytes copy = bhi_arena_copy(&chain->arena, text);
    if (copy.data != NULL)
        chain->reason = copy;
}

/* The chain ends at this step; its other tickets go back too. */
static void end(bhi_chain *chain, bh_verdict verdict, const char *by)
{
    for (size_t i = chain->at; i < chain->steps_count; i++)
        bhi_dispatcher_leave(&chain->steps[i]);
    bhi_dispatcher_end(chain, verdict, by);
}

/* On to the next step, behind what else is ready on the lane. */
static void go_on(bhi_chain *chain)
{
    if (chain->answer.capacity > ANSWER_BYTES_KEPT)
        bhi_buffer_deinit(&chain->answer);
    bhi_dispatcher_leave(step_of(chain));
    chain->at++;
    if (chain->at == chain->steps_count)
        bhi_dispatcher_end(chain, BH_VERDICT_CONTINUED, "");
    else
        bhi_worker_ready(chain->lane->worker, &chain->task);
}

static void end_step(bhi_chain *chain, bh_verdict verdict)
{
    const char *by = step_of(chain)->told.capsule;
    chain->at++; /* it ran */
    bhi_dispatcher_leave(&chain->steps[chain->at - 1]);
    end(chain, verdict, by);
}

static void fail(bhi_chain *chain, bhi_bytes why)
{
    bhi_chain_step *step = step_of(chain);
    step->told.is_failure = true;
    if (step->continues_on_failure && !bhi_dispatcher_is_closing(chain->dispatcher)) {
        go_on(chain);
        return;
    }
    keep_reason(chain, why);
    end_step(chain, BH_VERDICT_FAILED);
}

/* ---- what a hook answered ---- */

typedef enum verb { VERB_CONTINUE, VERB_MODIFY, VERB_FINAL, VERB_DENY, VERB_NONE } verb;

/* Byte for byte: what is only similar is none. */
static verb verb_of(const bh_result *result)
{
    static const struct {
        const char *text;
        verb verb;
    } verbs[] = {{"continue", VERB_CONTINUE},
                 {"modify", VERB_MODIFY},
                 {"final", VERB_FINAL},
                 {"deny", VERB_DENY},
                 {"abort", VERB_DENY}};
    bhi_bytes action = {(const uint8_t *)result->action, result->action_len};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (bhi_bytes_equal_text(action, verbs[i].text))
            return verbs[i].verb;
    return VERB_NONE;
}

/* The answer's bytes are in `answer`, which the next call overwrites. */
static void replace_payload(bhi_chain *chain, const bh_result *result)
{
    size_t data_at = (size_t)((const uint8_t *)result->data - chain->answer.data);
    bhi_buffer other = chain->changed;
    chain->changed = chain->answer;
    chain->answer = other;
    chain->payload = (bhi_bytes){chain->changed.data + data_at, result->data_len};
}

/* Only what waits for a further handler is counted. */
static bool may_keep_payload(bhi_chain *chain, verb said)
{
    return said == VERB_FINAL || chain->at + 1 == chain->steps_count ||
           bhi_dispatcher_charge(chain, chain->answer.capacity);
}

static void deny(bhi_chain *chain, bhi_bytes reason)
{
    keep_reason(chain, reason.len > 0 ? reason : BHI_BYTES_LITERAL("denied by a handler"));
    end_step(chain, BH_VERDICT_DENIED);
}

static void pass(bhi_chain *chain, verb said)
{
    if (said == VERB_FINAL)
        end_step(chain, BH_VERDICT_FINAL);
    else
        go_on(chain);
}

static void judge(bhi_chain *chain, const bh_result *result)
{
    verb said = verb_of(result);
    bhi_bytes data = {(const uint8_t *)result->data, result->data_len};
    bool has_payload = result->has_data && (said == VERB_MODIFY || data.len > 0);
    if (said == VERB_DENY) {
        deny(chain, data);
    } else if (said == VERB_NONE) {
        fail(chain, BHI_BYTES_LITERAL("the handler answered an action that is none"));
    } else if (data.len > BHI_DISPATCH_PAYLOAD_BYTES_MAX) {
        fail(chain, BHI_BYTES_LITERAL("the handler answered more than a message may hold"));
    } else if (!has_payload) {
        pass(chain, said);
    } else if (!may_keep_payload(chain, said)) {
        fail(chain, BHI_BYTES_LITERAL("the principal's messages hold too many bytes already"));
    } else {
        replace_payload(chain, result);
        pass(chain, said);
    }
}

/* ---- calling it ---- */

static void call(bhi_chain *chain, bh_capsule *take_capsule);

static void settle(bhi_chain *chain, bh_status status, const bh_result *result,
                   const bh_error *error)
{
    bh_event_step *told = &step_of(chain)->told;
    told->status = status;
    told->outcome = status == BH_OK ? result->outcome : BH_OUTCOME_REFUSED;
    if (status == BH_OK && result->outcome == BH_OUTCOME_RETURNED)
        judge(chain, result);
    else
        fail(chain, bhi_bytes_of(status == BH_OK ? result->message : error->text));
}

/* The capsule is let go before the chain can end, so that who waits for chains waits for capsules.
 */
static void done_cb(void *arg, bh_status status, const bh_result *result, const bh_error *error)
{
    bhi_chain *chain = arg;
    bh_capsule *called = chain->capsule, *successor = NULL;
    chain->invocation = NULL;
    chain->capsule = NULL;
    if (status == BH_E_CLOSED && !bhi_dispatcher_is_closing(chain->dispatcher)) /* D4 */
        successor = bhi_dispatcher_hold(chain->dispatcher, step_of(chain)->told.capsule, called);
    bhi_dispatcher_let_go(chain->dispatcher, called);
    if (successor != NULL)
        call(chain, successor);
    else
        settle(chain, status, result, error);
}

/* On whose behalf: the host's own messages are for the capsule's owner. */
static bhi_bytes principal_of(const bhi_chain *chain)
{
    const bhi_message_spec *spec = &chain->message->spec;
    return spec->attribution == BHI_ATTRIBUTION_SYSTEM ? chain->capsule->grants.owner
                                                       : spec->principal;
}

static bool is_only_step_of_its_capsule(const bhi_chain *chain)
{
    const bhi_chain_step *step = &chain->steps[chain->at];
    for (size_t i = 0; i < chain->steps_count; i++)
        if (i != chain->at && strcmp(chain->steps[i].told.capsule, step->told.capsule) == 0)
            return false;
    return true;
}

/* D4: the version that is called may have another action for the topic than the one before it. No
 * handler is called in place of two, or twice: one of them may be a guard. */
static bh_status choose_action(bhi_chain *chain, bh_error *reterr)
{
    bhi_chain_step *step = step_of(chain);
    bhi_bytes topic = chain->message->spec.topic, action = bhi_bytes_of(step->told.action);
    const bhi_handler_binding *binding = bhi_capsule_binding(chain->capsule, topic, action);
    bool is_same = binding != NULL && bhi_bytes_equal(binding->action, action);
    if (binding == NULL || (!is_same && !is_only_step_of_its_capsule(chain)))
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "the capsule has a new version, which has no such handler for the topic");
    const char *kept = is_same ? step->told.action : bhi_arena_text(&chain->arena, binding->action);
    if (kept == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a call of a handler");
    step->told.action = kept;
    step->continues_on_failure = binding->continues_on_failure;
    return BH_OK;
}

static bh_status start(bhi_chain *chain, bh_error *reterr)
{
    bh_status status = choose_action(chain, reterr);
    if (status != BH_OK)
        return status;
    const char *principal = bhi_arena_text(&chain->arena, principal_of(chain));
    if (principal == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a call of a handler");
    bh_request request = {.action = step_of(chain)->told.action,
                          .payload = chain->payload.data,
                          .payload_len = chain->payload.len,
                          .principal = principal};
    status = bhi_invocation_create(chain->capsule, chain->lane->worker, &request, done_cb, chain,
                                   &chain->invocation, reterr);
    if (status != BH_OK)
        return status;
    bhi_invocation_use_buffer(chain->invocation, &chain->answer);
    bhi_invocation_caused_by(chain->invocation, chain->message);
    bhi_invocation_begin(chain->invocation);
    return BH_OK;
}

static void call(bhi_chain *chain, bh_capsule *take_capsule)
{
    bh_error error;
    chain->capsule = take_capsule;
    bh_status status = start(chain, &error);
    if (status == BH_OK)
        return;
    chain->capsule = NULL;
    bhi_dispatcher_let_go(chain->dispatcher, take_capsule);
    step_of(chain)->told.status = status;
    fail(chain, bhi_bytes_of(error.text));
}

static void call_started(bhi_chain *chain)
{
    bh_event_step *told = &step_of(chain)->told;
    bh_capsule *capsule = bhi_dispatcher_hold(chain->dispatcher, told->capsule, NULL);
    if (capsule != NULL) {
        call(chain, capsule);
        return;
    }
    told->status = BH_E_CLOSED;
    fail(chain, BHI_BYTES_LITERAL("the capsule is not there any more"));
}

/* In the name of a principal that an uplink only claims no hook runs, and no guard is skipped. */
static bool may_act(const bhi_message_spec *spec)
{
    return spec->attribution != BHI_ATTRIBUTION_CLAIMED || spec->may_act;
}

void bhi_chain_run(bhi_task *task)
{
    bhi_chain *chain = (bhi_chain *)task;
    if (chain->invocation != NULL || !bhi_dispatcher_is_first(step_of(chain)))
        return; /* woken again when it is */
    if (bhi_dispatcher_is_closing(chain->dispatcher)) {
        step_of(chain)->told.status = BH_E_CLOSED;
        fail(chain, BHI_BYTES_LITERAL("the runtime ends"));
    } else if (!may_act(&chain->message->spec)) {
        keep_reason(chain, BHI_BYTES_LITERAL("the principal is claimed and may not be acted for"));
        end(chain, BH_VERDICT_DENIED, "");
    } else {
        call_started(chain);
    }
}

void bhi_chain_cancel_locked(bhi_chain *chain)
{
    if (chain->invocation != NULL)
        bhi_invocation_cancel(chain->invocation);
    else
        bhi_worker_ready(chain->lane->worker, &chain->task);
}
