/* cli/top_sample.c - from the service's JSON to numbers, and from two looks to rates. */
#include "cli/top_sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));
    return number > 0 ? (uint64_t)number : 0;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "?";
}

static uint32_t bucket_with_bound(const json_t *bound)
{
    uint64_t bound_ns = (uint64_t)json_integer_value(bound);
    uint32_t bucket = 0;
    while (bucket < BH_HISTOGRAM_BUCKETS - 1 && bh_histogram_bound_ns(bucket) != bound_ns)
        bucket++;
    return bucket; /* the last one, whose bound is null */
}

static bh_histogram histogram_of(const json_t *object)
{
    bh_histogram histogram = {.sum_ns = number_of(object, "sum_ns")};
    size_t i;
    const json_t *pair;
    json_array_foreach(json_object_get(object, "buckets"), i, pair)
    {
        json_int_t count = json_integer_value(json_array_get(pair, 1));
        histogram.counts[bucket_with_bound(json_array_get(pair, 0))] +=
            count > 0 ? (uint64_t)count : 0;
    }
    return histogram;
}

static bhi_top_row row_of(const json_t *capsule)
{
    const json_t *pool = json_object_get(capsule, "pool");
    const json_t *stats = json_object_get(capsule, "stats");
    return (bhi_top_row){
        .name = text_of(capsule, "name"),
        .state = text_of(capsule, "state"),
        .live = number_of(pool, "live"),
        .idle = number_of(pool, "idle"),
        .waiting = number_of(pool, "waiting"),
        .leases = number_of(stats, "leases"),
        .reloads = number_of(capsule, "reloads"),
        .age_ms = number_of(capsule, "age_ms"),
        .is_breaker_open = json_is_true(json_object_get(stats, "is_breaker_open")),
        .wait = histogram_of(json_object_get(stats, "wait")),
        .run = histogram_of(json_object_get(stats, "run")),
        .condemned = json_object_get(stats, "condemned"),
        .refusals = json_object_get(stats, "refusals"),
    };
}

bool bhi_top_sample_read(json_t *take_body, uint64_t at_ns, bhi_top_sample *ret_sample)
{
    const json_t *list = json_object_get(take_body, "capsules");
    size_t count = json_array_size(list);
    bhi_top_row *rows = json_is_array(list) ? calloc(count + 1, sizeof *rows) : NULL;
    if (rows == NULL) {
        json_decref(take_body);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of(json_array_get(list, i));
    *ret_sample = (bhi_top_sample){take_body, at_ns, rows, count};
    return true;
}

void bhi_top_sample_deinit(bhi_top_sample *sample)
{
    free(sample->rows);
    json_decref(sample->body);
    *sample = (bhi_top_sample){0};
}

static const bhi_top_row *find(const bhi_top_sample *sample, const char *name)
{
    for (size_t i = 0; sample != NULL && i < sample->count; i++)
        if (strcmp(sample->rows[i].name, name) == 0)
            return &sample->rows[i];
    return NULL;
}

static bh_histogram subtract(const bh_histogram *now, const bh_histogram *before)
{
    bh_histogram change = {.sum_ns = now->sum_ns - before->sum_ns};
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        change.counts[i] =
            now->counts[i] > before->counts[i] ? now->counts[i] - before->counts[i] : 0;
    return change;
}

static double per_second(uint64_t count, uint64_t duration_ns)
{
    return duration_ns == 0 ? 0 : (double)count * BHI_NS_PER_SECOND / (double)duration_ns;
}

bhi_top_change bhi_top_change_since(const bhi_top_sample *before, const bhi_top_sample *now,
                                    const bhi_top_row *row)
{
    const bhi_top_row *old = find(before, row->name);
    bool is_same = old != NULL && old->reloads == row->reloads && old->leases <= row->leases &&
                   strcmp(old->state, row->state) == 0;
    if (!is_same)
        return (bhi_top_change){per_second(row->leases, row->age_ms * BHI_NS_PER_MS), row->wait,
                                row->run};
    return (bhi_top_change){per_second(row->leases - old->leases, now->at_ns - before->at_ns),
                            subtract(&row->wait, &old->wait), subtract(&row->run, &old->run)};
}
