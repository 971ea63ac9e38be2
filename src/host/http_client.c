/* host/http_client.c - libcurl's multi handle on the loop of a worker.
 *
 * The loop watches one descriptor, the epoll set of http_sockets.h, and runs one timer, libcurl's.
 * Both are referenced only while transfers run: else an idle client would cost every turn of its
 * worker a look at the loop. What libcurl wants to do at once, such as begin a transfer, it does
 * before the loop looks at its descriptors: all that a turn began is sent, then all that came is
 * read. Mixed, each request and each response would cost a quarter more.
 *
 * While libcurl runs it calls back, and a handle may not be removed inside its own callback. So
 * what is cancelled meanwhile is put aside, and removed once libcurl has returned. Ends are looked
 * at only then, too, from the loop and nowhere else (C1).
 */
#include "host/http_client_state.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "base/log.h"
#include "host/http_address.h"

/* A resolver asks a few servers a few times, five seconds each. */
enum { LOOKUP_MS_MAX = 60000 };

/* ---- kept connections ---- */

/* libcurl counts each owner's connections apart; their sum is bounded here (C5). */
static bool set_kept_max(bhi_http_client *client, long kept_max)
{
    if (client->kept_max == kept_max)
        return true;
    client->kept_max = kept_max;
    return curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, kept_max) == CURLM_OK;
}

static bool are_too_many_kept(const bhi_http_client *client)
{
    return client->sockets.open_count > client->running_count + BHI_HTTP_CONNECTIONS_KEPT_MAX;
}

static void bound_kept(bhi_http_client *client)
{
    while (are_too_many_kept(client) && bhi_http_owners_drop_oldest(&client->owners)) {
    }
    set_kept_max(client, are_too_many_kept(client) ? 1 : BHI_HTTP_CONNECTIONS_KEPT_MAX);
}

/* ---- ends ---- */

static void leave_multi(bhi_http_transfer *transfer)
{
    bhi_http_client *client = transfer->client;
    curl_multi_remove_handle(client->multi, transfer->easy);
    bhi_list_remove(&transfer->link);
    client->running_count--;
    if (client->running_count == 0) {
        uv_unref((uv_handle_t *)&client->poll);
        uv_unref((uv_handle_t *)&client->timer);
    }
}

static void drop_cancelled(bhi_http_client *client)
{
    bhi_link *link;
    while ((link = bhi_list_first(&client->cancelled)) != NULL) {
        bhi_http_transfer *transfer = BHI_CONTAINER_OF(link, bhi_http_transfer, link);
        leave_multi(transfer);
        bhi_http_transfer_recycle(transfer);
    }
}

static void end(bhi_http_transfer *transfer, bhi_http_failure failure)
{
    const bhi_http_transfer_ops *ops = transfer->ops;
    void *arg = transfer->arg;
    leave_multi(transfer);
    bhi_http_transfer_recycle(transfer);
    ops->done(arg, failure); /* may start and cancel others */
}

static void end_stopped(bhi_http_client *client)
{
    bhi_link *link;
    while ((link = bhi_list_first(&client->ended)) != NULL)
        end(BHI_CONTAINER_OF(link, bhi_http_transfer, link), BHI_HTTP_STOPPED);
}

static void end_done(bhi_http_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *private = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        bhi_http_transfer *transfer = (bhi_http_transfer *)private;
        if (code == CURLE_COULDNT_RESOLVE_HOST)
            transfer->is_looking_up = false;
        end(transfer, bhi_http_transfer_failure(transfer, code));
    }
}

static void look_at_ends(bhi_http_client *client)
{
    drop_cancelled(client);
    end_stopped(client);
    end_done(client);
    bound_kept(client);
}

/* ---- the loop ---- */

static void act(bhi_http_client *client, curl_socket_t socket, int events)
{
    int running;
    client->is_in_curl = true;
    curl_multi_socket_action(client->multi, socket, events, &running);
    client->is_in_curl = false;
}

static int action_of(uint32_t events)
{
    int action = 0;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
        action |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        action |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        action |= CURL_CSELECT_ERR;
    return action;
}

