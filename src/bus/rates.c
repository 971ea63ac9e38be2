/* bus/rates.c - a hash table of windows, listed by when they were last used. */
#include "bus/rates.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/list.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

enum { KEY_BYTES_MAX = 36 + 64 };

typedef struct window {
    UT_hash_handle hh;
    bool is_refused;
    bhi_link link; /* on by_use */
    uint64_t began_ns, bytes;
    size_t key_len;
    uint8_t key[KEY_BYTES_MAX]; /* source, then principal: sources have one length */
} window;

struct bhi_publish_rates {
    pthread_mutex_t lock;
    window *windows; /* guarded by lock, as all that follows */
    bhi_link by_use; /* the longest unused first */
    uint32_t count;
};

bh_status bhi_rates_create(bhi_publish_rates **ret_rates, bh_error *reterr)
{
    bhi_publish_rates *rates = calloc(1, sizeof *rates);
    if (rates == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for publishing rates");
    pthread_mutex_init(&rates->lock, NULL);
    bhi_link_init(&rates->by_use);
    *ret_rates = rates;
    return BH_OK;
}

static void forget(bhi_publish_rates *rates, window *old)
{
    bhi_list_remove(&old->link);
    HASH_DEL(rates->windows, old);
    free(old);
    rates->count--;
}

static void forget_oldest(bhi_publish_rates *rates)
{
    forget(rates, BHI_CONTAINER_OF(bhi_list_first(&rates->by_use), window, link));
}

void bhi_rates_destroy(bhi_publish_rates *rates)
{
    if (rates == NULL)
        return;
    while (rates->count > 0)
        forget_oldest(rates);
    pthread_mutex_destroy(&rates->lock);
    free(rates);
}

static window *make_window(bhi_publish_rates *rates, const uint8_t *key, size_t key_len)
{
    if (rates->count == BHI_RATES_MAX)
        forget_oldest(rates);
    window *made = calloc(1, sizeof *made);
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
    rates->count++;
    return made;
}

static window *take_window(bhi_publish_rates *rates, const bhi_rate_charge *charge,
                           bhi_bytes principal)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t key_len = charge->source_id.len + principal.len;
    window *found;
    BHI_ASSERT(key_len <= KEY_BYTES_MAX);
    memcpy(key, charge->source_id.data, charge->source_id.len);
    memcpy(key + charge->source_id.len, principal.data, principal.len);
    HASH_FIND(hh, rates->windows, key, key_len, found);
    if (found == NULL)
        found = make_window(rates, key, key_len);
    if (found == NULL)
        return NULL;
    bhi_list_remove(&found->link);
    bhi_list_push_back(&rates->by_use, &found->link);
    return found;
}

/* Begins a new window when the second is over. */
static bool has_room(window *paying, const bhi_rate_charge *charge)
{
    if (charge->now_ns - paying->began_ns >= BHI_NS_PER_SECOND) {
        paying->began_ns = charge->now_ns;
        paying->bytes = 0;
    }
    return charge->bytes <= charge->bytes_per_s_max &&
           paying->bytes <= charge->bytes_per_s_max - charge->bytes;
}

static bool take_locked(bhi_publish_rates *rates, const bhi_rate_charge *charge)
{
    window *own = take_window(rates, charge, charge->principal);
    if (own == NULL || !has_room(own, charge))
        return false;
    if (charge->claimed.len > 0) {
        window *claimed =
            take_window(rates, charge, charge->claimed); /* does not forget the latest one */
        if (claimed == NULL || !has_room(claimed, charge))
            return false;
        claimed->bytes += charge->bytes;
    }
    own->bytes += charge->bytes;
    return true;
}

bool bhi_rates_take(bhi_publish_rates *rates, const bhi_rate_charge *charge)
{
    pthread_mutex_lock(&rates->lock);
    bool is_taken = take_locked(rates, charge);
    pthread_mutex_unlock(&rates->lock);
    return is_taken;
}
