/* support/scripted_host.h - a host that answers from a recording and accepts nothing else.
 *
 * A recording is a JSON array of host calls, {"call": name, "args": [...], "ret": value} or
 * {..., "err": {"tag": name}}. Each call of the guest must be the next one of the array, with the
 * same arguments, and is answered as recorded. Any other call traps the guest and is kept as the
 * script's failure: a test cannot be failed from inside a host call, on the guest's fiber.
 */
#ifndef TESTS_SUPPORT_SCRIPTED_HOST_H
#define TESTS_SUPPORT_SCRIPTED_HOST_H

#include <jansson.h>

#include "abi/generated/host.h"
#include "host/lease_context.h"

typedef struct scripted_host {
    bhi_lease_context lease; /* first: what guest->lease points to is the script */
    const json_t *calls;     /* borrowed */
    bool is_map_order_free;
    size_t next;
    char failure[2048]; /* the first one, or "" */
} scripted_host;

/* Begin a script; `calls` is borrowed until the next begin. With `is_map_order_free` an argument
 * that is a JSON object as text may have its keys in another order: a guest writes a map in the
 * order of its hash table, which is the recorded one only in an instance with the same past. */
void scripted_host_begin(scripted_host *script, const json_t *calls, bool is_map_order_free);

/* "" when exactly the recorded calls were made, else what was expected and what was found. */
const char *scripted_host_end(scripted_host *script);

/* The functions that recordings use; every other one is not provided. */
extern const bhi_host_table scripted_host_table;

#endif
