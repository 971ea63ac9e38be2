/* support/stub_host.h - a host that provides every function (stub_host.c is generated). */
#ifndef TESTS_SUPPORT_STUB_HOST_H
#define TESTS_SUPPORT_STUB_HOST_H

#include "abi/generated/host.h"
#include "base/assert.h"
#include "support/fake_guest.h"

extern const bhi_host_table stub_host;

#endif
