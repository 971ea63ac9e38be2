/* support/stub_host.c - a host for tests that provides every function: it reads all it is given and
 * answers with random values.
 *
 * Made by tools/witgen from wit/; do not edit. */
/* clang-format off */
#include "support/stub_host.h"

static void use_approval_request(const bhi_approval_request *value)
{
    fake_use_text(value->action);
    fake_use_text(value->target_resource);
}

static void make_approval_error_code(bhi_guest *guest, bhi_approval_error_code *ret)
{
    ret->tag = (bhi_approval_error_code_tag)(fake_random() % 4);
    if (ret->tag == BHI_APPROVAL_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_approval_response(bhi_guest *guest, bhi_approval_response *ret)
{
    ret->decision = (bhi_approval_decision)(fake_random() % 5);
}

static void make_approval_response_result(bhi_guest *guest, bhi_approval_response_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_approval_error_code(guest, &ret->error);
        return;
    }
    make_approval_response(guest, &ret->ok);
}

static void use_elicit_request(const bhi_elicit_request *value)
{
    BHI_ASSERT((unsigned)value->kind < 4);
    fake_use_text(value->key);
    fake_use_text(value->description);
    if (value->has_options) {
        for (size_t i = 0; i < value->options.len; i++) {
            fake_use_text(value->options.data[i]);
        }
    }
    if (value->has_default_value) {
        fake_use_text(value->default_value);
    }
}

static void make_elicit_error_code(bhi_guest *guest, bhi_elicit_error_code *ret)
{
    ret->tag = (bhi_elicit_error_code_tag)(fake_random() % 6);
    if (ret->tag == BHI_ELICIT_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_text_list(bhi_guest *guest, bhi_text_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_bytes *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        data[i] = fake_make_bytes(guest);
    }
    *ret = (bhi_text_list){data, data == NULL ? 0 : len};
}

static void make_elicit_response(bhi_guest *guest, bhi_elicit_response *ret)
{
    ret->tag = (bhi_elicit_response_tag)(fake_random() % 3);
    if (ret->tag == BHI_ELICIT_RESPONSE_VALUE) {
        ret->value = fake_make_bytes(guest);
    }
    if (ret->tag == BHI_ELICIT_RESPONSE_VALUES) {
        make_text_list(guest, &ret->values);
    }
}

static void make_elicit_response_result(bhi_guest *guest, bhi_elicit_response_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_elicit_error_code(guest, &ret->error);
        return;
    }
    make_elicit_response(guest, &ret->ok);
}

static void make_elicit_bool_result(bhi_guest *guest, bhi_elicit_bool_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_elicit_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (bool)fake_random();
}

static void make_fs_error_code(bhi_guest *guest, bhi_fs_error_code *ret)
{
    ret->tag = (bhi_fs_error_code_tag)(fake_random() % 15);
    if (ret->tag == BHI_FS_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_fs_bytes_result(bhi_guest *guest, bhi_fs_bytes_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_fs_u32_result(bhi_guest *guest, bhi_fs_u32_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (uint32_t)fake_random();
}

static void make_fs_unit_result(bhi_guest *guest, bhi_fs_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
}

static void make_fs_datetime(bhi_guest *guest, bhi_fs_datetime *ret)
{
    ret->seconds = (int64_t)fake_random();
    ret->nanoseconds = (uint32_t)fake_random();
}

static void make_fs_file_stat(bhi_guest *guest, bhi_fs_file_stat *ret)
{
    ret->size = (uint64_t)fake_random();
    ret->kind = (bhi_fs_file_type)(fake_random() % 8);
    ret->mode = (uint32_t)fake_random();
    ret->has_modified = fake_random() % 2 == 0;
    if (ret->has_modified) {
        make_fs_datetime(guest, &ret->modified);
    }
    ret->has_created = fake_random() % 2 == 0;
    if (ret->has_created) {
        make_fs_datetime(guest, &ret->created);
    }
    ret->has_accessed = fake_random() % 2 == 0;
    if (ret->has_accessed) {
        make_fs_datetime(guest, &ret->accessed);
    }
}

static void make_fs_file_stat_result(bhi_guest *guest, bhi_fs_file_stat_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    make_fs_file_stat(guest, &ret->ok);
}

static void make_fs_file_handle_result(bhi_guest *guest, bhi_fs_file_handle_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_FS_FILE_HANDLE);
}

static void make_fs_bool_result(bhi_guest *guest, bhi_fs_bool_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (bool)fake_random();
}

static void make_fs_text_list_result(bhi_guest *guest, bhi_fs_text_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    make_text_list(guest, &ret->ok);
}

static void make_fs_u64_result(bhi_guest *guest, bhi_fs_u64_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (uint64_t)fake_random();
}

static void make_fs_text_result(bhi_guest *guest, bhi_fs_text_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_fs_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_http_key_value_pair(bhi_guest *guest, bhi_http_key_value_pair *ret)
{
    ret->key = fake_make_bytes(guest);
    ret->value = fake_make_bytes(guest);
}

static void make_http_key_value_pair_list(bhi_guest *guest, bhi_http_key_value_pair_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_http_key_value_pair *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        make_http_key_value_pair(guest, &data[i]);
    }
    *ret = (bhi_http_key_value_pair_list){data, data == NULL ? 0 : len};
}

static void make_http_error_code(bhi_guest *guest, bhi_http_error_code *ret)
{
    ret->tag = (bhi_http_error_code_tag)(fake_random() % 12);
    if (ret->tag == BHI_HTTP_ERROR_CODE_PROTOCOL) {
        ret->protocol = fake_make_bytes(guest);
    }
    if (ret->tag == BHI_HTTP_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_http_bytes_result(bhi_guest *guest, bhi_http_bytes_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_http_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_http_unit_result(bhi_guest *guest, bhi_http_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_http_error_code(guest, &ret->error);
        return;
    }
}

static void use_http_method(const bhi_http_method *value)
{
    BHI_ASSERT((unsigned)value->tag < 10);
    if (value->tag == BHI_HTTP_METHOD_OTHER) {
        fake_use_text(value->other);
    }
}

static void use_http_key_value_pair(const bhi_http_key_value_pair *value)
{
    fake_use_text(value->key);
    fake_use_text(value->value);
}

static void use_http_request_data(const bhi_http_request_data *value)
{
    fake_use_text(value->url);
    use_http_method(&value->method);
    for (size_t i = 0; i < value->headers.len; i++) {
        use_http_key_value_pair(&value->headers.data[i]);
    }
    if (value->has_body) {
        fake_use_bytes(value->body);
    }
}

static void make_http_response_data(bhi_guest *guest, bhi_http_response_data *ret)
{
    ret->status = (uint16_t)fake_random();
    make_http_key_value_pair_list(guest, &ret->headers);
    ret->body = fake_make_bytes(guest);
}

static void make_http_response_data_result(bhi_guest *guest, bhi_http_response_data_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_http_error_code(guest, &ret->error);
        return;
    }
    make_http_response_data(guest, &ret->ok);
}

static void make_http_stream_result(bhi_guest *guest, bhi_http_stream_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_http_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_HTTP_STREAM);
}

static void use_identity_resolve_request(const bhi_identity_resolve_request *value)
{
    fake_use_text(value->platform);
    fake_use_text(value->platform_user_id);
}

static void make_identity_error_code(bhi_guest *guest, bhi_identity_error_code *ret)
{
    ret->tag = (bhi_identity_error_code_tag)(fake_random() % 7);
    if (ret->tag == BHI_IDENTITY_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_identity_resolve_response(bhi_guest *guest, bhi_identity_resolve_response *ret)
{
    ret->user_id = fake_make_bytes(guest);
    ret->has_display_name = fake_random() % 2 == 0;
    if (ret->has_display_name) {
        ret->display_name = fake_make_bytes(guest);
    }
}

static void make_identity_resolve_response_result(bhi_guest *guest,
                                                  bhi_identity_resolve_response_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_identity_error_code(guest, &ret->error);
        return;
    }
    make_identity_resolve_response(guest, &ret->ok);
}

static void use_identity_link_request(const bhi_identity_link_request *value)
{
    fake_use_text(value->platform);
    fake_use_text(value->platform_user_id);
    fake_use_text(value->astrid_user_id);
    fake_use_text(value->method);
}

static void make_identity_unit_result(bhi_guest *guest, bhi_identity_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_identity_error_code(guest, &ret->error);
        return;
    }
}

static void use_identity_unlink_request(const bhi_identity_unlink_request *value)
{
    fake_use_text(value->platform);
    fake_use_text(value->platform_user_id);
}

static void use_identity_create_user_request(const bhi_identity_create_user_request *value)
{
    if (value->has_display_name) {
        fake_use_text(value->display_name);
    }
}

static void make_identity_create_user_response(bhi_guest *guest,
                                               bhi_identity_create_user_response *ret)
{
    ret->user_id = fake_make_bytes(guest);
}

static void make_identity_create_user_response_result(bhi_guest *guest,
                                                      bhi_identity_create_user_response_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_identity_error_code(guest, &ret->error);
        return;
    }
    make_identity_create_user_response(guest, &ret->ok);
}

static void make_identity_platform_link(bhi_guest *guest, bhi_identity_platform_link *ret)
{
    ret->platform = fake_make_bytes(guest);
    ret->platform_user_id = fake_make_bytes(guest);
    ret->linked_at = fake_make_bytes(guest);
    ret->method = fake_make_bytes(guest);
}

static void make_identity_platform_link_list(bhi_guest *guest, bhi_identity_platform_link_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_identity_platform_link *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        make_identity_platform_link(guest, &data[i]);
    }
    *ret = (bhi_identity_platform_link_list){data, data == NULL ? 0 : len};
}

static void make_identity_platform_link_list_result(bhi_guest *guest,
                                                    bhi_identity_platform_link_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_identity_error_code(guest, &ret->error);
        return;
    }
    make_identity_platform_link_list(guest, &ret->ok);
}