static void polled_uv_cb(uv_poll_t *handle, int status, int events)
{
    bhi_http_client *client = handle->data;
    bhi_http_event happened[BHI_HTTP_EVENTS_MAX];
    size_t count = bhi_http_sockets_poll(&client->sockets, happened);
    for (size_t i = 0; i < count; i++)
        act(client, happened[i].descriptor, action_of(happened[i].events));
    look_at_ends(client);
}

static void act_in_time(bhi_http_client *client)
{
    act(client, CURL_SOCKET_TIMEOUT, 0);
    look_at_ends(client);
}

static void timer_uv_cb(uv_timer_t *handle)
{
    act_in_time(handle->data);
}

static void look_uv_cb(uv_idle_t *handle)
{
    uv_idle_stop(handle);
    act_in_time(handle->data);
}

static void start_timer(bhi_http_client *client, uint64_t timeout_ms)
{
    uv_timer_t *timer = &client->timer;
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > timeout_ms)
        uv_timer_start(timer, timer_uv_cb, timeout_ms, 0);
}

/* libcurl asks to act after a while, now, or not at all (-1). A timer that runs is left alone when
 * it is early enough: at an early look libcurl asks again, and most of what it waits for comes
 * before. */
static int timer_curl_cb(CURLM *multi, long timeout_ms, void *arg)
{
    bhi_http_client *client = arg;
    if (timeout_ms > 0)
        start_timer(client, (uint64_t)timeout_ms);
    else if (timeout_ms == 0)
        uv_idle_start(&client->look, look_uv_cb);
    return 0;
}

static int socket_curl_cb(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    static const uint32_t events[] = {
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
        [CURL_POLL_REMOVE] = 0,
    };
    bhi_http_client *client = arg;
    return bhi_http_sockets_watch(&client->sockets, socket, events[what]) ? 0 : -1;
}

/* ---- transfers ---- */

bh_status bhi_http_transfer_start(bhi_http_client *client, const bhi_http_transfer_spec *spec,
                                  bhi_http_transfer **ret_transfer, bh_error *reterr)
{
    BHI_ASSERT(!client->is_in_curl);
    if (client->running_count >= BHI_HTTP_TRANSFERS_MAX)
        return bhi_fail(reterr, BH_E_LIMIT, "%d HTTP transfers run on this worker",
                        BHI_HTTP_TRANSFERS_MAX);
    bhi_http_transfer *transfer = bhi_http_transfer_make(client, spec);
    if (transfer == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an HTTP transfer");
    if (curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
        bhi_http_transfer_recycle(transfer);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an HTTP transfer");
    }
    bhi_list_push_back(&client->running, &transfer->link);
    if (client->running_count++ == 0) {
        uv_ref((uv_handle_t *)&client->poll);
        uv_ref((uv_handle_t *)&client->timer);
    }
    *ret_transfer = transfer;
    return BH_OK;
}

void bhi_http_transfer_cancel(bhi_http_transfer *transfer)
{
    bhi_http_client *client = transfer->client;
    transfer->ops = NULL;
    bhi_list_remove(&transfer->link);
    bhi_list_push_back(&client->cancelled, &transfer->link);
    if (client->is_in_curl)
        return;
    drop_cancelled(client);
    bound_kept(client);
}

void bhi_http_transfer_resume(bhi_http_transfer *transfer)
{
    bhi_http_client *client = transfer->client;
    bool was_in_curl = client->is_in_curl;
    client->is_in_curl = true;
    CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    client->is_in_curl = was_in_curl;
    if (code != CURLE_OK && transfer->ops != NULL) {
        bhi_list_remove(&transfer->link);
        bhi_list_push_back(&client->ended, &transfer->link);
    }
    if (code != CURLE_OK || !bhi_link_is_alone(&client->cancelled))
        uv_idle_start(&client->look, look_uv_cb);
}

/* ---- open, close ---- */

static bool set_up_multi(bhi_http_client *client)
{
    CURLM *multi = client->multi = curl_multi_init();
    return multi != NULL &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_curl_cb) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_curl_cb) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
           set_kept_max(client, BHI_HTTP_CONNECTIONS_KEPT_MAX);
}

