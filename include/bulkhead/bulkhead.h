/* bulkhead/bulkhead.h - the whole public interface. */
#ifndef BULKHEAD_BULKHEAD_H
#define BULKHEAD_BULKHEAD_H

#include <bulkhead/capsule.h>
#include <bulkhead/error.h>
#include <bulkhead/event.h>
#include <bulkhead/invocation.h>
#include <bulkhead/outcome.h>
#include <bulkhead/runtime.h>

#endif
