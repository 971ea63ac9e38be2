/* serve/answer.h - an HTTP status with its body, ready to be queued.
 *
 * Every failure has the body {"error": {"code": ..., "message": ...}}, whatever the client accepts;
 * an invocation that the guest did not finish adds "backtrace" to the error, and "outcome",
 * "fuel_used" and "timings" beside it.
 *
 * An answer whose response is NULL could not be made (out of memory): close the connection.
 */
#ifndef BHI_SERVE_ANSWER_H
#define BHI_SERVE_ANSWER_H

#include <jansson.h>
#include <microhttpd.h>

#include <bulkhead/invocation.h>

#include "base/bytes.h"

typedef struct bhi_answer {
    unsigned http_status;
    struct MHD_Response *response; /* owned */
} bhi_answer;

bhi_answer bhi_answer_json(unsigned http_status, json_t *take_body);
/* `take_text` was allocated with malloc; NULL makes an answer without a response. */
bhi_answer bhi_answer_text(unsigned http_status, const char *content_type, char *take_text,
                           size_t len);

/* The word of a status in an error's "code"; it never changes. */
const char *bhi_answer_code(bh_status status);

/* As a string under `name`, or under `base64_name` when they are not UTF-8. */
void bhi_json_put_bytes(json_t *object, const char *name, const char *base64_name, bhi_bytes bytes);

/* {"code": ..., "message": ...}, and "retry_after_ms" unless it is 0. */
json_t *bhi_error_json(const char *code, const char *message, uint32_t retry_after_ms);

bhi_answer bhi_answer_error(unsigned http_status, const char *code, const char *message);
/* What the host refused or could not do, with Retry-After when a retry may help. */
bhi_answer bhi_answer_status(bh_status status, const bh_error *error);
/* The service is shutting down. */
bhi_answer bhi_answer_draining(void);
/* How an invocation ended. Data is copied. */
bhi_answer bhi_answer_result(const bh_result *result, bool as_octets);

void bhi_answer_add_header(const bhi_answer *answer, const char *name, const char *value);

/* A string; what is not UTF-8 (a file name in a message) is percent-encoded and may be cut. */
json_t *bhi_json_text(const char *text);

/* Zeroed bytes are an empty answer. */
void bhi_answer_deinit(bhi_answer *answer);

#endif
