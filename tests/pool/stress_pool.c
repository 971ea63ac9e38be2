/* tests/pool/stress_pool.c - real threads on two pools under one ceiling, for the thread sanitizer.
 *
 *   stress_pool [--seconds N]      (2)
 *
 * Eight threads ask in all three ways, as two principals, build, fail to build, return, condemn,
 * give up waiting, make nested calls and evict; a ninth advances both pools whenever it is woken;
 * a tenth builds ahead. Every now and then a pool is closed in the middle and a new one takes its
 * place. What must hold is checked with atomics: an item has one user at a time (P2, P3), no more
 * items live than slots (P1), nor than permits, every lease ends once (P7), and after close nothing
 * is granted and all is freed (P8).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pool/breaker.h"
#include "pool/pool.h"

enum {
    THREADS = 8,
    POOLS = 2,
    LIVE_MAX = 3,
    PERMITS = 4,
    LEASES_OF_A_POOL = 2000, /* then it is closed and replaced */
    QUEUE = 64
};

typedef struct item {
    atomic_int users;
} item;

/* One pool's life; freed with it. */
typedef struct tenant {
    bhi_pool *pool;
    atomic_int items;      /* built and not destroyed */
    atomic_int leases;     /* begun, ever */
    atomic_bool is_closed; /* close has returned */
    struct stress *stress;
} tenant;

typedef struct stress {
    bhi_ceiling ceiling;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    tenant *tenants[POOLS]; /* guarded by lock; retained pools */
    bool is_woken;          /* guarded by lock */
    bool must_stop;         /* guarded by lock */
    struct {
        tenant *tenant;
        bhi_slot *slot;
    } builds[QUEUE]; /* guarded by lock: to build ahead */
    int builds_count;
    atomic_int items, wrong, pools_made, pools_freed;
    atomic_ullong leases, waits, cancels, refusals, nested, failures, condemned, ahead;
} stress;

static void expect(stress *s, bool is_right, const char *what)
{
    if (is_right)
        return;
    if (atomic_fetch_add(&s->wrong, 1) == 0)
        fprintf(stderr, "broken: %s\n", what);
}

/* ---- what the pools call ---- */

static void destroy_cb(void *arg, void *destroyed)
{
    tenant *t = arg;
    item *gone = destroyed;
    expect(t->stress, atomic_load(&gone->users) == 0, "P3: destroyed while in use");
    atomic_fetch_sub(&t->items, 1);
    atomic_fetch_sub(&t->stress->items, 1);
    free(gone);
}

static void wake_cb(void *arg, uint64_t at_ns)
{
    tenant *t = arg;
    (void)at_ns; /* sooner is fine */
    pthread_mutex_lock(&t->stress->lock);
    t->stress->is_woken = true;
    pthread_cond_broadcast(&t->stress->changed); /* the builder waits there, too */
    pthread_mutex_unlock(&t->stress->lock);
}

