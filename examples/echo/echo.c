/* echo.c - answers the payload itself, without copying it. */
#include <bulkhead/capsule.h>

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    return capsule_continue(payload);
}
