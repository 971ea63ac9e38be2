/* probe_http.c - what a test wants of http, through the SDK.
 *
 * The payload is a request: "METHOD URL\n", headers "NAME: VALUE\n", an empty line, the body;
 * without the empty line there is no body. A failure is denied with the name of its status and,
 * after a space, the host's own words.
 *
 *   action     answer
 *   request    "STATUS\n", headers "NAME: VALUE\n", an empty line, the body
 *   size       "STATUS LENGTH" of the body
 *   fill       the same for a request whose body has as many bytes as the body says, in decimal
 *   stream     the first line of the payload is a script, the rest a request; the results of the
 *              script's letters in one line:
 *                o  open a stream: "ok" or the failure; the letters below use the last one
 *                s  its status        h  how many headers it has      c  close, d  drop: nothing
 *                r  read: its length or the failure    t  read: its text    R  read to the end: the
 * sum p  subscribe and drop the pollable    b  take the body as a stream and drop that
 */
#include <bulkhead/capsule.h>

#include <inttypes.h>
#include <stdio.h>

static capsule_bytes cut(capsule_bytes *rest, char at)
{
    uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, at, rest->len);
    capsule_bytes part = *rest;
    if (end != NULL)
        part.len = (size_t)(end - rest->data);
    size_t taken = part.len + (end != NULL);
    *rest = (capsule_bytes){rest->data + taken, rest->len - taken};
    return part;
}

static bool read_method(capsule_bytes name, capsule_http_request *request)
{
    static const char *const names[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (capsule_equal_text(name, names[i])) {
            request->method = (capsule_http_method)i;
            return true;
        }
    }
    request->method = CAPSULE_HTTP_OTHER;
    request->other_method = name;
    return true;
}

static capsule_http_request read_request(capsule_bytes payload)
{
    capsule_bytes line = cut(&payload, '\n');
    capsule_bytes method = cut(&line, ' ');
    capsule_http_request request = capsule_http_get(line);
    read_method(method, &request);
    while (payload.len > 0) {
        line = cut(&payload, '\n');
        if (line.len == 0) {
            request.body = capsule_some(payload);
            break;
        }
        capsule_bytes name = cut(&line, ':');
        if (line.len > 0 && line.data[0] == ' ')
            line = (capsule_bytes){line.data + 1, line.len - 1};
        capsule_http_add_header(&request, name, line);
    }
    return request;
}

static capsule_bytes failure(capsule_http_status status)
{
    bool has_text = status == CAPSULE_HTTP_PROTOCOL || status == CAPSULE_HTTP_UNKNOWN;
    capsule_bytes text = has_text ? capsule_error_text() : capsule_text("");
    return capsule_format("%s%s%.*s", capsule_http_status_name(status), has_text ? " " : "",
                          (int)text.len, (const char *)text.data);
}

static capsule_result denied(capsule_http_status status)
{
    capsule_bytes text = failure(status);
    return capsule_deny("%.*s", (int)text.len, (const char *)text.data);
}

static void append(capsule_bytes *text, capsule_bytes more)
{
    memcpy(text->data + text->len, more.data, more.len);
    text->len += more.len;
}

static capsule_bytes response_text(const capsule_http_response *response)
{
    size_t size = 64 + response->body.len;
    for (size_t i = 0; i < response->headers.count; i++)
        size += response->headers.items[i].name.len + response->headers.items[i].value.len + 3;
    capsule_bytes text = {capsule_alloc(size), 0};
    append(&text, capsule_format("%u\n", response->status));
    for (size_t i = 0; i < response->headers.count; i++) {
        append(&text, response->headers.items[i].name);
        append(&text, capsule_text(": "));
        append(&text, response->headers.items[i].value);
        append(&text, capsule_text("\n"));
    }
    append(&text, capsule_text("\n"));
    append(&text, response->body);
    return text;
}

static capsule_result probe_request(capsule_bytes payload)
{
    capsule_http_request request = read_request(payload);
    capsule_http_response response;
    capsule_http_status status = capsule_http_send(&request, &response);
    return status == CAPSULE_HTTP_OK ? capsule_continue(response_text(&response)) : denied(status);
}

static capsule_result send_for_size(const capsule_http_request *request)
{
    capsule_http_response response;
    capsule_http_status status = capsule_http_send(request, &response);
    if (status != CAPSULE_HTTP_OK)
        return denied(status);
    return capsule_continue(capsule_format("%u %zu", response.status, response.body.len));
}

static capsule_result probe_size(capsule_bytes payload)
{
    capsule_http_request request = read_request(payload);
    return send_for_size(&request);
}

static capsule_result probe_fill(capsule_bytes payload)
{
    capsule_http_request request = read_request(payload);
    uint64_t size;
    if (!capsule_parse_u64(request.body.value, &size))
        return capsule_deny("expected a size");
    request.body.value = (capsule_bytes){capsule_alloc(size), size};
    return send_for_size(&request);
}

