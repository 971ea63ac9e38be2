/* host/poll.c - astrid:io/poll@1.0.0: pollables, and waiting for one of several.
 *
 * A pollable points to a waitable, and each waitable lists its pollables, so that either may go
 * first: the waitable's end clears the pointers, and a pollable without one is ready.
 *
 * Waiting arms every waitable with one operation. Whoever notifies first completes it; then all are
 * asked again, since a wake-up is a hint and no promise. Meanwhile the guest is suspended and can
 * drop nothing, but objects may end: disarming goes through the pollables, which know.
 */
#include <stdlib.h>

#include "abi/handles.h"
#include "host/host.h"
#include "host/initialising.h"
#include "host/lease_context.h"
#include "host/waitable.h"

/* Pollables of one poll call. */
enum { POLL_MAX = 256 };

struct bhi_poll_pollable {
    bhi_waitable *waitable; /* NULL: it is gone */
    bhi_poll_pollable *next;
    bhi_poll_pollable **link; /* what points to this one; valid while waitable is set */
    uint32_t *children;       /* may be NULL */
};

/* ---- pollables ---- */

bhi_poll_pollable *bhi_pollable_create(bhi_waitable *waitable)
{
    bhi_poll_pollable *pollable = malloc(sizeof *pollable);
    if (pollable == NULL)
        return NULL;
    *pollable = (bhi_poll_pollable){
        .waitable = waitable, .next = waitable->pollables, .link = &waitable->pollables};
    if (pollable->next != NULL)
        pollable->next->link = &pollable->next;
    waitable->pollables = pollable;
    return pollable;
}

bool bhi_waitable_subscribe(bhi_waitable *waitable, bhi_guest *guest, uint32_t *children,
                            bhi_poll_pollable **ret)
{
    if (bhi_handles_count(guest->handles, BHI_RESOURCE_POLL_POLLABLE) >= BHI_POLLABLES_MAX)
        return bhi_guest_trap(guest, "more than %d pollables are live", BHI_POLLABLES_MAX);
    *ret = bhi_pollable_create(waitable);
    if (*ret == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a pollable");
    (*ret)->children = children;
    if (children != NULL)
        ++*children;
    return true;
}

static void pollable_drop(void *dropped)
{
    bhi_poll_pollable *pollable = dropped;
    if (pollable->waitable != NULL) {
        *pollable->link = pollable->next;
        if (pollable->next != NULL)
            pollable->next->link = pollable->link;
    }
    if (pollable->children != NULL)
        --*pollable->children;
    free(pollable);
}

void bhi_waitable_deinit(bhi_waitable *waitable)
{
    for (bhi_poll_pollable *pollable = waitable->pollables; pollable != NULL;
         pollable = pollable->next)
        pollable->waitable = NULL;
    waitable->pollables = NULL;
    bhi_waitable_notify(waitable);
    waitable->operation = NULL;
}

/* ---- waiting ---- */

static void begin_operation(bhi_operation *operation, bhi_guest *guest)
{
    bhi_operation_init(operation, guest->lease->worker, guest->lease->task, guest);
}

bool bhi_waitable_await(bhi_waitable *waitable, bhi_guest *guest)
{
    bool is_alive = true;
    guest->lease->has_waited = true;
    while (is_alive && !waitable->is_ready(waitable)) {
        bhi_operation operation;
        begin_operation(&operation, guest);
        waitable->operation = &operation;
        is_alive = bhi_operation_await(&operation);
        waitable->operation = NULL;
    }
    return is_alive;
}

static bool is_ready(const bhi_poll_pollable *pollable)
{
    return pollable->waitable == NULL || pollable->waitable->is_ready(pollable->waitable);
}

static void arm(bhi_poll_pollable_list pollables, bhi_operation *operation)
{
    for (size_t i = 0; i < pollables.len; i++) {
        if (pollables.data[i]->waitable != NULL)
            pollables.data[i]->waitable->operation = operation;
    }
}

/* Writes every ready index, ascending. */
static size_t collect_ready(bhi_poll_pollable_list pollables, uint32_t *indices)
{
    size_t count = 0;
    for (size_t i = 0; i < pollables.len; i++) {
        if (is_ready(pollables.data[i]))
            indices[count++] = (uint32_t)i;
    }
    return count;
}

/* At least one index; 0: the call was abandoned. */
static size_t wait_for_any(bhi_guest *guest, bhi_poll_pollable_list pollables, uint32_t *indices)
{
    size_t count;
    bool is_alive = true;
    guest->lease->has_waited = true;
    while ((count = collect_ready(pollables, indices)) == 0 && is_alive) {
        bhi_operation operation;
        begin_operation(&operation, guest);
        arm(pollables, &operation);
        is_alive = bhi_operation_await(&operation);
        arm(pollables, NULL);
    }
    return is_alive ? count : 0;
}

/* ---- the interface ---- */

static bool pollable_ready(bhi_guest *guest, bhi_poll_pollable *self, bool *ret)
{
    (void)guest;
    *ret = is_ready(self);
    return true;
}

static bool pollable_block(bhi_guest *guest, bhi_poll_pollable *self, bhi_poll_unit_result *ret)
{
    uint32_t index;
    ret->is_ok = true;
    return wait_for_any(guest, (bhi_poll_pollable_list){&self, 1}, &index) > 0;
}

static bool refuse(bhi_poll_error_code_tag tag, bhi_poll_u32_list_result *ret)
{
    ret->error.tag = tag;
    return true;
}

static bool poll_any(bhi_guest *guest, bhi_poll_pollable_list pollables,
                     bhi_poll_u32_list_result *ret)
{
    if (!bhi_check_not_initialising(guest, "astrid:io/poll@1.0.0#poll"))
        return false;
    if (pollables.len == 0)
        return refuse(BHI_POLL_ERROR_CODE_INVALID_INPUT, ret);
    if (pollables.len > POLL_MAX)
        return refuse(BHI_POLL_ERROR_CODE_TOO_LARGE, ret);
    uint32_t *indices = bhi_arena_calloc(&guest->arena, pollables.len, sizeof *indices);
    if (indices == NULL)
        return bhi_guest_trap(guest, "the host has no memory for a poll");
    size_t count = wait_for_any(guest, pollables, indices);
    ret->is_ok = true;
    ret->ok = (bhi_u32_list){indices, count};
    return count > 0;
}

const bhi_poll_host bhi_host_poll = {
    .pollable_drop = pollable_drop,
    .pollable_ready = pollable_ready,
    .pollable_block = pollable_block,
    .poll = poll_any,
};
