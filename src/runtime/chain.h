/* runtime/chain.h - the handlers of one message, called one after the other on a lane.
 *
 *   WAITING (for its ticket) ─► CALLING ─► next step, or the end
 *
 * A ticket is a chain's place among those that want the same capsule for the same principal
 * (dispatcher.h, D2).
 */
#ifndef BHI_RUNTIME_CHAIN_H
#define BHI_RUNTIME_CHAIN_H

#include "base/buffer.h"
#include "runtime/dispatcher.h"
#include "runtime/invocation.h"
#include "runtime/tickets.h"

typedef struct bhi_chain bhi_chain;

typedef struct bhi_chain_step {
    bh_event_step told; /* capsule and action from the start, the rest when it ran */
    bool continues_on_failure;
    bhi_ticket ticket;
    bhi_chain *chain;
} bhi_chain_step;

typedef struct bhi_chain_lane {
    bhi_worker *worker;
    bhi_link chains; /* guarded by the dispatcher's lock: all that have not ended */
    uint32_t count;  /* the same, of their messages too */
    size_t bytes;
    bhi_task cancel; /* posted when chains are to end, or hooks of a capsule */
    bhi_dispatcher *dispatcher;
} bhi_chain_lane;

struct bhi_chain {
    bhi_task task; /* first; posted when the step may run */
    bhi_link link; /* on its lane's chains */
    bhi_dispatcher *dispatcher;
    bhi_chain_lane *lane;
    bhi_message *message; /* retained */
    bhi_dispatch_observer *observer;
    bhi_arena arena; /* steps and texts */
    bhi_chain_step *steps;
    size_t steps_count;
    bhi_ticket place;    /* on the principal's account, with all bytes that it holds */
    size_t at;           /* the step that runs, or is to; the lane's */
    bhi_bytes payload;   /* the message's, or in `changed` */
    bhi_buffer changed;  /* what a handler made of it */
    bhi_buffer answer;   /* of the call that runs */
    bh_capsule *capsule; /* held while its hook runs; the lane's */
    bhi_invocation *invocation;
    bhi_bytes reason; /* in the arena */
};

/* The lane's worker runs it: look whether the step at `at` may run, and call its hook. */
void bhi_chain_run(bhi_task *task);

/* On the lane's thread, with the dispatcher's lock: end what runs. */
void bhi_chain_cancel_locked(bhi_chain *chain);

/* dispatcher.c, for chain.c: */

/* The started version of a step's capsule, unless that is `but`, held for a hook of it that is
 * about to run; NULL: there is none. */
bh_capsule *bhi_dispatcher_hold(bhi_dispatcher *dispatcher, const char *name,
                                const bh_capsule *but);
/* The hook has ended. Takes NULL. */
void bhi_dispatcher_let_go(bhi_dispatcher *dispatcher, bh_capsule *take_capsule);
/* The chain holds a payload of a handler, of so many bytes. False: more than its principal, or its
 * lane, may hold; nothing changed. */
bool bhi_dispatcher_charge(bhi_chain *chain, size_t payload_bytes);
/* Whether the ticket of the chain's step is the first of its queue. */
bool bhi_dispatcher_is_first(const bhi_chain_step *step);
/* Give back the ticket; who is first then is woken. */
void bhi_dispatcher_leave(bhi_chain_step *step);
/* The chain has ended: tell, count, free it. */
void bhi_dispatcher_end(bhi_chain *take_chain, bh_verdict verdict, const char *by);
bool bhi_dispatcher_is_closing(const bhi_dispatcher *dispatcher);

#endif
