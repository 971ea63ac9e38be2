/* base/brlock.c - threads get their slots in turns.
 *
 * The gate is not needed for exclusion. A mutex goes to whoever asks first when it is free, mostly
 * the thread that had it: without the gate a storm of readers would keep a writer out for long.
 */
#include "base/brlock.h"

static unsigned slot_of_thread(void)
{
    static atomic_uint threads; /* relaxed: any spread is right */
    static _Thread_local unsigned number __attribute__((tls_model("initial-exec")));
    if (number == 0)
        number =
            1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % BHI_BRLOCK_SLOTS;
    return number - 1;
}

void bhi_brlock_init(bhi_brlock *lock)
{
    pthread_mutex_init(&lock->gate, NULL);
    atomic_init(&lock->is_closed, false);
    for (unsigned i = 0; i < BHI_BRLOCK_SLOTS; i++)
        pthread_mutex_init(&lock->slots[i].mutex, NULL);
}

void bhi_brlock_deinit(bhi_brlock *lock)
{
    pthread_mutex_destroy(&lock->gate);
    for (unsigned i = 0; i < BHI_BRLOCK_SLOTS; i++)
        pthread_mutex_destroy(&lock->slots[i].mutex);
}

unsigned bhi_brlock_read(bhi_brlock *lock)
{
    unsigned slot = slot_of_thread();
    if (atomic_load_explicit(&lock->is_closed, memory_order_relaxed)) {
        pthread_mutex_lock(&lock->gate);
        pthread_mutex_unlock(&lock->gate);
    }
    pthread_mutex_lock(&lock->slots[slot].mutex);
    return slot;
}

void bhi_brlock_read_end(bhi_brlock *lock, unsigned slot)
{
    pthread_mutex_unlock(&lock->slots[slot].mutex);
}

void bhi_brlock_write(bhi_brlock *lock)
{
    pthread_mutex_lock(&lock->gate);
    atomic_store_explicit(&lock->is_closed, true, memory_order_relaxed);
    for (unsigned i = 0; i < BHI_BRLOCK_SLOTS; i++)
        pthread_mutex_lock(&lock->slots[i].mutex);
}

void bhi_brlock_write_end(bhi_brlock *lock)
{
    for (unsigned i = BHI_BRLOCK_SLOTS; i-- > 0;)
        pthread_mutex_unlock(&lock->slots[i].mutex);
    atomic_store_explicit(&lock->is_closed, false, memory_order_relaxed);
    pthread_mutex_unlock(&lock->gate);
}