static void make_ipc_error_code(bhi_guest *guest, bhi_ipc_error_code *ret)
{
    ret->tag = (bhi_ipc_error_code_tag)(fake_random() % 8);
    if (ret->tag == BHI_IPC_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_ipc_principal_attribution(bhi_guest *guest, bhi_ipc_principal_attribution *ret)
{
    ret->tag = (bhi_ipc_principal_attribution_tag)(fake_random() % 3);
    if (ret->tag == BHI_IPC_PRINCIPAL_ATTRIBUTION_VERIFIED) {
        ret->verified = fake_make_bytes(guest);
    }
    if (ret->tag == BHI_IPC_PRINCIPAL_ATTRIBUTION_CLAIMED) {
        ret->claimed = fake_make_bytes(guest);
    }
}

static void make_ipc_message(bhi_guest *guest, bhi_ipc_message *ret)
{
    ret->topic = fake_make_bytes(guest);
    ret->payload = fake_make_bytes(guest);
    ret->source_id = fake_make_bytes(guest);
    make_ipc_principal_attribution(guest, &ret->principal);
}

static void make_ipc_message_list(bhi_guest *guest, bhi_ipc_message_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_ipc_message *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        make_ipc_message(guest, &data[i]);
    }
    *ret = (bhi_ipc_message_list){data, data == NULL ? 0 : len};
}

static void make_ipc_envelope(bhi_guest *guest, bhi_ipc_envelope *ret)
{
    make_ipc_message_list(guest, &ret->messages);
    ret->dropped = (uint64_t)fake_random();
    ret->lagged = (uint64_t)fake_random();
}

static void make_ipc_envelope_result(bhi_guest *guest, bhi_ipc_envelope_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_ipc_error_code(guest, &ret->error);
        return;
    }
    make_ipc_envelope(guest, &ret->ok);
}

static void make_ipc_unit_result(bhi_guest *guest, bhi_ipc_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_ipc_error_code(guest, &ret->error);
        return;
    }
}

static void make_ipc_subscription_result(bhi_guest *guest, bhi_ipc_subscription_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_ipc_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_IPC_SUBSCRIPTION);
}

static void make_ipc_interceptor_binding(bhi_guest *guest, bhi_ipc_interceptor_binding *ret)
{
    ret->handle_id = (uint64_t)fake_random();
    ret->action = fake_make_bytes(guest);
    ret->topic = fake_make_bytes(guest);
}

static void make_ipc_interceptor_binding_list(bhi_guest *guest,
                                              bhi_ipc_interceptor_binding_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_ipc_interceptor_binding *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        make_ipc_interceptor_binding(guest, &data[i]);
    }
    *ret = (bhi_ipc_interceptor_binding_list){data, data == NULL ? 0 : len};
}

static void make_ipc_interceptor_binding_list_result(bhi_guest *guest,
                                                     bhi_ipc_interceptor_binding_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_ipc_error_code(guest, &ret->error);
        return;
    }
    make_ipc_interceptor_binding_list(guest, &ret->ok);
}

static void make_kv_error_code(bhi_guest *guest, bhi_kv_error_code *ret)
{
    ret->tag = (bhi_kv_error_code_tag)(fake_random() % 5);
    if (ret->tag == BHI_KV_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_kv_bytes_option_result(bhi_guest *guest, bhi_kv_bytes_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_kv_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = fake_make_bytes(guest);
    }
}

static void make_kv_unit_result(bhi_guest *guest, bhi_kv_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_kv_error_code(guest, &ret->error);
        return;
    }
}

static void make_kv_text_list_result(bhi_guest *guest, bhi_kv_text_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_kv_error_code(guest, &ret->error);
        return;
    }
    make_text_list(guest, &ret->ok);
}

static void make_kv_key_page(bhi_guest *guest, bhi_kv_key_page *ret)
{
    make_text_list(guest, &ret->keys);
    ret->has_next_cursor = fake_random() % 2 == 0;
    if (ret->has_next_cursor) {
        ret->next_cursor = fake_make_bytes(guest);
    }
}

static void make_kv_key_page_result(bhi_guest *guest, bhi_kv_key_page_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_kv_error_code(guest, &ret->error);
        return;
    }
    make_kv_key_page(guest, &ret->ok);
}

static void make_kv_u64_result(bhi_guest *guest, bhi_kv_u64_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_kv_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (uint64_t)fake_random();
}

static void make_net_error_code(bhi_guest *guest, bhi_net_error_code *ret)
{
    ret->tag = (bhi_net_error_code_tag)(fake_random() % 14);
    if (ret->tag == BHI_NET_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_net_tcp_stream_result(bhi_guest *guest, bhi_net_tcp_stream_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_NET_TCP_STREAM);
}

static void make_net_tcp_stream_option_result(bhi_guest *guest,
                                              bhi_net_tcp_stream_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = fake_make_object(BHI_RESOURCE_NET_TCP_STREAM);
    }
}

static void make_net_read_status(bhi_guest *guest, bhi_net_read_status *ret)
{
    ret->tag = (bhi_net_read_status_tag)(fake_random() % 3);
    if (ret->tag == BHI_NET_READ_STATUS_DATA) {
        ret->data = fake_make_bytes(guest);
    }
}

static void make_net_read_status_result(bhi_guest *guest, bhi_net_read_status_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    make_net_read_status(guest, &ret->ok);
}

static void make_net_unit_result(bhi_guest *guest, bhi_net_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
}

static void make_net_bytes_result(bhi_guest *guest, bhi_net_bytes_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_net_u32_result(bhi_guest *guest, bhi_net_u32_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (uint32_t)fake_random();
}

static void make_net_text_result(bhi_guest *guest, bhi_net_text_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_net_bool_result(bhi_guest *guest, bhi_net_bool_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (bool)fake_random();
}

static void make_net_u64_option_result(bhi_guest *guest, bhi_net_u64_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = (uint64_t)fake_random();
    }
}

static void make_net_udp_datagram(bhi_guest *guest, bhi_net_udp_datagram *ret)
{
    ret->data = fake_make_bytes(guest);
    ret->peer_host = fake_make_bytes(guest);
    ret->peer_port = (uint16_t)fake_random();
}

static void make_net_udp_datagram_option_result(bhi_guest *guest,
                                                bhi_net_udp_datagram_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        make_net_udp_datagram(guest, &ret->ok.value);
    }
}

static void make_net_bytes_option_result(bhi_guest *guest, bhi_net_bytes_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = fake_make_bytes(guest);
    }
}

static void make_net_text_option_result(bhi_guest *guest, bhi_net_text_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = fake_make_bytes(guest);
    }
}

static void make_net_unix_listener_result(bhi_guest *guest, bhi_net_unix_listener_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_NET_UNIX_LISTENER);
}

static void make_net_tcp_listener_result(bhi_guest *guest, bhi_net_tcp_listener_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_NET_TCP_LISTENER);
}

static void make_net_udp_socket_result(bhi_guest *guest, bhi_net_udp_socket_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_NET_UDP_SOCKET);
}

static void make_net_text_list_result(bhi_guest *guest, bhi_net_text_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_net_error_code(guest, &ret->error);
        return;
    }
    make_text_list(guest, &ret->ok);
}

static void make_poll_error_code(bhi_guest *guest, bhi_poll_error_code *ret)
{
    ret->tag = (bhi_poll_error_code_tag)(fake_random() % 5);
    if (ret->tag == BHI_POLL_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_poll_unit_result(bhi_guest *guest, bhi_poll_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_poll_error_code(guest, &ret->error);
        return;
    }
}

static void make_u32_list(bhi_guest *guest, bhi_u32_list *ret)
{
    size_t len = fake_random() % 4;
    uint32_t *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        data[i] = (uint32_t)fake_random();
    }
    *ret = (bhi_u32_list){data, data == NULL ? 0 : len};
}

static void make_poll_u32_list_result(bhi_guest *guest, bhi_poll_u32_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_poll_error_code(guest, &ret->error);
        return;
    }
    make_u32_list(guest, &ret->ok);
}

