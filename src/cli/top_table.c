/* cli/top_table.c - see top_table.h. */
#include "cli/top_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { DURATION_BYTES = 16, CAUSES_BYTES = 256, LINE_BYTES = 1024, HEAD_LINES = 2 };

typedef struct line {
    const bhi_top_row *row;
    bhi_top_change change;
} line;

static int compare_lines(const void *left, const void *right)
{
    const line *a = left, *b = right;
    if (a->change.leases_per_s != b->change.leases_per_s)
        return a->change.leases_per_s < b->change.leases_per_s ? 1 : -1;
    return strcmp(a->row->name, b->row->name);
}

/* NULL when memory is out. */
static line *sort_lines(const bhi_top_sample *before, const bhi_top_sample *now)
{
    line *lines = calloc(now->count + 1, sizeof *lines);
    for (size_t i = 0; lines != NULL && i < now->count; i++)
        lines[i] = (line){&now->rows[i], bhi_top_change_since(before, now, &now->rows[i])};
    if (lines != NULL)
        qsort(lines, now->count, sizeof *lines, compare_lines);
    return lines;
}

/* Three digits and a unit; "-" when nothing was measured. */
static const char *duration(const bh_histogram *histogram, double percent,
                            char text[DURATION_BYTES])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = (double)bhi_histogram_percentile_ns(histogram, percent);
    size_t unit = 0;
    if (bhi_histogram_count(histogram) == 0)
        return "-";
    for (; value >= 999.5 && unit < 3; unit++)
        value /= 1000;
    snprintf(text, DURATION_BYTES, "%.*f%s", value < 9.995 && unit > 0 ? 2 : 0, value, units[unit]);
    return text;
}

/* "trapped:3 deadline:1"; only what happened. */
static void write_causes(const json_t *causes, char *text, size_t size)
{
    size_t len = 0;
    const char *name;
    json_t *count;
    text[0] = '\0';
    json_object_foreach((json_t *)causes, name, count)
    {
        if (json_integer_value(count) == 0 || len >= size - 1)
            continue;
        int more = snprintf(text + len, size - len, "%s%s:%lld", len > 0 ? " " : "", name,
                            (long long)json_integer_value(count));
        len += more > 0 ? (size_t)more : 0;
    }
}

static void format_line(const line *shown, char text[LINE_BYTES])
{
    const bhi_top_row *row = shown->row;
    const bhi_top_change *change = &shown->change;
    char waits[2][DURATION_BYTES], runs[2][DURATION_BYTES];
    char condemned[CAUSES_BYTES], refused[CAUSES_BYTES];
    write_causes(row->condemned, condemned, sizeof condemned);
    write_causes(row->refusals, refused, sizeof refused);
    snprintf(
        text, LINE_BYTES, "%-20s %-8s %5llu %5llu %5llu %9.1f %7s %7s %7s %7s  %s%s%s", row->name,
        row->is_breaker_open ? "breaker" : row->state, (unsigned long long)row->live,
        (unsigned long long)row->idle, (unsigned long long)row->waiting, change->leases_per_s,
        duration(&change->wait, 50, waits[0]), duration(&change->wait, 99, waits[1]),
        duration(&change->run, 50, runs[0]), duration(&change->run, 99, runs[1]),
        condemned[0] != '\0' ? condemned : "-", refused[0] != '\0' ? "  refused " : "", refused);
}

/* A directory may be called anything; a line stays a line. */
static void mask_controls(char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (bhi_is_control(text, len, i))
            text[i] = '?';
}

void bhi_top_print_table(FILE *out, const bhi_top_sample *before, const bhi_top_sample *now,
                         int columns, int lines)
{
    line *sorted = sort_lines(before, now);
    if (sorted == NULL)
        return;
    char text[LINE_BYTES];
    int width = columns > 0 && columns < LINE_BYTES ? columns : LINE_BYTES;
    snprintf(text, sizeof text, "%-20s %-8s %5s %5s %5s %9s %7s %7s %7s %7s  %s", "CAPSULE",
             "STATE", "LIVE", "IDLE", "WAIT", "LEASES/S", "WAITp50", "WAITp99", "RUNp50", "RUNp99",
             "CONDEMNED");
    fprintf(out, "%.*s\n", width, text);
    for (size_t i = 0; i < now->count && (lines == 0 || i + HEAD_LINES < (size_t)lines); i++) {
        format_line(&sorted[i], text);
        mask_controls(text);
        fprintf(out, "%.*s\n", width, text);
    }
    free(sorted);
}

static json_t *line_json(const line *shown)
{
    const bhi_top_row *row = shown->row;
    const bhi_top_change *change = &shown->change;
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:f, s:I, s:I, s:I, s:I, s:O?, s:O?}", "name",
                     row->name, "state", row->state, "live", (json_int_t)row->live, "idle",
                     (json_int_t)row->idle, "waiting", (json_int_t)row->waiting, "is_breaker_open",
                     (int)row->is_breaker_open, "leases_per_s", change->leases_per_s, "wait_p50_ns",
                     (json_int_t)bhi_histogram_percentile_ns(&change->wait, 50), "wait_p99_ns",
                     (json_int_t)bhi_histogram_percentile_ns(&change->wait, 99), "run_p50_ns",
                     (json_int_t)bhi_histogram_percentile_ns(&change->run, 50), "run_p99_ns",
                     (json_int_t)bhi_histogram_percentile_ns(&change->run, 99), "condemned",
                     (json_t *)row->condemned, "refusals", (json_t *)row->refusals);
}

json_t *bhi_top_json(const bhi_top_sample *before, const bhi_top_sample *now)
{
    line *sorted = sort_lines(before, now);
    if (sorted == NULL)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < now->count; i++)
        json_array_append_new(list, line_json(&sorted[i]));
    free(sorted);
    json_int_t interval_ns = before == NULL ? 0 : (json_int_t)(now->at_ns - before->at_ns);
    return json_pack("{s:I, s:o}", "interval_ns", interval_ns, "capsules", list);
}
