/* cli/bench_invoke_print.c - the figures of "bench invoke" as JSON, and as text with their limits.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/bench_invoke.h"

static const char *const contender_keys[BHI_CONTENDERS] = {
    "pristine_ns", "shared_ns", "fresh_ns", "reference_pool_ns", "reference_pool_tuned_ns"};

static double median(const bhi_samples *samples)
{
    return bhi_samples_spread(samples).median;
}

static double invoke_median(const bhi_invoke_figures *figures, bhi_contender contender,
                            size_t payload)
{
    return median(&figures->invoke_ns[contender][payload]);
}

/* How many times slower than ours, pristine. */
static double over_pristine(const bhi_invoke_figures *figures, bhi_contender contender,
                            size_t payload)
{
    return invoke_median(figures, contender, payload) /
           invoke_median(figures, BHI_CONTENDER_PRISTINE, payload);
}

static double after_large_adds_ns(const bhi_invoke_figures *figures)
{
    return median(&figures->after_large_ns[BHI_CONTENDER_PRISTINE]) -
           median(&figures->after_large_ns[BHI_CONTENDER_SHARED]);
}

static double pristine_adds_ns(const bhi_invoke_figures *figures)
{
    return invoke_median(figures, BHI_CONTENDER_PRISTINE, 0) -
           invoke_median(figures, BHI_CONTENDER_SHARED, 0);
}

/* ---- JSON ---- */

