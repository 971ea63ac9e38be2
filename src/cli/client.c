/* cli/client.c - see client.h. */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/address.h"

#define LISTEN_DEFAULT   "127.0.0.1:8787"
#define ANSWER_BYTES_MAX ((size_t)256 << 20) /* of 4,096 capsules: a few MiB */

enum { CONNECT_MS_MAX = 5000 };

struct bhi_client {
    CURL *curl;
    char base[BHI_ADDRESS_TEXT_MAX + 8]; /* "http://127.0.0.1:8787" */
};

typedef struct answer {
    FILE *out; /* to `text` */
    char *text;
    size_t len, taken;
} answer;

bh_status bhi_client_create(const char *listen, bhi_client **ret_client, bh_error *reterr)
{
    bhi_address address;
    bh_status status =
        bhi_address_parse(listen != NULL ? listen : LISTEN_DEFAULT, &address, reterr);
    if (status != BH_OK)
        return status;
    bhi_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory");
    char text[BHI_ADDRESS_TEXT_MAX];
    bhi_address_format(&address, text);
    snprintf(client->base, sizeof client->base, "http://%s", text);
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        free(client);
        return bhi_fail(reterr, BH_E_NOMEM, "libcurl does not start");
    }
    *ret_client = client;
    return BH_OK;
}

void bhi_client_destroy(bhi_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client);
}

bh_status bhi_client_capsule_path(bhi_client *client, const char *capsule, const char *verb,
                                  char *ret_path, size_t size, bh_error *reterr)
{
    char *escaped = curl_easy_escape(client->curl, capsule, 0);
    if (escaped == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory");
    int len = snprintf(ret_path, size, "/v1/capsules/%s%s%s", escaped, verb != NULL ? "/" : "",
                       verb != NULL ? verb : "");
    curl_free(escaped);
    if (len < 0 || (size_t)len >= size)
        return bhi_fail(reterr, BH_E_ARG, "the capsule's name is too long");
    return BH_OK;
}

/* What libcurl calls with each piece; anything but its length ends the transfer. */
static size_t take_piece_cb(char *data, size_t unit, size_t count, void *arg)
{
    answer *into = arg;
    size_t len = unit * count;
    if (len > ANSWER_BYTES_MAX - into->taken)
        return 0;
    into->taken += len;
    return fwrite(data, 1, len, into->out);
}

static CURLcode transfer(bhi_client *client, const char *url, bool is_post, const char *header,
                         answer *into)
{
    CURL *curl = client->curl;
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:"); /* no 100-continue */
    if (header != NULL)
        headers = curl_slist_append(headers, header);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* it is on this machine */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_piece_cb);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, into);
    if (is_post)
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, "");
    CURLcode failed = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    return failed;
}

static bh_status fail_transfer(const bhi_client *client, CURLcode failed, bh_error *reterr)
{
    if (failed == CURLE_COULDNT_CONNECT)
        return bhi_fail(reterr, BH_E_NOT_FOUND,
                        "nothing listens on %s; start it with: bulkhead serve DIR", client->base);
    return bhi_fail(reterr, BH_E_IO, "%s: %s", client->base, curl_easy_strerror(failed));
}

bh_status bhi_client_ask(bhi_client *client, const char *path, bool is_post, const char *header,
                         bhi_client_reply *ret_reply, bh_error *reterr)
{
    char url[1024];
    int url_len = snprintf(url, sizeof url, "%s%s", client->base, path);
    if (url_len < 0 || (size_t)url_len >= sizeof url)
        return bhi_fail(reterr, BH_E_ARG, "the path is too long");
    answer into = {0};
    into.out = open_memstream(&into.text, &into.len);
    if (into.out == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "out of memory");
    CURLcode failed = transfer(client, url, is_post, header, &into);
    if (fclose(into.out) != 0 && failed == CURLE_OK)
        failed = CURLE_OUT_OF_MEMORY;
    bhi_client_reply reply = {0};
    if (failed == CURLE_OK)
        reply.body = json_loadb(into.text, into.len, JSON_ALLOW_NUL, NULL);
    free(into.text);
    if (failed != CURLE_OK)
        return fail_transfer(client, failed, reterr);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.http_status);
    if (reply.body == NULL)
        return bhi_fail(reterr, BH_E_CORRUPT, "%s%s answered %ld with something else than JSON",
                        client->base, path, reply.http_status);
    *ret_reply = reply;
    return BH_OK;
}

void bhi_client_read_refusal(const bhi_client_reply *reply, bh_error *ret_error)
{
    const json_t *error = json_object_get(reply->body, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    bh_status status =
        bhi_fail(ret_error, reply->http_status == 404 ? BH_E_NOT_FOUND : BH_E_IO, "%s",
                 message != NULL ? message : "the service refused without a reason");
    (void)status; /* in the error */
}
