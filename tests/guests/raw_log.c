/* raw_log.c - logs the payload as it is, past the SDK's own limit, at the level that the action's
 * digit says, 0 for trace; a digit above 4 is no level. */
#include <bulkhead/capsule.h>

__attribute__((import_module("astrid:sys/host@1.0.0"), import_name("log"))) void
raw_log(uint32_t level, const uint8_t *text, size_t len);

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    raw_log(action.data[0] - '0', payload.data, payload.len);
    return capsule_pass();
}
