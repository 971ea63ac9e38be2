/* serve/answer.c - two tables from statuses and outcomes to HTTP, and the bodies.
 *
 * The word "code" is part of the interface: callers compare it, so it never changes for a status.
 */
#include "serve/answer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/head.h"
#include "serve/path.h"

#define CONTENT_JSON   "application/json"
#define CONTENT_OCTETS "application/octet-stream"
#define RETRY_AFTER_S  "1" /* long enough for a lease to end, short enough to be worth it */

enum { ACTION_HEADER_BYTES_MAX = 3 * BH_ACTION_BYTES_MAX + 1 };

static const struct {
    const char *code;
    unsigned http_status;
} statuses[BH_STATUS_COUNT] = {
    [BH_OK] = {"ok", 200},
    [BH_E_ARG] = {"bad-request", 400},
    [BH_E_NOT_FOUND] = {"not-found", 404},
    [BH_E_MANIFEST] = {"bad-manifest", 503},
    [BH_E_MODULE] = {"bad-module", 503},
    [BH_E_BUILD] = {"build-failed", 502},
    [BH_E_LIMIT] = {"limit", 503},
    [BH_E_SATURATED] = {"saturated", 503},
    [BH_E_OVER_CAP] = {"over-cap", 429},
    [BH_E_BREAKER] = {"breaker", 503},
    [BH_E_NESTED] = {"nested", 508},
    [BH_E_DEADLINE] = {"deadline", 504},
    [BH_E_CANCELLED] = {"cancelled", 503},
    [BH_E_CLOSED] = {"closed", 503},
    [BH_E_NOMEM] = {"out-of-memory", 503},
    [BH_E_IO] = {"io", 500},
    [BH_E_CORRUPT] = {"corrupt", 500},
    [BH_E_UNSUPPORTED] = {"unsupported", 501},
};

static const unsigned outcome_http[BH_OUTCOME_COUNT] = {
    [BH_OUTCOME_RETURNED] = 200,       [BH_OUTCOME_REFUSED] = 503,
    [BH_OUTCOME_TRAPPED] = 502,        [BH_OUTCOME_OUT_OF_FUEL] = 502,
    [BH_OUTCOME_DEADLINE] = 504,       [BH_OUTCOME_CANCELLED] = 503,
    [BH_OUTCOME_MEMORY_LIMIT] = 502,   [BH_OUTCOME_HOST_FAILURE] = 500,
    [BH_OUTCOME_RESTORE_FAILED] = 500,
};

void bhi_answer_deinit(bhi_answer *answer)
{
    if (answer->response != NULL)
        MHD_destroy_response(answer->response);
    *answer = (bhi_answer){0};
}

void bhi_answer_add_header(const bhi_answer *answer, const char *name, const char *value)
{
    if (answer->response != NULL)
        MHD_add_response_header(answer->response, name, value);
}

static bhi_answer finish(unsigned http_status, struct MHD_Response *response,
                         const char *content_type)
{
    bhi_answer answer = {http_status, response};
    bhi_answer_add_header(&answer, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    return answer;
}

const char *bhi_answer_code(bh_status status)
{
    return statuses[(unsigned)status < BH_STATUS_COUNT ? status : BH_E_IO].code;
}

static void advise_retry(const bhi_answer *answer)
{
    if (answer->http_status == MHD_HTTP_SERVICE_UNAVAILABLE ||
        answer->http_status == MHD_HTTP_TOO_MANY_REQUESTS)
        bhi_answer_add_header(answer, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER_S);
}

static void advise_retry_after(const bhi_answer *answer, uint32_t retry_after_ms)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", (unsigned)(((uint64_t)retry_after_ms + 999) / 1000));
    bhi_answer_add_header(answer, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
}

bhi_answer bhi_answer_text(unsigned http_status, const char *content_type, char *take_text,
                           size_t len)
{
    if (take_text == NULL)
        return (bhi_answer){.http_status = http_status};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, take_text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(take_text);
    return finish(http_status, response, content_type);
}

bhi_answer bhi_answer_json(unsigned http_status, json_t *take_body)
{
    char *text = take_body == NULL ? NULL : json_dumps(take_body, JSON_COMPACT);
    json_decref(take_body);
    return bhi_answer_text(http_status, CONTENT_JSON, text, text == NULL ? 0 : strlen(text));
}

json_t *bhi_json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char escaped[1024];
    bhi_path_encode((bhi_bytes){(const uint8_t *)text, strlen(text)}, escaped, sizeof escaped);
    return json_string(escaped);
}

