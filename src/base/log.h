/* base/log.h - the host's own log: one line per event on standard error, or to a callback.
 *
 * Threads: any. A line is written with one write call.
 */
#ifndef BHI_BASE_LOG_H
#define BHI_BASE_LOG_H

typedef enum bhi_log_level {
    BHI_LOG_TRACE,
    BHI_LOG_DEBUG,
    BHI_LOG_INFO,
    BHI_LOG_WARN,
    BHI_LOG_ERROR
} bhi_log_level;

typedef void (*bhi_log_cb)(void *arg, bhi_log_level level, const char *line);

/* Process-wide; call before other threads start. The default is INFO to standard error. */
void bhi_log_configure(bhi_log_level level_min, bhi_log_cb callback, void *arg);

void bhi_log(bhi_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "trace", "debug", "info", "warn", "error" */
const char *bhi_log_level_name(bhi_log_level level);

#endif
