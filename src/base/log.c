/* base/log.c - format into one stack buffer, hand over one line. */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A guest's line of 16 KiB with what stands before it. */
enum { LINE_BYTES = 17 * 1024 };

static bhi_log_level level_least = BHI_LOG_INFO;
static bhi_log_cb line_cb;
static void *line_arg;

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error"};

const char *bhi_log_level_name(bhi_log_level level)
{
    return (unsigned)level <= BHI_LOG_ERROR ? level_names[level] : "unknown";
}

void bhi_log_configure(bhi_log_level level_min, bhi_log_cb callback, void *arg)
{
    level_least = level_min;
    line_cb = callback;
    line_arg = arg;
}

static void write_to_stderr(bhi_log_level level, const char *text)
{
    char line[LINE_BYTES + 64];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    int len = snprintf(line, sizeof line, "%s.%03ldZ %-5s %s\n", stamp, now.tv_nsec / 1000000,
                       bhi_log_level_name(level), text);
    ssize_t written = write(STDERR_FILENO, line, (size_t)len);
    (void)written; /* nowhere left to report to */
}

/* The rest of a line that did not fit is gone; take off the character it may have split. */
static void cut_at_character(char *text)
{
    size_t len = LINE_BYTES - 2;
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--;
    text[len] = 0;
}

void bhi_log(bhi_log_level level, const char *format, ...)
{
    if (level < level_least)
        return;
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (wanted >= LINE_BYTES)
        cut_at_character(text);
    if (line_cb != NULL)
        line_cb(line_arg, level, text);
    else
        write_to_stderr(level, text);
}
