/* cli/client.h - ask a running daemon on this machine.
 *
 *   bhi_cli_client *client;
 *   if (bhi_cli_client_open(options.listen, &client, &error) == BH_OK &&
 *       bhi_cli_client_ask(client, &(bhi_cli_question){.path = "/v1/capsules"}, &body, &error) ==
 * BH_OK)
 *       ...
 *   bhi_cli_client_close(client);
 *
 * Threads: one.
 */
#ifndef BHI_CLI_CLIENT_H
#define BHI_CLI_CLIENT_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/error.h"

typedef struct bhi_cli_client bhi_cli_client;

typedef struct bhi_cli_question {
    const char *path;      /* percent-encoded where it must be */
    bool is_post;          /* with `body`, which may be empty; else GET */
    bhi_bytes body;        /* borrowed */
    const char *header;    /* one line, or NULL */
    const char *principal; /* valid, or NULL */
    uint32_t timeout_ms;   /* of the whole answer; 0: none */
} bhi_cli_question;

/* `listen` is where the daemon listens, as in `bulkhead serve --listen`; NULL: its default. Nothing
 * is sent yet. Fails with BH_E_ARG (not a loopback address), BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_cli_client_open(const char *listen, bhi_cli_client **ret_client,
                                          bh_error *reterr);
/* Takes NULL. */
void bhi_cli_client_close(bhi_cli_client *client);

/* "127.0.0.1:8787" */
const char *bhi_cli_client_address(const bhi_cli_client *client);

/* Blocks until the answer. *ret_body is the caller's to release; BH_OK means a status below 300.
 * Fails with BH_E_ARG (the daemon says 400), BH_E_NOT_FOUND (404), BH_E_DEADLINE (no answer within
 * timeout_ms), BH_E_NOMEM, BH_E_IO (nothing listens there, what listens is no bulkhead, or any
 * other error of the daemon, in its words). */
BH_MUST_USE bh_status bhi_cli_client_ask(bhi_cli_client *client, const bhi_cli_question *question,
                                         json_t **ret_body, bh_error *reterr);

/* The same for an answer without an end: `data_cb` gets its bytes as they come, until it returns
 * false, which is BH_OK, or the daemon ends it, which is BH_E_CLOSED. */
typedef bool (*bhi_cli_data_cb)(void *arg, const char *data, size_t len);
BH_MUST_USE bh_status bhi_cli_client_stream(bhi_cli_client *client,
                                            const bhi_cli_question *question,
                                            bhi_cli_data_cb data_cb, void *arg, bh_error *reterr);

/* "/v1/capsules/NAME" and `rest`, to be freed by the caller; NULL when memory is out. */
char *bhi_cli_client_capsule_path(bhi_cli_client *client, const char *name, const char *rest);
/* The percent-encoded text between two others; the same. */
char *bhi_cli_client_path(bhi_cli_client *client, const char *before, const char *text,
                          const char *after);

#endif
