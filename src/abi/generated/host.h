/* abi/generated/host.h - everything that a host may provide to guests.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_HOST_H
#define BHI_ABI_GENERATED_HOST_H

#include "abi/generated/approval.h"
#include "abi/generated/elicit.h"
#include "abi/generated/error.h"
#include "abi/generated/fs.h"
#include "abi/generated/http.h"
#include "abi/generated/identity.h"
#include "abi/generated/ipc.h"
#include "abi/generated/kv.h"
#include "abi/generated/net.h"
#include "abi/generated/poll.h"
#include "abi/generated/process.h"
#include "abi/generated/streams.h"
#include "abi/generated/sys.h"
#include "abi/generated/uplink.h"

/* A host function returns false when the guest must trap (bhi_guest_trap says why). Otherwise it
 * fills *ret, which begins as zero bytes; what *ret points to lives in guest->arena or longer, its
 * text is UTF-8. Arguments are views into guest memory or the arena: what must outlive a suspend is
 * copied first (G3). Objects behind handles live at least until the call returns.
 *
 * A NULL interface or function is not provided: calling it traps and names it. A host that hands
 * out a resource provides its drop, which is called once for each object handed out.
 *
 * refuse_drop (NULL: never) says why a guest may not drop an object now, as it has children, or
 * NULL: it traps with that text. The end of a lease does not ask: it drops the newest first. */
typedef struct bhi_host_table {
    const bhi_approval_host *approval;
    const bhi_elicit_host *elicit;
    const bhi_error_host *error;
    const bhi_fs_host *fs;
    const bhi_http_host *http;
    const bhi_identity_host *identity;
    const bhi_ipc_host *ipc;
    const bhi_kv_host *kv;
    const bhi_net_host *net;
    const bhi_poll_host *poll;
    const bhi_process_host *process;
    const bhi_streams_host *streams;
    const bhi_sys_host *sys;
    const bhi_uplink_host *uplink;
    const char *(*refuse_drop)(bhi_resource type, const void *rep);
} bhi_host_table;

#endif
