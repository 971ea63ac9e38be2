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

typedef struct bhi_answer {
    unsigned http_status;
    struct MHD_Response *response; /* owned */
} bhi_answer;

bhi_answer bhi_answer_json(unsigned http_status, json_t *take_body);
/* `take_text` was allocated with malloc; NULL makes an answer without a response. */
bhi_answer bhi_answer_text(unsigned http_status, const char *content_type, char *take_text,
                           size_t len);

bhi_answer bhi_answer_error(unsigned http_status, const char *code, const char *message);
/* What the host refused or could not do. */
bhi_answer bhi_answer_status(bh_status status, const bh_error *error);
/* How an invocation ended. Data is copied. */
bhi_answer bhi_answer_result(const bh_result *result, bool as_octets);

void bhi_answer_add_header(const bhi_answer *answer, const char *name, const char *value);

/* A string; what is not UTF-8 (a file name in a message) is percent-encoded and may be cut. */
json_t *bhi_json_text(const char *text);

/* Zeroed bytes are an empty answer. */
void bhi_answer_deinit(bhi_answer *answer);

#endif
