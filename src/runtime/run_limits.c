/* runtime/run_limits.c - see run_limits.h. */
#include "runtime/run_limits.h"

#include "base/clock.h"
#include "base/error.h"

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

bh_status bhi_run_options_choose(const bh_run_options *wanted, bh_run_options *ret_options,
                                 bh_error *reterr)
{
    if (wanted->restarts_max > BHI_RESTARTS_MOST)
        return bhi_fail(reterr, BH_E_ARG, "run.restarts_max is %u, at most %d are allowed",
                        wanted->restarts_max, BHI_RESTARTS_MOST);
    *ret_options = (bh_run_options){
        .cpu_window_ms = or_default(wanted->cpu_window_ms, 5000),
        .backoff_ms = or_default(wanted->backoff_ms, 2000),
        .backoff_ms_max = or_default(wanted->backoff_ms_max, 120000),
        .restarts_max = or_default(wanted->restarts_max, 5),
        .restarts_window_ms = or_default(wanted->restarts_window_ms, 600000),
        .decision_ms_max = or_default(wanted->decision_ms_max, 5000),
    };
    return BH_OK;
}

bool bhi_run_window_note(bhi_run_window *window, uint64_t window_ns, uint64_t cpu_ns,
                         bool has_progressed)
{
    window->cpu_ns += cpu_ns;
    window->has_progressed |= has_progressed;
    if (window->cpu_ns < window_ns)
        return false;
    window->silent = window->has_progressed ? 0 : window->silent + 1;
    window->cpu_ns = 0;
    window->has_progressed = false;
    return window->silent >= BHI_SILENT_WINDOWS_MAX;
}

static uint32_t next_backoff_ms(uint32_t last_ms, const bh_run_options *options, uint64_t ran_ns)
{
    uint64_t next_ms = (uint64_t)last_ms * 2;
    if (last_ms == 0 || ran_ns >= options->backoff_ms_max * BHI_NS_PER_MS)
        next_ms = options->backoff_ms;
    return next_ms < options->backoff_ms_max ? (uint32_t)next_ms : options->backoff_ms_max;
}

bool bhi_restarts_take(bhi_restarts *restarts, const bh_run_options *options, uint64_t now_ns,
                       uint64_t ran_ns, uint32_t *ret_delay_ms)
{
    uint32_t most = options->restarts_max;
    uint64_t window_ns = options->restarts_window_ms * BHI_NS_PER_MS;
    if (restarts->count >= most &&
        now_ns - restarts->at_ns[(restarts->count - most) % BHI_RESTARTS_MOST] < window_ns)
        return false;
    restarts->at_ns[restarts->count++ % BHI_RESTARTS_MOST] = now_ns;
    restarts->backoff_ms = next_backoff_ms(restarts->backoff_ms, options, ran_ns);
    *ret_delay_ms = restarts->backoff_ms;
    return true;
}
