/* probe_io.c - plays a script of calls on pollables and streams, one per line of the payload.
 *
 * Objects are kept in numbered slots, per kind. The answer has what each call gave, separated by
 * spaces: data, counts, "true", indices joined by ","; a failure is the name of its status, with
 * the host's text in parentheses; calls without a result give nothing when they succeed.
 *
 *   connect C PORT             a connection to 127.0.0.1
 *   in I C, out O C            its streams; the connection's handle may go before them
 *   shutdown C, sub-conn P C   no more sending; a pollable of the connection itself
 *   read I N, bread I N        and len-read, len-bread, which give the count only
 *   skip I N, bskip I N
 *   drain I                    blocking reads to the end: how many bytes, then why it ended
 *   pump O I                   blocking splices of odd lengths to the end: how many, why it ended
 *   check O
 *   gorge O                    write what is permitted until nothing is: "full"
 *   write O TEXT, fill O N     `fill` writes N times 'x'
 *   bwrite O TEXT, bfill O N
 *   zeroes O N, bzeroes O N
 *   flush O, bflush O
 *   splice O I N, bsplice O I N
 *   sub-in P I, sub-out P O
 *   ready P, block P
 *   poll P,P,...               and "poll -" of none
 *   poll-range P N             of the slots P to P + N - 1
 *   drop-in I, drop-out O, drop-conn C, drop-p P
 *   forge-in I HANDLE, forge-out O HANDLE, forge-p P HANDLE
 *   show-in I, show-p P        the handle's number
 *   (slots are kept for the next call where the instance keeps its memory)
 *   raw-fail I, raw-error E    a read whose error is kept; its text
 *   drop-error E
 *   repeat N LINE              `%` in LINE is the number of the round
 */
#include <bulkhead/capsule.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(interface, function)                                                                \
    __attribute__((import_module("astrid:" interface "@1.0.0"), import_name(function)))
#define NET(function) IMPORT("net/host", function)

NET("connect-tcp") void connect_tcp(const char *host, size_t len, uint32_t port, uint32_t *ret);
NET("[method]tcp-stream.read-stream") uint32_t read_stream(uint32_t connection);
NET("[method]tcp-stream.write-stream") uint32_t write_stream(uint32_t connection);
NET("[method]tcp-stream.subscribe-readable") uint32_t subscribe_readable(uint32_t connection);
NET("[method]tcp-stream.shutdown")
void shut_down(uint32_t connection, uint32_t how, uint32_t *ret);
NET("[resource-drop]tcp-stream") void drop_connection(uint32_t connection);
IMPORT("io/streams", "[method]input-stream.read")
void raw_read(uint32_t stream, uint64_t len, uint32_t *ret);
IMPORT("io/error", "[method]error.to-debug-string")
void raw_text(uint32_t error, capsule_bytes *ret);
IMPORT("io/error", "[resource-drop]error") void raw_drop(uint32_t error);

enum { SLOTS = 1200 };

typedef struct slots {
    uint32_t connections[SLOTS], inputs[SLOTS], outputs[SLOTS], pollables[SLOTS], errors[SLOTS];
} slots;

static slots at; /* restored after each call, unless the capsule is shared */

static char *answer;
static size_t answer_len;

static void say(const char *text, size_t len)
{
    if (answer_len > 0)
        answer[answer_len++] = ' ';
    memcpy(answer + answer_len, text, len);
    answer_len += len;
}

static void say_text(const char *text)
{
    say(text, strlen(text));
}

static void say_count(uint64_t count)
{
    char text[24];
    say(text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)count));
}

static void say_failure(const char *name)
{
    capsule_bytes why = capsule_error_text();
    char text[200];
    if (strcmp(name, "last-operation-failed") != 0)
        say_text(name);
    else
        say(text, (size_t)snprintf(text, sizeof text, "failed(%.*s)", (int)why.len, why.data));
}

