/* host/log_bucket.c - tokens come back at a steady rate, whole ones only. */
#include "host/log_bucket.h"

#include "base/clock.h"

#define NS_PER_TOKEN (BHI_NS_PER_SECOND / BHI_LOG_LINES_PER_SECOND)

void bhi_log_bucket_init(bhi_log_bucket *bucket, uint64_t now_ns)
{
    *bucket = (bhi_log_bucket){.filled_ns = now_ns, .tokens = BHI_LOG_BURST_LINES};
    pthread_mutex_init(&bucket->lock, NULL);
}

void bhi_log_bucket_deinit(bhi_log_bucket *bucket)
{
    pthread_mutex_destroy(&bucket->lock);
}

static void fill_locked(bhi_log_bucket *bucket, uint64_t now_ns)
{
    uint64_t earned = now_ns > bucket->filled_ns ? (now_ns - bucket->filled_ns) / NS_PER_TOKEN : 0;
    bucket->filled_ns += earned * NS_PER_TOKEN;
    uint64_t tokens = bucket->tokens + earned;
    bucket->tokens = tokens > BHI_LOG_BURST_LINES ? BHI_LOG_BURST_LINES : (uint32_t)tokens;
}

bool bhi_log_bucket_take(bhi_log_bucket *bucket, uint64_t now_ns, uint64_t *ret_suppressed)
{
    pthread_mutex_lock(&bucket->lock);
    fill_locked(bucket, now_ns);
    bool may_log = bucket->tokens > 0;
    if (may_log) {
        bucket->tokens--;
        *ret_suppressed = bucket->suppressed;
        bucket->suppressed = 0;
    } else {
        bucket->suppressed++;
    }
    pthread_mutex_unlock(&bucket->lock);
    return may_log;
}