static json_t *pack_base64(bhi_bytes bytes)
{
    size_t size = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    sodium_bin2base64(text, size, bytes.data, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    json_t *value = json_string(text);
    free(text);
    return value;
}

void bhi_json_put_bytes(json_t *object, const char *name, const char *base64_name, bhi_bytes bytes)
{
    json_t *text =
        bytes.len == 0 ? json_string("") : json_stringn((const char *)bytes.data, bytes.len);
    if (text != NULL)
        json_object_set_new(object, name, text);
    else
        json_object_set_new(object, base64_name, pack_base64(bytes));
}

json_t *bhi_error_json(const char *code, const char *message, uint32_t retry_after_ms)
{
    json_t *error = json_pack("{s:s,s:o}", "code", code, "message", bhi_json_text(message));
    if (retry_after_ms > 0)
        json_object_set_new(error, "retry_after_ms", json_integer((json_int_t)retry_after_ms));
    return error;
}

bhi_answer bhi_answer_error(unsigned http_status, const char *code, const char *message)
{
    return bhi_answer_json(http_status,
                           json_pack("{s:o}", "error", bhi_error_json(code, message, 0)));
}

bhi_answer bhi_answer_status(bh_status status, const bh_error *error)
{
    unsigned row = (unsigned)status < BH_STATUS_COUNT ? status : BH_E_IO;
    const char *text = error != NULL && error->text[0] != '\0' ? error->text : bh_status_text(row);
    uint32_t retry_after_ms = error != NULL ? error->retry_after_ms : 0;
    json_t *object = bhi_error_json(statuses[row].code, text, retry_after_ms);
    bhi_answer answer =
        bhi_answer_json(statuses[row].http_status, json_pack("{s:o}", "error", object));
    if (retry_after_ms > 0)
        advise_retry_after(&answer, retry_after_ms);
    else if (bh_status_may_retry(row))
        advise_retry(&answer);
    return answer;
}

bhi_answer bhi_answer_draining(void)
{
    bhi_answer answer =
        bhi_answer_error(MHD_HTTP_SERVICE_UNAVAILABLE, "draining", "the service is shutting down");
    advise_retry(&answer);
    return answer;
}

static json_t *pack_timings(const bh_timings *timings)
{
    return json_pack("{s:I,s:I,s:I}", "wait_ns", (json_int_t)timings->wait_ns, "run_ns",
                     (json_int_t)timings->run_ns, "restore_ns", (json_int_t)timings->restore_ns);
}

/* "data" is null without data. */
static void put_data(json_t *body, const bh_result *result)
{
    if (result->has_data)
        bhi_json_put_bytes(body, "data", "data_base64",
                           (bhi_bytes){(const uint8_t *)result->data, result->data_len});
    else
        json_object_set_new(body, "data", json_null());
}

static bhi_answer answer_returned(const bh_result *result)
{
    json_t *action = json_stringn(result->action, result->action_len);
    if (action == NULL)
        action = bhi_json_text(result->action);
    json_t *body =
        json_pack("{s:s,s:o}", "outcome", bh_outcome_name(result->outcome), "action", action);
    if (body == NULL)
        return (bhi_answer){.http_status = MHD_HTTP_INTERNAL_SERVER_ERROR};
    put_data(body, result);
    json_object_set_new(body, "fuel_used", json_integer((json_int_t)result->fuel_used));
    json_object_set_new(body, "timings", pack_timings(&result->timings));
    return bhi_answer_json(MHD_HTTP_OK, body);
}

/* The guest chose the action: what could break a header line is encoded. */
static bhi_answer answer_octets(const bh_result *result)
{
    char action[ACTION_HEADER_BYTES_MAX];
    bhi_path_encode((bhi_bytes){(const uint8_t *)result->action, result->action_len}, action,
                    sizeof action);
    size_t len = result->has_data ? result->data_len : 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        len, len > 0 ? (void *)(uintptr_t)result->data : "", MHD_RESPMEM_MUST_COPY);
    bhi_answer answer = finish(MHD_HTTP_OK, response, CONTENT_OCTETS);
    bhi_answer_add_header(&answer, BHI_HEADER_OUTCOME, bh_outcome_name(result->outcome));
    if (action[0] != '\0')
        bhi_answer_add_header(&answer, BHI_HEADER_ACTION, action);
    return answer;
}

static bhi_answer answer_failed(const bh_result *result)
{
    static const char *const texts[BH_OUTCOME_COUNT] = {
#define OUTCOME_TEXT(name, printed, clean, text) text,
        BH_OUTCOME_MAP(OUTCOME_TEXT)
#undef OUTCOME_TEXT
    };
    bool is_known = (unsigned)result->outcome < BH_OUTCOME_COUNT;
    unsigned http_status = is_known ? outcome_http[result->outcome] : 500;
    const char *name = bh_outcome_name(result->outcome);
    const char *message = result->message != NULL && result->message[0] != '\0' ? result->message
                          : is_known ? texts[result->outcome]
                                     : name;
    const char *backtrace = result->backtrace != NULL ? result->backtrace : "";
    json_t *body = json_pack("{s:{s:s,s:o,s:o},s:s,s:I,s:o}", "error", "code", name, "message",
                             bhi_json_text(message), "backtrace", bhi_json_text(backtrace),
                             "outcome", name, "fuel_used", (json_int_t)result->fuel_used, "timings",
                             pack_timings(&result->timings));
    bhi_answer answer = bhi_answer_json(http_status, body);
    bhi_answer_add_header(&answer, BHI_HEADER_OUTCOME, name);
    advise_retry(&answer);
    return answer;
}

bhi_answer bhi_answer_result(const bh_result *result, bool as_octets)
{
    if (result->outcome != BH_OUTCOME_RETURNED)
        return answer_failed(result);
    return as_octets ? answer_octets(result) : answer_returned(result);
}
