/* host/http_transfer.c - easy handles: their options, their callbacks, what their codes mean.
 *
 * Options that never change are set when a handle is made; every other one is set at each start, so
 * a handle that served before needs no reset. libcurl's callbacks are thin: they translate, and
 * what a cancelled transfer still hears is refused here.
 *
 * Peers are checked twice (C3): when a socket is about to be opened, by the address that it will be
 * connected to, and before a request is sent, because a kept connection opens no socket.
 */
#include "host/http_client_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/http_address.h"

/* ---- libcurl's callbacks ---- */

/* Not a name, so no thread looks it up. */
static bool is_address(CURLU *url)
{
    char *host = NULL;
    struct sockaddr_storage address;
    bool is_one = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  (host[0] == '[' || bhi_http_address_parse(host, &address));
    curl_free(host);
    return is_one;
}

static int lookup_curl_cb(void *resolver_state, void *reserved, void *arg)
{
    bhi_http_transfer *transfer = arg;
    if (transfer->ops == NULL)
        return 1;
    if (is_address(transfer->url))
        return 0;
    transfer->is_looking_up =
        bhi_http_owners_may_look_up(&transfer->client->owners, transfer->owner, bhi_monotonic_ns());
    return transfer->is_looking_up ? 0 : 1;
}

static curl_socket_t open_curl_cb(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    bhi_http_transfer *transfer = arg;
    bhi_http_client *client = transfer->client;
    transfer->is_looking_up = false;
    if (transfer->ops == NULL)
        return CURL_SOCKET_BAD;
    if (!transfer->ops->may_connect(transfer->arg, &address->addr)) {
        transfer->addresses_refused++;
        return CURL_SOCKET_BAD;
    }
    transfer->addresses_tried++;
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (descriptor >= 0 && !bhi_http_sockets_opened(&client->sockets, descriptor)) {
        close(descriptor);
        descriptor = -1;
    }
    client->connections_opened += descriptor >= 0;
    return descriptor >= 0 ? descriptor : CURL_SOCKET_BAD;
}

static int close_curl_cb(void *arg, curl_socket_t descriptor)
{
    bhi_http_client *client = arg;
    bhi_http_sockets_closing(&client->sockets, descriptor);
    return close(descriptor);
}

static int before_request_curl_cb(void *arg, char *peer_ip, char *own_ip, int peer_port,
                                  int own_port)
{
    bhi_http_transfer *transfer = arg;
    struct sockaddr_storage peer;
    transfer->is_looking_up = false;
    if (transfer->ops == NULL)
        return CURL_PREREQFUNC_ABORT;
    if (!bhi_http_address_parse(peer_ip, &peer) ||
        !transfer->ops->may_connect(transfer->arg, (const struct sockaddr *)&peer)) {
        transfer->addresses_refused++;
        transfer->addresses_tried = 0;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->is_connected = true;
    return CURL_PREREQFUNC_OK;
}

static size_t line_curl_cb(char *bytes, size_t size, size_t count, void *arg)
{
    bhi_http_transfer *transfer = arg;
    bhi_bytes line = {(const uint8_t *)bytes, size * count};
    if (transfer->ops == NULL)
        return 0;
    transfer->is_stopped = !transfer->ops->line(transfer->arg, line);
    return transfer->is_stopped ? 0 : line.len;
}

/* libcurl takes 0 for a failure when there were bytes. */
static size_t body_curl_cb(char *bytes, size_t size, size_t count, void *arg)
{
    bhi_http_transfer *transfer = arg;
    bhi_bytes body = {(const uint8_t *)bytes, size * count};
    if (transfer->ops == NULL)
        return 0;
    switch (transfer->ops->body(transfer->arg, body)) {
    case BHI_HTTP_TAKE_MORE:
        return body.len;
    case BHI_HTTP_TAKE_LATER:
        return CURL_WRITEFUNC_PAUSE;
    case BHI_HTTP_TAKE_NONE:
        break;
    }
    transfer->is_stopped = true;
    return 0;
}

/* ---- options ---- */

#define SET(easy, option, value)                                                                   \
    if (curl_easy_setopt(easy, option, value) != CURLE_OK)                                         \
    return false

static bool set_callbacks(bhi_http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    SET(easy, CURLOPT_PRIVATE, transfer);
    SET(easy, CURLOPT_RESOLVER_START_FUNCTION, lookup_curl_cb);
    SET(easy, CURLOPT_RESOLVER_START_DATA, transfer);
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_curl_cb);
    SET(easy, CURLOPT_OPENSOCKETDATA, transfer);
    SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_curl_cb);
    SET(easy, CURLOPT_CLOSESOCKETDATA, transfer->client); /* outlives the transfer, as the
                                                             connection does */
    SET(easy, CURLOPT_PREREQFUNCTION, before_request_curl_cb);
    SET(easy, CURLOPT_PREREQDATA, transfer);
    SET(easy, CURLOPT_HEADERFUNCTION, line_curl_cb);
    SET(easy, CURLOPT_HEADERDATA, transfer);
    SET(easy, CURLOPT_WRITEFUNCTION, body_curl_cb);
    SET(easy, CURLOPT_WRITEDATA, transfer);
    return true;
}

static bool set_behaviour(CURL *easy)
{
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_NOPROGRESS, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L); /* else removing a handle waits for its name server */
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, ""); /* also not the one of the environment */
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* a handle serves one principal after another */
    return true;
}