static void build_ahead_cb(void *arg, bhi_slot *slot)
{
    tenant *t = arg;
    stress *s = t->stress;
    pthread_mutex_lock(&s->lock);
    bool has_room = s->builds_count < QUEUE;
    if (has_room) {
        s->builds[s->builds_count].tenant = t;
        s->builds[s->builds_count++].slot = slot;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (!has_room)
        bhi_pool_decline(t->pool, slot, bhi_monotonic_ns());
}

static void freed_cb(void *arg)
{
    tenant *t = arg;
    expect(t->stress, atomic_load(&t->items) == 0, "P8: freed with items");
    atomic_fetch_add(&t->stress->pools_freed, 1);
    free(t);
}

/* ---- pools come and go ---- */

static tenant *new_tenant(stress *s)
{
    tenant *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->stress = s;
    bhi_pool_options options = {.live_max = LIVE_MAX,
                                .min_idle = 1,
                                .waiters_max = THREADS,
                                .principal_leases_max = LIVE_MAX - 1,
                                .breaker_condemned_max = BHI_BREAKER_OFF,
                                .ceiling = &s->ceiling,
                                .destroy_cb = destroy_cb,
                                .build_ahead_cb = build_ahead_cb,
                                .wake_cb = wake_cb,
                                .freed_cb = freed_cb,
                                .arg = t};
    if (bhi_pool_create(&options, &t->pool, NULL) != BH_OK)
        abort();
    atomic_fetch_add(&s->pools_made, 1);
    return t;
}

/* Held: release the pool afterwards. */
static tenant *hold(stress *s, unsigned which)
{
    pthread_mutex_lock(&s->lock);
    tenant *t = s->tenants[which];
    bhi_pool_retain(t->pool);
    pthread_mutex_unlock(&s->lock);
    return t;
}

static void close_tenant(tenant *t)
{
    bhi_pool_close(t->pool);
    atomic_store(&t->is_closed, true);
    bhi_pool_release(t->pool);
}

/* Whoever begins the last lease of a pool's life replaces it. */
static void replace(stress *s, unsigned which, tenant *old)
{
    tenant *fresh = new_tenant(s);
    pthread_mutex_lock(&s->lock);
    bool is_mine = s->tenants[which] == old;
    if (is_mine)
        s->tenants[which] = fresh;
    pthread_mutex_unlock(&s->lock);
    close_tenant(is_mine ? old : fresh);
}

/* ---- a caller ---- */

typedef struct caller {
    bhi_waiter waiter; /* first */
    bhi_waiter inner;  /* of a nested call */
    stress *s;
    uint64_t random;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered; /* guarded by lock, as the two below */
    bh_status status;
    bhi_grant grant;
} caller;

static uint32_t below(caller *c, uint32_t bound)
{
    c->random ^= c->random << 13; /* xorshift64, Marsaglia 2003 */
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 33) % bound;
}

static void granted_cb(bhi_waiter *waiter, bh_status status, bhi_grant grant)
{
    caller *c = waiter->arg;
    pthread_mutex_lock(&c->lock);
    c->is_answered = true;
    c->status = status;
    c->grant = grant;
    pthread_cond_signal(&c->answered);
    pthread_mutex_unlock(&c->lock);
}

