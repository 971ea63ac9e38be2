/* host/kv_read.c - reads, each in a transaction of its own on the caller's thread. See kv_store.h.
 *
 * A list starts at the first place not below its prefix (or its cursor) and stops at the first
 * place without the prefix, or one key past its limit: that one key says whether there is more.
 */
#include "host/kv_key.h"
#include "host/kv_env.h"

#include <errno.h>

#include "base/log.h"

#define KEYS_COUNT_FIRST 16

typedef struct key_scan {
    bhi_kv_place prefix;
    bhi_kv_place start;
    bool is_start_excluded;
    size_t count_max;
    bhi_kv_keys keys;
    size_t capacity;
    bool has_more; /* than count_max */
} key_scan;

static bhi_kv_verdict fail_read(int rc)
{
    bhi_log(BHI_LOG_WARN, "kv store: a read failed: %s", mdb_strerror(rc));
    return BHI_KV_FAILED;
}

bhi_kv_verdict bhi_kv_get(bhi_kv_store *store, const bhi_kv_scope *scope, bhi_bytes key,
                          bhi_arena *arena, bool *ret_is_found, bhi_bytes *ret_value)
{
    bhi_kv_env *env = bhi_kv_store_env(store);
    bhi_kv_place place;
    MDB_txn *txn;
    if (!bhi_kv_key_is_valid(key))
        return BHI_KV_INVALID_KEY;
    if (!bhi_kv_place_init(&place, scope, key))
        return BHI_KV_FAILED;
    int rc = bhi_kv_env_begin(env, MDB_RDONLY, &txn);
    if (rc != 0)
        return fail_read(rc);
    MDB_val stored = {place.len, place.bytes};
    MDB_val value;
    rc = mdb_get(txn, env->pairs, &stored, &value);
    bool is_found = rc == 0;
    bhi_bytes copy = {NULL, 0};
    if (is_found) {
        copy = bhi_arena_copy(arena, (bhi_bytes){value.mv_data, value.mv_size});
        rc = copy.data == NULL ? ENOMEM : 0;
    }
    bhi_kv_env_abort(env, txn);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return fail_read(rc);
    *ret_is_found = is_found;
    if (is_found)
        *ret_value = copy;
    return BHI_KV_OK;
}

static int grow_keys(key_scan *scan, bhi_arena *arena)
{
    size_t capacity = scan->capacity == 0 ? KEYS_COUNT_FIRST : scan->capacity * 2;
    bhi_bytes *items = bhi_arena_alloc(arena, capacity * sizeof *items);
    if (items == NULL)
        return ENOMEM;
    if (scan->keys.count > 0)
        memcpy(items, scan->keys.items, scan->keys.count * sizeof *items);
    scan->keys.items = items;
    scan->capacity = capacity;
    return 0;
}

static int add_key(key_scan *scan, bhi_arena *arena, MDB_val place)
{
    size_t namespace_len = scan->prefix.namespace_len;
    bhi_bytes key = {(const uint8_t *)place.mv_data + namespace_len, place.mv_size - namespace_len};
    if (scan->keys.count == scan->capacity && grow_keys(scan, arena) != 0)
        return ENOMEM;
    bhi_bytes copy = bhi_arena_copy(arena, key);
    if (copy.data == NULL)
        return ENOMEM;
    scan->keys.items[scan->keys.count++] = copy;
    return 0;
}

static bool begins_with(MDB_val place, const bhi_kv_place *prefix)
{
    return bhi_kv_place_begins_with((bhi_bytes){place.mv_data, place.mv_size}, prefix);
}

static bool is_start(MDB_val place, const bhi_kv_place *start)
{
    return place.mv_size == start->len && begins_with(place, start);
}

static int walk(key_scan *scan, MDB_cursor *cursor, bhi_arena *arena)
{
    MDB_val place = {scan->start.len, scan->start.bytes};
    int rc = mdb_cursor_get(cursor, &place, NULL, MDB_SET_RANGE);
    if (rc == 0 && scan->is_start_excluded && is_start(place, &scan->start))
        rc = mdb_cursor_get(cursor, &place, NULL, MDB_NEXT);
    while (rc == 0 && begins_with(place, &scan->prefix)) {
        if (scan->keys.count == scan->count_max) {
            scan->has_more = true;
            return 0;
        }
        rc = add_key(scan, arena, place);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &place, NULL, MDB_NEXT);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bhi_kv_verdict run_scan(bhi_kv_store *store, key_scan *scan, bhi_arena *arena)
{
    bhi_kv_env *env = bhi_kv_store_env(store);
    MDB_txn *txn;
    MDB_cursor *cursor;
    int rc = bhi_kv_env_begin(env, MDB_RDONLY, &txn);
    if (rc != 0)
        return fail_read(rc);
    rc = mdb_cursor_open(txn, env->pairs, &cursor);
    if (rc == 0) {
        rc = walk(scan, cursor, arena);
        mdb_cursor_close(cursor);
    }
    bhi_kv_env_abort(env, txn);
    return rc == 0 ? BHI_KV_OK : fail_read(rc);
}

bhi_kv_verdict bhi_kv_list(bhi_kv_store *store, const bhi_kv_scope *scope, bhi_bytes prefix,
                           bhi_arena *arena, bhi_kv_keys *ret_keys)
{
    key_scan all = {.count_max = BHI_KV_LIST_KEYS_MAX};
    if (!bhi_kv_prefix_is_valid(prefix))
        return BHI_KV_INVALID_KEY;
    if (!bhi_kv_place_init(&all.prefix, scope, prefix))
        return BHI_KV_FAILED;
    all.start = all.prefix;
    bhi_kv_verdict verdict = run_scan(store, &all, arena);
    if (verdict != BHI_KV_OK)
        return verdict;
    if (all.has_more)
        return BHI_KV_TOO_LARGE;
    *ret_keys = all.keys;
    return BHI_KV_OK;
}

/* Start behind the cursor, but not below the prefix. */
static bool set_start(key_scan *page, const bhi_kv_scope *scope, const bhi_kv_page_query *query)
{
    bhi_kv_place behind;
    page->start = page->prefix;
    if (!query->has_cursor)
        return true;
    if (!bhi_kv_place_init(&behind, scope, query->cursor))
        return false;
    size_t len = behind.len < page->prefix.len ? behind.len : page->prefix.len;
    int order = memcmp(behind.bytes, page->prefix.bytes, len);
    if (order > 0 || (order == 0 && behind.len >= page->prefix.len)) {
        page->start = behind;
        page->is_start_excluded = true;
    }
    return true;
}

bhi_kv_verdict bhi_kv_list_page(bhi_kv_store *store, const bhi_kv_scope *scope,
                                const bhi_kv_page_query *query, bhi_arena *arena,
                                bhi_kv_page *ret_page)
{
    bool is_limited = query->limit > 0 && query->limit < BHI_KV_LIST_KEYS_MAX;
    key_scan page = {.count_max = is_limited ? query->limit : BHI_KV_LIST_KEYS_MAX};
    if (!bhi_kv_prefix_is_valid(query->prefix))
        return BHI_KV_INVALID_KEY;
    if (!bhi_kv_place_init(&page.prefix, scope, query->prefix) || !set_start(&page, scope, query))
        return BHI_KV_FAILED;
    bhi_kv_verdict verdict = run_scan(store, &page, arena);
    if (verdict != BHI_KV_OK)
        return verdict;
    *ret_page = (bhi_kv_page){.keys = page.keys, .has_next = page.has_more};
    if (page.has_more)
        ret_page->next_cursor = page.keys.items[page.keys.count - 1];
    return BHI_KV_OK;
}
