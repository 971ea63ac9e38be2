/* cli/client.c - one libcurl handle, so that repeated questions share a connection.
 *
 * The daemon is on this machine: proxies of the environment are not asked, redirections not
 * followed, and an answer is bounded as anything that another process says.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "serve/address.h"
#include "serve/head.h"
#include "serve/serve.h"

enum { CONNECT_TIMEOUT_MS = 5000 };
#define ANSWER_BYTES_MAX ((size_t)256 << 20) /* statistics of the most capsules there can be */

struct bhi_cli_client {
    CURL *curl;
    char address[BHI_ADDRESS_TEXT_MAX];
    char *text; /* of the present answer */
    size_t text_len;
    bhi_cli_data_cb data_cb; /* NULL: the answer is kept whole */
    void *data_arg;
    bool has_stopped; /* data_cb said so */
};

bh_status bhi_cli_client_open(const char *listen, bhi_cli_client **ret_client, bh_error *reterr)
{
    bhi_address address;
    bh_status status =
        bhi_address_parse(listen != NULL ? listen : BHI_SERVE_LISTEN_DEFAULT, &address, reterr);
    if (status != BH_OK)
        return status;
    bhi_cli_client *client = calloc(1, sizeof *client);
    if (client == NULL || curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
        free(client);
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for a connection to the daemon");
    }
    bhi_address_format(&address, client->address);
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        bhi_cli_client_close(client);
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for a connection to the daemon");
    }
    *ret_client = client;
    return BH_OK;
}

void bhi_cli_client_close(bhi_cli_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client->text);
    free(client);
}

const char *bhi_cli_client_address(const bhi_cli_client *client)
{
    return client->address;
}

char *bhi_cli_client_path(bhi_cli_client *client, const char *before, const char *text,
                          const char *after)
{
    char *path = NULL;
    char *escaped = curl_easy_escape(client->curl, text, 0);
    if (escaped != NULL && asprintf(&path, "%s%s%s", before, escaped, after) < 0)
        path = NULL;
    curl_free(escaped);
    return path;
}

char *bhi_cli_client_capsule_path(bhi_cli_client *client, const char *name, const char *rest)
{
    return bhi_cli_client_path(client, "/v1/capsules/", name, rest);
}

static size_t keep_bytes(char *data, size_t size, size_t count, void *arg)
{
    bhi_cli_client *client = arg;
    size_t len = size * count;
    if (len > ANSWER_BYTES_MAX - client->text_len)
        return 0;
    char *text = realloc(client->text, client->text_len + len + 1);
    if (text == NULL)
        return 0;
    memcpy(text + client->text_len, data, len);
    client->text = text;
    client->text_len += len;
    return len;
}

static long http_status_of(const bhi_cli_client *client)
{
    long http_status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &http_status);
    return http_status;
}

/* A refusal is kept, to be told. */
static size_t pass_bytes(char *data, size_t size, size_t count, void *arg)
{
    bhi_cli_client *client = arg;
    if (http_status_of(client) >= 300)
        return keep_bytes(data, size, count, arg);
    client->has_stopped = !client->data_cb(client->data_arg, data, size * count);
    return client->has_stopped ? 0 : size * count;
}

static void set_up(bhi_cli_client *client, const bhi_cli_question *question, const char *url,
                   struct curl_slist *headers)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)question->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION,
                     client->data_cb != NULL ? pass_bytes : keep_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (question->is_post) {
        bhi_bytes body = question->body;
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.len > 0 ? (const char *)body.data : "");
    }
    client->text_len = 0;
}

static bh_status fail_transfer(const bhi_cli_client *client, CURLcode code, bh_error *reterr)
{
    if (code == CURLE_COULDNT_CONNECT)
        return bhi_fail(reterr, BH_E_IO,
                        "nothing listens on %s; start it with: bulkhead serve DIR (or name the "
                        "daemon's address with --listen)",
                        client->address);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return bhi_fail(reterr, BH_E_DEADLINE, "%s does not answer in time", client->address);
    return bhi_fail(reterr, code == CURLE_OUT_OF_MEMORY ? BH_E_NOMEM : BH_E_IO, "ask %s: %s",
                    client->address, curl_easy_strerror(code));
}