static bool say_status(capsule_stream_status status)
{
    if (status != CAPSULE_STREAM_OK)
        say_failure(capsule_stream_status_name(status));
    return status == CAPSULE_STREAM_OK;
}

/* ---- words ---- */

static char *rest; /* of the line */

static const char *word(void)
{
    char *start = rest + strspn(rest, " ");
    char *end = start + strcspn(start, " ");
    rest = *end == 0 ? end : end + 1;
    *end = 0;
    return start;
}

static uint64_t number(void)
{
    return strtoull(word(), NULL, 10);
}

static uint32_t *slot(uint32_t *kind)
{
    uint64_t index = number();
    return &kind[index < SLOTS ? index : 0];
}

/* ---- connections ---- */

static void do_connect(void)
{
    uint32_t *connection = slot(at.connections), ret[4];
    connect_tcp("127.0.0.1", 9, (uint32_t)number(), ret);
    if ((uint8_t)ret[0] != 0)
        say_text("no-connection");
    else
        *connection = ret[1];
}

static void do_in(void)
{
    uint32_t *input = slot(at.inputs);
    *input = read_stream(*slot(at.connections));
}

static void do_out(void)
{
    uint32_t *output = slot(at.outputs);
    *output = write_stream(*slot(at.connections));
}

static void do_sub_conn(void)
{
    uint32_t *pollable = slot(at.pollables);
    *pollable = subscribe_readable(*slot(at.connections));
}

static void do_shutdown(void)
{
    uint32_t ret[4];
    shut_down(*slot(at.connections), 1, ret);
}

static void do_drop_conn(void)
{
    drop_connection(*slot(at.connections));
}

/* ---- input ---- */

typedef capsule_stream_status (*reader)(capsule_input_stream, uint64_t, capsule_bytes *);
typedef capsule_stream_status (*skipper)(capsule_input_stream, uint64_t, uint64_t *);

static void do_reader(reader read, bool is_count_only)
{
    capsule_bytes data;
    uint32_t input = *slot(at.inputs);
    if (!say_status(read(input, number(), &data)))
        return;
    if (is_count_only)
        say_count(data.len);
    else
        say((const char *)data.data, data.len);
}

static void do_skipper(skipper skip)
{
    uint64_t count;
    uint32_t input = *slot(at.inputs);
    if (say_status(skip(input, number(), &count)))
        say_count(count);
}

static void do_read(void)
{
    do_reader(capsule_input_read, false);
}

static void do_bread(void)
{
    do_reader(capsule_input_blocking_read, false);
}

static void do_len_read(void)
{
    do_reader(capsule_input_read, true);
}

static void do_len_bread(void)
{
    do_reader(capsule_input_blocking_read, true);
}

static void do_skip(void)
{
    do_skipper(capsule_input_skip);
}

static void do_bskip(void)
{
    do_skipper(capsule_input_blocking_skip);
}

static void do_drain(void)
{
    uint32_t input = *slot(at.inputs);
    uint64_t sum = 0, count;
    capsule_stream_status status;
    while ((status = capsule_input_blocking_skip(input, UINT64_MAX, &count)) == CAPSULE_STREAM_OK)
        sum += count;
    say_count(sum);
    say_status(status);
}

static void do_sub_in(void)
{
    uint32_t *pollable = slot(at.pollables);
    *pollable = capsule_input_subscribe(*slot(at.inputs));
}

static void do_drop_in(void)
{
    capsule_input_drop(*slot(at.inputs));
}

static void do_raw_fail(void)
{
    uint32_t *error = slot(at.errors), ret[3];
    raw_read(*slot(at.inputs), 1, ret);
    if ((uint8_t)ret[0] == 1 && (uint8_t)ret[1] == 0)
        *error = ret[2];
    else
        say_text("no-error");
}

static void do_raw_error(void)
{
    capsule_bytes text;
    raw_text(*slot(at.errors), &text);
    say((const char *)text.data, text.len);
}