static bool set_method(CURL *easy, const bhi_http_transfer_spec *spec)
{
    SET(easy, CURLOPT_CUSTOMREQUEST, spec->method);
    if (spec->has_body) {
        SET(easy, CURLOPT_NOBODY, 0L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->body.len);
        SET(easy, CURLOPT_POSTFIELDS, spec->body.len > 0 ? (const char *)spec->body.data : "");
    } else if (strcmp(spec->method, "HEAD") == 0) {
        SET(easy, CURLOPT_NOBODY, 1L);
    } else {
        SET(easy, CURLOPT_HTTPGET, 1L);
    }
    return true;
}

static bool set_request(bhi_http_transfer *transfer, const bhi_http_transfer_spec *spec)
{
    CURL *easy = transfer->easy;
    const bhi_http_seams *seams = &transfer->client->seams;
    transfer->resolve = seams->resolve != NULL ? seams->resolve(seams->arg) : NULL;
    transfer->owner = bhi_http_owners_enter(&transfer->client->owners, spec->owner);
    if (transfer->owner == NULL)
        return false;
    SET(easy, CURLOPT_SHARE, transfer->owner->connections);
    SET(easy, CURLOPT_CURLU, spec->url);
    SET(easy, CURLOPT_HTTPHEADER, spec->headers);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)spec->connect_ms_max);
    SET(easy, CURLOPT_RESOLVE, transfer->resolve);
    if (seams->ca_file != NULL)
        SET(easy, CURLOPT_CAINFO, seams->ca_file);
    return set_method(easy, spec);
}

/* ---- make, recycle ---- */

static bhi_http_transfer *create(bhi_http_client *client)
{
    bhi_http_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        return NULL;
    transfer->client = client;
    bhi_link_init(&transfer->link);
    transfer->easy = curl_easy_init();
    if (transfer->easy != NULL && set_callbacks(transfer) && set_behaviour(transfer->easy))
        return transfer;
    bhi_http_transfer_destroy(transfer);
    return NULL;
}

static bhi_http_transfer *take_spare(bhi_http_client *client)
{
    bhi_link *link = bhi_list_first(&client->spares);
    if (link == NULL)
        return create(client);
    bhi_list_remove(link);
    client->spares_count--;
    return BHI_CONTAINER_OF(link, bhi_http_transfer, link);
}

bhi_http_transfer *bhi_http_transfer_make(bhi_http_client *client,
                                          const bhi_http_transfer_spec *spec)
{
    bhi_http_transfer *transfer = take_spare(client);
    if (transfer == NULL)
        return NULL;
    transfer->ops = spec->ops;
    transfer->arg = spec->arg;
    transfer->url = spec->url;
    transfer->addresses_refused = transfer->addresses_tried = 0;
    transfer->is_looking_up = transfer->is_connected = transfer->is_stopped = false;
    if (set_request(transfer, spec))
        return transfer;
    bhi_http_transfer_recycle(transfer);
    return NULL;
}

void bhi_http_transfer_recycle(bhi_http_transfer *transfer)
{
    bhi_http_client *client = transfer->client;
    curl_slist_free_all(transfer->resolve);
    transfer->resolve = NULL;
    transfer->ops = NULL;
    curl_easy_setopt(transfer->easy, CURLOPT_SHARE, NULL);
    if (transfer->is_looking_up)
        bhi_http_owner_leave_lookup(
            transfer->owner, bhi_monotonic_ns() + client->seams.lookup_ms_max * BHI_NS_PER_MS);
    if (transfer->owner != NULL)
        bhi_http_owners_leave(&client->owners, transfer->owner);
    transfer->owner = NULL;
    if (client->spares_count >= BHI_HTTP_SPARES_MAX) {
        bhi_http_transfer_destroy(transfer);
        return;
    }
    bhi_list_push_front(&client->spares, &transfer->link);
    client->spares_count++;
}

void bhi_http_transfer_destroy(bhi_http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    free(transfer);
}

/* ---- codes ---- */

static bool is_of_tls(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return true;
    default:
        return false;
    }
}

/* libcurl has one code for a reset connection and for broken chunks; the former has an errno. */
static bhi_http_failure receive_failure(const bhi_http_transfer *transfer)
{
    long os_code = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_code);
    return os_code != 0 ? BHI_HTTP_CONNECTION_FAILED : BHI_HTTP_MALFORMED;
}

static bool is_refused(const bhi_http_transfer *transfer)
{
    return transfer->addresses_refused > 0 && transfer->addresses_tried == 0;
}

bhi_http_failure bhi_http_transfer_failure(const bhi_http_transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK)
        return BHI_HTTP_DONE;
    if (transfer->is_stopped)
        return BHI_HTTP_STOPPED;
    if (is_refused(transfer))
        return BHI_HTTP_PEER_REFUSED;
    if (is_of_tls(code))
        return BHI_HTTP_TLS_FAILED;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_ABORTED_BY_CALLBACK: /* too many lookups are left */
        return BHI_HTTP_DNS_FAILED;
    case CURLE_OPERATION_TIMEDOUT:
        return BHI_HTTP_TIMED_OUT;
    case CURLE_RECV_ERROR:
        return receive_failure(transfer);
    case CURLE_PARTIAL_FILE:
        return BHI_HTTP_TRUNCATED;
    case CURLE_OUT_OF_MEMORY: /* also a line of a head over libcurl's own limit */
        return transfer->is_connected ? BHI_HTTP_MALFORMED : BHI_HTTP_NO_MEMORY;
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return BHI_HTTP_CONNECTION_FAILED;
    default:
        return BHI_HTTP_MALFORMED;
    }
}