static json_t *by_payload_json(const bhi_samples *samples)
{
    json_t *list = json_array();
    for (size_t p = 0; p < BHI_BENCH_PAYLOADS; p++) {
        json_t *entry = bhi_bench_spread_json(&samples[p]);
        json_object_set_new(entry, "payload_bytes",
                            json_integer((json_int_t)bhi_bench_payload_bytes[p]));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *ratio_json(const bhi_invoke_figures *figures, bhi_contender contender,
                          size_t payload)
{
    return figures->is_present[contender] ? json_real(over_pristine(figures, contender, payload))
                                          : json_null();
}

static void add_contenders(json_t *body, const bhi_invoke_figures *figures)
{
    for (int i = 0; i < BHI_CONTENDERS; i++)
        json_object_set_new(body, contender_keys[i],
                            figures->is_present[i] ? by_payload_json(figures->invoke_ns[i])
                                                   : json_null());
    json_object_set_new(body, "fresh_over_pristine", ratio_json(figures, BHI_CONTENDER_FRESH, 0));
    json_object_set_new(body, "reference_pool_over_pristine",
                        ratio_json(figures, BHI_CONTENDER_REFERENCE_POOL, 0));
    json_object_set_new(body, "reference_pool_over_pristine_16k",
                        ratio_json(figures, BHI_CONTENDER_REFERENCE_POOL, 1));
    json_object_set_new(body, "reference_pool_tuned_over_pristine",
                        ratio_json(figures, BHI_CONTENDER_TUNED_POOL, 0));
    json_object_set_new(body, "reference_pool_tuned_over_pristine_16k",
                        ratio_json(figures, BHI_CONTENDER_TUNED_POOL, 1));
    json_object_set_new(body, "pristine_over_shared",
                        json_real(1 / over_pristine(figures, BHI_CONTENDER_SHARED, 0)));
    if (figures->is_present[BHI_CONTENDER_FRESH])
        json_object_set_new(body, "fresh_over_warm",
                            json_real(invoke_median(figures, BHI_CONTENDER_FRESH, 0) /
                                      invoke_median(figures, BHI_CONTENDER_SHARED, 0)));
    json_object_set_new(body, "warm_ns", by_payload_json(figures->invoke_ns[BHI_CONTENDER_SHARED]));
    json_object_set_new(body, "warm_16k_over_64",
                        json_real(invoke_median(figures, BHI_CONTENDER_SHARED, 1) /
                                  invoke_median(figures, BHI_CONTENDER_SHARED, 0)));
}

static json_t *build_json(const bhi_invoke_figures *figures, bhi_contender contender)
{
    const bhi_samples *samples = &figures->build_ns[contender];
    return samples->count > 0 ? bhi_bench_spread_json(samples) : json_null();
}

static void add_parts(json_t *body, const bhi_invoke_figures *figures)
{
    json_t *parts = json_pack(
        "{s:o, s:o, s:f, s:i, s:o, s:o, s:o, s:o, s:o, s:f, s:I, s:I, s:o}",
        "pristine_after_64k_ns",
        bhi_bench_spread_json(&figures->after_large_ns[BHI_CONTENDER_PRISTINE]),
        "shared_after_64k_ns",
        bhi_bench_spread_json(&figures->after_large_ns[BHI_CONTENDER_SHARED]),
        "pristine_adds_after_64k_ns", after_large_adds_ns(figures), "dirty_pages",
        (int)figures->dirty_pages, "restore_ns", bhi_bench_spread_json(&figures->restore_ns),
        "memcpy_ns", bhi_bench_spread_json(&figures->memcpy_ns), "build_ns",
        build_json(figures, BHI_CONTENDER_PRISTINE), "reference_pool_build_ns",
        build_json(figures, BHI_CONTENDER_REFERENCE_POOL), "reference_pool_tuned_rebuild_ns",
        build_json(figures, BHI_CONTENDER_TUNED_POOL), "pss_bytes_per_instance",
        figures->pss_bytes_per_instance, "verified", (json_int_t)figures->verified, "mismatches",
        (json_int_t)figures->mismatches, "deadline_overshoot_ms",
        bhi_bench_spread_json(&figures->overshoot_ms));
    json_object_update(body, parts);
    json_decref(parts);
    json_object_set_new(body, "cold_build_ns",
                        json_real(figures->cold_build_ns[BHI_CONTENDER_PRISTINE]));
    if (figures->is_present[BHI_CONTENDER_REFERENCE_POOL])
        json_object_set_new(body, "reference_pool_cold_build_ns",
                            json_real(figures->cold_build_ns[BHI_CONTENDER_REFERENCE_POOL]));
}

static void print_json(const bhi_invoke_figures *figures)
{
    json_t *body = json_pack("{s:s, s:i}", "capsule", figures->options->path, "calls_per_round",
                             (int)figures->options->calls);
    add_contenders(body, figures);
    add_parts(body, figures);
    json_dumpf(body, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(body);
}

/* ---- text ---- */

static void print_row(const char *name, const bhi_samples *samples, const char *unit)
{
    bhi_spread spread = bhi_samples_spread(samples);
    printf("%-32s %10.2f %s   (%.2f to %.2f, %u rounds)\n", name, spread.median, unit, spread.min,
           spread.max, samples->count);
}

static void print_contenders(const bhi_invoke_figures *figures)
{
    static const char *const sizes[BHI_BENCH_PAYLOADS] = {"64 B", "16 KiB"};
    static const char *const names[BHI_CONTENDERS] = {"pristine", "shared", "fresh",
                                                      "reference pool", "tuned pool"};
    for (size_t p = 0; p < BHI_BENCH_PAYLOADS; p++) {
        for (int i = 0; i < BHI_CONTENDERS; i++) {
            char name[40];
            snprintf(name, sizeof name, "%s, %s", names[i], sizes[p]);
            if (figures->is_present[i])
                print_row(name, &figures->invoke_ns[i][p], "ns");
        }
    }
}

static void print_build(const char *name, const bhi_invoke_figures *figures,
                        bhi_contender contender)
{
    if (figures->build_ns[contender].count > 0)
        print_row(name, &figures->build_ns[contender], "ns");
}

static void print_parts(const bhi_invoke_figures *figures)
{
    print_row("pristine, 100 calls after 64 KiB", &figures->after_large_ns[BHI_CONTENDER_PRISTINE],
              "ns");
    print_row("shared, 100 calls after 64 KiB", &figures->after_large_ns[BHI_CONTENDER_SHARED],
              "ns");
    printf("%-32s %10u\n", "dirty pages", figures->dirty_pages);
    print_row("restore", &figures->restore_ns, "ns");
    print_row("copy of the same pages", &figures->memcpy_ns, "ns");
    print_build("new instance", figures, BHI_CONTENDER_PRISTINE);
    print_build("reference pool, new instance", figures, BHI_CONTENDER_REFERENCE_POOL);
    print_build("tuned pool, new and dropped", figures, BHI_CONTENDER_TUNED_POOL);
    printf("%-32s %10.2f ns\n", "new instance, none before",
           figures->cold_build_ns[BHI_CONTENDER_PRISTINE]);
    if (figures->is_present[BHI_CONTENDER_REFERENCE_POOL])
        printf("%-32s %10.2f ns\n", "reference pool, none before",
               figures->cold_build_ns[BHI_CONTENDER_REFERENCE_POOL]);
    printf("%-32s %10.0f bytes\n", "idle instance, PSS", figures->pss_bytes_per_instance);
    print_row("deadline overshoot", &figures->overshoot_ms, "ms");
    if (figures->options->is_verified)
        printf("%-32s %10llu, %llu of them differed\n", "verified restores",
               (unsigned long long)figures->verified, (unsigned long long)figures->mismatches);
}

static void print_limits(const bhi_invoke_figures *figures)
{
    if (figures->is_present[BHI_CONTENDER_FRESH]) {
        double ratio = over_pristine(figures, BHI_CONTENDER_FRESH, 0);
        bhi_bench_print_limit("fresh / pristine", ratio, 4, false);
    }
    bhi_bench_print_limit("pristine / shared", 1 / over_pristine(figures, BHI_CONTENDER_SHARED, 0),
                          2.5, true);
    bhi_bench_print_limit("pristine adds, ns", pristine_adds_ns(figures), 1000, true);
    bhi_bench_print_limit("pristine adds after 64 KiB, ns", after_large_adds_ns(figures), 1000,
                          true);
    bhi_bench_print_limit("restore / copy",
                          median(&figures->restore_ns) / median(&figures->memcpy_ns), 1.6, true);
    if (!figures->is_present[BHI_CONTENDER_REFERENCE_POOL])
        return;
    bhi_bench_print_limit("reference pool / pristine",
                          over_pristine(figures, BHI_CONTENDER_REFERENCE_POOL, 0), 2.5, false);
    bhi_bench_print_limit("reference pool / pristine, 16K",
                          over_pristine(figures, BHI_CONTENDER_REFERENCE_POOL, 1), 1.5, false);
    printf("%-32s %10.2f\n", "tuned pool / pristine",
           over_pristine(figures, BHI_CONTENDER_TUNED_POOL, 0));
    printf("%-32s %10.2f\n", "tuned pool / pristine, 16K",
           over_pristine(figures, BHI_CONTENDER_TUNED_POOL, 1));
    bhi_bench_print_limit("new instance / reference pool's",
                          median(&figures->build_ns[BHI_CONTENDER_PRISTINE]) /
                              median(&figures->build_ns[BHI_CONTENDER_REFERENCE_POOL]),
                          1, true);
    bhi_bench_print_limit("the same, none before",
                          figures->cold_build_ns[BHI_CONTENDER_PRISTINE] /
                              figures->cold_build_ns[BHI_CONTENDER_REFERENCE_POOL],
                          1, true);
}

void bhi_bench_invoke_print(const bhi_invoke_figures *figures)
{
    if (figures->options->is_json) {
        print_json(figures);
        return;
    }
    print_contenders(figures);
    print_parts(figures);
    print_limits(figures);
}
