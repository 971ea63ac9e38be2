/* base/brlock.h - a big-reader lock: readers write to nothing in common, a writer meets each.
 *
 * A mutex for each of a few slots. A thread reads under the mutex of its own slot, which is in its
 * own cache: half of what a pthread_rwlock_t costs, and no more with many threads. A writer takes
 * all of them, in order; readers that come meanwhile let it go first. After the brlock of Linux
 * 2.4.
 *
 * Threads: any; not recursive, neither way.
 */
#ifndef BHI_BASE_BRLOCK_H
#define BHI_BASE_BRLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { BHI_BRLOCK_SLOTS = 8 };

typedef struct bhi_brlock {
    pthread_mutex_t gate;  /* the writer's, from before its first slot on */
    atomic_bool is_closed; /* the gate is held: pass it before a slot; relaxed */
    struct {
        pthread_mutex_t mutex;
        char apart[128 - sizeof(pthread_mutex_t)]; /* no cache line holds two */
    } slots[BHI_BRLOCK_SLOTS];
} bhi_brlock;

void bhi_brlock_init(bhi_brlock *lock);
void bhi_brlock_deinit(bhi_brlock *lock);

/* The slot that is held; what is kept for each slot is this thread's until bhi_brlock_read_end. */
unsigned bhi_brlock_read(bhi_brlock *lock);
void bhi_brlock_read_end(bhi_brlock *lock, unsigned slot);

void bhi_brlock_write(bhi_brlock *lock);
void bhi_brlock_write_end(bhi_brlock *lock);

#endif
