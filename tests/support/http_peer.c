/* support/http_peer.c - see the header. */
#include "support/http_peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST_BYTES_MAX = 12 << 20, STACK_BYTES = 512 << 10 };

struct http_peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned permits, waiters, requests, connections, open;
    size_t sent_bytes;
    bool is_closing;
    struct connection *all; /* every one, for the end */
};

typedef struct connection {
    http_peer *peer;
    int socket;
    pthread_t thread;
    struct connection *next;
    char *request; /* grows; terminated */
    size_t len, capacity;
    size_t head_len, body_len;
    char path[16384]; /* without the query's meaning: as it came */
    bool must_close;
} connection;

/* ---- waiting ---- */

/* False: the peer closes. */
static bool await_permit(http_peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->waiters++;
    pthread_cond_broadcast(&peer->changed);
    while (peer->permits == 0 && !peer->is_closing)
        pthread_cond_wait(&peer->changed, &peer->lock);
    bool may_pass = peer->permits > 0;
    peer->permits -= may_pass;
    peer->waiters--;
    pthread_mutex_unlock(&peer->lock);
    return may_pass;
}

void http_peer_permit(http_peer *peer, unsigned count)
{
    pthread_mutex_lock(&peer->lock);
    peer->permits += count;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

void http_peer_await_no_connections(http_peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    while (peer->open > 0)
        pthread_cond_wait(&peer->changed, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
}

static unsigned read_counter(http_peer *peer, const unsigned *counter)
{
    pthread_mutex_lock(&peer->lock);
    unsigned value = *counter;
    pthread_mutex_unlock(&peer->lock);
    return value;
}

unsigned http_peer_requests(http_peer *peer)
{
    return read_counter(peer, &peer->requests);
}

unsigned http_peer_waiters(http_peer *peer)
{
    return read_counter(peer, &peer->waiters);
}

size_t http_peer_sent_bytes(http_peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    size_t bytes = peer->sent_bytes;
    pthread_mutex_unlock(&peer->lock);
    return bytes;
}

unsigned http_peer_open_connections(http_peer *peer)
{
    return read_counter(peer, &peer->open);
}

unsigned http_peer_connections(http_peer *peer)
{
    return read_counter(peer, &peer->connections);
}

uint16_t http_peer_port(const http_peer *peer)
{
    return peer->port;
}

/* ---- sending ---- */

static bool put(connection *c, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len > 0) {
        ssize_t sent = send(c->socket, from, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            c->must_close = true;
            return false;
        }
        from += sent;
        len -= (size_t)sent;
        pthread_mutex_lock(&c->peer->lock);
        c->peer->sent_bytes += (size_t)sent;
        pthread_mutex_unlock(&c->peer->lock);
    }
    return true;
}

static bool say(connection *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool say(connection *c, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    bool is_sent = len >= 0 && put(c, text, (size_t)len);
    free(text);
    return is_sent;
}

static bool answer(connection *c, unsigned status, const char *more_headers, const void *body,
                   size_t len)
{
    bool has_body = status != 304 && strncmp(c->request, "HEAD ", 5) != 0;
    return say(c, "HTTP/1.1 %u Text\r\nContent-Length: %zu\r\n%s\r\n", status, len, more_headers) &&
           (!has_body || put(c, body, len));
}

static bool answer_text(connection *c, unsigned status, const char *more_headers, const char *text)
{
    return answer(c, status, more_headers, text, strlen(text));
}

/* `len` bytes of a pattern. */
static bool put_bytes(connection *c, size_t len)
{
    char block[4096];
    memset(block, 'x', sizeof block);
    while (len > 0) {
        size_t part = len < sizeof block ? len : sizeof block;
        if (!put(c, block, part))
            return false;
        len -= part;
    }
    return true;
}

static void reset(connection *c)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    c->must_close = true;
}

/* ---- behaviours ---- */

static unsigned long number(const char *text)
{
    return strtoul(text, NULL, 10);
}

static void do_echo(connection *c, const char *rest)
{
    answer(c, 200, "Content-Type: text/plain\r\n", c->request, c->head_len + c->body_len);
}

static void do_text(connection *c, const char *rest)
{
    answer_text(c, 200, "", rest);
}

static void do_status(connection *c, const char *rest)
{
    char text[64];
    snprintf(text, sizeof text, "status %lu", number(rest));
    answer_text(c, (unsigned)number(rest), "", text);
}

static void do_bytes(connection *c, const char *rest)
{
    bool is_head = strncmp(c->request, "HEAD ", 5) == 0;
    if (say(c, "HTTP/1.1 200 OK\r\nContent-Length: %lu\r\n\r\n", number(rest)) && !is_head)
        put_bytes(c, number(rest));
}

static const char chunked_head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

static bool put_chunk(connection *c, size_t len)
{
    return say(c, "%zx\r\n", len) && put_bytes(c, len) && say(c, "\r\n");
}

static void do_chunked(connection *c, const char *rest)
{
    size_t left = number(rest);
    bool is_sent = say(c, "%s", chunked_head);
    while (is_sent && left > 0) {
        size_t part = left < 1000 ? left : 1000;
        is_sent = put_chunk(c, part);
        left -= part;
    }
    if (is_sent)
        say(c, "0\r\n\r\n");
}

static void do_redirect(connection *c, const char *rest)
{
    char headers[64];
    snprintf(headers, sizeof headers, "Location: /redirect/%lu\r\n", number(rest) - 1);
    if (number(rest) == 0)
        answer_text(c, 200, "", "arrived");
    else
        answer_text(c, 302, headers, "elsewhere");
}

static void do_loop(connection *c, const char *rest)
{
    answer_text(c, 302, "Location: /loop\r\n", "");
}

static void do_to(connection *c, const char *rest)
{
    char headers[16500];
    const char *slash = strchr(rest, '/');
    snprintf(headers, sizeof headers, "Location: %s\r\n", slash != NULL ? slash + 1 : "");
    answer_text(c, (unsigned)number(rest), headers, "");
}

static void do_to_close(connection *c, const char *rest)
{
    c->must_close = true;
    say(c, "HTTP/1.1 302 F\r\nLocation: %s\r\nConnection: close\r\n\r\n", rest);
}

static void do_to_big(connection *c, const char *rest)
{
    if (say(c, "HTTP/1.1 302 F\r\nLocation: /text/arrived\r\nContent-Length: %lu\r\n\r\n",
            number(rest)))
        put_bytes(c, number(rest));
}

static void do_hold(connection *c, const char *rest)
{
    if (await_permit(c->peer))
        answer_text(c, 200, "", "held");
}

static void do_half(connection *c, const char *rest)
{
    size_t half = number(rest);
    if (say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", 2 * half) && put_bytes(c, half) &&
        await_permit(c->peer))
        put_bytes(c, half);
}

static void do_half_cut(connection *c, const char *rest)
{
    c->must_close = true;
    if (say(c, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789"))
        await_permit(c->peer);
}

static void do_drip(connection *c, const char *rest)
{
    bool is_sent = say(c, "%s", chunked_head);
    for (size_t left = number(rest); is_sent && left > 0; left--)
        is_sent = await_permit(c->peer) && put_chunk(c, 1);
    if (is_sent)
        say(c, "0\r\n\r\n");
}

static void do_endless(connection *c, const char *rest)
{
    bool is_sent = say(c, "%s", chunked_head);
    while (is_sent)
        is_sent = put_chunk(c, 4096);
}

static void do_endless_length(connection *c, const char *rest)
{
    bool is_sent = say(c, "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n");
    while (is_sent)
        is_sent = put_bytes(c, 4096);
}

static void do_close(connection *c, const char *rest)
{
    c->must_close = true;
    say(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", rest);
}

static void do_raw(connection *c, const char *text)
{
    c->must_close = true;
    say(c, "%s", text);
}

static void do_reset(connection *c, const char *rest)
{
    reset(c);
}

static void do_reset_body(connection *c, const char *rest)
{
    if (say(c, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789") && await_permit(c->peer))
        reset(c);
}

static void do_interim(connection *c, const char *rest)
{
    if (say(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"))
        answer_text(c, 200, "", "final");
}

static void do_endless_interim(connection *c, const char *rest)
{
    while (say(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"))
        ;
}

static void do_headers(connection *c, const char *rest)
{
    bool is_sent = say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (size_t i = 0; is_sent && i < number(rest); i++)
        is_sent = say(c, "x-%zu: v\r\n", i);
    say(c, "\r\n");
}

static void do_big_header(connection *c, const char *rest)
{
    if (say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nbig: ") && put_bytes(c, number(rest)))
        say(c, "\r\n\r\n");
}

static void do_latin1(connection *c, const char *rest)
{
    answer_text(c, 200, "X-Name: caf\xe9 \t\r\nX-Empty:\r\n", "");
}

static void do_twice(connection *c, const char *rest)
{
    answer_text(c, 200, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", "");
}

static void do_head_body(connection *c, const char *rest)
{
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
           "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
}

static void do_trailers(connection *c, const char *rest)
{
    say(c, "%s3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n", chunked_head);
}

static void do_etag(connection *c, const char *rest)
{
    static const char headers[] = "ETag: \"v1\"\r\nCache-Control: max-age=0\r\n";
    bool is_known = strstr(c->request, "\"v1\"") != NULL;
    answer_text(c, is_known ? 304 : 200, headers, is_known ? "" : "body");
}

static void do_fresh(connection *c, const char *rest)
{
    answer_text(c, 200, "Cache-Control: public, max-age=3600\r\n", "body");
}

static const struct {
    const char *path;
    void (*run)(connection *c, const char *rest);
    const char *raw; /* instead: sent as it is, then closed */
} behaviours[] = {
    {"/echo", do_echo, NULL},
    {"/text/", do_text, NULL},
    {"/status/", do_status, NULL},
    {"/bytes/", do_bytes, NULL},
    {"/chunked/", do_chunked, NULL},
    {"/redirect/", do_redirect, NULL},
    {"/loop", do_loop, NULL},
    {"/to/", do_to, NULL},
    {"/to-big/", do_to_big, NULL},
    {"/to-close/", do_to_close, NULL},
    {"/hold", do_hold, NULL},
    {"/half/", do_half, NULL},
    {"/half-cut", do_half_cut, NULL},
    {"/drip/", do_drip, NULL},
    {"/endless-length", do_endless_length, NULL},
    {"/endless-interim", do_endless_interim, NULL},
    {"/endless", do_endless, NULL},
    {"/close/", do_close, NULL},
    {"/reset-body", do_reset_body, NULL},
    {"/reset", do_reset, NULL},
    {"/interim", do_interim, NULL},
    {"/headers/", do_headers, NULL},
    {"/big-header/", do_big_header, NULL},
    {"/latin1", do_latin1, NULL},
    {"/twice", do_twice, NULL},
    {"/head-body", do_head_body, NULL},
    {"/trailers", do_trailers, NULL},
    {"/etag", do_etag, NULL},
    {"/fresh", do_fresh, NULL},
    {"/cut-line", NULL, "HTTP/1."},
    {"/cut-head", NULL, "HTTP/1.1 200 OK\r\nContent-Le"},
    {"/cut-body", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"},
    {"/cut-chunk", NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"},
    {"/garbage", NULL, "this is no HTTP\r\n\r\n"},
    {"/bad-chunk", NULL, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"},
    {"/fold", NULL, "HTTP/1.1 200 OK\r\nx-a: 1\r\n  2\r\nContent-Length: 0\r\n\r\n"},
    {"/no-colon", NULL, "HTTP/1.1 200 OK\r\nx-a\r\nContent-Length: 0\r\n\r\n"},
    {"/control", NULL, "HTTP/1.1 200 OK\r\nx-a: \x01\r\nContent-Length: 0\r\n\r\n"},
    {"/gzip", NULL,
     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"},
    {"/switching", NULL, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nabc"},
};

static void behave(connection *c)
{
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
        size_t len = strlen(behaviours[i].path);
        if (strncmp(c->path, behaviours[i].path, len) != 0)
            continue;
        if (behaviours[i].run != NULL)
            behaviours[i].run(c, c->path + len);
        else
            do_raw(c, behaviours[i].raw);
        return;
    }
    answer_text(c, 404, "", "no such behaviour");
}

/* ---- reading ---- */

static bool read_more(connection *c)
{
    if (c->capacity - c->len < 4097) {
        c->capacity = c->capacity == 0 ? 8192 : 2 * c->capacity;
        c->request = realloc(c->request, c->capacity);
    }
    ssize_t got = recv(c->socket, c->request + c->len, c->capacity - c->len - 1, 0);
    if (got <= 0)
        return false;
    c->len += (size_t)got;
    c->request[c->len] = '\0';
    return c->len < REQUEST_BYTES_MAX;
}

static size_t content_length(const connection *c)
{
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = c->request; at < c->request + c->head_len; at++)
        if (strncasecmp(at, name, sizeof name - 1) == 0)
            return number(at + sizeof name - 1);
    return 0;
}

static bool read_request(connection *c)
{
    char *end;
    while (c->request == NULL || (end = strstr(c->request, "\r\n\r\n")) == NULL)
        if (!read_more(c))
            return false;
    c->head_len = (size_t)(end + 4 - c->request);
    c->body_len = content_length(c);
    while (c->len < c->head_len + c->body_len)
        if (!read_more(c))
            return false;
    return sscanf(c->request, "%*s %16383s", c->path) == 1;
}

static void forget_request(connection *c)
{
    size_t used = c->head_len + c->body_len;
    memmove(c->request, c->request + used, c->len - used + 1);
    c->len -= used;
}

static void *serve(void *arg)
{
    connection *c = arg;
    http_peer *peer = c->peer;
    while (!c->must_close && read_request(c)) {
        pthread_mutex_lock(&peer->lock);
        peer->requests++;
        pthread_cond_broadcast(&peer->changed);
        pthread_mutex_unlock(&peer->lock);
        behave(c);
        forget_request(c);
    }
    pthread_mutex_lock(&peer->lock);
    close(c->socket);
    c->socket = -1;
    peer->open--;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
    free(c->request);
    c->request = NULL;
    return NULL;
}

/* ---- open, close ---- */

static void start_connection(http_peer *peer, int socket)
{
    connection *c = calloc(1, sizeof *c);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    c->peer = peer;
    c->socket = socket;
    pthread_mutex_lock(&peer->lock);
    peer->connections++;
    peer->open++;
    c->next = peer->all;
    peer->all = c;
    if (peer->is_closing)
        shutdown(socket, SHUT_RDWR);
    if (pthread_create(&c->thread, &attributes, serve, c) != 0)
        abort();
    pthread_mutex_unlock(&peer->lock);
    pthread_attr_destroy(&attributes);
}

static void *accept_connections(void *arg)
{
    http_peer *peer = arg;
    int socket;
    while ((socket = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        start_connection(peer, socket);
    return NULL;
}

http_peer *http_peer_open(const char *address)
{
    http_peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(peer->listener, 4096), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&at, &len), 0);
    peer->port = ntohs(at.sin_port);
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->changed, NULL);
    assert_int_equal(pthread_create(&peer->thread, NULL, accept_connections, peer), 0);
    return peer;
}

void http_peer_close(http_peer *peer)
{
    if (peer == NULL)
        return;
    pthread_mutex_lock(&peer->lock);
    peer->is_closing = true;
    pthread_cond_broadcast(&peer->changed);
    for (connection *c = peer->all; c != NULL; c = c->next)
        if (c->socket >= 0)
            shutdown(c->socket, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    while (peer->all != NULL) {
        connection *c = peer->all;
        peer->all = c->next;
        pthread_join(c->thread, NULL);
        free(c);
    }
    pthread_cond_destroy(&peer->changed);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
}
