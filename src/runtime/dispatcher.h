/* runtime/dispatcher.h - messages reach the hooks of capsules that have a handler for their topic.
 *
 * The handlers of a message form a chain, ordered by priority and then by the capsule's name. Each
 * is called with the payload that the one before it left:
 *
 *   continue, modify ─► the next one     final ─► the end     deny, abort ─► the end, denied
 *
 * Whatever else happens (a trap, a deadline, no instance, an answer that is none of these, a
 * capsule that is gone) is a failure: the message is denied, unless the handler's manifest says
 * that it goes on without it.
 *
 * D1  A denial or a failure is never a skip, except where on_failure = "continue".
 * D2  Per capsule and principal, handlers run one after the other, in the order in which messages
 *     were accepted: a chain takes a ticket for each of its steps when it is accepted, under one
 *     lock, and a step runs when the chain has come to it and its ticket is first. The tickets of
 *     the chain that was accepted first are first everywhere, so some chain can always go on.
 * D3  A message is accepted whole or not at all: beyond a limit below, nothing of it runs. What
 *     a principal has waiting is limited, so that it cannot fill a lane alone.
 * D4  A step calls the version of its capsule that is started when it runs, as that version's
 *     manifest has it: its action for the topic, and what a failure means. Without a handler that
 *     is surely the same one's successor it is a failure. A step whose version was closed under it
 *     begins again on the one that took its place.
 * D5  The dispatcher keeps no capsule: it holds one while a hook of it runs, and can end those. A
 *     capsule that only its hooks hold gets no further one.
 *
 * A lane is a worker thread; a principal's messages are all on one.
 *
 * Threads: any, for every function.
 */
#ifndef BHI_RUNTIME_DISPATCHER_H
#define BHI_RUNTIME_DISPATCHER_H

#include <bulkhead/event.h>

#include "bus/bus.h"
#include "runtime/capsule.h"

enum {
    BHI_DISPATCH_KEY_MAX = 64,         /* messages that wait for one capsule and principal */
    BHI_DISPATCH_PRINCIPAL_MAX = 1024, /* of one principal */
    BHI_DISPATCH_LANE_MAX = 4096,      /* on one lane */
    BHI_DISPATCH_STEPS_MAX = 64,       /* handlers of one message */
    BHI_DISPATCH_LANES_MAX = 64,
    BHI_DISPATCH_REASON_MAX = 1024 /* bytes that are told of a denial's reason */
};
#define BHI_DISPATCH_PRINCIPAL_BYTES_MAX ((size_t)16 << 20)
#define BHI_DISPATCH_LANE_BYTES_MAX      ((size_t)256 << 20)
/* What a handler makes of a payload is no larger than what may be published. */
#define BHI_DISPATCH_PAYLOAD_BYTES_MAX BH_EVENT_BYTES_MAX

typedef struct bhi_dispatcher bhi_dispatcher;

/* Its lanes start with the first handler. Fails with BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_dispatcher_create(bh_runtime *runtime, uint32_t lanes_count,
                                            bhi_dispatcher **ret_dispatcher, bh_error *reterr);
/* Cancels what runs and answers what waits; nothing is accepted any more. Blocks. Idempotent. */
void bhi_dispatcher_close(bhi_dispatcher *dispatcher);
/* Closes, joins the lanes. Blocks. Takes NULL. */
void bhi_dispatcher_destroy(bhi_dispatcher *dispatcher);

/* From now on messages reach the capsule's handlers; a capsule of the same name that was started
 * before gives them up in the same moment. Fails with BH_E_NOMEM, BH_E_IO (no thread). */
BH_MUST_USE bh_status bhi_dispatcher_start(bhi_dispatcher *dispatcher, bh_capsule *capsule,
                                           bh_error *reterr);
/* No further hook of this version is called; those that run go on. Nothing when it was not started.
 */
void bhi_dispatcher_unbind(bhi_dispatcher *dispatcher, bh_capsule *capsule);
/* Ask the hooks of this version that run to end, with the outcome CANCELLED. Their number. */
uint32_t bhi_dispatcher_cancel(bhi_dispatcher *dispatcher, bh_capsule *capsule);
/* Post the task when no hook of this version runs: at once, or when the last one has ended. One at
 * a time, of an unbound version. */
void bhi_dispatcher_when_idle(bhi_dispatcher *dispatcher, bh_capsule *capsule, bhi_worker *worker,
                              bhi_task *task);
/* Unbind, cancel, and wait until no hook of it runs. Blocks: never on a lane. */
void bhi_dispatcher_stop(bhi_dispatcher *dispatcher, bh_capsule *capsule);

/* The bus's dispatch callback; `arg` is the dispatcher. */
bool bhi_dispatcher_dispatch(void *arg, bhi_message *message);

/* Borrowed for the callback. */
typedef struct bhi_dispatch_result {
    bh_verdict verdict;
    const char *by;             /* the capsule that ended the chain; "" when none did */
    bhi_bytes reason;           /* of a denial or a failure                           */
    bhi_bytes payload;          /* as the last handler left it                        */
    const bh_event_step *steps; /* those that ran                                     */
    size_t steps_count;
} bhi_dispatch_result;

/* Whoever publishes and wants to know: set as the message's observer before it is published. When
 * is_accepted is true after that, done_cb is called once, on a lane's thread; else there is no
 * handler, or too much to do (the publish verdict says which). */
typedef struct bhi_dispatch_observer {
    bool is_accepted;
    void (*done_cb)(void *arg, const bhi_dispatch_result *result);
    void *arg;
} bhi_dispatch_observer;

typedef struct bhi_dispatch_stats {
    uint64_t accepted, refused;
    uint64_t verdicts[BH_VERDICT_COUNT];
    uint64_t waiting; /* chains that have not ended */
    uint64_t running; /* of those: hooks that run now */
} bhi_dispatch_stats;

void bhi_dispatcher_read_stats(bhi_dispatcher *dispatcher, bhi_dispatch_stats *ret_stats);

#endif
