/* cli/top_sample.c - JSON into rows. What is missing counts as 0: daemons may be older. */
#include "cli/top_sample.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

/* A bound that is not one of ours goes where durations of its size do. */
static bh_histogram read_histogram(const json_t *object)
{
    bh_histogram histogram = {.sum_ns = number(object, "sum_ns")};
    size_t index;
    json_t *pair;
    json_array_foreach(json_object_get(object, "buckets"), index, pair)
    {
        const json_t *bound = json_array_get(pair, 0);
        json_int_t count = json_integer_value(json_array_get(pair, 1));
        uint32_t bucket = json_is_integer(bound) ? 0 : BH_HISTOGRAM_BUCKETS - 1;
        while (bucket < BH_HISTOGRAM_BUCKETS - 1 &&
               (uint64_t)json_integer_value(bound) > bh_histogram_bound_ns(bucket))
            bucket++;
        histogram.counts[bucket] += count > 0 ? (uint64_t)count : 0;
    }
    return histogram;
}

/* What a row says of a loaded capsule: its run loop, where it has one, says more than "ready". */
static const char *state_of(const json_t *entry, const json_t *stats, const char *state)
{
    const char *run = json_string_value(json_object_get(json_object_get(entry, "run"), "state"));
    if (run != NULL)
        return strcmp(run, "ready") == 0 ? "loop" : run;
    return json_is_true(json_object_get(stats, "is_breaker_open")) ? "breaker" : state;
}

static bool read_row(const json_t *entry, bhi_top_row *row)
{
    const json_t *pool = json_object_get(entry, "pool"), *stats = json_object_get(entry, "stats");
    row->name = json_string_value(json_object_get(entry, "name"));
    row->state = json_string_value(json_object_get(entry, "state"));
    if (row->name == NULL || row->state == NULL)
        return false;
    row->is_ready = strcmp(row->state, "ready") == 0;
    row->state = state_of(entry, stats, row->state);
    row->live = number(pool, "live");
    row->idle = number(pool, "idle");
    row->waiting = number(pool, "waiting");
    row->condemned = json_object_get(stats, "condemned");
    row->refusals = json_object_get(stats, "refusals");
    row->reloads = number(entry, "reloads");
    row->age_ms = number(entry, "age_ms");
    row->leases = number(stats, "leases");
    row->wait_total = read_histogram(json_object_get(stats, "wait"));
    row->run_total = read_histogram(json_object_get(stats, "run"));
    return true;
}

/* Capsules keep their places in the list. */
static const bhi_top_row *find_before(const bhi_top_sample *before, size_t index, const char *name)
{
    if (index < before->count && strcmp(before->rows[index].name, name) == 0)
        return &before->rows[index];
    for (size_t i = 0; i < before->count; i++)
        if (strcmp(before->rows[i].name, name) == 0)
            return &before->rows[i];
    return NULL;
}

/* Does it count what `before` counted, and more? Else it was loaded since. */
static bool continues(const bhi_top_row *row, const bhi_top_row *before)
{
    return before != NULL && before->is_ready && row->reloads == before->reloads &&
           row->age_ms >= before->age_ms && row->leases >= before->leases;
}

/* Numbers are read one by one while others count, so each stands for itself. */
static bh_histogram difference(const bh_histogram *now, const bh_histogram *before)
{
    bh_histogram histogram = {0};
    for (uint32_t i = 0; i < BH_HISTOGRAM_BUCKETS; i++)
        if (now->counts[i] > before->counts[i])
            histogram.counts[i] = now->counts[i] - before->counts[i];
    if (now->sum_ns > before->sum_ns)
        histogram.sum_ns = now->sum_ns - before->sum_ns;
    return histogram;
}

static void compare(bhi_top_row *row, const bhi_top_row *before)
{
    static const bhi_top_row nothing;
    if (!continues(row, before))
        before = &nothing;
    row->interval_ms = row->age_ms - before->age_ms;
    uint64_t leases = row->leases - before->leases;
    row->leases_per_s = row->interval_ms > 0 ? (double)leases * 1000 / (double)row->interval_ms : 0;
    row->wait = difference(&row->wait_total, &before->wait_total);
    row->run = difference(&row->run_total, &before->run_total);
}

bh_status bhi_top_sample_read(json_t *take_body, const bhi_top_sample *before,
                              bhi_top_sample *ret_sample, bh_error *reterr)
{
    const json_t *capsules = json_object_get(take_body, "capsules");
    bhi_top_sample sample = {.body = take_body, .count = json_array_size(capsules)};
    sample.rows = calloc(sample.count + 1, sizeof *sample.rows);
    bh_status status =
        json_is_array(capsules) ? BH_OK : bhi_fail(reterr, BH_E_IO, "expected a list of capsules");
    if (sample.rows == NULL)
        status = bhi_fail(reterr, BH_E_NOMEM, "out of memory for the list of capsules");
    for (size_t i = 0; status == BH_OK && i < sample.count; i++) {
        bhi_top_row *row = &sample.rows[i];
        if (read_row(json_array_get(capsules, i), row))
            compare(row, find_before(before, i, row->name));
        else
            status = bhi_fail(reterr, BH_E_IO, "expected capsules with a name and a state");
    }
    if (status == BH_OK)
        *ret_sample = sample;
    else
        bhi_top_sample_deinit(&sample);
    return status;
}

void bhi_top_sample_deinit(bhi_top_sample *sample)
{
    json_decref(sample->body);
    free(sample->rows);
    *sample = (bhi_top_sample){0};
}

static int compare_rows(const void *left, const void *right)
{
    const bhi_top_row *a = *(const bhi_top_row *const *)left;
    const bhi_top_row *b = *(const bhi_top_row *const *)right;
    int order = (a->leases_per_s < b->leases_per_s) - (a->leases_per_s > b->leases_per_s);
    if (order == 0)
        order = b->is_ready - a->is_ready;
    return order != 0 ? order : strcmp(a->name, b->name);
}

const bhi_top_row **bhi_top_sample_sorted(const bhi_top_sample *sample)
{
    const bhi_top_row **rows = calloc(sample->count + 1, sizeof *rows);
    if (rows == NULL)
        return NULL;
    for (size_t i = 0; i < sample->count; i++)
        rows[i] = &sample->rows[i];
    qsort(rows, sample->count, sizeof *rows, compare_rows);
    return rows;
}
