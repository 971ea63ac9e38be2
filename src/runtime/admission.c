/* runtime/admission.c - check a request once, at the door. */
#include "runtime/admission.h"

#include "abi/utf8.h"
#include "base/clock.h"

enum { PRINCIPAL_BYTES_MAX = 64 };

static const bool is_principal_char[256] = {
    ['-'] = true, ['_'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

bool bhi_is_principal(bhi_bytes name)
{
    if (name.len == 0 || name.len > PRINCIPAL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_principal_char[name.data[i]])
            return false;
    }
    return true;
}

static bh_status admit_action(const bh_request *request, bhi_admitted *admitted, bh_error *reterr)
{
    if (request->entry != BH_ENTRY_HOOK)
        return BH_OK;
    if (request->action == NULL || request->action[0] == 0)
        return bhi_fail(reterr, BH_E_ARG, "an action is needed, 1 to %d bytes",
                        BH_ACTION_BYTES_MAX);
    admitted->action = bhi_bytes_of(request->action);
    if (admitted->action.len > BH_ACTION_BYTES_MAX)
        return bhi_fail(reterr, BH_E_ARG, "the action has %zu bytes, at most %d are allowed",
                        admitted->action.len, BH_ACTION_BYTES_MAX);
    if (!bhi_utf8_is_valid(admitted->action))
        return bhi_fail(reterr, BH_E_ARG, "the action is not valid UTF-8");
    return BH_OK;
}

static bh_status admit_payload(const bh_request *request, bhi_admitted *admitted, bh_error *reterr)
{
    if (request->payload == NULL && request->payload_len != 0)
        return bhi_fail(reterr, BH_E_ARG, "payload is NULL with a length of %zu",
                        request->payload_len);
    if (request->payload_len > BH_PAYLOAD_BYTES_MAX)
        return bhi_fail(reterr, BH_E_LIMIT, "the payload has %zu bytes, at most %u are allowed",
                        request->payload_len, BH_PAYLOAD_BYTES_MAX);
    admitted->payload = (bhi_bytes){request->payload, request->payload_len};
    return BH_OK;
}

bh_status bhi_admit(const bh_request *request, bhi_admitted *ret_admitted, bh_error *reterr)
{
    if ((unsigned)request->entry > BH_ENTRY_UPGRADE)
        return bhi_fail(reterr, BH_E_ARG, "entry %d is not an entry point", (int)request->entry);
    if (request->timeout_ms > BH_TIMEOUT_MS_MAX)
        return bhi_fail(reterr, BH_E_ARG, "the timeout is %u ms, at most %d are allowed",
                        request->timeout_ms, BH_TIMEOUT_MS_MAX);
    const char *principal = request->principal != NULL ? request->principal : "default";
    bhi_admitted admitted = {
        .entry = request->entry,
        .principal = bhi_bytes_of(principal),
        .timeout_ns = (request->timeout_ms != 0 ? request->timeout_ms : BH_TIMEOUT_MS_DEFAULT) *
                      BHI_NS_PER_MS,
        .fuel_max = request->fuel_max != 0 ? request->fuel_max : BH_FUEL_DEFAULT,
        .memory_bytes_max =
            request->memory_bytes_max != 0 ? request->memory_bytes_max : BH_MEMORY_BYTES_DEFAULT,
    };
    if (!bhi_is_principal(admitted.principal))
        return bhi_fail(reterr, BH_E_ARG,
                        "the principal must be 1 to %d characters of "
                        "[A-Za-z0-9_-]",
                        PRINCIPAL_BYTES_MAX);
    bh_status status = admit_action(request, &admitted, reterr);
    if (status == BH_OK)
        status = admit_payload(request, &admitted, reterr);
    if (status == BH_OK)
        *ret_admitted = admitted;
    return status;
}
