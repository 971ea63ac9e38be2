/* runtime/keeper_state.h - the keeper, as its files share it. */
#ifndef BHI_RUNTIME_KEEPER_STATE_H
#define BHI_RUNTIME_KEEPER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <uv.h>

#include "runtime/capsule.h"
#include "runtime/keeper.h"
#include "worker/worker.h"

struct bhi_keeper {
    bhi_keeper_options options; /* set once */
    bhi_worker *worker;         /* set once */
    bhi_ceiling ceiling;
    pthread_mutex_t lock;
    bhi_link capsules; /* guarded by lock; by bh_capsule.keeper_link */

    _Atomic uint64_t wake_at_ns; /* the earliest that was asked for and not seen; relaxed: the post
                                    orders it */
    atomic_bool must_stop;       /* released by destroy; looked at by builds */

    /* The thread's. */
    bhi_task wake_task;
    uint64_t due_ns; /* of wake_timer; UINT64_MAX: it does not run */
    uv_timer_t evict_timer, wake_timer, look_timer;
    uv_poll_t pressure_poll;
    int pressure_fd; /* -1: none */
    bool has_poll;   /* pressure_poll is open */
    bool is_told;    /* whoever is at its other end tells when memory is short */
    bool is_short;   /* memory was short at the last look: nothing is kept warm */
};

/* keeper.c: the next capsule after `take_after`, held, or NULL after the last; NULL for the first.
 * Lets go of `take_after`. One that is held stays where it is in the list. */
bh_capsule *bhi_keeper_next(bhi_keeper *keeper, bh_capsule *take_after);
/* keeper.c: the first capsule becomes the last. */
void bhi_keeper_rotate(bhi_keeper *keeper);

/* keeper_room.c: the thread's. */
void bhi_keeper_advance(bhi_keeper *keeper, uint64_t now_ns);
void bhi_keeper_evict_idle(bhi_keeper *keeper, uint64_t now_ns);
void bhi_keeper_look_at_memory(bhi_keeper *keeper, uint64_t now_ns);
void bhi_keeper_relieve(bhi_keeper *keeper, uint64_t now_ns);

/* keeper_build.c: reserve and build what the pool keeps warm. */
void bhi_keeper_refill(bhi_keeper *keeper, bh_capsule *capsule, uint64_t now_ns);

#endif
