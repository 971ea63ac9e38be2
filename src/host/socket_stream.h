/* host/socket_stream.h - a connected stream socket as a source and a sink of bytes.
 *
 * The worker's loop watches the descriptor: it reads ahead into a bounded queue while somebody
 * holds the source and there is room, and writes what is queued as the peer takes it. Whoever reads
 * slowly thereby slows the peer, and a peer that does not read stops the writer.
 *
 * The socket, its source and its sink share one count: the descriptor is closed with the last
 * reference, after one last attempt to write what is queued.
 *
 * K1  At most BHI_SOCKET_BUFFER_BYTES are queued in each direction.
 * K2  Nothing is read from the descriptor before the source was first asked for, nor after its last
 *     reference is gone.
 *
 * Threads: the worker's own.
 */
#ifndef BHI_HOST_SOCKET_STREAM_H
#define BHI_HOST_SOCKET_STREAM_H

#include "host/stream.h"

enum { BHI_SOCKET_BUFFER_BYTES = 64 << 10 };

typedef struct bhi_socket bhi_socket;

/* Takes a connected stream socket (TCP, unix), also on failure, and makes it non-blocking; the
 * caller holds a reference. Fails with BH_E_NOMEM, BH_E_IO. */
BH_MUST_USE bh_status bhi_socket_open(bhi_worker *worker, int take_fd, bhi_socket **ret_socket,
                                      bh_error *reterr);
void bhi_socket_release(bhi_socket *socket);

/* One more reference, to be released through the operations of the source or sink. */
bhi_byte_source *bhi_socket_source(bhi_socket *socket);
bhi_byte_sink *bhi_socket_sink(bhi_socket *socket);

/* End one direction for good; what is queued to the peer still goes out, then it sees the end. */
void bhi_socket_shutdown_receive(bhi_socket *socket);
void bhi_socket_shutdown_send(bhi_socket *socket);

/* For options and addresses; the socket keeps it. */
int bhi_socket_fd(const bhi_socket *socket);

#endif
