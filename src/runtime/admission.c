/* runtime/admission.c - check a request once, at the door. */
#include "runtime/admission.h"

#include "abi/utf8.h"
#include "base/clock.h"

#define DEFAULT_PRINCIPAL "default"

static bh_status check_action(bhi_bytes action, bh_error *reterr)
{
    if (action.len == 0)
        return bhi_fail(reterr, BH_E_ARG, "an action is needed, 1 to %d bytes",
                        BH_ACTION_BYTES_MAX);
    if (action.len > BH_ACTION_BYTES_MAX)
        return bhi_fail(reterr, BH_E_ARG, "the action has %zu bytes, at most %d are allowed",
                        action.len, BH_ACTION_BYTES_MAX);
    if (!bhi_utf8_is_valid(action))
        return bhi_fail(reterr, BH_E_ARG, "the action is not valid UTF-8");
    return BH_OK;
}

static bh_status check_limits(const bh_request *request, bh_error *reterr)
{
    if ((unsigned)request->entry > BH_ENTRY_UPGRADE)
        return bhi_fail(reterr, BH_E_ARG, "entry %d is not an entry point", (int)request->entry);
    if (request->timeout_ms > BH_TIMEOUT_MS_MAX)
        return bhi_fail(reterr, BH_E_ARG, "the timeout is %u ms, at most %d are allowed",
                        request->timeout_ms, BH_TIMEOUT_MS_MAX);
    if (request->payload == NULL && request->payload_len != 0)
        return bhi_fail(reterr, BH_E_ARG, "payload is NULL with a length of %zu",
                        request->payload_len);
    if (request->payload_len > BH_PAYLOAD_BYTES_MAX)
        return bhi_fail(reterr, BH_E_LIMIT, "the payload has %zu bytes, at most %u are allowed",
                        request->payload_len, BH_PAYLOAD_BYTES_MAX);
    return BH_OK;
}

static bhi_bytes bytes_or_none(const char *text)
{
    return text == NULL ? (bhi_bytes){0} : bhi_bytes_of(text);
}

bh_status bhi_admit(const bh_request *request, bhi_admitted *ret_admitted, bh_error *reterr)
{
    bool is_hook = request->entry == BH_ENTRY_HOOK;
    bhi_bytes action = is_hook ? bytes_or_none(request->action) : (bhi_bytes){0};
    bhi_bytes principal =
        bhi_bytes_of(request->principal != NULL ? request->principal : DEFAULT_PRINCIPAL);
    bh_status status = check_limits(request, reterr);
    if (status == BH_OK && is_hook)
        status = check_action(action, reterr);
    if (status != BH_OK)
        return status;
    if (!bhi_is_principal(principal))
        return bhi_fail(reterr, BH_E_ARG,
                        "the principal must be 1 to %d characters of [A-Za-z0-9_-]",
                        BHI_PRINCIPAL_BYTES_MAX);
    uint64_t timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : BH_TIMEOUT_MS_DEFAULT;
    *ret_admitted = (bhi_admitted){
        .entry = request->entry,
        .action = action,
        .payload = {request->payload, request->payload_len},
        .principal = principal,
        .timeout_ns = timeout_ms * BHI_NS_PER_MS,
        .fuel_max = request->fuel_max != 0 ? request->fuel_max : BH_FUEL_DEFAULT,
        .memory_bytes_max =
            request->memory_bytes_max != 0 ? request->memory_bytes_max : BH_MEMORY_BYTES_DEFAULT,
        .no_wait = request->no_wait,
    };
    return BH_OK;
}
