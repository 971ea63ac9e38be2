/* support/http_peer.h - an HTTP server that behaves and misbehaves as the path says.
 *
 * Blocking sockets, one thread per connection. What a path does before it waits has been sent; it
 * goes on when the test lets one waiter pass (a counter of permits, no clock).
 *
 *   /echo            the request as it came: line, headers, empty line, body
 *   /text/TEXT       200, TEXT
 *   /status/N        N, "status N"
 *   /bytes/N         N bytes; /chunked/N the same in chunks
 *   /redirect/N      302 to /redirect/N-1; 0: 200, "arrived"
 *   /loop            302 to itself
 *   /to/N/URL        N with Location URL
 *   /to-big/N        302 to /text/arrived with a body of N bytes
 *   /to-close/URL    302 to URL, and the connection closes
 *   /hold            nothing until a permit, then 200 "held"
 *   /half/N          head of 2N bytes, N of them, a permit, the rest
 *   /half-cut        head of 20 bytes, 10 of them, a permit, close
 *   /drip/N          N bytes in chunks, a permit before each
 *   /endless         chunks until the client closes; /endless-length the same with a length
 *   /close/TEXT      TEXT until the connection closes
 *   /cut-line /cut-head /cut-body /cut-chunk   close in the middle
 *   /reset           a reset instead of an answer; /reset-body one in the middle of the body
 *   /garbage /bad-chunk /fold /no-colon /control /switching /interim /endless-interim
 *   /headers/N       N more headers; /big-header/N one with N bytes; /latin1; /twice; /trailers
 *   /gzip            "not gzip" with Content-Encoding: gzip
 *   /head-body       a whole second response where none may follow, after a HEAD
 *   /etag            "body" with ETag "v1", 304 if asked with it, Cache-Control max-age=0
 *   /fresh           "body" with Cache-Control max-age=3600
 */
#ifndef TEST_HTTP_PEER_H
#define TEST_HTTP_PEER_H

#include <stddef.h>
#include <stdint.h>

typedef struct http_peer http_peer;

/* Any free port of a numeric address; fails the test. */
http_peer *http_peer_open(const char *address);
/* Everybody passes; waits for all connections' threads. Takes NULL. */
void http_peer_close(http_peer *peer);

uint16_t http_peer_port(const http_peer *peer);
/* Let `count` waiters pass, present or future ones. */
void http_peer_permit(http_peer *peer, unsigned count);
/* Block until no connection is open. */
void http_peer_await_no_connections(http_peer *peer);
unsigned http_peer_waiters(http_peer *peer);  /* at this moment */
unsigned http_peer_requests(http_peer *peer); /* read in all */
size_t http_peer_sent_bytes(http_peer *peer);
unsigned http_peer_open_connections(http_peer *peer);
unsigned http_peer_connections(http_peer *peer); /* accepted in all */

#endif
