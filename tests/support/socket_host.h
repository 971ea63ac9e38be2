/* support/socket_host.h - the runtime's host with a small net interface, whose streams are those of
 * host/socket_stream.h on real connections.
 *
 * connect-tcp connects to 127.0.0.1 at once; its host is not looked at. Two ports mean no peer:
 *
 *   SOCKET_HOST_PLENTY  an endless source of 'z', and a sink that takes all; both never wait
 *   SOCKET_HOST_MORTAL  its pollable's object ends in the loop, soon after it was subscribed to
 */
#ifndef TESTS_SUPPORT_SOCKET_HOST_H
#define TESTS_SUPPORT_SOCKET_HOST_H

#include <stdatomic.h>

#include "abi/generated/host.h"

enum { SOCKET_HOST_PLENTY = 0, SOCKET_HOST_MORTAL = 1 };

/* Constant after its first call. */
const bhi_host_table *socket_host_table(void);

/* Connections that are live, and bytes that went into sinks of plenty. */
extern atomic_int socket_host_connections;
extern atomic_ullong socket_host_swallowed;

/* Open descriptors of this process. */
int count_descriptors(void);

#endif
