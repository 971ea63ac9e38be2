/* host/kv.c - astrid:kv/host@1.0.0 on the store of kv_store.h.
 *
 * Reads run at once. A write is handed to the store's writer thread and the guest is suspended
 * until the commit that covers it is durable; an abandoned call leaves its write to finish alone.
 */
#include "base/log.h"
#include "host/host.h"
#include "host/initialising.h"
#include "host/kv_store.h"
#include "host/lease_context.h"
#include "worker/remote.h"

static bhi_kv_scope scope_of(const bhi_guest *guest)
{
    return (bhi_kv_scope){.principal = guest->lease->principal, .capsule = guest->lease->capsule};
}

/* Fixed texts: nothing of the host reaches a guest. */
static bhi_kv_error_code error_of(bhi_kv_verdict verdict)
{
    static const bhi_kv_error_code_tag tags[] = {
        [BHI_KV_INVALID_KEY] = BHI_KV_ERROR_CODE_INVALID_KEY,
        [BHI_KV_TOO_LARGE] = BHI_KV_ERROR_CODE_TOO_LARGE,
        [BHI_KV_QUOTA] = BHI_KV_ERROR_CODE_QUOTA,
        [BHI_KV_CAS_MISMATCH] = BHI_KV_ERROR_CODE_CAS_MISMATCH,
        [BHI_KV_FAILED] = BHI_KV_ERROR_CODE_UNKNOWN,
    };
    bhi_kv_error_code error = {.tag = tags[verdict]};
    if (verdict == BHI_KV_FAILED)
        error.unknown = BHI_BYTES_LITERAL("the store failed");
    return error;
}

/* False with *ret_error when there is no store. */
static bool find_store(const bhi_guest *guest, bhi_kv_store **ret_store,
                       bhi_kv_error_code *ret_error)
{
    *ret_store = guest->lease->kv;
    if (*ret_store == NULL)
        *ret_error = (bhi_kv_error_code){.tag = BHI_KV_ERROR_CODE_UNKNOWN,
                                         .unknown = BHI_BYTES_LITERAL("there is no store")};
    return *ret_store != NULL;
}

static bool begin(bhi_guest *guest, const char *function)
{
    return bhi_check_not_initialising(guest, function);
}

static bool kv_get(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret)
{
    bhi_kv_store *store;
    if (!begin(guest, "astrid:kv/host@1.0.0#kv-get"))
        return false;
    if (!find_store(guest, &store, &ret->error))
        return true;
    bhi_kv_scope scope = scope_of(guest);
    bhi_bytes_option found = {0};
    bhi_kv_verdict verdict =
        bhi_kv_get(store, &scope, key, &guest->arena, &found.is_some, &found.value);
    ret->is_ok = verdict == BHI_KV_OK;
    if (ret->is_ok)
        ret->ok = found;
    else
        ret->error = error_of(verdict);
    return true;
}

static bhi_text_list show_keys(bhi_guest *guest, const bhi_kv_keys *keys)
{
    bhi_guest_expect_texts(guest, keys->items, keys->count);
    return (bhi_text_list){keys->items, keys->count};
}

static bool kv_list_keys(bhi_guest *guest, bhi_bytes prefix, bhi_kv_text_list_result *ret)
{
    bhi_kv_store *store;
    if (!begin(guest, "astrid:kv/host@1.0.0#kv-list-keys"))
        return false;
    if (!find_store(guest, &store, &ret->error))
        return true;
    bhi_kv_scope scope = scope_of(guest);
    bhi_kv_keys keys = {0};
    bhi_kv_verdict verdict = bhi_kv_list(store, &scope, prefix, &guest->arena, &keys);
    ret->is_ok = verdict == BHI_KV_OK;
    if (ret->is_ok)
        ret->ok = show_keys(guest, &keys);
    else
        ret->error = error_of(verdict);
    return true;
}

static bool kv_list_keys_page(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                              uint32_t limit, bhi_kv_key_page_result *ret)
{
    bhi_kv_store *store;
    if (!begin(guest, "astrid:kv/host@1.0.0#kv-list-keys-page"))
        return false;
    if (!find_store(guest, &store, &ret->error))
        return true;
    bhi_kv_scope scope = scope_of(guest);
    bhi_kv_page_query query = {
        .prefix = prefix, .cursor = cursor.value, .has_cursor = cursor.is_some, .limit = limit};
    bhi_kv_page page = {0};
    bhi_kv_verdict verdict = bhi_kv_list_page(store, &scope, &query, &guest->arena, &page);
    ret->is_ok = verdict == BHI_KV_OK;
    if (ret->is_ok)
        ret->ok = (bhi_kv_key_page){.keys = show_keys(guest, &page.keys),
                                    .has_next_cursor = page.has_next,
                                    .next_cursor = page.next_cursor};
    else
        ret->error = error_of(verdict);
    return true;
}

