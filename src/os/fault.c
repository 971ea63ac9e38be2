/* os/fault.c - one handler in front of a short chain.
 *
 * The bottom of the chain is the engine's handler, which knows the traps of guests and passes what
 * is none on to the handler before it. Above it stand handlers that the program put in front of us
 * later. While a guest runs on the thread a fault goes to the engine's; otherwise to the topmost.
 *
 * A handler that was put in front of us, and calls ours from itself, would meet itself when we pass
 * a fault on. So a handler that is entered while it passes a fault on goes on one level further
 * down, and ends at the default action.
 */
#include "os/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { SIGNALS = 2, LEVELS_MAX = 4 };
static const int signals[SIGNALS] = {SIGSEGV, SIGBUS};

/* Written under the lock before our handler can see them, never changed afterwards. */
static struct sigaction previous[SIGNALS][LEVELS_MAX];
static atomic_uint levels[SIGNALS];
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

/* Read in the handler: this model needs no allocation there. */
static _Thread_local bhi_region *watched __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned passing __attribute__((tls_model("initial-exec")));

bhi_region *bhi_fault_watch(bhi_region *region)
{
    bhi_region *before = watched;
    watched = region;
    passing = 0; /* a handler that jumped out of a chain left it */
    return before;
}

/* A fault happens again and ends the process; a signal that somebody sent does not. */
static void default_action(int signum, const siginfo_t *info, bool is_ignored)
{
    if (is_ignored && info->si_code <= 0)
        return;
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signum, &action, NULL);
    if (info->si_code <= 0)
        raise(signum);
}

static void pass_on(int index, int signum, siginfo_t *info, void *context)
{
    unsigned count = atomic_load_explicit(&levels[index], memory_order_acquire);
    unsigned done = passing;
    if (done >= count) {
        default_action(signum, info, false);
        return;
    }
    unsigned level = watched != NULL ? 0 : count - 1 - done;
    const struct sigaction *action = &previous[index][level];
    passing = watched != NULL ? count : done + 1;
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(signum, info, context);
    else if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
        default_action(signum, info, action->sa_handler == SIG_IGN);
    else
        action->sa_handler(signum);
    passing = done;
}

static bool is_in_watched(const siginfo_t *info)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    return watched != NULL && address - (uintptr_t)watched->base < watched->reserved_bytes;
}

static void handle(int signum, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    bool is_ours = signum == SIGSEGV && info->si_code == SEGV_ACCERR && is_in_watched(info) &&
                   bhi_region_take_fault(watched, (uintptr_t)info->si_addr);
    errno = saved_errno;
    if (is_ours)
        return;
    /* A page of a guest that the kernel cannot give is a trap of that guest: the engine's handler
     * knows how to unwind it, but listens to SIGSEGV only. */
    int index = signum == SIGBUS && !is_in_watched(info);
    pass_on(index, signum, info, context);
}

/* Under the lock. */
static bool install_one(int index)
{
    struct sigaction now;
    if (sigaction(signals[index], NULL, &now) != 0)
        return false;
    if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handle)
        return true;
    unsigned count = atomic_load_explicit(&levels[index], memory_order_relaxed);
    bool is_known = count > 0 && now.sa_sigaction == previous[index][count - 1].sa_sigaction;
    if (!is_known && count == LEVELS_MAX)
        return false;
    if (!is_known) {
        previous[index][count] = now;
        atomic_store_explicit(&levels[index], count + 1, memory_order_release);
    }
    struct sigaction ours = {.sa_sigaction = handle,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&ours.sa_mask);
    return sigaction(signals[index], &ours, NULL) == 0;
}

bh_status bhi_fault_install(bh_error *reterr)
{
    bool is_installed = true;
    pthread_mutex_lock(&install_lock);
    for (int i = 0; i < SIGNALS; i++)
        is_installed &= install_one(i);
    pthread_mutex_unlock(&install_lock);
    if (is_installed)
        return BH_OK;
    return bhi_fail(
        reterr, BH_E_UNSUPPORTED,
        "the handler for SIGSEGV and SIGBUS was replaced %d times: install yours before "
        "the first runtime, and once",
        LEVELS_MAX);
}
