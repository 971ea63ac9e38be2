/* host/http_recent_urls.c - see the header. An entry lives while it is listed or shared. */
#include "host/http_recent_urls.h"

#include <stdlib.h>

struct bhi_http_recent_url {
    bhi_http_url url; /* owns the parsed form */
    bhi_link link;    /* alone: not listed any more */
    uint32_t shares;
    size_t len;
    uint8_t text[];
};

static bhi_http_recent_url *entry_of(bhi_link *link)
{
    return BHI_CONTAINER_OF(link, bhi_http_recent_url, link);
}

static void free_if_unused(bhi_http_recent_url *entry)
{
    if (entry->shares > 0 || !bhi_link_is_alone(&entry->link))
        return;
    bhi_http_url_deinit(&entry->url);
    free(entry);
}

static void forget_oldest(bhi_http_recent_urls *recent)
{
    bhi_http_recent_url *oldest = entry_of(recent->latest.prev);
    bhi_list_remove(&oldest->link);
    recent->count--;
    free_if_unused(oldest);
}

void bhi_http_recent_urls_init(bhi_http_recent_urls *recent)
{
    bhi_link_init(&recent->latest);
    recent->count = 0;
}

void bhi_http_recent_urls_deinit(bhi_http_recent_urls *recent)
{
    while (recent->count > 0)
        forget_oldest(recent);
}

static bhi_http_recent_url *find(const bhi_http_recent_urls *recent, bhi_bytes text)
{
    for (bhi_link *link = recent->latest.next; link != &recent->latest; link = link->next) {
        bhi_http_recent_url *entry = entry_of(link);
        if (bhi_bytes_equal(text, (bhi_bytes){entry->text, entry->len}))
            return entry;
    }
    return NULL;
}

/* NULL: no memory; then the caller's stays its own. */
static bhi_http_recent_url *add(bhi_http_recent_urls *recent, bhi_bytes text,
                                const bhi_http_url *take_url)
{
    bhi_http_recent_url *entry = malloc(sizeof *entry + text.len);
    if (entry == NULL)
        return NULL;
    entry->url = *take_url;
    bhi_link_init(&entry->link);
    entry->shares = 0;
    entry->len = text.len;
    memcpy(entry->text, text.data, text.len);
    bhi_list_push_front(&recent->latest, &entry->link);
    recent->count++;
    if (recent->count > BHI_HTTP_RECENT_URLS_MAX)
        forget_oldest(recent);
    return entry;
}

static void share(bhi_http_recent_url *entry, bhi_http_url *ret_url)
{
    entry->shares++;
    *ret_url = entry->url;
    ret_url->shared = entry;
}

void bhi_http_recent_url_release(bhi_http_recent_url *entry)
{
    entry->shares--;
    free_if_unused(entry);
}

bhi_http_url_verdict bhi_http_recent_urls_parse(bhi_http_recent_urls *recent, bhi_bytes text,
                                                bhi_http_url *ret_url)
{
    if (text.len == 0 || text.len > BHI_HTTP_RECENT_URL_BYTES_MAX)
        return bhi_http_url_parse(text, ret_url);
    bhi_http_recent_url *entry = find(recent, text);
    if (entry == NULL) {
        bhi_http_url_verdict verdict = bhi_http_url_parse(text, ret_url);
        if (verdict != BHI_HTTP_URL_OK)
            return verdict;
        entry = add(recent, text, ret_url);
    } else {
        bhi_list_remove(&entry->link);
        bhi_list_push_front(&recent->latest, &entry->link);
    }
    if (entry != NULL)
        share(entry, ret_url);
    return BHI_HTTP_URL_OK;
}