static void do_drop_error(void)
{
    raw_drop(*slot(at.errors));
}

/* ---- output ---- */

static void do_check(void)
{
    uint64_t permit;
    if (say_status(capsule_output_check_write(*slot(at.outputs), &permit)))
        say_count(permit);
}

static capsule_bytes filling(size_t len)
{
    uint8_t *data = capsule_alloc(len);
    memset(data, 'x', len);
    return (capsule_bytes){data, len};
}

static void do_write(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_write(output, capsule_text(rest)));
}

static void do_fill(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_write(output, filling((size_t)number())));
}

static void do_bwrite(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_blocking_write_and_flush(output, capsule_text(rest)));
}

static void do_bfill(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_blocking_write_and_flush(output, filling((size_t)number())));
}

static void do_zeroes(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_write_zeroes(output, number()));
}

static void do_bzeroes(void)
{
    uint32_t output = *slot(at.outputs);
    say_status(capsule_output_blocking_write_zeroes_and_flush(output, number()));
}

static void do_gorge(void)
{
    uint32_t output = *slot(at.outputs);
    uint64_t permit;
    capsule_stream_status status;
    while ((status = capsule_output_check_write(output, &permit)) == CAPSULE_STREAM_OK &&
           permit > 0) {
        status = capsule_output_write_zeroes(output, permit);
        if (status != CAPSULE_STREAM_OK)
            break;
    }
    if (say_status(status))
        say_text("full");
}

static void do_flush(void)
{
    say_status(capsule_output_flush(*slot(at.outputs)));
}

static void do_bflush(void)
{
    say_status(capsule_output_blocking_flush(*slot(at.outputs)));
}

static void do_splice(void)
{
    uint64_t count;
    uint32_t output = *slot(at.outputs), input = *slot(at.inputs);
    if (say_status(capsule_output_splice(output, input, number(), &count)))
        say_count(count);
}

static void do_bsplice(void)
{
    uint64_t count;
    uint32_t output = *slot(at.outputs), input = *slot(at.inputs);
    if (say_status(capsule_output_blocking_splice(output, input, number(), &count)))
        say_count(count);
}

static void do_pump(void)
{
    uint32_t output = *slot(at.outputs), input = *slot(at.inputs);
    uint64_t sum = 0, count = 0, len = 1;
    capsule_stream_status status;
    while ((status = len % 3 == 0 ? capsule_output_splice(output, input, len, &count)
                                  : capsule_output_blocking_splice(output, input, len, &count)) ==
           CAPSULE_STREAM_OK) {
        sum += count;
        len = len * 7 % 40009;
    }
    say_count(sum);
    say_status(status);
}

static void do_sub_out(void)
{
    uint32_t *pollable = slot(at.pollables);
    *pollable = capsule_output_subscribe(*slot(at.outputs));
}

static void do_drop_out(void)
{
    capsule_output_drop(*slot(at.outputs));
}

/* ---- pollables ---- */

static void do_ready(void)
{
    say_text(capsule_pollable_ready(*slot(at.pollables)) ? "true" : "false");
}

static void do_block(void)
{
    capsule_poll_status status = capsule_pollable_block(*slot(at.pollables));
    if (status != CAPSULE_POLL_OK)
        say_failure(capsule_poll_status_name(status));
}

static void poll_all(const uint32_t *pollables, size_t count)
{
    capsule_indices ready;
    capsule_poll_status status = capsule_poll(pollables, count, &ready);
    if (status != CAPSULE_POLL_OK) {
        say_failure(capsule_poll_status_name(status));
        return;
    }
    char *text = capsule_alloc(ready.count * 6 + 1), *end = text;
    for (size_t i = 0; i < ready.count; i++)
        end += sprintf(end, "%s%u", i > 0 ? "," : "", (unsigned)ready.items[i]);
    say_text(text);
}