static bh_status open_handles(bhi_http_client *client, bh_error *reterr)
{
    uv_loop_t *loop = bhi_worker_loop(client->worker);
    int failed = uv_poll_init(loop, &client->poll, client->sockets.epoll);
    if (failed != 0)
        return bhi_fail(reterr, BH_E_IO, "watch an epoll descriptor: %s", uv_strerror(failed));
    uv_timer_init(loop, &client->timer);
    uv_idle_init(loop, &client->look);
    client->poll.data = client->timer.data = client->look.data = client;
    client->handles_open = 3;
    uv_poll_start(&client->poll, UV_READABLE, polled_uv_cb);
    uv_unref((uv_handle_t *)&client->poll);
    uv_unref((uv_handle_t *)&client->timer);
    return BH_OK;
}

static void begin(bhi_http_client *client, bhi_worker *worker)
{
    client->worker = worker;
    client->seams.is_public = bhi_http_address_is_public;
    client->seams.lookup_ms_max = LOOKUP_MS_MAX;
    bhi_http_owners_init(&client->owners);
    bhi_http_recent_urls_init(&client->recent_urls);
    bhi_link_init(&client->running);
    bhi_link_init(&client->cancelled);
    bhi_link_init(&client->ended);
    bhi_link_init(&client->spares);
}

static bh_status open_client(bhi_worker *worker, void **ret_service, bh_error *reterr)
{
    bhi_http_client *client = calloc(1, sizeof *client);
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an HTTP client");
    }
    begin(client, worker);
    bh_status status = bhi_http_sockets_init(&client->sockets, reterr);
    if (status != BH_OK) {
        free(client);
        return status;
    }
    status = set_up_multi(client) ? open_handles(client, reterr)
                                  : bhi_fail(reterr, BH_E_NOMEM, "no memory for an HTTP client");
    if (status != BH_OK) {
        curl_multi_cleanup(client->multi);
        bhi_http_sockets_deinit(&client->sockets);
        free(client);
        return status;
    }
    *ret_service = client;
    return BH_OK;
}

static void closed_uv_cb(uv_handle_t *handle)
{
    bhi_http_client *client = handle->data;
    if (--client->handles_open == 0)
        free(client);
}

static void destroy_spares(bhi_http_client *client)
{
    bhi_link *link;
    while ((link = bhi_list_first(&client->spares)) != NULL) {
        bhi_list_remove(link);
        bhi_http_transfer_destroy(BHI_CONTAINER_OF(link, bhi_http_transfer, link));
    }
}

/* No task runs any more, but whoever still has a transfer is told (C1). */
static void close_client(void *service)
{
    bhi_http_client *client = service;
    bhi_link *link;
    look_at_ends(client);
    while ((link = bhi_list_first(&client->running)) != NULL)
        end(BHI_CONTAINER_OF(link, bhi_http_transfer, link), BHI_HTTP_CLOSED);
    destroy_spares(client);
    bhi_http_recent_urls_deinit(&client->recent_urls);
    bhi_http_owners_deinit(&client->owners); /* closes the kept connections */
    curl_multi_cleanup(client->multi);
    uv_close((uv_handle_t *)&client->poll, closed_uv_cb);
    uv_close((uv_handle_t *)&client->timer, closed_uv_cb);
    uv_close((uv_handle_t *)&client->look, closed_uv_cb);
    bhi_http_sockets_deinit(&client->sockets);
}

const bhi_service_kind bhi_http_client_kind = {.open = open_client, .close = close_client};

bhi_http_url_verdict bhi_http_client_parse_url(bhi_http_client *client, bhi_bytes text,
                                               bhi_http_url *ret_url)
{
    return bhi_http_recent_urls_parse(&client->recent_urls, text, ret_url);
}

bhi_http_seams *bhi_http_client_seams(bhi_http_client *client)
{
    return &client->seams;
}

void bhi_http_client_read_stats(const bhi_http_client *client, bhi_http_client_stats *ret_stats)
{
    *ret_stats = (bhi_http_client_stats){.connections_opened = client->connections_opened,
                                         .transfers_running = client->running_count};
}
