/* host/http_sockets.c - see the header.
 *
 * An event of a descriptor that nobody waits for ends its registration; that happens at most once
 * for each time somebody waits for it.
 */
#include "host/http_sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct bhi_http_socket {
    uint32_t registered; /* with the kernel; 0: not */
    uint32_t wanted;     /* by libcurl */
    bool is_ours;
};

bh_status bhi_http_sockets_init(bhi_http_sockets *sockets, bh_error *reterr)
{
    *sockets = (bhi_http_sockets){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return sockets->epoll >= 0 ? BH_OK : bhi_fail_os(reterr, "open an epoll descriptor");
}

void bhi_http_sockets_deinit(bhi_http_sockets *sockets)
{
    close(sockets->epoll);
    free(sockets->items);
    *sockets = (bhi_http_sockets){.epoll = -1};
}

static bhi_http_socket *find(bhi_http_sockets *sockets, int descriptor)
{
    size_t at = (size_t)descriptor;
    if (at < sockets->count)
        return &sockets->items[at];
    size_t count = sockets->count < 64 ? 64 : sockets->count;
    while (count <= at)
        count *= 2;
    bhi_http_socket *items = realloc(sockets->items, count * sizeof *items);
    if (items == NULL)
        return NULL;
    for (size_t i = sockets->count; i < count; i++)
        items[i] = (bhi_http_socket){0};
    sockets->items = items;
    sockets->count = count;
    return &items[at];
}

static bool control(const bhi_http_sockets *sockets, int operation, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    return epoll_ctl(sockets->epoll, operation, descriptor, &event) == 0;
}

static void forget(bhi_http_sockets *sockets, bhi_http_socket *item, int descriptor)
{
    if (item->registered != 0)
        control(sockets, EPOLL_CTL_DEL, descriptor, 0);
    item->registered = 0;
}

/* A number that is used again by somebody who did not tell us is found out by the kernel's answer.
 */
static bool change(bhi_http_sockets *sockets, bhi_http_socket *item, int descriptor,
                   uint32_t events)
{
    int operation = item->registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    bool is_done = control(sockets, operation, descriptor, events);
    if (!is_done && (errno == EEXIST || errno == ENOENT))
        is_done =
            control(sockets, errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, events);
    item->registered = is_done ? events : 0;
    return is_done;
}

bool bhi_http_sockets_watch(bhi_http_sockets *sockets, int descriptor, uint32_t events)
{
    bhi_http_socket *item = find(sockets, descriptor);
    if (item == NULL)
        return false;
    item->wanted = events;
    if (events == 0) {
        if (!item->is_ours)
            forget(sockets, item, descriptor);
        return true;
    }
    return item->registered == events || change(sockets, item, descriptor, events);
}

bool bhi_http_sockets_opened(bhi_http_sockets *sockets, int descriptor)
{
    bhi_http_socket *item = find(sockets, descriptor);
    if (item == NULL)
        return false;
    *item = (bhi_http_socket){.is_ours = true};
    sockets->open_count++;
    return true;
}

void bhi_http_sockets_closing(bhi_http_sockets *sockets, int descriptor)
{
    bhi_http_socket *item = find(sockets, descriptor);
    if (item == NULL)
        return;
    forget(sockets, item, descriptor);
    sockets->open_count -= item->is_ours;
    *item = (bhi_http_socket){0};
}

size_t bhi_http_sockets_poll(bhi_http_sockets *sockets, bhi_http_event *ret_events)
{
    struct epoll_event events[BHI_HTTP_EVENTS_MAX];
    size_t taken = 0;
    int count = epoll_wait(sockets->epoll, events, BHI_HTTP_EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        int descriptor = events[i].data.fd;
        bhi_http_socket *item = find(sockets, descriptor);
        if (item != NULL && item->wanted != 0)
            ret_events[taken++] = (bhi_http_event){descriptor, events[i].events};
        else if (item != NULL)
            forget(sockets, item, descriptor);
    }
    return taken;
}