/* The daemon's own words when there are some. */
static bh_status fail_answer(const bhi_cli_client *client, long http_status, json_t *body,
                             bh_error *reterr)
{
    const char *message =
        json_string_value(json_object_get(json_object_get(body, "error"), "message"));
    if (message == NULL)
        return bhi_fail(reterr, BH_E_IO, "what listens on %s does not answer like bulkhead serve",
                        client->address);
    bh_status code = http_status == 400 ? BH_E_ARG : http_status == 404 ? BH_E_NOT_FOUND : BH_E_IO;
    return bhi_fail(reterr, code, "%s", message);
}

static bh_status read_answer(const bhi_cli_client *client, json_t **ret_body, bh_error *reterr)
{
    long http_status = http_status_of(client);
    json_t *body = client->text_len == 0
                       ? NULL
                       : json_loadb(client->text, client->text_len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body) && http_status >= 200 && http_status < 300) {
        *ret_body = body;
        return BH_OK;
    }
    bh_status status = fail_answer(client, http_status, body, reterr);
    json_decref(body);
    return status;
}

static bool add_header(struct curl_slist **inout_headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*inout_headers, line);
    if (longer != NULL)
        *inout_headers = longer;
    return longer != NULL;
}

static bool make_headers(const bhi_cli_question *question, struct curl_slist **ret_headers)
{
    char principal[96];
    snprintf(principal, sizeof principal, BHI_HEADER_PRINCIPAL ": %s",
             question->principal != NULL ? question->principal : "");
    *ret_headers = NULL;
    return (question->header == NULL || add_header(ret_headers, question->header)) &&
           (question->principal == NULL || add_header(ret_headers, principal)) &&
           add_header(ret_headers, "Expect:"); /* this daemon is worth no question before a body */
}

/* What curl says; the answer is in the client, or was passed on. */
static bh_status transfer(bhi_cli_client *client, const bhi_cli_question *question,
                          CURLcode *ret_code, bh_error *reterr)
{
    char *url = NULL;
    struct curl_slist *headers;
    bool is_made = make_headers(question, &headers);
    if (asprintf(&url, "http://%s%s", client->address, question->path) < 0)
        url = NULL;
    if (is_made && url != NULL) {
        set_up(client, question, url, headers);
        *ret_code = curl_easy_perform(client->curl);
    }
    curl_slist_free_all(headers);
    bool is_done = is_made && url != NULL;
    free(url);
    return is_done ? BH_OK
                   : bhi_fail(reterr, BH_E_NOMEM, "out of memory for a question to the daemon");
}

bh_status bhi_cli_client_ask(bhi_cli_client *client, const bhi_cli_question *question,
                             json_t **ret_body, bh_error *reterr)
{
    CURLcode code;
    client->data_cb = NULL;
    bh_status status = transfer(client, question, &code, reterr);
    if (status != BH_OK)
        return status;
    return code == CURLE_OK ? read_answer(client, ret_body, reterr)
                            : fail_transfer(client, code, reterr);
}

bh_status bhi_cli_client_stream(bhi_cli_client *client, const bhi_cli_question *question,
                                bhi_cli_data_cb data_cb, void *arg, bh_error *reterr)
{
    CURLcode code;
    json_t *body;
    client->data_cb = data_cb;
    client->data_arg = arg;
    client->has_stopped = false;
    bh_status status = transfer(client, question, &code, reterr);
    if (status != BH_OK || client->has_stopped)
        return status;
    if (code != CURLE_OK)
        return fail_transfer(client, code, reterr);
    if (http_status_of(client) < 300)
        return bhi_fail(reterr, BH_E_CLOSED, "%s has ended the stream", client->address);
    status = read_answer(client, &body, reterr);
    BHI_ASSERT(status != BH_OK); /* by its HTTP status */
    return status;
}