static bh_status wait_for_answer(caller *c, bhi_grant *ret_grant)
{
    pthread_mutex_lock(&c->lock);
    while (!c->is_answered)
        pthread_cond_wait(&c->answered, &c->lock);
    c->is_answered = false;
    bh_status status = c->status;
    *ret_grant = c->grant;
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* With a callback; sometimes the caller gives up, if it is not too late. */
static bh_status ask_and_wait(caller *c, tenant *t, bhi_waiter *waiter, bhi_grant *ret_grant)
{
    waiter->granted_cb = granted_cb;
    waiter->arg = c;
    bh_status status = bhi_pool_checkout(t->pool, waiter, bhi_monotonic_ns(), ret_grant, NULL);
    if (status != BH_OK || ret_grant->kind != BHI_GRANT_QUEUED)
        return status;
    atomic_fetch_add(&c->s->waits, 1);
    if (below(c, 4) == 0 && bhi_pool_cancel_wait(t->pool, waiter, BH_E_CANCELLED, NULL)) {
        atomic_fetch_add(&c->s->cancels, 1);
        return BH_E_CANCELLED;
    }
    return wait_for_answer(c, ret_grant);
}

static bh_status ask(caller *c, tenant *t, bhi_waiter *waiter, bhi_grant *ret_grant)
{
    uint64_t now_ns = bhi_monotonic_ns();
    waiter->principal = bhi_bytes_of(below(c, 2) == 0 ? "odd" : "even");
    bool was_closed = atomic_load(&t->is_closed);
    bh_error error = {0};
    bh_status status;
    switch (below(c, 3)) {
    case 0:
        status = bhi_pool_try_checkout(t->pool, waiter, now_ns, ret_grant, &error);
        break;
    case 1:
        status = bhi_pool_checkout_blocking(
            t->pool, waiter, now_ns, now_ns + below(c, 5) * BHI_NS_PER_MS, ret_grant, &error);
        break;
    default:
        status = ask_and_wait(c, t, waiter, ret_grant);
    }
    expect(c->s, !was_closed || status == BH_E_CLOSED, "P8: granted after close");
    if (status != BH_OK)
        atomic_fetch_add(&c->s->refusals, 1);
    return status;
}

static item *make_item(tenant *t)
{
    item *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    expect(t->stress, atomic_fetch_add(&t->items, 1) < LIVE_MAX, "P1: more items than slots");
    expect(t->stress, atomic_fetch_add(&t->stress->items, 1) < PERMITS, "more than permits");
    return made;
}

/* False when the build "failed" or was declined. */
static bool build(caller *c, tenant *t, bhi_slot *slot)
{
    static const bh_error cause = {.code = BH_E_BUILD, .text = "as asked"};
    uint32_t how = below(c, 20);
    if (how < 2) {
        atomic_fetch_add(&c->s->failures, 1);
        if (how == 0)
            bhi_pool_build_failed(t->pool, slot, bhi_monotonic_ns(), &cause);
        else
            bhi_pool_decline(t->pool, slot, bhi_monotonic_ns());
        return false;
    }
    bhi_pool_built(t->pool, slot, make_item(t), bhi_monotonic_ns());
    return true;
}

static void use(caller *c, tenant *t, bhi_waiter *waiter, bhi_slot *slot, int depth);

/* The lease of `parent` makes a call of its own, of either pool. */
static void nest(caller *c, bhi_waiter *parent, int depth)
{
    tenant *t = hold(c->s, below(c, POOLS));
    c->inner.parent = parent;
    bhi_grant grant;
    bh_status status = ask(c, t, &c->inner, &grant);
    if (status == BH_E_NESTED)
        atomic_fetch_add(&c->s->nested, 1);
    if (status == BH_OK && (grant.kind != BHI_GRANT_BUILD || build(c, t, grant.slot)))
        use(c, t, &c->inner, grant.slot, depth + 1);
    bhi_pool_release(t->pool);
}

static void use(caller *c, tenant *t, bhi_waiter *waiter, bhi_slot *slot, int depth)
{
    item *used = bhi_slot_item(slot);
    expect(c->s, atomic_fetch_add(&used->users, 1) == 0, "P2: two users");
    atomic_fetch_add(&c->s->leases, 1);
    atomic_fetch_add(&t->leases, 1);
    if (depth == 0 && below(c, 4) == 0)
        nest(c, waiter, depth);
    expect(c->s, atomic_fetch_sub(&used->users, 1) == 1, "P7: used after its end");
    static const bh_outcome outcomes[] = {BH_OUTCOME_TRAPPED, BH_OUTCOME_DEADLINE,
                                          BH_OUTCOME_CANCELLED};
    uint32_t how = below(c, 24);
    bh_outcome outcome = how < 3 ? outcomes[how] : BH_OUTCOME_RETURNED;
    atomic_fetch_add(&c->s->condemned, how < 3);
    bhi_pool_return(t->pool, slot, outcome, how == 3, bhi_monotonic_ns());
}

static bool must_stop(stress *s)
{
    pthread_mutex_lock(&s->lock);
    bool result = s->must_stop;
    pthread_mutex_unlock(&s->lock);
    return result;
}

static void *run_caller(void *arg)
{
    caller *c = arg;
    while (!must_stop(c->s)) {
        unsigned which = below(c, POOLS);
        tenant *t = hold(c->s, which);
        bhi_grant grant;
        if (ask(c, t, &c->waiter, &grant) == BH_OK &&
            (grant.kind != BHI_GRANT_BUILD || build(c, t, grant.slot)))
            use(c, t, &c->waiter, grant.slot, 0);
        if (below(c, 50) == 0)
            bhi_pool_evict_one(t->pool, bhi_monotonic_ns());
        if (below(c, 50) == 0)
            bhi_pool_evict_idle(t->pool, bhi_monotonic_ns(), bhi_monotonic_ns());
        if (atomic_load(&t->leases) > LEASES_OF_A_POOL)
            replace(c->s, which, t);
        bhi_pool_release(t->pool);
    }
    return NULL;
}

/* ---- the pools' user ---- */

static void make_room(stress *s)
{
    uint64_t now_ns = bhi_monotonic_ns();
    for (unsigned which = 0; which < POOLS; which++) {
        tenant *t = hold(s, which);
        bhi_pool_advance(t->pool, now_ns);
        bhi_pool_release(t->pool);
    }
    for (unsigned which = 0; which < POOLS && bhi_ceiling_has_starved(&s->ceiling); which++) {
        tenant *t = hold(s, which);
        bhi_pool_evict_one(t->pool, now_ns);
        bhi_pool_release(t->pool);
    }
}

static void *run_keeper(void *arg)
{
    stress *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->must_stop) {
        while (!s->is_woken && !s->must_stop)
            pthread_cond_wait(&s->changed, &s->lock);
        s->is_woken = false;
        pthread_mutex_unlock(&s->lock);
        make_room(s);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *run_builder(void *arg)
{
    stress *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->must_stop || s->builds_count > 0) {
        if (s->builds_count == 0) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        s->builds_count--;
        tenant *t = s->builds[s->builds_count].tenant;
        bhi_slot *slot = s->builds[s->builds_count].slot;
        pthread_mutex_unlock(&s->lock);
        atomic_fetch_add(&s->ahead, 1);
        bhi_pool_built_idle(t->pool, slot, make_item(t), bhi_monotonic_ns());
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- main ---- */

static void stop(stress *s)
{
    pthread_mutex_lock(&s->lock);
    s->must_stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void init_caller(caller *c, stress *s, unsigned number)
{
    *c = (caller){.s = s, .random = (number + 1) * 0x9e3779b97f4a7c15u};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->answered, NULL);
    bhi_link_init(&c->waiter.link);
    bhi_link_init(&c->inner.link);
}

static void report(const stress *s)
{
    printf("%llu leases, %llu waits, %llu cancelled, %llu refused (%llu nested), %llu builds "
           "failed, %llu condemned, %llu built ahead, %d pools\n",
           atomic_load(&s->leases), atomic_load(&s->waits), atomic_load(&s->cancels),
           atomic_load(&s->refusals), atomic_load(&s->nested), atomic_load(&s->failures),
           atomic_load(&s->condemned), atomic_load(&s->ahead), atomic_load(&s->pools_made));
}

static void run(stress *s, unsigned seconds)
{
    static caller callers[THREADS];
    pthread_t threads[THREADS], keeper, builder;
    for (unsigned i = 0; i < POOLS; i++)
        s->tenants[i] = new_tenant(s);
    pthread_create(&keeper, NULL, run_keeper, s);
    pthread_create(&builder, NULL, run_builder, s);
    for (unsigned i = 0; i < THREADS; i++) {
        init_caller(&callers[i], s, i);
        pthread_create(&threads[i], NULL, run_caller, &callers[i]);
    }
    struct timespec length = {.tv_sec = (time_t)seconds};
    nanosleep(&length, NULL);
    /* The pools go while callers still wait in them. */
    for (unsigned i = 0; i < POOLS; i++) {
        tenant *t = hold(s, i);
        bhi_pool_close(t->pool);
        bhi_pool_release(t->pool);
    }
    stop(s);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(keeper, NULL);
    for (unsigned i = 0; i < POOLS; i++)
        bhi_pool_release(s->tenants[i]->pool);
    pthread_join(builder, NULL);
}

int main(int argc, char **argv)
{
    unsigned seconds = argc == 3 && strcmp(argv[1], "--seconds") == 0 ? (unsigned)atoi(argv[2]) : 2;
    static stress s = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    bhi_ceiling_init(&s.ceiling, PERMITS);
    run(&s, seconds);
    report(&s);
    expect(&s, atomic_load(&s.pools_freed) == atomic_load(&s.pools_made), "P8: a pool is left");
    expect(&s, atomic_load(&s.items) == 0, "an item is left");
    expect(&s, atomic_load(&s.ceiling.live) == 0, "a permit is left");
    expect(&s, atomic_load(&s.ceiling.starved) == 0, "a pool is still starved");
    expect(&s,
           atomic_load(&s.leases) > 0 && atomic_load(&s.waits) > 0 && atomic_load(&s.cancels) > 0 &&
               atomic_load(&s.condemned) > 0,
           "the run reached what it is for");
    return atomic_load(&s.wrong) == 0 ? 0 : 1;
}