/* ---- writes ---- */

/* On the writer thread. */
static void written_cb(void *arg, const bhi_kv_answer *answer)
{
    bhi_remote *remote = arg;
    bhi_kv_answer *kept = bhi_remote_payload(remote);
    *kept = *answer;
    bhi_remote_finish(remote);
}

/* Hand the write over; *ret_remote is what to await. */
static bhi_kv_verdict submit(bhi_guest *guest, bhi_kv_store *store, const bhi_kv_write_spec *spec,
                             bhi_operation *operation, bhi_remote **ret_remote)
{
    bhi_kv_scope scope = scope_of(guest);
    bhi_kv_write *write;
    bhi_kv_verdict verdict = bhi_kv_write_create(&scope, spec, &write);
    if (verdict != BHI_KV_OK)
        return verdict;
    bh_error error;
    bhi_operation_init(operation, guest->lease->worker, guest->lease->task, guest);
    if (bhi_remote_create(operation, sizeof(bhi_kv_answer), NULL, ret_remote, &error) != BH_OK) {
        bhi_kv_write_destroy(write);
        return BHI_KV_FAILED;
    }
    if (bhi_kv_store_submit(store, write, written_cb, *ret_remote, NULL, &error) == BH_OK)
        return BHI_KV_OK;
    bhi_log(BHI_LOG_DEBUG, "kv: a write was refused: %s", error.text); /* a guest may retry */
    bhi_remote_discard(*ret_remote);
    return BHI_KV_FAILED;
}

/* False: the call was abandoned. */
static bool write_durably(bhi_guest *guest, bhi_kv_store *store, const bhi_kv_write_spec *spec,
                          bhi_kv_answer *ret_answer)
{
    bhi_operation operation;
    bhi_remote *remote;
    *ret_answer = (bhi_kv_answer){.verdict = submit(guest, store, spec, &operation, &remote)};
    if (ret_answer->verdict != BHI_KV_OK)
        return true;
    if (!bhi_remote_await(remote))
        return false;
    *ret_answer = *(const bhi_kv_answer *)bhi_remote_payload(remote);
    bhi_remote_release(remote);
    return true;
}

static bool write_for_unit(bhi_guest *guest, const char *function, const bhi_kv_write_spec *spec,
                           bhi_kv_unit_result *ret)
{
    bhi_kv_store *store;
    bhi_kv_answer answer;
    if (!begin(guest, function))
        return false;
    if (!find_store(guest, &store, &ret->error))
        return true;
    if (!write_durably(guest, store, spec, &answer))
        return false;
    ret->is_ok = answer.verdict == BHI_KV_OK;
    if (!ret->is_ok)
        ret->error = error_of(answer.verdict);
    return true;
}

static bool kv_set(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_SET, .key = key, .value = value};
    return write_for_unit(guest, "astrid:kv/host@1.0.0#kv-set", &spec, ret);
}

static bool kv_delete(bhi_guest *guest, bhi_bytes key, bhi_kv_unit_result *ret)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_DELETE, .key = key};
    return write_for_unit(guest, "astrid:kv/host@1.0.0#kv-delete", &spec, ret);
}

static bool kv_cas(bhi_guest *guest, bhi_bytes key, bhi_bytes_option expected, bhi_bytes new,
                   bhi_kv_unit_result *ret)
{
    bhi_kv_write_spec spec = {.kind = BHI_KV_CAS,
                              .key = key,
                              .value = new,
                              .expected = expected.value,
                              .has_expected = expected.is_some};
    return write_for_unit(guest, "astrid:kv/host@1.0.0#kv-cas", &spec, ret);
}

static bool kv_clear_prefix(bhi_guest *guest, bhi_bytes prefix, bhi_kv_u64_result *ret)
{
    bhi_kv_store *store;
    bhi_kv_answer answer;
    bhi_kv_write_spec spec = {.kind = BHI_KV_CLEAR_PREFIX, .key = prefix};
    if (!begin(guest, "astrid:kv/host@1.0.0#kv-clear-prefix"))
        return false;
    if (!find_store(guest, &store, &ret->error))
        return true;
    if (!write_durably(guest, store, &spec, &answer))
        return false;
    ret->is_ok = answer.verdict == BHI_KV_OK;
    if (ret->is_ok)
        ret->ok = answer.cleared_count;
    else
        ret->error = error_of(answer.verdict);
    return true;
}

const bhi_kv_host bhi_host_kv = {
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_delete = kv_delete,
    .kv_list_keys = kv_list_keys,
    .kv_list_keys_page = kv_list_keys_page,
    .kv_clear_prefix = kv_clear_prefix,
    .kv_cas = kv_cas,
};
