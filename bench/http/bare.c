/* bench/http/bare.c - the peer of `make bench-http`: libmicrohttpd alone.
 *
 *   bench_http_bare LISTEN THREADS
 *
 * The same loop arrangement as the service (one thread, one libuv loop and one daemon per listening
 * socket, driven through the daemon's epoll descriptor) around a handler that reads the body and
 * returns it. It prints its address and runs until it is killed.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "serve/address.h"

enum { THREADS_MAX = 64, BODY_BYTES_MAX = 1 << 20 };

typedef struct bare_request {
    size_t len, capacity;
    char *body;
} bare_request;

typedef struct bare_server {
    uv_loop_t loop;
    uv_poll_t poll;
    uv_idle_t again; /* runs while the daemon has something to do at once */
    uv_timer_t timer;
    struct MHD_Daemon *daemon;
} bare_server;

static enum MHD_Result receive(bare_request *request, const char *data, size_t len)
{
    if (len > BODY_BYTES_MAX - request->len)
        return MHD_NO;
    if (request->len + len > request->capacity) {
        request->capacity = request->len + len;
        request->body = realloc(request->body, request->capacity);
        if (request->body == NULL)
            abort();
    }
    memcpy(request->body + request->len, data, len);
    request->len += len;
    return MHD_YES;
}

static enum MHD_Result answer(struct MHD_Connection *connection, const bare_request *request)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        request->len, request->len > 0 ? request->body : "", MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle_request(void *cls, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version,
                                      const char *upload_data, size_t *upload_data_size,
                                      void **request_cls)
{
    bare_request *request = *request_cls;
    if (request == NULL) {
        *request_cls = calloc(1, sizeof *request);
        return *request_cls != NULL ? MHD_YES : MHD_NO;
    }
    if (*upload_data_size == 0)
        return answer(connection, request);
    enum MHD_Result result = receive(request, upload_data, *upload_data_size);
    *upload_data_size = 0;
    return result;
}

static void free_request(void *cls, struct MHD_Connection *connection, void **request_cls,
                         enum MHD_RequestTerminationCode how)
{
    bare_request *request = *request_cls;
    if (request != NULL)
        free(request->body);
    free(request);
}

static void run_daemon(bare_server *server);

static void on_again(uv_idle_t *idle)
{
    run_daemon(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
    run_daemon(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    run_daemon(poll->data);
}

static void run_daemon(bare_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    MHD_run(server->daemon);
    uv_idle_stop(&server->again);
    if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
        return;
    if (timeout_ms == 0)
        uv_idle_start(&server->again, on_again);
    else if (!uv_is_active((uv_handle_t *)&server->timer))
        uv_timer_start(&server->timer, on_timer, timeout_ms, 0);
}

static void start_server(bare_server *server, int socket)
{
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle_request,
                         NULL, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_NOTIFY_COMPLETED,
                         free_request, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
    if (server->daemon == NULL) {
        fprintf(stderr, "the daemon does not start\n");
        exit(1);
    }
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_loop_init(&server->loop);
    uv_idle_init(&server->loop, &server->again);
    uv_timer_init(&server->loop, &server->timer);
    uv_poll_init(&server->loop, &server->poll, fd);
    server->poll.data = server->timer.data = server->again.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
}

static void *serve(void *arg)
{
    bare_server *server = arg;
    run_daemon(server);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    return NULL;
}

int main(int argc, char **argv)
{
    static bare_server servers[THREADS_MAX];
    static pthread_t threads[THREADS_MAX];
    int sockets[THREADS_MAX];
    char text[BHI_ADDRESS_TEXT_MAX];
    bhi_address address;
    bh_error error;
    int count = argc == 3 ? atoi(argv[2]) : 0;
    if (count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "usage: bench_http_bare LISTEN THREADS\n");
        return 2;
    }
    if (bhi_address_parse(argv[1], &address, &error) != BH_OK ||
        bhi_address_listen(&address, (uint32_t)count, sockets, &error) != BH_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        start_server(&servers[i], sockets[i]);
        pthread_create(&threads[i], NULL, serve, &servers[i]);
    }
    bhi_address_format(&address, text);
    printf("listening on http://%s\n", text);
    fflush(stdout);
    pthread_join(threads[0], NULL);
    return 0;
}
