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

#include "serve/address.h"
#include "serve/serve.h"

enum { CONNECT_TIMEOUT_MS = 5000 };
#define ANSWER_BYTES_MAX ((size_t)256 << 20) /* statistics of the most capsules there can be */

struct bhi_cli_client {
    CURL *curl;
    char address[BHI_ADDRESS_TEXT_MAX];
    char *text; /* of the present answer */
    size_t text_len;
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

char *bhi_cli_client_capsule_path(bhi_cli_client *client, const char *name, const char *rest)
{
    char *path = NULL;
    char *escaped = curl_easy_escape(client->curl, name, 0);
    if (escaped != NULL && asprintf(&path, "/v1/capsules/%s%s", escaped, rest) < 0)
        path = NULL;
    curl_free(escaped);
    return path;
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
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (question->is_post)
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, "");
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
    long http_status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &http_status);
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

bh_status bhi_cli_client_ask(bhi_cli_client *client, const bhi_cli_question *question,
                             json_t **ret_body, bh_error *reterr)
{
    char *url = NULL;
    if (asprintf(&url, "http://%s%s", client->address, question->path) < 0)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory for a question to the daemon");
    struct curl_slist *headers =
        question->header == NULL ? NULL : curl_slist_append(NULL, question->header);
    set_up(client, question, url, headers);
    CURLcode code = curl_easy_perform(client->curl);
    bh_status status = code == CURLE_OK ? read_answer(client, ret_body, reterr)
                                        : fail_transfer(client, code, reterr);
    curl_slist_free_all(headers);
    free(url);
    return status;
}
