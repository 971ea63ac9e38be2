/* tests/worker/failing_calloc.h - calloc that fails when told. Include it in one file of a program.
 *
 * Sanitizers bring their own allocator, which this would bypass: then CAN_FAIL_CALLOC is 0.
 */
#ifndef TEST_WORKER_FAILING_CALLOC_H
#define TEST_WORKER_FAILING_CALLOC_H

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAN_FAIL_CALLOC 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL_CALLOC 0
#endif
#ifndef CAN_FAIL_CALLOC
#define CAN_FAIL_CALLOC 1
#endif

static _Thread_local int callocs_left = -1; /* so many succeed, then one fails; -1: all succeed */

#if CAN_FAIL_CALLOC
void *__libc_calloc(size_t count, size_t size);

void *calloc(size_t count, size_t size)
{
    if (callocs_left >= 0 && callocs_left-- == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}
#endif

#endif
