/* bus/rates.c - a hash table of windows; those that nobody pins are listed by when they were let
 * go. The table has a lock, and each window one of its own, so that publishers that have pinned
 * theirs do not meet. */
#include "bus/rates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/list.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

enum { KEY_BYTES_MAX = 36 + 64 };

struct bhi_rate_window {
    UT_hash_handle hh;
    bool is_refused;
    bhi_link link; /* on idle while nobody pins it; guarded by the table's lock */
    uint32_t pins; /* the same */
    size_t key_len;
    uint8_t key[KEY_BYTES_MAX]; /* source, then principal: sources have one length */
    pthread_mutex_t lock;
    uint64_t began_ns;   /* guarded by lock; so is emptying the window */
    atomic_ullong bytes; /* relaxed: nothing else hangs on it */
};

struct bhi_publish_rates {
    pthread_mutex_t lock;
    bhi_rate_window *windows; /* guarded by lock, as all that follows */
    bhi_link idle;            /* the longest unused first */
    uint32_t count;
};

bh_status bhi_rates_create(bhi_publish_rates **ret_rates, bh_error *reterr)
{
    bhi_publish_rates *rates = calloc(1, sizeof *rates);
    if (rates == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for publishing rates");
    pthread_mutex_init(&rates->lock, NULL);
    bhi_link_init(&rates->idle);
    *ret_rates = rates;
    return BH_OK;
}

/* ---- windows ---- */

static void forget(bhi_publish_rates *rates, bhi_rate_window *old)
{
    bhi_list_remove(&old->link);
    HASH_DEL(rates->windows, old);
    pthread_mutex_destroy(&old->lock);
    free(old);
    rates->count--;
}

void bhi_rates_destroy(bhi_publish_rates *rates)
{
    if (rates == NULL)
        return;
    while (rates->windows != NULL)
        forget(rates, rates->windows);
    pthread_mutex_destroy(&rates->lock);
    free(rates);
}

static void make_room(bhi_publish_rates *rates)
{
    while (rates->count >= BHI_RATES_MAX && !bhi_link_is_alone(&rates->idle))
        forget(rates, BHI_CONTAINER_OF(bhi_list_first(&rates->idle), bhi_rate_window, link));
}

static bhi_rate_window *make_window(bhi_publish_rates *rates, const uint8_t *key, size_t key_len)
{
    make_room(rates);
    bhi_rate_window *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    memcpy(made->key, key, key_len);
    made->key_len = key_len;
    HASH_ADD_KEYPTR(hh, rates->windows, made->key, made->key_len, made);
    if (made->is_refused) {
        free(made);
        return NULL;
    }
    bhi_link_init(&made->link);
    pthread_mutex_init(&made->lock, NULL);
    rates->count++;
    return made;
}

bhi_rate_window *bhi_rates_pin(bhi_publish_rates *rates, bhi_bytes source_id, bhi_bytes principal)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t key_len = source_id.len + principal.len;
    bhi_rate_window *found;
    BHI_ASSERT(key_len <= KEY_BYTES_MAX && principal.len > 0);
    memcpy(key, source_id.data, source_id.len);
    memcpy(key + source_id.len, principal.data, principal.len);
    pthread_mutex_lock(&rates->lock);
    HASH_FIND(hh, rates->windows, key, key_len, found);
    if (found == NULL)
        found = make_window(rates, key, key_len);
    if (found != NULL) {
        found->pins++;
        bhi_list_remove(&found->link);
    }
    pthread_mutex_unlock(&rates->lock);
    return found;
}

void bhi_rates_unpin(bhi_publish_rates *rates, bhi_rate_window *window)
{
    if (window == NULL)
        return;
    pthread_mutex_lock(&rates->lock);
    if (--window->pins == 0) {
        bhi_list_push_back(&rates->idle, &window->link);
        if (rates->count > BHI_RATES_MAX)
            make_room(rates);
    }
    pthread_mutex_unlock(&rates->lock);
}

/* ---- charging ---- */

/* False, and nothing counted: the window has no room left, or nothing in it yet. */
static bool add(bhi_rate_window *paying, const bhi_rate_charge *charge, bool is_begun)
{
    unsigned long long bytes = atomic_load_explicit(&paying->bytes, memory_order_relaxed);
    do {
        bool has_room = charge->bytes <= charge->bytes_per_s_max &&
                        bytes <= charge->bytes_per_s_max - charge->bytes;
        if (!has_room || (bytes == 0 && !is_begun))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&paying->bytes, &bytes, bytes + charge->bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void begin_if_over(bhi_rate_window *paying, const bhi_rate_charge *charge)
{
    uint64_t now_ns = charge->now_ns != 0 ? charge->now_ns : bhi_monotonic_ns();
    if (now_ns - paying->began_ns < BHI_NS_PER_SECOND)
        return;
    paying->began_ns = now_ns;
    atomic_store_explicit(&paying->bytes, 0, memory_order_relaxed);
}

static bool charge_window(bhi_rate_window *paying, const bhi_rate_charge *charge)
{
    if (add(paying, charge, false))
        return true;
    pthread_mutex_lock(&paying->lock);
    begin_if_over(paying, charge);
    bool is_taken = add(paying, charge, true);
    pthread_mutex_unlock(&paying->lock);
    return is_taken;
}

/* Another charge may have begun a new window meanwhile; then there is nothing to give back. */
static void give_back(bhi_rate_window *paying, uint64_t bytes)
{
    unsigned long long held = atomic_load_explicit(&paying->bytes, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&paying->bytes, &held,
                                                  held < bytes ? 0 : held - bytes,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

bool bhi_rates_take(bhi_rate_window *window, bhi_rate_window *other, const bhi_rate_charge *charge)
{
    if (!charge_window(window, charge))
        return false;
    if (other == NULL || charge_window(other, charge))
        return true;
    give_back(window, charge->bytes);
    return false;
}
