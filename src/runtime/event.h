/* runtime/event.h - publishing from outside of guests, for callers that have a loop. */
#ifndef BHI_RUNTIME_EVENT_H
#define BHI_RUNTIME_EVENT_H

#include "runtime/dispatcher.h"

/* Fails as bh_publish for what can be said at once. */
BH_MUST_USE bh_status bhi_event_message(const bh_event *event, bhi_message **ret_message,
                                        bh_error *reterr);

/* Publish it. With an observer (may be NULL) that is accepted, its done_cb comes later, on another
 * thread. Fails with BH_E_SATURATED, and the observer is not accepted. */
BH_MUST_USE bh_status bhi_event_send(bh_runtime *runtime, bhi_message *message,
                                     bhi_dispatch_observer *observer, bh_error *reterr);

#endif