static void do_poll(void)
{
    uint32_t pollables[SLOTS];
    size_t count = 0;
    for (char *list = (char *)word(); *list != 0 && *list != '-' && count < SLOTS;) {
        pollables[count++] = at.pollables[strtoul(list, &list, 10) % SLOTS];
        list += *list == ',';
    }
    poll_all(pollables, count);
}

static void do_poll_range(void)
{
    uint32_t *first = slot(at.pollables);
    poll_all(first, (size_t)number());
}

static void do_drop_p(void)
{
    capsule_pollable_drop(*slot(at.pollables));
}

/* ---- handles ---- */

static void forge(uint32_t *kind)
{
    uint32_t *handle = slot(kind);
    *handle = (uint32_t)number();
}

static void do_forge_in(void)
{
    forge(at.inputs);
}

static void do_forge_out(void)
{
    forge(at.outputs);
}

static void do_forge_p(void)
{
    forge(at.pollables);
}

static void do_show_in(void)
{
    say_count(*slot(at.inputs));
}

static void do_show_p(void)
{
    say_count(*slot(at.pollables));
}

/* ---- scripts ---- */

static void play(char *line);

static void do_repeat(void)
{
    uint64_t rounds = number();
    char *line = rest;
    for (uint64_t i = 0; i < rounds; i++) {
        char text[256];
        size_t len = 0;
        for (char *from = line; *from != 0 && len < sizeof text - 24; from++) {
            if (*from == '%')
                len += (size_t)sprintf(text + len, "%llu", (unsigned long long)i);
            else
                text[len++] = *from;
        }
        text[len] = 0;
        play(text);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} calls[] = {
    {"connect", do_connect},
    {"in", do_in},
    {"out", do_out},
    {"shutdown", do_shutdown},
    {"sub-conn", do_sub_conn},
    {"read", do_read},
    {"bread", do_bread},
    {"len-read", do_len_read},
    {"len-bread", do_len_bread},
    {"skip", do_skip},
    {"bskip", do_bskip},
    {"drain", do_drain},
    {"pump", do_pump},
    {"gorge", do_gorge},
    {"check", do_check},
    {"write", do_write},
    {"fill", do_fill},
    {"bwrite", do_bwrite},
    {"bfill", do_bfill},
    {"zeroes", do_zeroes},
    {"bzeroes", do_bzeroes},
    {"flush", do_flush},
    {"bflush", do_bflush},
    {"splice", do_splice},
    {"bsplice", do_bsplice},
    {"sub-in", do_sub_in},
    {"sub-out", do_sub_out},
    {"ready", do_ready},
    {"block", do_block},
    {"poll", do_poll},
    {"poll-range", do_poll_range},
    {"drop-in", do_drop_in},
    {"drop-out", do_drop_out},
    {"drop-conn", do_drop_conn},
    {"drop-p", do_drop_p},
    {"forge-in", do_forge_in},
    {"forge-out", do_forge_out},
    {"forge-p", do_forge_p},
    {"show-in", do_show_in},
    {"show-p", do_show_p},
    {"raw-fail", do_raw_fail},
    {"raw-error", do_raw_error},
    {"drop-error", do_drop_error},
    {"repeat", do_repeat},
};

static void play(char *line)
{
    rest = line;
    const char *name = word();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].name, name) == 0) {
            calls[i].run();
            return;
        }
    }
    say_text("what?");
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    answer = capsule_alloc(256 << 10);
    answer_len = 0;
    char *script = capsule_alloc(payload.len + 1), *line = script;
    memcpy(script, payload.data, payload.len);
    while (*line != 0) {
        char *end = line + strcspn(line, "\n");
        char *next = *end == 0 ? end : end + 1;
        *end = 0;
        play(line);
        line = next;
    }
    return capsule_continue((capsule_bytes){(uint8_t *)answer, answer_len});
}
