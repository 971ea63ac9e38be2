/* audit.c - keeps a record of messages in an append-only file.
 *
 * A run loop: it subscribes once and then waits for batches. Each batch is of one principal, for
 * whom the loop acts until the next one; so the file is in that principal's home. A batch is one
 * append, whole or not at all, synced before the next is taken. What does not fit, into the
 * principal's home or on the disk, is left out, which the log tells each time, and others' records
 * go on. Whatever else fails ends the loop: it is started again, with the reason in the log, and
 * the operator sees it fail.
 *
 * A line: {"time": MS, "topic": ..., "principal": ..., "mark": ..., "source": ..., "payload": ...},
 * and {"lost": N} where the queue was full.
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>

#define FILE_PATH "home://audit.jsonl"
enum { WAIT_MS = 60000 };

static capsule_bytes join(capsule_bytes a, capsule_bytes b)
{
    capsule_bytes text = {capsule_alloc(a.len + b.len), a.len + b.len};
    memcpy(text.data, a.data, a.len);
    memcpy(text.data + a.len, b.data, b.len);
    return text;
}

/* Topics, principals and sources need no quoting; the payload is JSON as it is, on one line. */
static capsule_bytes line_of(const capsule_message *message)
{
    static const char *const marks[] = {"verified", "claimed", "system"};
    for (size_t i = 0; i < message->payload.len; i++)
        if (message->payload.data[i] == '\n' || message->payload.data[i] == '\r')
            message->payload.data[i] = ' '; /* between tokens: in strings it is escaped */
    return capsule_format("{\"time\":%" PRIu64 ",\"topic\":\"%.*s\",\"principal\":\"%.*s\","
                          "\"mark\":\"%s\",\"source\":\"%.*s\",\"payload\":%.*s}\n",
                          capsule_clock_ms(), (int)message->topic.len,
                          (const char *)message->topic.data, (int)message->principal.len,
                          (const char *)message->principal.data, marks[message->attribution],
                          (int)message->source_id.len, (const char *)message->source_id.data,
                          (int)message->payload.len, (const char *)message->payload.data);
}

static capsule_bytes lines_of(const capsule_batch *batch)
{
    capsule_bytes lines = batch->dropped == 0
                              ? capsule_text("")
                              : capsule_format("{\"lost\":%" PRIu64 "}\n", batch->dropped);
    for (size_t i = 0; i < batch->count; i++)
        lines = join(lines, line_of(&batch->messages[i]));
    return lines;
}

static capsule_fs_status write_all(capsule_file file, capsule_bytes lines)
{
    capsule_fs_status status = CAPSULE_FS_OK;
    while (status == CAPSULE_FS_OK && lines.len > 0) {
        uint32_t written = 0;
        capsule_bytes part = {lines.data, lines.len < 1000000 ? lines.len : 1000000};
        status = capsule_file_write(file, 0, part, &written);
        lines = (capsule_bytes){lines.data + written, lines.len - written};
    }
    return status;
}

static capsule_fs_status append(capsule_bytes lines)
{
    capsule_file file;
    capsule_file_stat before;
    capsule_fs_status status = capsule_open(capsule_text(FILE_PATH), CAPSULE_OPEN_APPEND, &file);
    if (status != CAPSULE_FS_OK)
        return status;
    status = capsule_file_stat_open(file, &before);
    if (status == CAPSULE_FS_OK) {
        status = write_all(file, lines);
        if (status != CAPSULE_FS_OK && /* no part of a line is to stay */
            capsule_file_set_size(file, before.size) != CAPSULE_FS_OK)
            status = CAPSULE_FS_UNKNOWN;
    }
    if (status == CAPSULE_FS_OK)
        status = capsule_file_sync_data(file);
    capsule_file_close(file);
    return status;
}

static bool record(capsule_subscription subscription)
{
    capsule_batch batch;
    capsule_ipc_status taken = capsule_subscription_recv(subscription, WAIT_MS, &batch);
    if (taken == CAPSULE_IPC_TIMEOUT)
        return true;
    if (taken != CAPSULE_IPC_OK) {
        capsule_log(CAPSULE_LOG_ERROR, "recv: %s", capsule_ipc_status_name(taken));
        return false;
    }
    capsule_fs_status status = append(lines_of(&batch));
    if (status != CAPSULE_FS_OK)
        capsule_log(CAPSULE_LOG_ERROR, "%zu messages are not recorded: %s", batch.count,
                    capsule_fs_status_name(status));
    return status == CAPSULE_FS_OK || status == CAPSULE_FS_QUOTA;
}

void capsule_run(void)
{
    capsule_option topics = CAPSULE_NONE;
    capsule_subscription subscription;
    if (capsule_get_config(capsule_text("AUDIT_TOPICS"), &topics) != CAPSULE_SYS_OK ||
        !topics.is_some)
        return;
    capsule_ipc_status status = capsule_subscribe(topics.value, &subscription);
    if (status != CAPSULE_IPC_OK) {
        capsule_log(CAPSULE_LOG_ERROR, "subscribe: %s", capsule_ipc_status_name(status));
        return;
    }
    capsule_signal_ready();
    while (record(subscription))
        capsule_scratch_reset();
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    return capsule_deny("audit takes messages, no actions");
}