static void make_process_error_code(bhi_guest *guest, bhi_process_error_code *ret)
{
    ret->tag = (bhi_process_error_code_tag)(fake_random() % 12);
    if (ret->tag == BHI_PROCESS_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_process_exit_info(bhi_guest *guest, bhi_process_exit_info *ret)
{
    ret->has_exit_code = fake_random() % 2 == 0;
    if (ret->has_exit_code) {
        ret->exit_code = (int32_t)fake_random();
    }
    ret->has_signal = fake_random() % 2 == 0;
    if (ret->has_signal) {
        ret->signal = (int32_t)fake_random();
    }
}

static void make_process_read_logs_result(bhi_guest *guest, bhi_process_read_logs_result *ret)
{
    ret->stdout_ = fake_make_bytes(guest);
    ret->stderr_ = fake_make_bytes(guest);
    ret->running = (bool)fake_random();
    ret->has_exit = fake_random() % 2 == 0;
    if (ret->has_exit) {
        make_process_exit_info(guest, &ret->exit);
    }
}

static void make_process_read_logs_result_result(bhi_guest *guest,
                                                 bhi_process_read_logs_result_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_read_logs_result(guest, &ret->ok);
}

static void make_process_u32_result(bhi_guest *guest, bhi_process_u32_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (uint32_t)fake_random();
}

static void make_process_unit_result(bhi_guest *guest, bhi_process_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
}

static void make_process_kill_result(bhi_guest *guest, bhi_process_kill_result *ret)
{
    ret->killed = (bool)fake_random();
    ret->has_exit = fake_random() % 2 == 0;
    if (ret->has_exit) {
        make_process_exit_info(guest, &ret->exit);
    }
    ret->stdout_ = fake_make_bytes(guest);
    ret->stderr_ = fake_make_bytes(guest);
}

static void make_process_kill_result_result(bhi_guest *guest, bhi_process_kill_result_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_kill_result(guest, &ret->ok);
}

static void make_process_exit_info_result(bhi_guest *guest, bhi_process_exit_info_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_exit_info(guest, &ret->ok);
}

static void make_process_result(bhi_guest *guest, bhi_process_result *ret)
{
    ret->stdout_ = fake_make_bytes(guest);
    ret->stderr_ = fake_make_bytes(guest);
    make_process_exit_info(guest, &ret->exit);
}

static void make_process_result_result(bhi_guest *guest, bhi_process_result_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_result(guest, &ret->ok);
}

static void use_process_env_var(const bhi_process_env_var *value)
{
    fake_use_text(value->key);
    fake_use_text(value->value);
}

static void use_process_resource_limits(const bhi_process_resource_limits *value)
{
    if (value->has_max_memory_bytes) {
        fake_use_number((uint64_t)value->max_memory_bytes);
    }
    if (value->has_max_cpu_secs) {
        fake_use_number((uint64_t)value->max_cpu_secs);
    }
    if (value->has_max_pids) {
        fake_use_number((uint64_t)value->max_pids);
    }
    if (value->has_max_open_files) {
        fake_use_number((uint64_t)value->max_open_files);
    }
}

static void use_process_spawn_request(const bhi_process_spawn_request *value)
{
    fake_use_text(value->cmd);
    for (size_t i = 0; i < value->args.len; i++) {
        fake_use_text(value->args.data[i]);
    }
    if (value->has_stdin_) {
        fake_use_bytes(value->stdin_);
    }
    for (size_t i = 0; i < value->env.len; i++) {
        use_process_env_var(&value->env.data[i]);
    }
    if (value->has_cwd) {
        fake_use_text(value->cwd);
    }
    if (value->has_limits) {
        use_process_resource_limits(&value->limits);
    }
    if (value->has_label) {
        fake_use_text(value->label);
    }
    if (value->has_keep_stdin_open) {
        fake_use_number((uint64_t)value->keep_stdin_open);
    }
    if (value->has_overflow) {
        BHI_ASSERT((unsigned)value->overflow < 2);
    }
    if (value->has_log_ring_bytes) {
        fake_use_number((uint64_t)value->log_ring_bytes);
    }
    if (value->has_max_lifetime_ms) {
        fake_use_number((uint64_t)value->max_lifetime_ms);
    }
    if (value->has_idle_timeout_ms) {
        fake_use_number((uint64_t)value->idle_timeout_ms);
    }
    if (value->has_exit_retention_ms) {
        fake_use_number((uint64_t)value->exit_retention_ms);
    }
}

static void make_process_handle_result(bhi_guest *guest, bhi_process_handle_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_object(BHI_RESOURCE_PROCESS_HANDLE);
}

static void make_process_text_result(bhi_guest *guest, bhi_process_text_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_process_info(bhi_guest *guest, bhi_process_info *ret)
{
    ret->id = fake_make_bytes(guest);
    ret->label = fake_make_bytes(guest);
    ret->command = fake_make_bytes(guest);
    ret->has_os_pid = fake_random() % 2 == 0;
    if (ret->has_os_pid) {
        ret->os_pid = (uint32_t)fake_random();
    }
    ret->phase = (bhi_process_phase)(fake_random() % 3);
    ret->has_exit = fake_random() % 2 == 0;
    if (ret->has_exit) {
        make_process_exit_info(guest, &ret->exit);
    }
    ret->age_ms = (uint64_t)fake_random();
    ret->idle_ms = (uint64_t)fake_random();
    ret->buffered_bytes = (uint64_t)fake_random();
    ret->bytes_dropped = (uint64_t)fake_random();
    ret->stdin_open = (bool)fake_random();
    ret->has_cpu_ms = fake_random() % 2 == 0;
    if (ret->has_cpu_ms) {
        ret->cpu_ms = (uint64_t)fake_random();
    }
    ret->has_mem_bytes_peak = fake_random() % 2 == 0;
    if (ret->has_mem_bytes_peak) {
        ret->mem_bytes_peak = (uint64_t)fake_random();
    }
}

static void make_process_info_list(bhi_guest *guest, bhi_process_info_list *ret)
{
    size_t len = fake_random() % 4;
    bhi_process_info *data = bhi_arena_calloc(&guest->arena, len, sizeof *data);
    for (size_t i = 0; data != NULL && i < len; i++) {
        make_process_info(guest, &data[i]);
    }
    *ret = (bhi_process_info_list){data, data == NULL ? 0 : len};
}

static void make_process_info_list_result(bhi_guest *guest, bhi_process_info_list_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_info_list(guest, &ret->ok);
}

static void make_process_info_result(bhi_guest *guest, bhi_process_info_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_info(guest, &ret->ok);
}

static void use_process_log_cursor(const bhi_process_log_cursor *value)
{
    if (value->has_token) {
        fake_use_text(value->token);
    }
}

static void make_process_log_cursor(bhi_guest *guest, bhi_process_log_cursor *ret)
{
    ret->has_token = fake_random() % 2 == 0;
    if (ret->has_token) {
        ret->token = fake_make_bytes(guest);
    }
}

static void make_process_log_chunk(bhi_guest *guest, bhi_process_log_chunk *ret)
{
    ret->data = fake_make_bytes(guest);
    make_process_log_cursor(guest, &ret->next);
    ret->bytes_dropped = (uint64_t)fake_random();
    ret->drained_eof = (bool)fake_random();
}

static void make_process_log_chunk_result(bhi_guest *guest, bhi_process_log_chunk_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_process_error_code(guest, &ret->error);
        return;
    }
    make_process_log_chunk(guest, &ret->ok);
}

static void make_streams_stream_error(bhi_guest *guest, bhi_streams_stream_error *ret)
{
    ret->tag = (bhi_streams_stream_error_tag)(fake_random() % 2);
    if (ret->tag == BHI_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
        ret->last_operation_failed = fake_make_object(BHI_RESOURCE_ERROR_ERROR);
    }
}

static void make_streams_bytes_result(bhi_guest *guest, bhi_streams_bytes_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_streams_stream_error(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_streams_u64_result(bhi_guest *guest, bhi_streams_u64_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_streams_stream_error(guest, &ret->error);
        return;
    }
    ret->ok = (uint64_t)fake_random();
}

static void make_streams_unit_result(bhi_guest *guest, bhi_streams_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_streams_stream_error(guest, &ret->error);
        return;
    }
}

static void make_sys_error_code(bhi_guest *guest, bhi_sys_error_code *ret)
{
    ret->tag = (bhi_sys_error_code_tag)(fake_random() % 6);
    if (ret->tag == BHI_SYS_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_sys_text_option_result(bhi_guest *guest, bhi_sys_text_option_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_sys_error_code(guest, &ret->error);
        return;
    }
    ret->ok.is_some = fake_random() % 2 == 0;
    if (ret->ok.is_some) {
        ret->ok.value = fake_make_bytes(guest);
    }
}

static void make_sys_caller_context(bhi_guest *guest, bhi_sys_caller_context *ret)
{
    ret->has_principal = fake_random() % 2 == 0;
    if (ret->has_principal) {
        ret->principal = fake_make_bytes(guest);
    }
    ret->source_id = fake_make_bytes(guest);
    ret->timestamp = fake_make_bytes(guest);
}

static void make_sys_caller_context_result(bhi_guest *guest, bhi_sys_caller_context_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_sys_error_code(guest, &ret->error);
        return;
    }
    make_sys_caller_context(guest, &ret->ok);
}

static void make_sys_unit_result(bhi_guest *guest, bhi_sys_unit_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_sys_error_code(guest, &ret->error);
        return;
    }
}

static void make_sys_bytes_result(bhi_guest *guest, bhi_sys_bytes_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_sys_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void use_sys_capability_check_request(const bhi_sys_capability_check_request *value)
{
    fake_use_text(value->source_uuid);
    fake_use_text(value->capability);
}

static void make_sys_capability_check_response(bhi_guest *guest,
                                               bhi_sys_capability_check_response *ret)
{
    ret->allowed = (bool)fake_random();
}

static void make_sys_capability_check_response_result(bhi_guest *guest,
                                                      bhi_sys_capability_check_response_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_sys_error_code(guest, &ret->error);
        return;
    }
    make_sys_capability_check_response(guest, &ret->ok);
}

static void make_uplink_error_code(bhi_guest *guest, bhi_uplink_error_code *ret)
{
    ret->tag = (bhi_uplink_error_code_tag)(fake_random() % 7);
    if (ret->tag == BHI_UPLINK_ERROR_CODE_UNKNOWN) {
        ret->unknown = fake_make_bytes(guest);
    }
}

static void make_uplink_text_result(bhi_guest *guest, bhi_uplink_text_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_uplink_error_code(guest, &ret->error);
        return;
    }
    ret->ok = fake_make_bytes(guest);
}

