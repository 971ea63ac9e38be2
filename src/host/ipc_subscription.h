/* host/ipc_subscription.h - what a guest does with a subscription. */
#ifndef BHI_HOST_IPC_SUBSCRIPTION_H
#define BHI_HOST_IPC_SUBSCRIPTION_H

#include "abi/generated/ipc.h"
#include "abi/handles.h"

/* Live ones of one lease. */
enum { BHI_SUBSCRIPTIONS_MAX = 128 };

/* The pattern may be subscribed to and one more is allowed. A lease of a principal gets that
 * principal's messages and the system's; a run loop gets everybody's. False: trap. */
bool bhi_ipc_subscription_open(bhi_guest *guest, bhi_bytes pattern,
                               bhi_ipc_subscription_result *ret);

/* The functions of the interface; see abi/generated/ipc.h. */
void bhi_ipc_subscription_drop(void *subscription);
bool bhi_ipc_subscription_poll(bhi_guest *guest, bhi_ipc_subscription *self,
                               bhi_ipc_envelope_result *ret);
bool bhi_ipc_subscription_recv(bhi_guest *guest, bhi_ipc_subscription *self, uint64_t timeout_ms,
                               bhi_ipc_envelope_result *ret);
bool bhi_ipc_subscription_subscribe_readiness(bhi_guest *guest, bhi_ipc_subscription *self,
                                              bhi_poll_pollable **ret);

#endif
