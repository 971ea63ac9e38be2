/* host/log_bucket.h - how much a capsule may log: a token bucket over all its instances.
 *
 * Threads: any.
 */
#ifndef BHI_HOST_LOG_BUCKET_H
#define BHI_HOST_LOG_BUCKET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { BHI_LOG_BURST_LINES = 1000, BHI_LOG_LINES_PER_SECOND = 200 };

typedef struct bhi_log_bucket {
    pthread_mutex_t lock;
    uint64_t filled_ns;  /* guarded by lock: when tokens were last added */
    uint32_t tokens;     /* guarded by lock */
    uint64_t suppressed; /* guarded by lock: lines refused since one was last let through */
} bhi_log_bucket;

void bhi_log_bucket_init(bhi_log_bucket *bucket, uint64_t now_ns);
void bhi_log_bucket_deinit(bhi_log_bucket *bucket);

/* May one line be written now? If so, *ret_suppressed is how many were refused before it. */
bool bhi_log_bucket_take(bhi_log_bucket *bucket, uint64_t now_ns, uint64_t *ret_suppressed);

#endif