static void make_uplink_bool_result(bhi_guest *guest, bhi_uplink_bool_result *ret)
{
    ret->is_ok = fake_random() % 4 != 0;
    if (!ret->is_ok) {
        make_uplink_error_code(guest, &ret->error);
        return;
    }
    ret->ok = (bool)fake_random();
}

static bool approval__request_approval(bhi_guest *guest, const bhi_approval_request *request,
                                       bhi_approval_response_result *ret)
{
    use_approval_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_approval_response_result(guest, ret);
    return true;
}

static bool elicit__elicit(bhi_guest *guest, const bhi_elicit_request *request,
                           bhi_elicit_response_result *ret)
{
    use_elicit_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_elicit_response_result(guest, ret);
    return true;
}

static bool elicit__has_secret(bhi_guest *guest, bhi_bytes key, bhi_elicit_bool_result *ret)
{
    fake_use_text(key);
    if (!fake_host_answers(guest))
        return false;
    make_elicit_bool_result(guest, ret);
    return true;
}

static bool error__error_to_debug_string(bhi_guest *guest, bhi_error_error *self, bhi_bytes *ret)
{
    fake_use_object(self, BHI_RESOURCE_ERROR_ERROR);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_bytes(guest);
    return true;
}

static bool fs__file_handle_read_at(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset,
                                    uint32_t max_bytes, bhi_fs_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    fake_use_number((uint64_t)offset);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_fs_bytes_result(guest, ret);
    return true;
}

static bool fs__file_handle_write_at(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset,
                                     bhi_bytes data, bhi_fs_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    fake_use_number((uint64_t)offset);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_fs_u32_result(guest, ret);
    return true;
}

