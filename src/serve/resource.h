/* serve/resource.h - what can be read: health, metrics, the list of capsules, one capsule. */
#ifndef BHI_SERVE_RESOURCE_H
#define BHI_SERVE_RESOURCE_H

#include "serve/answer.h"
#include "serve/http_state.h"
#include "serve/path.h"

/* Something to be done (an action, a reload, a message, a stream of them) rather than read. */
bool bhi_resource_is_work(bhi_resource resource);
/* Work that names a capsule. */
bool bhi_resource_is_of_capsule(bhi_resource resource);

/* The value of the Allow header: "GET, HEAD" or "POST". */
const char *bhi_resource_methods(bhi_resource resource);
bool bhi_resource_allows(bhi_resource resource, const char *method);

/* Any resource that is not work. */
bhi_answer bhi_resource_read(bhi_http *http, const bhi_path *path, bool is_draining);

#endif
