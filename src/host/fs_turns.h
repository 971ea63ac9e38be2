/* host/fs_turns.h - principals take turns at the threads that work on files.
 *
 * libuv's pool serves first come, first served, and has four threads: a principal with many slow
 * calls would keep everybody waiting. So at most BHI_FS_TURNS_MAX calls of the process are in the
 * pool, at most half of them of one principal; others wait here, in turns of their principals.
 *
 * T1  A turn is begun at most once, and left once by whoever began it.
 * T2  begin is called on the turn's worker's thread.
 *
 * Threads: the turn's worker's own, for every function; different workers at once.
 */
#ifndef BHI_HOST_FS_TURNS_H
#define BHI_HOST_FS_TURNS_H

#include "base/list.h"
#include "worker/worker.h"

enum { BHI_FS_TURNS_MAX = 4, BHI_FS_PRINCIPAL_TURNS_MAX = 2 };

typedef struct bhi_fs_turn {
    void (*begin)(struct bhi_fs_turn *turn);
    bhi_worker *worker;
    const char *principal; /* outlives the turn */

    /* Private. */
    struct bhi_fs_line *line; /* NULL: without one, for want of memory */
    bhi_link link;
    bhi_task task;
    bool is_waiting;
} bhi_fs_turn;

/* Calls begin, now or later. The caller has set what is not private. */
void bhi_fs_turn_take(bhi_fs_turn *turn);
/* True: begin was not called and will not be. */
bool bhi_fs_turn_withdraw(bhi_fs_turn *turn);
void bhi_fs_turn_leave(bhi_fs_turn *turn);

#endif