static bool fs__file_handle_sync_data(bhi_guest *guest, bhi_fs_file_handle *self,
                                      bhi_fs_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__file_handle_sync_all(bhi_guest *guest, bhi_fs_file_handle *self,
                                     bhi_fs_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__file_handle_stat(bhi_guest *guest, bhi_fs_file_handle *self,
                                 bhi_fs_file_stat_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_fs_file_stat_result(guest, ret);
    return true;
}

static bool fs__file_handle_set_len(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t size,
                                    bhi_fs_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_FS_FILE_HANDLE);
    fake_use_number((uint64_t)size);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_open(bhi_guest *guest, bhi_bytes path, bhi_fs_open_mode mode,
                        bhi_fs_file_handle_result *ret)
{
    fake_use_text(path);
    BHI_ASSERT((unsigned)mode < 4);
    if (!fake_host_answers(guest))
        return false;
    make_fs_file_handle_result(guest, ret);
    return true;
}

static bool fs__fs_exists(bhi_guest *guest, bhi_bytes path, bhi_fs_bool_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_bool_result(guest, ret);
    return true;
}

static bool fs__fs_mkdir(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_mkdir_all(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_readdir(bhi_guest *guest, bhi_bytes path, bhi_fs_text_list_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_text_list_result(guest, ret);
    return true;
}

static bool fs__fs_stat(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_file_stat_result(guest, ret);
    return true;
}

static bool fs__fs_stat_symlink(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_file_stat_result(guest, ret);
    return true;
}

static bool fs__fs_unlink(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__read_file(bhi_guest *guest, bhi_bytes path, bhi_fs_bytes_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_bytes_result(guest, ret);
    return true;
}

static bool fs__write_file(bhi_guest *guest, bhi_bytes path, bhi_bytes content,
                           bhi_fs_unit_result *ret)
{
    fake_use_text(path);
    fake_use_bytes(content);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_append(bhi_guest *guest, bhi_bytes path, bhi_bytes content,
                          bhi_fs_unit_result *ret)
{
    fake_use_text(path);
    fake_use_bytes(content);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_copy(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret)
{
    fake_use_text(src);
    fake_use_text(dst);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_rename(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret)
{
    fake_use_text(src);
    fake_use_text(dst);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool fs__fs_remove_dir_all(bhi_guest *guest, bhi_bytes path, bhi_fs_u64_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_u64_result(guest, ret);
    return true;
}

static bool fs__fs_canonicalize(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_text_result(guest, ret);
    return true;
}

static bool fs__fs_read_link(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret)
{
    fake_use_text(path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_text_result(guest, ret);
    return true;
}

static bool fs__fs_hard_link(bhi_guest *guest, bhi_bytes src, bhi_bytes link_path,
                             bhi_fs_unit_result *ret)
{
    fake_use_text(src);
    fake_use_text(link_path);
    if (!fake_host_answers(guest))
        return false;
    make_fs_unit_result(guest, ret);
    return true;
}

static bool http__http_stream_status(bhi_guest *guest, bhi_http_stream *self, uint16_t *ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = (uint16_t)fake_random();
    return true;
}

static bool http__http_stream_headers(bhi_guest *guest, bhi_http_stream *self,
                                      bhi_http_key_value_pair_list *ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_http_key_value_pair_list(guest, ret);
    return true;
}

static bool http__http_stream_read_chunk(bhi_guest *guest, bhi_http_stream *self,
                                         bhi_http_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_http_bytes_result(guest, ret);
    return true;
}

static bool http__http_stream_close(bhi_guest *guest, bhi_http_stream *self,
                                    bhi_http_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_http_unit_result(guest, ret);
    return true;
}

static bool http__http_stream_subscribe_readable(bhi_guest *guest, bhi_http_stream *self,
                                                 bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool http__http_stream_body_stream(bhi_guest *guest, bhi_http_stream *self,
                                          bhi_streams_input_stream **ret)
{
    fake_use_object(self, BHI_RESOURCE_HTTP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_STREAMS_INPUT_STREAM);
    return true;
}

static bool http__http_request(bhi_guest *guest, const bhi_http_request_data *request,
                               bhi_http_response_data_result *ret)
{
    use_http_request_data(request);
    if (!fake_host_answers(guest))
        return false;
    make_http_response_data_result(guest, ret);
    return true;
}

static bool http__http_stream_start(bhi_guest *guest, const bhi_http_request_data *request,
                                    bhi_http_stream_result *ret)
{
    use_http_request_data(request);
    if (!fake_host_answers(guest))
        return false;
    make_http_stream_result(guest, ret);
    return true;
}

static bool identity__identity_resolve(bhi_guest *guest,
                                       const bhi_identity_resolve_request *request,
                                       bhi_identity_resolve_response_result *ret)
{
    use_identity_resolve_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_identity_resolve_response_result(guest, ret);
    return true;
}

static bool identity__identity_link(bhi_guest *guest, const bhi_identity_link_request *request,
                                    bhi_identity_unit_result *ret)
{
    use_identity_link_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_identity_unit_result(guest, ret);
    return true;
}

static bool identity__identity_unlink(bhi_guest *guest, const bhi_identity_unlink_request *request,
                                      bhi_identity_unit_result *ret)
{
    use_identity_unlink_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_identity_unit_result(guest, ret);
    return true;
}

static bool identity__identity_create_user(bhi_guest *guest,
                                           const bhi_identity_create_user_request *request,
                                           bhi_identity_create_user_response_result *ret)
{
    use_identity_create_user_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_identity_create_user_response_result(guest, ret);
    return true;
}

static bool identity__identity_list_links(bhi_guest *guest, bhi_bytes astrid_user_id,
                                          bhi_identity_platform_link_list_result *ret)
{
    fake_use_text(astrid_user_id);
    if (!fake_host_answers(guest))
        return false;
    make_identity_platform_link_list_result(guest, ret);
    return true;
}

static bool ipc__subscription_poll(bhi_guest *guest, bhi_ipc_subscription *self,
                                   bhi_ipc_envelope_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_IPC_SUBSCRIPTION);
    if (!fake_host_answers(guest))
        return false;
    make_ipc_envelope_result(guest, ret);
    return true;
}

static bool ipc__subscription_recv(bhi_guest *guest, bhi_ipc_subscription *self,
                                   uint64_t timeout_ms, bhi_ipc_envelope_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_IPC_SUBSCRIPTION);
    fake_use_number((uint64_t)timeout_ms);
    if (!fake_host_answers(guest))
        return false;
    make_ipc_envelope_result(guest, ret);
    return true;
}

static bool ipc__subscription_subscribe_readiness(bhi_guest *guest, bhi_ipc_subscription *self,
                                                  bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_IPC_SUBSCRIPTION);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool ipc__publish(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload,
                         bhi_ipc_unit_result *ret)
{
    fake_use_text(topic);
    fake_use_text(payload);
    if (!fake_host_answers(guest))
        return false;
    make_ipc_unit_result(guest, ret);
    return true;
}

static bool ipc__publish_as(bhi_guest *guest, bhi_bytes topic, bhi_bytes payload,
                            bhi_bytes principal, bhi_ipc_unit_result *ret)
{
    fake_use_text(topic);
    fake_use_text(payload);
    fake_use_text(principal);
    if (!fake_host_answers(guest))
        return false;
    make_ipc_unit_result(guest, ret);
    return true;
}

static bool ipc__subscribe(bhi_guest *guest, bhi_bytes topic_pattern,
                           bhi_ipc_subscription_result *ret)
{
    fake_use_text(topic_pattern);
    if (!fake_host_answers(guest))
        return false;
    make_ipc_subscription_result(guest, ret);
    return true;
}

static bool ipc__get_interceptor_bindings(bhi_guest *guest,
                                          bhi_ipc_interceptor_binding_list_result *ret)
{
    if (!fake_host_answers(guest))
        return false;
    make_ipc_interceptor_binding_list_result(guest, ret);
    return true;
}

static bool kv__kv_get(bhi_guest *guest, bhi_bytes key, bhi_kv_bytes_option_result *ret)
{
    fake_use_text(key);
    if (!fake_host_answers(guest))
        return false;
    make_kv_bytes_option_result(guest, ret);
    return true;
}

static bool kv__kv_set(bhi_guest *guest, bhi_bytes key, bhi_bytes value, bhi_kv_unit_result *ret)
{
    fake_use_text(key);
    fake_use_bytes(value);
    if (!fake_host_answers(guest))
        return false;
    make_kv_unit_result(guest, ret);
    return true;
}

static bool kv__kv_delete(bhi_guest *guest, bhi_bytes key, bhi_kv_unit_result *ret)
{
    fake_use_text(key);
    if (!fake_host_answers(guest))
        return false;
    make_kv_unit_result(guest, ret);
    return true;
}

static bool kv__kv_list_keys(bhi_guest *guest, bhi_bytes prefix, bhi_kv_text_list_result *ret)
{
    fake_use_text(prefix);
    if (!fake_host_answers(guest))
        return false;
    make_kv_text_list_result(guest, ret);
    return true;
}

static bool kv__kv_list_keys_page(bhi_guest *guest, bhi_bytes prefix, bhi_text_option cursor,
                                  uint32_t limit, bhi_kv_key_page_result *ret)
{
    fake_use_text(prefix);
    if (cursor.is_some) {
        fake_use_text(cursor.value);
    }
    fake_use_number((uint64_t)limit);
    if (!fake_host_answers(guest))
        return false;
    make_kv_key_page_result(guest, ret);
    return true;
}

static bool kv__kv_clear_prefix(bhi_guest *guest, bhi_bytes prefix, bhi_kv_u64_result *ret)
{
    fake_use_text(prefix);
    if (!fake_host_answers(guest))
        return false;
    make_kv_u64_result(guest, ret);
    return true;
}

static bool kv__kv_cas(bhi_guest *guest, bhi_bytes key, bhi_bytes_option expected, bhi_bytes new,
                       bhi_kv_unit_result *ret)
{
    fake_use_text(key);
    if (expected.is_some) {
        fake_use_bytes(expected.value);
    }
    fake_use_bytes(new);
    if (!fake_host_answers(guest))
        return false;
    make_kv_unit_result(guest, ret);
    return true;
}

static bool net__unix_listener_accept(bhi_guest *guest, bhi_net_unix_listener *self,
                                      bhi_net_tcp_stream_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UNIX_LISTENER);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_stream_result(guest, ret);
    return true;
}

static bool net__unix_listener_poll_accept(bhi_guest *guest, bhi_net_unix_listener *self,
                                           uint64_t timeout_ms,
                                           bhi_net_tcp_stream_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UNIX_LISTENER);
    fake_use_number((uint64_t)timeout_ms);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_stream_option_result(guest, ret);
    return true;
}

static bool net__unix_listener_subscribe_readiness(bhi_guest *guest, bhi_net_unix_listener *self,
                                                   bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UNIX_LISTENER);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool net__tcp_stream_read(bhi_guest *guest, bhi_net_tcp_stream *self,
                                 bhi_net_read_status_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_read_status_result(guest, ret);
    return true;
}

static bool net__tcp_stream_write(bhi_guest *guest, bhi_net_tcp_stream *self, bhi_bytes data,
                                  bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_read_bytes(bhi_guest *guest, bhi_net_tcp_stream *self,
                                       uint32_t max_bytes, bhi_net_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_net_bytes_result(guest, ret);
    return true;
}

static bool net__tcp_stream_write_bytes(bhi_guest *guest, bhi_net_tcp_stream *self, bhi_bytes data,
                                        bhi_net_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_net_u32_result(guest, ret);
    return true;
}

static bool net__tcp_stream_peek(bhi_guest *guest, bhi_net_tcp_stream *self, uint32_t max_bytes,
                                 bhi_net_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_net_bytes_result(guest, ret);
    return true;
}

static bool net__tcp_stream_shutdown(bhi_guest *guest, bhi_net_tcp_stream *self,
                                     bhi_net_shutdown_how how, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    BHI_ASSERT((unsigned)how < 3);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_peer_addr(bhi_guest *guest, bhi_net_tcp_stream *self,
                                      bhi_net_text_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_result(guest, ret);
    return true;
}

static bool net__tcp_stream_local_addr(bhi_guest *guest, bhi_net_tcp_stream *self,
                                       bhi_net_text_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_nodelay(bhi_guest *guest, bhi_net_tcp_stream *self, bool nodelay,
                                        bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_number((uint64_t)nodelay);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_nodelay(bhi_guest *guest, bhi_net_tcp_stream *self,
                                    bhi_net_bool_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_bool_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_read_timeout(bhi_guest *guest, bhi_net_tcp_stream *self,
                                             bhi_u64_option timeout_ms, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (timeout_ms.is_some) {
        fake_use_number((uint64_t)timeout_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_read_timeout(bhi_guest *guest, bhi_net_tcp_stream *self,
                                         bhi_net_u64_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_u64_option_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_write_timeout(bhi_guest *guest, bhi_net_tcp_stream *self,
                                              bhi_u64_option timeout_ms, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (timeout_ms.is_some) {
        fake_use_number((uint64_t)timeout_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_write_timeout(bhi_guest *guest, bhi_net_tcp_stream *self,
                                          bhi_net_u64_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_u64_option_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_hop_limit(bhi_guest *guest, bhi_net_tcp_stream *self, uint32_t hops,
                                          bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_number((uint64_t)hops);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_hop_limit(bhi_guest *guest, bhi_net_tcp_stream *self,
                                      bhi_net_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_u32_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_keepalive(bhi_guest *guest, bhi_net_tcp_stream *self,
                                          bhi_u64_option keepalive_secs, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (keepalive_secs.is_some) {
        fake_use_number((uint64_t)keepalive_secs.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_keepalive(bhi_guest *guest, bhi_net_tcp_stream *self,
                                      bhi_net_u64_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_u64_option_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_linger(bhi_guest *guest, bhi_net_tcp_stream *self,
                                       bhi_u64_option linger_ms, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (linger_ms.is_some) {
        fake_use_number((uint64_t)linger_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_linger(bhi_guest *guest, bhi_net_tcp_stream *self,
                                   bhi_net_u64_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_u64_option_result(guest, ret);
    return true;
}

static bool net__tcp_stream_set_reuseaddr(bhi_guest *guest, bhi_net_tcp_stream *self, bool reuse,
                                          bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    fake_use_number((uint64_t)reuse);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__tcp_stream_reuseaddr(bhi_guest *guest, bhi_net_tcp_stream *self,
                                      bhi_net_bool_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_net_bool_result(guest, ret);
    return true;
}

static bool net__tcp_stream_subscribe_readable(bhi_guest *guest, bhi_net_tcp_stream *self,
                                               bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool net__tcp_stream_read_stream(bhi_guest *guest, bhi_net_tcp_stream *self,
                                        bhi_streams_input_stream **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_STREAMS_INPUT_STREAM);
    return true;
}

static bool net__tcp_stream_write_stream(bhi_guest *guest, bhi_net_tcp_stream *self,
                                         bhi_streams_output_stream **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    return true;
}

static bool net__tcp_listener_accept(bhi_guest *guest, bhi_net_tcp_listener *self,
                                     bhi_net_tcp_stream_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_LISTENER);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_stream_result(guest, ret);
    return true;
}

static bool net__tcp_listener_poll_accept(bhi_guest *guest, bhi_net_tcp_listener *self,
                                          uint64_t timeout_ms,
                                          bhi_net_tcp_stream_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_LISTENER);
    fake_use_number((uint64_t)timeout_ms);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_stream_option_result(guest, ret);
    return true;
}

static bool net__tcp_listener_local_addr(bhi_guest *guest, bhi_net_tcp_listener *self,
                                         bhi_net_text_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_LISTENER);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_result(guest, ret);
    return true;
}

static bool net__tcp_listener_subscribe_readiness(bhi_guest *guest, bhi_net_tcp_listener *self,
                                                  bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_TCP_LISTENER);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool net__udp_socket_send_to(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes data,
                                    bhi_bytes peer_host, uint16_t peer_port,
                                    bhi_net_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    fake_use_bytes(data);
    fake_use_text(peer_host);
    fake_use_number((uint64_t)peer_port);
    if (!fake_host_answers(guest))
        return false;
    make_net_u32_result(guest, ret);
    return true;
}

static bool net__udp_socket_recv_from(bhi_guest *guest, bhi_net_udp_socket *self,
                                      uint32_t max_bytes, bhi_net_udp_datagram_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_net_udp_datagram_option_result(guest, ret);
    return true;
}

static bool net__udp_socket_connect(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes peer_host,
                                    uint16_t peer_port, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    fake_use_text(peer_host);
    fake_use_number((uint64_t)peer_port);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__udp_socket_disconnect(bhi_guest *guest, bhi_net_udp_socket *self,
                                       bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__udp_socket_send(bhi_guest *guest, bhi_net_udp_socket *self, bhi_bytes data,
                                 bhi_net_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_net_u32_result(guest, ret);
    return true;
}

static bool net__udp_socket_recv(bhi_guest *guest, bhi_net_udp_socket *self, uint32_t max_bytes,
                                 bhi_net_bytes_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_net_bytes_option_result(guest, ret);
    return true;
}

static bool net__udp_socket_peer_addr(bhi_guest *guest, bhi_net_udp_socket *self,
                                      bhi_net_text_option_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_option_result(guest, ret);
    return true;
}

static bool net__udp_socket_set_read_timeout(bhi_guest *guest, bhi_net_udp_socket *self,
                                             bhi_u64_option timeout_ms, bhi_net_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    if (timeout_ms.is_some) {
        fake_use_number((uint64_t)timeout_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_net_unit_result(guest, ret);
    return true;
}

static bool net__udp_socket_local_addr(bhi_guest *guest, bhi_net_udp_socket *self,
                                       bhi_net_text_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_result(guest, ret);
    return true;
}

static bool net__udp_socket_subscribe_readable(bhi_guest *guest, bhi_net_udp_socket *self,
                                               bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_NET_UDP_SOCKET);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool net__bind_unix(bhi_guest *guest, bhi_net_unix_listener_result *ret)
{
    if (!fake_host_answers(guest))
        return false;
    make_net_unix_listener_result(guest, ret);
    return true;
}

static bool net__bind_tcp(bhi_guest *guest, bhi_bytes host, uint16_t port,
                          bhi_net_tcp_listener_result *ret)
{
    fake_use_text(host);
    fake_use_number((uint64_t)port);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_listener_result(guest, ret);
    return true;
}

static bool net__connect_tcp(bhi_guest *guest, bhi_bytes host, uint16_t port,
                             bhi_net_tcp_stream_result *ret)
{
    fake_use_text(host);
    fake_use_number((uint64_t)port);
    if (!fake_host_answers(guest))
        return false;
    make_net_tcp_stream_result(guest, ret);
    return true;
}

static bool net__udp_bind(bhi_guest *guest, bhi_bytes host, uint16_t port,
                          bhi_net_udp_socket_result *ret)
{
    fake_use_text(host);
    fake_use_number((uint64_t)port);
    if (!fake_host_answers(guest))
        return false;
    make_net_udp_socket_result(guest, ret);
    return true;
}

static bool net__lookup_host(bhi_guest *guest, bhi_bytes host, bhi_net_text_list_result *ret)
{
    fake_use_text(host);
    if (!fake_host_answers(guest))
        return false;
    make_net_text_list_result(guest, ret);
    return true;
}

static bool poll__pollable_ready(bhi_guest *guest, bhi_poll_pollable *self, bool *ret)
{
    fake_use_object(self, BHI_RESOURCE_POLL_POLLABLE);
    if (!fake_host_answers(guest))
        return false;
    *ret = (bool)fake_random();
    return true;
}

static bool poll__pollable_block(bhi_guest *guest, bhi_poll_pollable *self,
                                 bhi_poll_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_POLL_POLLABLE);
    if (!fake_host_answers(guest))
        return false;
    make_poll_unit_result(guest, ret);
    return true;
}

static bool poll__poll(bhi_guest *guest, bhi_poll_pollable_list pollables,
                       bhi_poll_u32_list_result *ret)
{
    for (size_t i = 0; i < pollables.len; i++) {
        fake_use_object(pollables.data[i], BHI_RESOURCE_POLL_POLLABLE);
    }
    if (!fake_host_answers(guest))
        return false;
    make_poll_u32_list_result(guest, ret);
    return true;
}

static bool process__process_handle_read_logs(bhi_guest *guest, bhi_process_handle *self,
                                              bhi_process_read_logs_result_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_process_read_logs_result_result(guest, ret);
    return true;
}

static bool process__process_handle_write_stdin(bhi_guest *guest, bhi_process_handle *self,
                                                bhi_bytes data, bhi_process_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_process_u32_result(guest, ret);
    return true;
}

static bool process__process_handle_close_stdin(bhi_guest *guest, bhi_process_handle *self,
                                                bhi_process_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__process_handle_signal(bhi_guest *guest, bhi_process_handle *self,
                                           bhi_process_signal sig, bhi_process_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    BHI_ASSERT((unsigned)sig < 7);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__process_handle_kill(bhi_guest *guest, bhi_process_handle *self,
                                         bhi_process_kill_result_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_process_kill_result_result(guest, ret);
    return true;
}

static bool process__process_handle_wait(bhi_guest *guest, bhi_process_handle *self,
                                         bhi_u64_option timeout_ms,
                                         bhi_process_exit_info_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (timeout_ms.is_some) {
        fake_use_number((uint64_t)timeout_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_exit_info_result(guest, ret);
    return true;
}

static bool process__process_handle_wait_with_output(bhi_guest *guest, bhi_process_handle *self,
                                                     bhi_u64_option timeout_ms,
                                                     bhi_process_result_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (timeout_ms.is_some) {
        fake_use_number((uint64_t)timeout_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_result_result(guest, ret);
    return true;
}

static bool process__process_handle_os_pid(bhi_guest *guest, bhi_process_handle *self,
                                           bhi_process_u32_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    make_process_u32_result(guest, ret);
    return true;
}

static bool process__process_handle_subscribe_exit(bhi_guest *guest, bhi_process_handle *self,
                                                   bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool process__process_handle_subscribe_logs(bhi_guest *guest, bhi_process_handle *self,
                                                   bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_PROCESS_HANDLE);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool process__spawn(bhi_guest *guest, const bhi_process_spawn_request *request,
                           bhi_process_result_result *ret)
{
    use_process_spawn_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_process_result_result(guest, ret);
    return true;
}

static bool process__spawn_background(bhi_guest *guest, const bhi_process_spawn_request *request,
                                      bhi_process_handle_result *ret)
{
    use_process_spawn_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_process_handle_result(guest, ret);
    return true;
}

static bool process__spawn_persistent(bhi_guest *guest, const bhi_process_spawn_request *request,
                                      bhi_process_text_result *ret)
{
    use_process_spawn_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_process_text_result(guest, ret);
    return true;
}

static bool process__attach(bhi_guest *guest, bhi_bytes id, bhi_process_handle_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_handle_result(guest, ret);
    return true;
}

static bool process__list_processes(bhi_guest *guest, bhi_text_option label_filter,
                                    bhi_process_info_list_result *ret)
{
    if (label_filter.is_some) {
        fake_use_text(label_filter.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_info_list_result(guest, ret);
    return true;
}

static bool process__status(bhi_guest *guest, bhi_bytes id, bhi_process_info_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_info_result(guest, ret);
    return true;
}

static bool process__status_many(bhi_guest *guest, bhi_text_list ids,
                                 bhi_process_info_list_result *ret)
{
    for (size_t i = 0; i < ids.len; i++) {
        fake_use_text(ids.data[i]);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_info_list_result(guest, ret);
    return true;
}

static bool process__read_logs(bhi_guest *guest, bhi_bytes id,
                               bhi_process_read_logs_result_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_read_logs_result_result(guest, ret);
    return true;
}

static bool process__read_since(bhi_guest *guest, bhi_bytes id, bhi_process_log_stream which_stream,
                                const bhi_process_log_cursor *cursor, uint32_t max_bytes,
                                bhi_process_log_chunk_result *ret)
{
    fake_use_text(id);
    BHI_ASSERT((unsigned)which_stream < 2);
    use_process_log_cursor(cursor);
    fake_use_number((uint64_t)max_bytes);
    if (!fake_host_answers(guest))
        return false;
    make_process_log_chunk_result(guest, ret);
    return true;
}

static bool process__write_stdin(bhi_guest *guest, bhi_bytes id, bhi_bytes data,
                                 bhi_process_u32_result *ret)
{
    fake_use_text(id);
    fake_use_bytes(data);
    if (!fake_host_answers(guest))
        return false;
    make_process_u32_result(guest, ret);
    return true;
}

static bool process__close_stdin(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__signal(bhi_guest *guest, bhi_bytes id, bhi_process_signal sig,
                            bhi_process_unit_result *ret)
{
    fake_use_text(id);
    BHI_ASSERT((unsigned)sig < 7);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__wait(bhi_guest *guest, bhi_bytes id, uint64_t timeout_ms,
                          bhi_process_exit_info_result *ret)
{
    fake_use_text(id);
    fake_use_number((uint64_t)timeout_ms);
    if (!fake_host_answers(guest))
        return false;
    make_process_exit_info_result(guest, ret);
    return true;
}

static bool process__stop(bhi_guest *guest, bhi_bytes id, bhi_u64_option grace_ms,
                          bhi_process_exit_info_result *ret)
{
    fake_use_text(id);
    if (grace_ms.is_some) {
        fake_use_number((uint64_t)grace_ms.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_exit_info_result(guest, ret);
    return true;
}

static bool process__release_process(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__watch(bhi_guest *guest, bhi_bytes id, bhi_text_option suffix,
                           bhi_process_unit_result *ret)
{
    fake_use_text(id);
    if (suffix.is_some) {
        fake_use_text(suffix.value);
    }
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool process__unwatch(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret)
{
    fake_use_text(id);
    if (!fake_host_answers(guest))
        return false;
    make_process_unit_result(guest, ret);
    return true;
}

static bool streams__input_stream_read(bhi_guest *guest, bhi_streams_input_stream *self,
                                       uint64_t len, bhi_streams_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_bytes_result(guest, ret);
    return true;
}

static bool streams__input_stream_blocking_read(bhi_guest *guest, bhi_streams_input_stream *self,
                                                uint64_t len, bhi_streams_bytes_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_bytes_result(guest, ret);
    return true;
}

static bool streams__input_stream_skip(bhi_guest *guest, bhi_streams_input_stream *self,
                                       uint64_t len, bhi_streams_u64_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_u64_result(guest, ret);
    return true;
}

static bool streams__input_stream_blocking_skip(bhi_guest *guest, bhi_streams_input_stream *self,
                                                uint64_t len, bhi_streams_u64_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_u64_result(guest, ret);
    return true;
}

static bool streams__input_stream_subscribe(bhi_guest *guest, bhi_streams_input_stream *self,
                                            bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool streams__output_stream_check_write(bhi_guest *guest, bhi_streams_output_stream *self,
                                               bhi_streams_u64_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_streams_u64_result(guest, ret);
    return true;
}

static bool streams__output_stream_write(bhi_guest *guest, bhi_streams_output_stream *self,
                                         bhi_bytes contents, bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_bytes(contents);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_blocking_write_and_flush(bhi_guest *guest,
                                                            bhi_streams_output_stream *self,
                                                            bhi_bytes contents,
                                                            bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_bytes(contents);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_flush(bhi_guest *guest, bhi_streams_output_stream *self,
                                         bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_blocking_flush(bhi_guest *guest, bhi_streams_output_stream *self,
                                                  bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_subscribe(bhi_guest *guest, bhi_streams_output_stream *self,
                                             bhi_poll_pollable **ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    if (!fake_host_answers(guest))
        return false;
    *ret = fake_make_object(BHI_RESOURCE_POLL_POLLABLE);
    return true;
}

static bool streams__output_stream_write_zeroes(bhi_guest *guest, bhi_streams_output_stream *self,
                                                uint64_t len, bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_blocking_write_zeroes_and_flush(bhi_guest *guest,
                                                                   bhi_streams_output_stream *self,
                                                                   uint64_t len,
                                                                   bhi_streams_unit_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_unit_result(guest, ret);
    return true;
}

static bool streams__output_stream_splice(bhi_guest *guest, bhi_streams_output_stream *self,
                                          bhi_streams_input_stream *src, uint64_t len,
                                          bhi_streams_u64_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_object(src, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_u64_result(guest, ret);
    return true;
}

static bool streams__output_stream_blocking_splice(bhi_guest *guest,
                                                   bhi_streams_output_stream *self,
                                                   bhi_streams_input_stream *src, uint64_t len,
                                                   bhi_streams_u64_result *ret)
{
    fake_use_object(self, BHI_RESOURCE_STREAMS_OUTPUT_STREAM);
    fake_use_object(src, BHI_RESOURCE_STREAMS_INPUT_STREAM);
    fake_use_number((uint64_t)len);
    if (!fake_host_answers(guest))
        return false;
    make_streams_u64_result(guest, ret);
    return true;
}

static bool sys__get_config(bhi_guest *guest, bhi_bytes key, bhi_sys_text_option_result *ret)
{
    fake_use_text(key);
    if (!fake_host_answers(guest))
        return false;
    make_sys_text_option_result(guest, ret);
    return true;
}

static bool sys__get_caller(bhi_guest *guest, bhi_sys_caller_context_result *ret)
{
    if (!fake_host_answers(guest))
        return false;
    make_sys_caller_context_result(guest, ret);
    return true;
}

static bool sys__log(bhi_guest *guest, bhi_sys_log_level level, bhi_bytes message)
{
    BHI_ASSERT((unsigned)level < 5);
    fake_use_text(message);
    if (!fake_host_answers(guest))
        return false;
    return true;
}

static bool sys__signal_ready(bhi_guest *guest)
{
    if (!fake_host_answers(guest))
        return false;
    return true;
}

static bool sys__clock_ms(bhi_guest *guest, uint64_t *ret)
{
    if (!fake_host_answers(guest))
        return false;
    *ret = (uint64_t)fake_random();
    return true;
}

static bool sys__clock_monotonic_ns(bhi_guest *guest, uint64_t *ret)
{
    if (!fake_host_answers(guest))
        return false;
    *ret = (uint64_t)fake_random();
    return true;
}

static bool sys__sleep_ns(bhi_guest *guest, uint64_t duration_ns, bhi_sys_unit_result *ret)
{
    fake_use_number((uint64_t)duration_ns);
    if (!fake_host_answers(guest))
        return false;
    make_sys_unit_result(guest, ret);
    return true;
}

static bool sys__random_bytes(bhi_guest *guest, uint64_t length, bhi_sys_bytes_result *ret)
{
    fake_use_number((uint64_t)length);
    if (!fake_host_answers(guest))
        return false;
    make_sys_bytes_result(guest, ret);
    return true;
}

static bool sys__check_capsule_capability(bhi_guest *guest,
                                          const bhi_sys_capability_check_request *request,
                                          bhi_sys_capability_check_response_result *ret)
{
    use_sys_capability_check_request(request);
    if (!fake_host_answers(guest))
        return false;
    make_sys_capability_check_response_result(guest, ret);
    return true;
}

static bool sys__enumerate_capabilities(bhi_guest *guest, bhi_text_list *ret)
{
    if (!fake_host_answers(guest))
        return false;
    make_text_list(guest, ret);
    return true;
}

static bool uplink__uplink_register(bhi_guest *guest, bhi_bytes name, bhi_bytes platform,
                                    bhi_uplink_profile profile, bhi_uplink_text_result *ret)
{
    fake_use_text(name);
    fake_use_text(platform);
    BHI_ASSERT((unsigned)profile < 4);
    if (!fake_host_answers(guest))
        return false;
    make_uplink_text_result(guest, ret);
    return true;
}

static bool uplink__uplink_send(bhi_guest *guest, bhi_bytes uplink_id, bhi_bytes platform_user_id,
                                bhi_bytes content, bhi_uplink_bool_result *ret)
{
    fake_use_text(uplink_id);
    fake_use_text(platform_user_id);
    fake_use_text(content);
    if (!fake_host_answers(guest))
        return false;
    make_uplink_bool_result(guest, ret);
    return true;
}

static const bhi_approval_host approval_host = {
    .request_approval = approval__request_approval,
};

static const bhi_elicit_host elicit_host = {
    .elicit = elicit__elicit,
    .has_secret = elicit__has_secret,
};

static const bhi_error_host error_host = {
    .error_drop = fake_drop_object,
    .error_to_debug_string = error__error_to_debug_string,
};

static const bhi_fs_host fs_host = {
    .file_handle_drop = fake_drop_object,
    .file_handle_read_at = fs__file_handle_read_at,
    .file_handle_write_at = fs__file_handle_write_at,
    .file_handle_sync_data = fs__file_handle_sync_data,
    .file_handle_sync_all = fs__file_handle_sync_all,
    .file_handle_stat = fs__file_handle_stat,
    .file_handle_set_len = fs__file_handle_set_len,
    .fs_open = fs__fs_open,
    .fs_exists = fs__fs_exists,
    .fs_mkdir = fs__fs_mkdir,
    .fs_mkdir_all = fs__fs_mkdir_all,
    .fs_readdir = fs__fs_readdir,
    .fs_stat = fs__fs_stat,
    .fs_stat_symlink = fs__fs_stat_symlink,
    .fs_unlink = fs__fs_unlink,
    .read_file = fs__read_file,
    .write_file = fs__write_file,
    .fs_append = fs__fs_append,
    .fs_copy = fs__fs_copy,
    .fs_rename = fs__fs_rename,
    .fs_remove_dir_all = fs__fs_remove_dir_all,
    .fs_canonicalize = fs__fs_canonicalize,
    .fs_read_link = fs__fs_read_link,
    .fs_hard_link = fs__fs_hard_link,
};

static const bhi_http_host http_host = {
    .http_stream_drop = fake_drop_object,
    .http_stream_status = http__http_stream_status,
    .http_stream_headers = http__http_stream_headers,
    .http_stream_read_chunk = http__http_stream_read_chunk,
    .http_stream_close = http__http_stream_close,
    .http_stream_subscribe_readable = http__http_stream_subscribe_readable,
    .http_stream_body_stream = http__http_stream_body_stream,
    .http_request = http__http_request,
    .http_stream_start = http__http_stream_start,
};

static const bhi_identity_host identity_host = {
    .identity_resolve = identity__identity_resolve,
    .identity_link = identity__identity_link,
    .identity_unlink = identity__identity_unlink,
    .identity_create_user = identity__identity_create_user,
    .identity_list_links = identity__identity_list_links,
};

static const bhi_ipc_host ipc_host = {
    .subscription_drop = fake_drop_object,
    .subscription_poll = ipc__subscription_poll,
    .subscription_recv = ipc__subscription_recv,
    .subscription_subscribe_readiness = ipc__subscription_subscribe_readiness,
    .publish = ipc__publish,
    .publish_as = ipc__publish_as,
    .subscribe = ipc__subscribe,
    .get_interceptor_bindings = ipc__get_interceptor_bindings,
};

static const bhi_kv_host kv_host = {
    .kv_get = kv__kv_get,
    .kv_set = kv__kv_set,
    .kv_delete = kv__kv_delete,
    .kv_list_keys = kv__kv_list_keys,
    .kv_list_keys_page = kv__kv_list_keys_page,
    .kv_clear_prefix = kv__kv_clear_prefix,
    .kv_cas = kv__kv_cas,
};

static const bhi_net_host net_host = {
    .unix_listener_drop = fake_drop_object,
    .tcp_stream_drop = fake_drop_object,
    .tcp_listener_drop = fake_drop_object,
    .udp_socket_drop = fake_drop_object,
    .unix_listener_accept = net__unix_listener_accept,
    .unix_listener_poll_accept = net__unix_listener_poll_accept,
    .unix_listener_subscribe_readiness = net__unix_listener_subscribe_readiness,
    .tcp_stream_read = net__tcp_stream_read,
    .tcp_stream_write = net__tcp_stream_write,
    .tcp_stream_read_bytes = net__tcp_stream_read_bytes,
    .tcp_stream_write_bytes = net__tcp_stream_write_bytes,
    .tcp_stream_peek = net__tcp_stream_peek,
    .tcp_stream_shutdown = net__tcp_stream_shutdown,
    .tcp_stream_peer_addr = net__tcp_stream_peer_addr,
    .tcp_stream_local_addr = net__tcp_stream_local_addr,
    .tcp_stream_set_nodelay = net__tcp_stream_set_nodelay,
    .tcp_stream_nodelay = net__tcp_stream_nodelay,
    .tcp_stream_set_read_timeout = net__tcp_stream_set_read_timeout,
    .tcp_stream_read_timeout = net__tcp_stream_read_timeout,
    .tcp_stream_set_write_timeout = net__tcp_stream_set_write_timeout,
    .tcp_stream_write_timeout = net__tcp_stream_write_timeout,
    .tcp_stream_set_hop_limit = net__tcp_stream_set_hop_limit,
    .tcp_stream_hop_limit = net__tcp_stream_hop_limit,
    .tcp_stream_set_keepalive = net__tcp_stream_set_keepalive,
    .tcp_stream_keepalive = net__tcp_stream_keepalive,
    .tcp_stream_set_linger = net__tcp_stream_set_linger,
    .tcp_stream_linger = net__tcp_stream_linger,
    .tcp_stream_set_reuseaddr = net__tcp_stream_set_reuseaddr,
    .tcp_stream_reuseaddr = net__tcp_stream_reuseaddr,
    .tcp_stream_subscribe_readable = net__tcp_stream_subscribe_readable,
    .tcp_stream_read_stream = net__tcp_stream_read_stream,
    .tcp_stream_write_stream = net__tcp_stream_write_stream,
    .tcp_listener_accept = net__tcp_listener_accept,
    .tcp_listener_poll_accept = net__tcp_listener_poll_accept,
    .tcp_listener_local_addr = net__tcp_listener_local_addr,
    .tcp_listener_subscribe_readiness = net__tcp_listener_subscribe_readiness,
    .udp_socket_send_to = net__udp_socket_send_to,
    .udp_socket_recv_from = net__udp_socket_recv_from,
    .udp_socket_connect = net__udp_socket_connect,
    .udp_socket_disconnect = net__udp_socket_disconnect,
    .udp_socket_send = net__udp_socket_send,
    .udp_socket_recv = net__udp_socket_recv,
    .udp_socket_peer_addr = net__udp_socket_peer_addr,
    .udp_socket_set_read_timeout = net__udp_socket_set_read_timeout,
    .udp_socket_local_addr = net__udp_socket_local_addr,
    .udp_socket_subscribe_readable = net__udp_socket_subscribe_readable,
    .bind_unix = net__bind_unix,
    .bind_tcp = net__bind_tcp,
    .connect_tcp = net__connect_tcp,
    .udp_bind = net__udp_bind,
    .lookup_host = net__lookup_host,
};

static const bhi_poll_host poll_host = {
    .pollable_drop = fake_drop_object,
    .pollable_ready = poll__pollable_ready,
    .pollable_block = poll__pollable_block,
    .poll = poll__poll,
};

static const bhi_process_host process_host = {
    .process_handle_drop = fake_drop_object,
    .process_handle_read_logs = process__process_handle_read_logs,
    .process_handle_write_stdin = process__process_handle_write_stdin,
    .process_handle_close_stdin = process__process_handle_close_stdin,
    .process_handle_signal = process__process_handle_signal,
    .process_handle_kill = process__process_handle_kill,
    .process_handle_wait = process__process_handle_wait,
    .process_handle_wait_with_output = process__process_handle_wait_with_output,
    .process_handle_os_pid = process__process_handle_os_pid,
    .process_handle_subscribe_exit = process__process_handle_subscribe_exit,
    .process_handle_subscribe_logs = process__process_handle_subscribe_logs,
    .spawn = process__spawn,
    .spawn_background = process__spawn_background,
    .spawn_persistent = process__spawn_persistent,
    .attach = process__attach,
    .list_processes = process__list_processes,
    .status = process__status,
    .status_many = process__status_many,
    .read_logs = process__read_logs,
    .read_since = process__read_since,
    .write_stdin = process__write_stdin,
    .close_stdin = process__close_stdin,
    .signal = process__signal,
    .wait = process__wait,
    .stop = process__stop,
    .release_process = process__release_process,
    .watch = process__watch,
    .unwatch = process__unwatch,
};

static const bhi_streams_host streams_host = {
    .input_stream_drop = fake_drop_object,
    .output_stream_drop = fake_drop_object,
    .input_stream_read = streams__input_stream_read,
    .input_stream_blocking_read = streams__input_stream_blocking_read,
    .input_stream_skip = streams__input_stream_skip,
    .input_stream_blocking_skip = streams__input_stream_blocking_skip,
    .input_stream_subscribe = streams__input_stream_subscribe,
    .output_stream_check_write = streams__output_stream_check_write,
    .output_stream_write = streams__output_stream_write,
    .output_stream_blocking_write_and_flush = streams__output_stream_blocking_write_and_flush,
    .output_stream_flush = streams__output_stream_flush,
    .output_stream_blocking_flush = streams__output_stream_blocking_flush,
    .output_stream_subscribe = streams__output_stream_subscribe,
    .output_stream_write_zeroes = streams__output_stream_write_zeroes,
    .output_stream_blocking_write_zeroes_and_flush =
            streams__output_stream_blocking_write_zeroes_and_flush,
    .output_stream_splice = streams__output_stream_splice,
    .output_stream_blocking_splice = streams__output_stream_blocking_splice,
};

static const bhi_sys_host sys_host = {
    .get_config = sys__get_config,
    .get_caller = sys__get_caller,
    .log = sys__log,
    .signal_ready = sys__signal_ready,
    .clock_ms = sys__clock_ms,
    .clock_monotonic_ns = sys__clock_monotonic_ns,
    .sleep_ns = sys__sleep_ns,
    .random_bytes = sys__random_bytes,
    .check_capsule_capability = sys__check_capsule_capability,
    .enumerate_capabilities = sys__enumerate_capabilities,
};

static const bhi_uplink_host uplink_host = {
    .uplink_register = uplink__uplink_register,
    .uplink_send = uplink__uplink_send,
};

const bhi_host_table stub_host = {
    .approval = &approval_host,
    .elicit = &elicit_host,
    .error = &error_host,
    .fs = &fs_host,
    .http = &http_host,
    .identity = &identity_host,
    .ipc = &ipc_host,
    .kv = &kv_host,
    .net = &net_host,
    .poll = &poll_host,
    .process = &process_host,
    .streams = &streams_host,
    .sys = &sys_host,
    .uplink = &uplink_host,
};
