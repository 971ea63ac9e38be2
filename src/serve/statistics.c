/* serve/statistics.c - bh_capsule_stats in JSON.
 *
 * A reader can rely on the names of the causes that a pool gives: they are there, with 0, before
 * the first. Any other one appears when it was counted.
 */
#include "serve/statistics.h"

#include "runtime/capsule.h"
#include "serve/answer.h"
#include "serve/quantile.h"

bool bhi_statistics_has_refusal(const bh_capsule_stats *stats, bh_status cause)
{
    static const bool is_usual[BH_STATUS_COUNT] = {
        [BH_E_BUILD] = true,   [BH_E_SATURATED] = true, [BH_E_OVER_CAP] = true,
        [BH_E_BREAKER] = true, [BH_E_NESTED] = true,    [BH_E_DEADLINE] = true,
        [BH_E_CLOSED] = true,  [BH_E_CANCELLED] = true,
    };
    return is_usual[cause] || stats->refusals[cause] > 0;
}

bool bhi_statistics_has_condemned(const bh_capsule_stats *stats, bh_outcome reason)
{
    return !bh_outcome_is_clean(reason) || stats->condemned[reason] > 0;
}

static void put_number(json_t *object, const char *name, uint64_t number)
{
    json_object_set_new(object, name, json_integer((json_int_t)number));
}

json_t *bhi_statistics_pool_json(const bh_capsule_stats *stats)
{
    json_t *pool = json_object();
    put_number(pool, "live", stats->live);
    put_number(pool, "idle", stats->idle);
    put_number(pool, "leased", stats->leased);
    put_number(pool, "building", stats->building);
    put_number(pool, "restoring", stats->restoring);
    put_number(pool, "waiting", stats->waiting);
    put_number(pool, "min_idle", stats->min_idle);
    put_number(pool, "live_max", stats->live_max);
    return pool;
}

json_t *bhi_statistics_run_json(const bh_capsule_stats *stats)
{
    json_t *run = json_object();
    json_object_set_new(run, "state", json_string(bh_run_state_name(stats->run_state)));
    put_number(run, "restarts", stats->run_restarts);
    json_object_set_new(run, "failure", bhi_json_text(stats->run_failure));
    return run;
}

json_t *bhi_statistics_host_json(const bh_capsule *capsule)
{
    json_t *object = json_object();
    bhi_host_counters counters;
    bhi_host_totals_read(&capsule->host_totals, &counters);
#define PUT_COUNTER(field, text) put_number(object, #field, counters.field);
    BHI_HOST_COUNTER_MAP(PUT_COUNTER)
#undef PUT_COUNTER
    return object;
}

static json_t *outcomes_json(const bh_capsule_stats *stats)
{
    json_t *outcomes = json_object();
    for (bh_outcome outcome = 0; outcome < BH_OUTCOME_COUNT; outcome++)
        put_number(outcomes, bh_outcome_name(outcome), stats->outcomes[outcome]);
    return outcomes;
}

static json_t *condemned_json(const bh_capsule_stats *stats)
{
    json_t *condemned = json_object();
    for (bh_outcome reason = 0; reason < BH_OUTCOME_COUNT; reason++)
        if (bhi_statistics_has_condemned(stats, reason))
            put_number(condemned, bh_outcome_name(reason), stats->condemned[reason]);
    return condemned;
}

static json_t *refusals_json(const bh_capsule_stats *stats)
{
    json_t *refusals = json_object();
    for (bh_status cause = BH_OK + 1; cause < BH_STATUS_COUNT; cause++)
        if (bhi_statistics_has_refusal(stats, cause))
            put_number(refusals, bhi_answer_code(cause), stats->refusals[cause]);
    return refusals;
}

/* Pairs of upper bound and count; the bound of the last bucket is null. */
static json_t *buckets_json(const bh_histogram *histogram)
{
    json_t *buckets = json_array();
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++) {
        uint64_t bound_ns = bh_histogram_bound_ns(i);
        json_t *bound = bound_ns == UINT64_MAX ? json_null() : json_integer((json_int_t)bound_ns);
        if (histogram->counts[i] > 0)
            json_array_append_new(buckets,
                                  json_pack("[o,I]", bound, (json_int_t)histogram->counts[i]));
        else
            json_decref(bound);
    }
    return buckets;
}

static json_t *histogram_json(const bh_histogram *histogram)
{
    uint64_t count = bhi_histogram_count(histogram);
    json_t *object = json_object();
    put_number(object, "count", count);
    put_number(object, "sum_ns", histogram->sum_ns);
    put_number(object, "mean_ns", count > 0 ? histogram->sum_ns / count : 0);
    put_number(object, "p50_ns", bhi_histogram_percentile_ns(histogram, 50));
    put_number(object, "p90_ns", bhi_histogram_percentile_ns(histogram, 90));
    put_number(object, "p99_ns", bhi_histogram_percentile_ns(histogram, 99));
    json_object_set_new(object, "buckets", buckets_json(histogram));
    return object;
}

json_t *bhi_statistics_json(const bh_capsule_stats *stats)
{
    json_t *object = json_object();
    put_number(object, "leases", stats->leases);
    json_object_set_new(object, "outcomes", outcomes_json(stats));
    json_object_set_new(object, "condemned", condemned_json(stats));
    json_object_set_new(object, "refusals", refusals_json(stats));
    put_number(object, "fuel_used", stats->fuel_used);
    put_number(object, "builds", stats->builds);
    put_number(object, "builds_ahead", stats->builds_ahead);
    put_number(object, "build_failures", stats->build_failures);
    put_number(object, "retired", stats->retired);
    put_number(object, "restores_whole", stats->restores_whole);
    put_number(object, "restores_dearer", stats->restores_dearer);
    put_number(object, "restores_failed", stats->restores_failed);
    put_number(object, "verified", stats->verified);
    put_number(object, "mismatches", stats->mismatches);
    put_number(object, "evicted_idle", stats->evicted_idle);
    put_number(object, "evicted_by_need", stats->evicted_by_need);
    json_object_set_new(object, "is_breaker_open", json_boolean(stats->is_breaker_open));
    put_number(object, "memory_bytes_code", stats->memory_bytes_code);
    put_number(object, "memory_bytes_snapshot", stats->memory_bytes_snapshot);
    put_number(object, "compile_ns", stats->compile_ns);
    json_object_set_new(object, "is_from_cache", json_boolean(stats->is_from_cache));
    json_object_set_new(object, "wait", histogram_json(&stats->wait));
    json_object_set_new(object, "run", histogram_json(&stats->run));
    json_object_set_new(object, "restore", histogram_json(&stats->restore));
    return object;
}
