/* cli/top_print.c - one line per capsule, as wide as the screen.
 *
 * The name's column shrinks before anything else does; then the line is cut. Names may come from
 * directories, so nothing but visible ASCII reaches the terminal.
 */
#include "cli/top_print.h"

#include <stdlib.h>
#include <string.h>

#include "serve/quantile.h"

enum {
    NAME_COLUMNS_LEAST = 12,
    COUNTS_COLUMNS_LEAST = 9, /* "CONDEMNED" */
    COUNTS_COLUMNS_MOST = 48,
    NUMBERS_COLUMNS = 72, /* what stands between the name and the counts */
    COUNTS_BYTES = 256,
    LINE_BYTES = 1024
};

static const char HEAD[] = "STATE     LIVE  IDLE  WAIT  LEASES/S WAITp50 WAITp99  RUNp50  RUNp99";

/* "512ns", "1.2us", "34ms": at most six characters up to 17 minutes. */
static void format_duration(uint64_t duration_ns, char ret_text[16])
{
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = (double)duration_ns;
    size_t unit = 0;
    for (; value >= 999.5 && unit < 3; unit++)
        value /= 1000;
    snprintf(ret_text, 16, unit > 0 && value < 9.95 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

static void format_percentile(const bh_histogram *histogram, double percent, char ret_text[16])
{
    if (bhi_histogram_count(histogram) > 0)
        format_duration(bhi_histogram_percentile_ns(histogram, percent), ret_text);
    else
        snprintf(ret_text, 16, "-");
}

/* "trapped:3 deadline:1", or "-" */
static void format_counts(const json_t *counts, char ret_text[COUNTS_BYTES])
{
    size_t len = 0;
    void *at = json_object_iter((json_t *)(uintptr_t)counts);
    snprintf(ret_text, COUNTS_BYTES, "-");
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)counts, at)) {
        json_int_t count = json_integer_value(json_object_iter_value(at));
        if (count <= 0 || len >= COUNTS_BYTES)
            continue;
        int added = snprintf(ret_text + len, COUNTS_BYTES - len, "%s%s:%lld", len > 0 ? " " : "",
                             json_object_iter_key(at), (long long)count);
        len += added > 0 ? (size_t)added : 0;
    }
}

static void print_line(const char *line, const bhi_top_screen *screen, FILE *out)
{
    size_t len = strlen(line);
    while (len > 0 && line[len - 1] == ' ')
        len--;
    for (size_t i = 0; i < len && i < screen->columns; i++)
        putc(line[i] >= 0x20 && line[i] < 0x7f ? line[i] : '?', out);
    fprintf(out, "%s\n", screen->end_of_line);
}

typedef struct widths {
    int name, condemned;
} widths;

static widths measure(const bhi_top_sample *sample, const bhi_top_screen *screen)
{
    size_t name = NAME_COLUMNS_LEAST, condemned = COUNTS_COLUMNS_LEAST;
    for (size_t i = 0; i < sample->count; i++) {
        char counts[COUNTS_BYTES];
        format_counts(sample->rows[i].condemned, counts);
        size_t name_len = strlen(sample->rows[i].name), counts_len = strlen(counts);
        name = name_len > name ? name_len : name;
        condemned = counts_len > condemned ? counts_len : condemned;
    }
    condemned = condemned < COUNTS_COLUMNS_MOST ? condemned : COUNTS_COLUMNS_MOST;
    size_t others = NUMBERS_COLUMNS + condemned;
    size_t room = screen->columns > others ? screen->columns - others : 0;
    name = name < room ? name : room;
    return (widths){name > NAME_COLUMNS_LEAST ? (int)(name < 255 ? name : 255) : NAME_COLUMNS_LEAST,
                    (int)condemned};
}

static void print_row(const bhi_top_row *row, widths columns, const bhi_top_screen *screen,
                      FILE *out)
{
    char line[LINE_BYTES], condemned[COUNTS_BYTES], refusals[COUNTS_BYTES], durations[4][16];
    if (!row->is_ready) {
        snprintf(line, sizeof line, "%-*.*s  %s", columns.name, columns.name, row->name,
                 row->state);
        print_line(line, screen, out);
        return;
    }
    format_counts(row->condemned, condemned);
    format_counts(row->refusals, refusals);
    format_percentile(&row->wait, 50, durations[0]);
    format_percentile(&row->wait, 99, durations[1]);
    format_percentile(&row->run, 50, durations[2]);
    format_percentile(&row->run, 99, durations[3]);
    snprintf(line, sizeof line, "%-*.*s  %-8s %5llu %5llu %5llu %9.1f %7s %7s %7s %7s  %-*.*s  %s",
             columns.name, columns.name, row->name, row->state, (unsigned long long)row->live,
             (unsigned long long)row->idle, (unsigned long long)row->waiting, row->leases_per_s,
             durations[0], durations[1], durations[2], durations[3], columns.condemned,
             columns.condemned, condemned, refusals);
    print_line(line, screen, out);
}

bool bhi_top_print_table(const bhi_top_sample *sample, const bhi_top_screen *screen, FILE *out)
{
    const bhi_top_row **rows = bhi_top_sample_sorted(sample);
    if (rows == NULL)
        return false;
    char line[LINE_BYTES];
    widths columns = measure(sample, screen);
    snprintf(line, sizeof line, "%-*s  %s  %-*s  %s", columns.name, "CAPSULE", HEAD,
             columns.condemned, "CONDEMNED", "REFUSED");
    print_line(line, screen, out);
    size_t shown = screen->rows > 2 ? screen->rows - 2 : 1; /* the head, and the cursor's line */
    for (size_t i = 0; i < sample->count && i < shown; i++)
        print_row(rows[i], columns, screen, out);
    free(rows);
    return true;
}

static json_t *percentiles_json(const bh_histogram *histogram)
{
    return json_pack("{s:I,s:I,s:I}", "count", (json_int_t)bhi_histogram_count(histogram), "p50_ns",
                     (json_int_t)bhi_histogram_percentile_ns(histogram, 50), "p99_ns",
                     (json_int_t)bhi_histogram_percentile_ns(histogram, 99));
}

static json_t *row_json(const bhi_top_row *row)
{
    if (!row->is_ready)
        return json_pack("{s:s,s:s}", "name", row->name, "state", row->state);
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:f,s:o,s:o,s:O?,s:O?}", "name", row->name,
                     "state", row->state, "live", (json_int_t)row->live, "idle",
                     (json_int_t)row->idle, "waiting", (json_int_t)row->waiting, "interval_ms",
                     (json_int_t)row->interval_ms, "leases", (json_int_t)row->leases,
                     "leases_per_s", row->leases_per_s, "wait", percentiles_json(&row->wait), "run",
                     percentiles_json(&row->run), "condemned", row->condemned, "refusals",
                     row->refusals);
}

bool bhi_top_print_json(const bhi_top_sample *sample, FILE *out)
{
    const bhi_top_row **rows = bhi_top_sample_sorted(sample);
    json_t *list = json_array();
    for (size_t i = 0; rows != NULL && i < sample->count; i++)
        json_array_append_new(list, row_json(rows[i]));
    json_t *object = rows == NULL ? NULL : json_pack("{s:O}", "capsules", list);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text != NULL)
        fprintf(out, "%s\n", text);
    bool is_printed = text != NULL;
    free(text);
    json_decref(object);
    json_decref(list);
    free(rows);
    return is_printed;
}
