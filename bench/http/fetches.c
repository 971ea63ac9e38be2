/* fetches.c - the guest of `bulkhead bench http`: fetch the payload's URL, answer with its body. */
#include <bulkhead/capsule.h>

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_http_request request = capsule_http_get(payload);
    capsule_http_response response;
    capsule_http_status status = capsule_http_send(&request, &response);
    return status == CAPSULE_HTTP_OK ? capsule_continue(response.body)
                                     : capsule_deny("%s", capsule_http_status_name(status));
}
