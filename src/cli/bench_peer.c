/* cli/bench_peer.c - see bench_peer.h.
 *
 * One socket pair is the peer's standard input and output. A socket and not two pipes because a
 * send can do without SIGPIPE, which is the process's and not ours to ignore. A peer that ends
 * early may have said why before it read anything, so a failed send is not reported: what can
 * still be read decides.
 */
#include "cli/bench_peer.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define ERROR_PREFIX "error: "

enum { LINE_BYTES_MAX = 4096 };

extern char **environ;

struct bhi_bench_peer {
    char *program;
    uint32_t answer_ms;
    int fd;    /* our end; -1 once the peer is ended */
    pid_t pid; /* 0 once it is reaped */
    char line[LINE_BYTES_MAX];
};

/* `arguments` begin with the program and end with NULL. */
static bh_status spawn_program(char *const arguments[], int fd, pid_t *ret_pid, bh_error *reterr)
{
    const char *program = arguments[0];
    posix_spawn_file_actions_t actions;
    int code = posix_spawn_file_actions_init(&actions);
    if (code == 0) {
        code = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
        if (code == 0)
            code = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
        if (code == 0)
            code = posix_spawn(ret_pid, program, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    if (code == 0)
        return BH_OK;
    if (code == ENOENT)
        return bhi_fail(reterr, BH_E_NOT_FOUND, "no peer %.150s: build it with make bench-peers",
                        program);
    errno = code;
    return bhi_fail_os(reterr, "cannot start the peer %.150s", program);
}

static bh_status start(bhi_bench_peer *peer, const char *option, const char *guest_path,
                       bh_error *reterr)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return bhi_fail_os(reterr, "cannot make a socket pair for the peer %.150s", peer->program);
    char *with_option[] = {peer->program, (char *)option, (char *)guest_path, NULL};
    char *without[] = {peer->program, (char *)guest_path, NULL};
    bh_status status =
        spawn_program(option != NULL ? with_option : without, ends[1], &peer->pid, reterr);
    close(ends[1]);
    peer->fd = ends[0];
    return status;
}

bh_status bhi_bench_peer_open(const char *program, const char *option, const char *guest_path,
                              bhi_bench_peer **ret_peer, bh_error *reterr)
{
    bhi_bench_peer *peer = calloc(1, sizeof *peer);
    if (peer == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for the peer");
    peer->answer_ms = BHI_BENCH_PEER_ANSWER_MS;
    peer->fd = -1;
    peer->program = strdup(program);
    bh_status status = peer->program == NULL
                           ? bhi_fail(reterr, BH_E_NOMEM, "out of memory for the peer")
                           : start(peer, option, guest_path, reterr);
    if (status == BH_OK)
        *ret_peer = peer;
    else
        bhi_bench_peer_close(peer);
    return status;
}

void bhi_bench_peer_set_answer_ms(bhi_bench_peer *peer, uint32_t answer_ms)
{
    peer->answer_ms = answer_ms;
}

/* Close our end, give the peer `wait_ms` to end by itself, and reap it; its wait status. */
static int end(bhi_bench_peer *peer, int wait_ms)
{
    int status = 0;
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    if (peer->pid == 0)
        return 0;
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, peer->pid, 0), .events = POLLIN};
    if (ended.fd < 0 || poll(&ended, 1, wait_ms) != 1)
        kill(peer->pid, SIGKILL);
    if (ended.fd >= 0)
        close(ended.fd);
    while (waitpid(peer->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    peer->pid = 0;
    return status;
}

void bhi_bench_peer_close(bhi_bench_peer *peer)
{
    if (peer == NULL)
        return;
    end(peer, BHI_BENCH_PEER_END_MS);
    free(peer->program);
    free(peer);
}

static bh_status fail_ended(bhi_bench_peer *peer, const char *request, bh_error *reterr)
{
    int status = end(peer, BHI_BENCH_PEER_END_MS);
    bool is_signal = WIFSIGNALED(status);
    return bhi_fail(reterr, BH_E_IO,
                    "the peer %.100s ended by %s %d instead of answering \"%.60s\"", peer->program,
                    is_signal ? "signal" : "exit code",
                    is_signal ? WTERMSIG(status) : WEXITSTATUS(status), request);
}

static bh_status wait_readable(bhi_bench_peer *peer, const char *request, uint64_t deadline_ns,
                               bh_error *reterr)
{
    struct pollfd readable = {.fd = peer->fd, .events = POLLIN};
    int ready;
    do {
        uint64_t now_ns = bhi_monotonic_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        ready = poll(&readable, 1, (int)((left_ns + BHI_NS_PER_MS - 1) / BHI_NS_PER_MS));
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return BH_OK;
    bh_status status = ready < 0
                           ? bhi_fail_os(reterr, "cannot wait for the peer %.150s", peer->program)
                           : bhi_fail(reterr, BH_E_DEADLINE,
                                      "the peer %.100s did not answer \"%.60s\" within %u ms",
                                      peer->program, request, peer->answer_ms);
    end(peer, 0);
    return status;
}

/* The next line without its end, in peer->line. */
static bh_status read_line(bhi_bench_peer *peer, const char *request, bh_error *reterr)
{
    size_t len = 0;
    uint64_t deadline_ns = bhi_deadline_after(bhi_monotonic_ns(), peer->answer_ms * BHI_NS_PER_MS);
    while (len < LINE_BYTES_MAX) {
        bh_status status = wait_readable(peer, request, deadline_ns, reterr);
        if (status != BH_OK)
            return status;
        ssize_t got = recv(peer->fd, peer->line + len, LINE_BYTES_MAX - len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_ended(peer, request, reterr);
        len += (size_t)got;
        if (peer->line[len - 1] == '\n') {
            peer->line[len - 1] = '\0';
            return BH_OK;
        }
    }
    end(peer, 0);
    return bhi_fail(reterr, BH_E_CORRUPT,
                    "the peer %.100s: expected a line below %d bytes, found more", peer->program,
                    LINE_BYTES_MAX);
}

static bh_status parse_line(bhi_bench_peer *peer, double *ret_ns, bh_error *reterr)
{
    if (strncmp(peer->line, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0) {
        end(peer, BHI_BENCH_PEER_END_MS);
        return bhi_fail(reterr, BH_E_UNSUPPORTED, "the peer %.80s: %s", peer->program,
                        peer->line + strlen(ERROR_PREFIX));
    }
    char *rest;
    double ns = strtod(peer->line, &rest);
    if (rest != peer->line && *rest == '\0' && isfinite(ns) && ns > 0) {
        *ret_ns = ns;
        return BH_OK;
    }
    end(peer, 0);
    return bhi_fail(reterr, BH_E_CORRUPT, "the peer %.100s: expected one number, found \"%.80s\"",
                    peer->program, peer->line);
}

bh_status bhi_bench_peer_ask(bhi_bench_peer *peer, const char *request, double *ret_ns,
                             bh_error *reterr)
{
    char line[LINE_BYTES_MAX];
    int len = snprintf(line, sizeof line, "%s\n", request);
    if (len >= LINE_BYTES_MAX || memchr(line, '\n', (size_t)len) != line + len - 1)
        return bhi_fail(reterr, BH_E_ARG, "expected a request of one line below %d bytes",
                        LINE_BYTES_MAX);
    if (peer->fd < 0)
        return bhi_fail(reterr, BH_E_CLOSED, "the peer %.150s has ended before", peer->program);
    /* Fits the empty socket buffer: nothing is asked before the last answer is read. */
    (void)!send(peer->fd, line, (size_t)len, MSG_NOSIGNAL);
    bh_status status = read_line(peer, request, reterr);
    return status == BH_OK ? parse_line(peer, ret_ns, reterr) : status;
}
