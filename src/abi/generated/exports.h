/* abi/generated/exports.h - calling a guest's exports.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_EXPORTS_H
#define BHI_ABI_GENERATED_EXPORTS_H

#include "abi/generated/lifecycle.h"

typedef bhi_lifecycle_capsule_result bhi_capsule_result;

/* Handle one action or event. */
#define BHI_EXPORT_ASTRID_HOOK_TRIGGER "astrid-hook-trigger"
#define BHI_EXPORT_ASTRID_HOOK_TRIGGER_SIGNATURE "iiii:i"

/* Serve for the life of the capsule; only a capsule with its own loop does anything here. */
#define BHI_EXPORT_RUN "run"
#define BHI_EXPORT_RUN_SIGNATURE ":"

/* Prepare after the first installation. */
#define BHI_EXPORT_ASTRID_INSTALL "astrid-install"
#define BHI_EXPORT_ASTRID_INSTALL_SIGNATURE ":"

/* Prepare after an upgrade. */
#define BHI_EXPORT_ASTRID_UPGRADE "astrid-upgrade"
#define BHI_EXPORT_ASTRID_UPGRADE_SIGNATURE ":"

/* Copy the arguments to addresses that the guest's realloc returned. */
bool bhi_lower_astrid_hook_trigger(bhi_guest *guest, bhi_bytes action, bhi_bytes payload,
                                   uint32_t action_address, uint32_t payload_address);

/* The result at an address that the export returned: views into guest memory (G3). */
bool bhi_lift_astrid_hook_trigger(bhi_guest *guest, uint32_t result_address,
                                  bhi_capsule_result *ret);

#endif
