/* host/stream.c - what all sources and sinks have in common: readiness and the end. */
#include "host/stream.h"

#include "base/list.h"

static bool is_source_ready(const bhi_waitable *waitable)
{
    const bhi_byte_source *source = BHI_CONTAINER_OF(waitable, bhi_byte_source, waitable);
    return source->state != BHI_STREAM_OPEN || source->ops->available(source) > 0;
}

static bool is_sink_ready(const bhi_waitable *waitable)
{
    const bhi_byte_sink *sink = BHI_CONTAINER_OF(waitable, bhi_byte_sink, waitable);
    return sink->state != BHI_STREAM_OPEN || bhi_byte_sink_permit(sink) > 0;
}

void bhi_byte_source_init(bhi_byte_source *source, const bhi_byte_source_ops *ops)
{
    *source = (bhi_byte_source){.ops = ops, .waitable.is_ready = is_source_ready};
}

void bhi_byte_sink_init(bhi_byte_sink *sink, const bhi_byte_sink_ops *ops)
{
    *sink = (bhi_byte_sink){.ops = ops, .waitable.is_ready = is_sink_ready};
}

size_t bhi_byte_sink_permit(const bhi_byte_sink *sink)
{
    return sink->is_flushing && sink->ops->queued(sink) > 0 ? 0 : sink->ops->room(sink);
}

/* S3 */
static bool leave_open(bhi_stream_state *state, const char **failure, const char *text)
{
    if (*state != BHI_STREAM_OPEN)
        return false;
    *failure = text;
    *state = text == NULL ? BHI_STREAM_ENDED : BHI_STREAM_FAILED;
    return true;
}

void bhi_byte_source_end(bhi_byte_source *source, const char *failure)
{
    if (leave_open(&source->state, &source->failure, failure))
        bhi_waitable_notify(&source->waitable);
}

void bhi_byte_sink_end(bhi_byte_sink *sink, const char *failure)
{
    if (leave_open(&sink->state, &sink->failure, failure))
        bhi_waitable_notify(&sink->waitable);
}
