/* host/http_owners.c - see the header. Few owners are busy at a time, and those are in front. */
#include "host/http_owners.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"

void bhi_http_owners_init(bhi_http_owners *owners)
{
    *owners = (bhi_http_owners){0};
    bhi_link_init(&owners->all);
}

static bhi_http_owner *owner_of(bhi_link *link)
{
    return BHI_CONTAINER_OF(link, bhi_http_owner, link);
}

static void destroy(bhi_http_owners *owners, bhi_http_owner *owner)
{
    BHI_ASSERT(owner->transfers_count == 0);
    bhi_list_remove(&owner->link);
    owners->count--;
    curl_share_cleanup(owner->connections); /* closes them */
    free(owner);
}

void bhi_http_owners_deinit(bhi_http_owners *owners)
{
    bhi_link *link;
    while ((link = bhi_list_first(&owners->all)) != NULL)
        destroy(owners, owner_of(link));
}

static bhi_http_owner *find(const bhi_http_owners *owners, bhi_bytes name)
{
    for (bhi_link *link = owners->all.next; link != &owners->all; link = link->next) {
        bhi_http_owner *owner = owner_of(link);
        if (bhi_bytes_equal(name, (bhi_bytes){owner->name, owner->len}))
            return owner;
    }
    return NULL;
}

static bhi_http_owner *create(bhi_http_owners *owners, bhi_bytes name)
{
    bhi_http_owner *owner = calloc(1, sizeof *owner + name.len);
    CURLSH *connections = curl_share_init();
    if (owner == NULL || connections == NULL ||
        curl_share_setopt(connections, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) != CURLSHE_OK) {
        curl_share_cleanup(connections);
        free(owner);
        return NULL;
    }
    owner->connections = connections;
    owner->len = name.len;
    if (name.len > 0)
        memcpy(owner->name, name.data, name.len);
    bhi_list_push_front(&owners->all, &owner->link);
    owners->count++;
    return owner;
}

static uint32_t count_left(const bhi_http_owner *owner, uint64_t now_ns)
{
    uint32_t count = 0;
    for (int i = 0; i < BHI_HTTP_LOOKUPS_LEFT_MAX; i++)
        count += owner->lookups_end_ns[i] > now_ns;
    return count;
}

void bhi_http_owner_leave_lookup(bhi_http_owner *owner, uint64_t end_ns)
{
    owner->lookups_end_ns[owner->lookups_left++ % BHI_HTTP_LOOKUPS_LEFT_MAX] = end_ns;
}

bool bhi_http_owners_may_look_up(const bhi_http_owners *owners, const bhi_http_owner *owner,
                                 uint64_t now_ns)
{
    uint32_t count = 0;
    for (bhi_link *link = owners->all.next; link != &owners->all; link = link->next)
        count += count_left(owner_of(link), now_ns);
    uint32_t own = count_left(owner, now_ns);
    return own < BHI_HTTP_LOOKUPS_LEFT_MAX && (own == 0 || count < BHI_HTTP_ALL_LOOKUPS_LEFT_MAX);
}

bool bhi_http_owners_drop_oldest(bhi_http_owners *owners)
{
    uint64_t now_ns = bhi_monotonic_ns();
    for (bhi_link *link = owners->all.prev; link != &owners->all; link = link->prev)
        if (owner_of(link)->transfers_count == 0 && count_left(owner_of(link), now_ns) == 0) {
            destroy(owners, owner_of(link));
            return true;
        }
    return false;
}

/* O-H2 */
static void trim(bhi_http_owners *owners)
{
    while (owners->count > BHI_HTTP_OWNERS_MAX && bhi_http_owners_drop_oldest(owners)) {
    }
}

bhi_http_owner *bhi_http_owners_enter(bhi_http_owners *owners, bhi_bytes name)
{
    bhi_http_owner *owner = find(owners, name);
    if (owner == NULL)
        owner = create(owners, name);
    if (owner == NULL)
        return NULL;
    owner->transfers_count++;
    bhi_list_remove(&owner->link);
    bhi_list_push_front(&owners->all, &owner->link);
    trim(owners);
    return owner;
}

void bhi_http_owners_leave(bhi_http_owners *owners, bhi_http_owner *owner)
{
    owner->transfers_count--;
    trim(owners);
}
