/* cli/client.h - a running service, asked over HTTP (libcurl).
 *
 * Threads: one at a time.
 */
#ifndef BHI_CLI_CLIENT_H
#define BHI_CLI_CLIENT_H

#include <jansson.h>

#include "base/error.h"

typedef struct bhi_client bhi_client;

/* `listen`: the address that the service was given; NULL: its default. Fails with BH_E_ARG (no
 * loopback address), BH_E_NOMEM. Nothing is connected yet. */
BH_MUST_USE bh_status bhi_client_create(const char *listen, bhi_client **ret_client,
                                        bh_error *reterr);
/* Takes NULL. */
void bhi_client_destroy(bhi_client *client);

typedef struct bhi_client_reply {
    long http_status;
    json_t *body; /* for json_decref */
} bhi_client_reply;

/* "/v1/capsules", or below it the capsule and, unless NULL, what to do with it; in `ret_path` of
 * `size` bytes. Fails with BH_E_ARG: too long. */
BH_MUST_USE bh_status bhi_client_capsule_path(bhi_client *client, const char *capsule,
                                              const char *verb, char *ret_path, size_t size,
                                              bh_error *reterr);

/* GET, or POST without a body when `is_post`; `header` is one more line, or NULL. Waits as long as
 * the service works. Fails with BH_E_NOT_FOUND (nothing listens), BH_E_IO, BH_E_CORRUPT (the answer
 * is not JSON), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_client_ask(bhi_client *client, const char *path, bool is_post,
                                     const char *header, bhi_client_reply *ret_reply,
                                     bh_error *reterr);

/* The service's own words for a reply that is no success. */
void bhi_client_read_refusal(const bhi_client_reply *reply, bh_error *ret_error);

#endif
