/* host/grants.h - what one capsule may reach: what its manifest asks for and the operator gives.
 *
 * Immutable after load; belongs to the capsule, outlives its leases. Every list may be empty, and
 * an empty one allows nothing.
 */
#ifndef BHI_HOST_GRANTS_H
#define BHI_HOST_GRANTS_H

#include "base/bytes.h"

typedef struct bhi_texts {
    const bhi_bytes *items;
    size_t count;
} bhi_texts;

/* A topic that has a handler: a hook of the capsule is called for its messages. */
typedef struct bhi_handler_binding {
    bhi_bytes pattern;
    bhi_bytes action;          /* the hook is called with it */
    uint32_t priority;         /* lower comes first; default 100 */
    bool continues_on_failure; /* else a message whose handler fails is denied */
} bhi_handler_binding;

typedef struct bhi_grants {
    bhi_texts publish;   /* patterns of [publish]                                            */
    bhi_texts subscribe; /* patterns of [subscribe]                                          */
    const bhi_handler_binding *handlers; /* those of [subscribe] that name one               */
    size_t handlers_count;
    bhi_texts net;      /* hosts for http: "*", a host, or a suffix after a dot              */
    bhi_texts fs_read;  /* "*", "cwd://PATH", "home://PATH"                                   */
    bhi_texts fs_write; /* the same                                                          */
    bool is_uplink;     /* capabilities.uplink of the manifest                               */

    /* Of the operator (docs/profiles.md). */
    bool may_claim;          /* publish-as is allowed (needs is_uplink too)                   */
    bool may_act;            /* handlers run on behalf of the principals it claims           */
    bhi_texts private_hosts; /* "HOST" or "HOST:PORT" that may resolve to private addresses   */
    const char *workspace;   /* directory that cwd:// and workspace:// name; NULL: none       */
    bhi_bytes owner;         /* principal on whose behalf it runs when nobody else's          */
} bhi_grants;

#endif
