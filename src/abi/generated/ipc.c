/* abi/generated/ipc.c - imports of astrid:ipc/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#include "abi/generated/host.h"
#include "abi/generated/imports.h"
#include "abi/lift.h"
#include "abi/lower.h"

static bool lift_subscription(bhi_guest *guest, uint32_t handle, bhi_ipc_subscription **ret)
{
    *ret = bhi_lift_borrow(guest, handle, BHI_RESOURCE_IPC_SUBSCRIPTION);
    return *ret != NULL;
}

static bool put_error_code(bhi_guest *guest, uint8_t *at, const bhi_ipc_error_code *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_IPC_ERROR_CODE_UNKNOWN:
        return bhi_put_bytes(guest, at + 4, value->unknown);
    default:
        return true;
    }
}

static bool put_principal_attribution(bhi_guest *guest, uint8_t *at,
                                      const bhi_ipc_principal_attribution *value)
{
    at[0] = (uint8_t)value->tag;
    switch (value->tag) {
    case BHI_IPC_PRINCIPAL_ATTRIBUTION_VERIFIED:
        return bhi_put_bytes(guest, at + 4, value->verified);
    case BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED:
        return bhi_put_bytes(guest, at + 4, value->claimed);
    default:
        return true;
    }
}

static bool put_message(bhi_guest *guest, uint8_t *at, const bhi_ipc_message *value)
{
    return bhi_put_bytes(guest, at, value->topic) &&
           bhi_put_bytes(guest, at + 8, value->payload) &&
           bhi_put_bytes(guest, at + 16, value->source_id) &&
           put_principal_attribution(guest, at + 24, &value->principal);
}

static bool put_message_list(bhi_guest *guest, uint8_t *image, bhi_ipc_message_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 36, 4, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[36] = {0};
        bool is_written =
            put_message(guest, at, &list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 36, at, sizeof at, 4);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_envelope(bhi_guest *guest, uint8_t *at, const bhi_ipc_envelope *value)
{
    bhi_put_u64(at + 8, value->dropped);
    bhi_put_u64(at + 16, value->lagged);
    return put_message_list(guest, at, value->messages);
}

static bool put_envelope_result(bhi_guest *guest, uint8_t *at, const bhi_ipc_envelope_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 8, &value->error);
    return put_envelope(guest, at + 8, &value->ok);
}

static bool put_unit_result(bhi_guest *guest, uint8_t *at, const bhi_ipc_unit_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return true;
}

static bool put_subscription_result(bhi_guest *guest, uint8_t *at,
                                    const bhi_ipc_subscription_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return bhi_put_own(guest, at + 4, BHI_RESOURCE_IPC_SUBSCRIPTION, value->ok);
}

static bool put_interceptor_binding(bhi_guest *guest, uint8_t *at,
                                    const bhi_ipc_interceptor_binding *value)
{
    bhi_put_u64(at, value->handle_id);
    return bhi_put_bytes(guest, at + 8, value->action) &&
           bhi_put_bytes(guest, at + 16, value->topic);
}

static bool put_interceptor_binding_list(bhi_guest *guest, uint8_t *image,
                                         bhi_ipc_interceptor_binding_list list)
{
    uint32_t address;
    if (!bhi_put_list(guest, image, list.len, 24, 8, &address))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        uint8_t at[24] = {0};
        bool is_written =
            put_interceptor_binding(guest, at, &list.data[i]) &&
            bhi_lower_write(guest, address + (uint32_t)i * 24, at, sizeof at, 8);
        if (!is_written)
            return false;
    }
    return true;
}

static bool put_interceptor_binding_list_result(
        bhi_guest *guest, uint8_t *at, const bhi_ipc_interceptor_binding_list_result *value)
{
    at[0] = !value->is_ok;
    if (!value->is_ok)
        return put_error_code(guest, at + 4, &value->error);
    return put_interceptor_binding_list(guest, at + 4, value->ok);
}

bool bhi_import_ipc_subscription_poll(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#[method]subscription.poll",
                                ours != NULL && ours->subscription_poll != NULL))
        return false;
    bhi_ipc_subscription *self = NULL;
    bhi_ipc_envelope_result ret = {0};
    uint8_t area[32] = {0};
    bool is_done =
        lift_subscription(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[1].u32, sizeof area, 8) &&
        ours->subscription_poll(guest, self, &ret) &&
        put_envelope_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[1].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_subscription_recv(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#[method]subscription.recv",
                                ours != NULL && ours->subscription_recv != NULL))
        return false;
    bhi_ipc_subscription *self = NULL;
    bhi_ipc_envelope_result ret = {0};
    uint8_t area[32] = {0};
    uint64_t timeout_ms = values[1].u64;
    bool is_done =
        lift_subscription(guest, values[0].u32, &self) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 8) &&
        ours->subscription_recv(guest, self, timeout_ms, &ret) &&
        put_envelope_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 8);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_subscription_subscribe_readiness(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest,
                                "astrid:ipc/host@1.0.0#[method]subscription.subscribe-readiness",
                                ours != NULL && ours->subscription_subscribe_readiness != NULL))
        return false;
    bhi_ipc_subscription *self = NULL;
    bhi_poll_pollable *ret = NULL;
    bool is_done =
        lift_subscription(guest, values[0].u32, &self) &&
        ours->subscription_subscribe_readiness(guest, self, &ret) &&
        bhi_lower_own(guest, BHI_RESOURCE_POLL_POLLABLE, ret, &values[0].u32);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_publish(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#publish",
                                ours != NULL && ours->publish != NULL))
        return false;
    bhi_bytes topic = {0};
    bhi_bytes payload = {0};
    bhi_ipc_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &topic) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &payload) &&
        bhi_lower_check_area(guest, values[4].u32, sizeof area, 4) &&
        ours->publish(guest, topic, payload, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[4].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_publish_as(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#publish-as",
                                ours != NULL && ours->publish_as != NULL))
        return false;
    bhi_bytes topic = {0};
    bhi_bytes payload = {0};
    bhi_bytes principal = {0};
    bhi_ipc_unit_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &topic) &&
        bhi_lift_text(guest, values[2].u32, values[3].u32, &payload) &&
        bhi_lift_text(guest, values[4].u32, values[5].u32, &principal) &&
        bhi_lower_check_area(guest, values[6].u32, sizeof area, 4) &&
        ours->publish_as(guest, topic, payload, principal, &ret) &&
        put_unit_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[6].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_subscribe(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#subscribe",
                                ours != NULL && ours->subscribe != NULL))
        return false;
    bhi_bytes topic_pattern = {0};
    bhi_ipc_subscription_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lift_text(guest, values[0].u32, values[1].u32, &topic_pattern) &&
        bhi_lower_check_area(guest, values[2].u32, sizeof area, 4) &&
        ours->subscribe(guest, topic_pattern, &ret) &&
        put_subscription_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[2].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_get_interceptor_bindings(bhi_guest *guest, bhi_core_value *values)
{
    const bhi_ipc_host *ours = guest->host == NULL ? NULL : guest->host->ipc;
    if (!bhi_guest_begin_import(guest, "astrid:ipc/host@1.0.0#get-interceptor-bindings",
                                ours != NULL && ours->get_interceptor_bindings != NULL))
        return false;
    bhi_ipc_interceptor_binding_list_result ret = {0};
    uint8_t area[16] = {0};
    bool is_done =
        bhi_lower_check_area(guest, values[0].u32, sizeof area, 4) &&
        ours->get_interceptor_bindings(guest, &ret) &&
        put_interceptor_binding_list_result(guest, area, &ret) &&
        bhi_lower_write(guest, values[0].u32, area, sizeof area, 4);
    bhi_guest_end_import(guest);
    return is_done;
}

bool bhi_import_ipc_subscription_drop(bhi_guest *guest, bhi_core_value *values)
{
    return bhi_lift_drop(guest, values[0].u32, BHI_RESOURCE_IPC_SUBSCRIPTION,
                         "astrid:ipc/host@1.0.0#[resource-drop]subscription");
}