static capsule_bytes read_all(capsule_http_stream stream)
{
    size_t sum = 0;
    capsule_bytes chunk = {0};
    capsule_http_status status;
    do {
        status = capsule_http_read(stream, &chunk);
        sum += status == CAPSULE_HTTP_OK ? chunk.len : 0;
    } while (status == CAPSULE_HTTP_OK && chunk.len > 0);
    if (status == CAPSULE_HTTP_OK)
        return capsule_format("%zu", sum);
    capsule_bytes text = failure(status);
    return capsule_format("%zu+%.*s", sum, (int)text.len, (const char *)text.data);
}

static capsule_bytes read_once(capsule_http_stream stream, bool as_text)
{
    capsule_bytes chunk = {0};
    capsule_http_status status = capsule_http_read(stream, &chunk);
    if (status != CAPSULE_HTTP_OK)
        return failure(status);
    return as_text ? chunk : capsule_format("%zu", chunk.len);
}

static capsule_bytes subscribe(capsule_http_stream stream, bool must_wait)
{
    capsule_pollable pollable = capsule_http_readiness(stream);
    if (must_wait && capsule_pollable_block(pollable) != CAPSULE_POLL_OK)
        return capsule_text("unpolled");
    bool is_ready = capsule_pollable_ready(pollable);
    capsule_pollable_drop(pollable);
    return capsule_text(is_ready ? "ready" : "waits");
}

static capsule_bytes send_other(const capsule_http_request *request)
{
    capsule_option url = capsule_http_find_header(request->headers, "x-other");
    capsule_http_request other = capsule_http_get(url.value);
    capsule_http_response response;
    capsule_http_status status = capsule_http_send(&other, &response);
    return status == CAPSULE_HTTP_OK ? response.body : failure(status);
}

static capsule_input_stream body; /* the last one taken */

static capsule_bytes read_body(void)
{
    capsule_bytes data;
    capsule_stream_status status = capsule_input_blocking_read(body, 1 << 20, &data);
    return status == CAPSULE_STREAM_OK ? data : capsule_text(capsule_stream_status_name(status));
}

static capsule_bytes read_whole_body(void)
{
    uint64_t sum = 0, count = 0;
    capsule_stream_status status;
    while ((status = capsule_input_blocking_skip(body, 1 << 20, &count)) == CAPSULE_STREAM_OK)
        sum += count;
    return capsule_format("%" PRIu64 " %s", sum, capsule_stream_status_name(status));
}

static capsule_bytes run_body_letter(uint8_t letter, capsule_http_stream stream)
{
    switch (letter) {
    case 'b':
        body = capsule_http_body_stream(stream);
        return capsule_text("body");
    case 'g':
        return read_body();
    case 'G':
        return read_whole_body();
    case 'e':
        capsule_input_drop(body);
        return capsule_text("");
    default:
        return capsule_text("?");
    }
}

static capsule_bytes run_letter(uint8_t letter, const capsule_http_request *request,
                                capsule_http_stream *stream)
{
    switch (letter) {
    case 'o': {
        capsule_http_status status = capsule_http_open(request, stream);
        return status == CAPSULE_HTTP_OK ? capsule_text("ok") : failure(status);
    }
    case 's':
        return capsule_format("%u", capsule_http_stream_status(*stream));
    case 'h':
        return capsule_format("%zu", capsule_http_stream_headers(*stream).count);
    case 'r':
    case 't':
        return read_once(*stream, letter == 't');
    case 'R':
        return read_all(*stream);
    case 'x':
        return send_other(request);
    case 'p':
        return subscribe(*stream, false);
    case 'w':
        return subscribe(*stream, true);
    case 'c':
        capsule_http_close(*stream);
        return capsule_text("");
    case 'd':
        capsule_http_drop(*stream);
        return capsule_text("");
    default:
        return run_body_letter(letter, *stream);
    }
}

static capsule_result probe_stream(capsule_bytes payload)
{
    capsule_bytes script = cut(&payload, '\n');
    capsule_http_request request = read_request(payload);
    capsule_http_stream stream = {0};
    capsule_bytes text = capsule_text("");
    for (size_t i = 0; i < script.len; i++) {
        capsule_bytes result = run_letter(script.data[i], &request, &stream);
        if (result.len > 0)
            text = capsule_format("%.*s%s%.*s", (int)text.len, (char *)text.data,
                                  text.len > 0 ? ", " : "", (int)result.len, (char *)result.data);
    }
    return capsule_continue(text);
}

static const struct {
    const char *action;
    capsule_result (*run)(capsule_bytes payload);
} probes[] = {
    {"request", probe_request},
    {"size", probe_size},
    {"fill", probe_fill},
    {"stream", probe_stream},
};

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        if (capsule_equal_text(action, probes[i].action))
            return probes[i].run(payload);
    return capsule_deny("no such probe");
}
