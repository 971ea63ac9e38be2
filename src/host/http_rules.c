/* host/http_rules.c - see the header.
 *
 * Headers that say how the message travels are the host's: a guest that could set them could
 * smuggle a second request into a connection that others use next.
 */
#include "host/http_rules.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool bhi_http_equal(bhi_bytes text, bhi_bytes other)
{
    if (text.len != other.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (lower(text.data[i]) != lower(other.data[i]))
            return false;
    return true;
}

static bool is_one_of(bhi_bytes name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bhi_http_equal(name, bhi_bytes_of(names[i])))
            return true;
    return false;
}

/* ---- hosts ---- */

static bhi_bytes without_last_dot(bhi_bytes entry)
{
    if (entry.len > 1 && entry.data[entry.len - 1] == '.')
        entry.len--;
    return entry;
}

static bhi_bytes without_brackets(bhi_bytes entry)
{
    if (entry.len > 2 && entry.data[0] == '[' && entry.data[entry.len - 1] == ']')
        return (bhi_bytes){entry.data + 1, entry.len - 2};
    return entry;
}

static bool is_below(bhi_bytes host, bhi_bytes entry)
{
    if (entry.len == 0 || host.len <= entry.len + 1)
        return false;
    size_t at = host.len - entry.len;
    return host.data[at - 1] == '.' &&
           bhi_http_equal((bhi_bytes){host.data + at, entry.len}, entry);
}

bool bhi_http_host_is_granted(const bhi_texts *net, bhi_bytes host, bool is_address)
{
    for (size_t i = 0; i < net->count; i++) {
        bhi_bytes entry = without_brackets(without_last_dot(net->items[i]));
        if (bhi_bytes_equal_text(entry, "*") || bhi_http_equal(host, entry) ||
            (!is_address && is_below(host, entry)))
            return true;
    }
    return false;
}

/* What stands before ":PORT", if the entry ends with that; else the whole entry. */
static bhi_bytes without_port(bhi_bytes entry, uint16_t port)
{
    char text[8];
    size_t len = (size_t)snprintf(text, sizeof text, ":%u", port);
    if (entry.len > len && memcmp(entry.data + entry.len - len, text, len) == 0)
        entry.len -= len;
    return entry;
}

/* An IPv6 address without brackets has colons of its own, so a port needs them. */
static bool names_with_port(bhi_bytes entry, bhi_bytes host, uint16_t port)
{
    bhi_bytes before = without_port(entry, port);
    if (before.len == entry.len)
        return false;
    bool is_six = memchr(host.data, ':', host.len) != NULL;
    if (is_six && before.data[0] != '[')
        return false;
    return bhi_http_equal(host, without_brackets(without_last_dot(before)));
}

bool bhi_http_host_may_be_private(const bhi_texts *private_hosts, bhi_bytes host, uint16_t port)
{
    for (size_t i = 0; i < private_hosts->count; i++) {
        bhi_bytes entry = private_hosts->items[i];
        if (bhi_http_equal(host, without_brackets(without_last_dot(entry))) ||
            names_with_port(entry, host, port))
            return true;
    }
    return false;
}

/* ---- methods ---- */

static bool is_token_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool bhi_http_is_token(bhi_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.data[i]))
            return false;
    return text.len > 0;
}

bool bhi_http_method_text(const bhi_http_method *method, bhi_bytes *ret_text)
{
    static const char *const names[] = {
        [BHI_HTTP_METHOD_GET] = "GET",         [BHI_HTTP_METHOD_HEAD] = "HEAD",
        [BHI_HTTP_METHOD_POST] = "POST",       [BHI_HTTP_METHOD_PUT] = "PUT",
        [BHI_HTTP_METHOD_DELETE] = "DELETE",   [BHI_HTTP_METHOD_CONNECT] = "CONNECT",
        [BHI_HTTP_METHOD_OPTIONS] = "OPTIONS", [BHI_HTTP_METHOD_TRACE] = "TRACE",
        [BHI_HTTP_METHOD_PATCH] = "PATCH",
    };
    *ret_text =
        method->tag == BHI_HTTP_METHOD_OTHER ? method->other : bhi_bytes_of(names[method->tag]);
    return ret_text->len <= BHI_HTTP_METHOD_BYTES_MAX && bhi_http_is_token(*ret_text) &&
           !bhi_http_equal(*ret_text, BHI_BYTES_LITERAL("CONNECT"));
}

/* ---- headers ---- */

static bool is_of_the_connection(bhi_bytes name)
{
    static const char *const names[] = {
        "host",    "content-length", "transfer-encoding", "connection", "te",
        "upgrade", "keep-alive",     "trailer",           "expect"};
    static const char proxy[] = "proxy-";
    bhi_bytes start = {name.data, sizeof proxy - 1};
    return is_one_of(name, names, COUNT(names)) ||
           (name.len >= start.len && bhi_http_equal(start, BHI_BYTES_LITERAL("proxy-")));
}

static bool is_value(bhi_bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    return true;
}

bool bhi_http_headers_are_allowed(bhi_http_key_value_pair_list headers)
{
    size_t bytes = 0;
    if (headers.len > BHI_HTTP_REQUEST_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < headers.len; i++) {
        const bhi_http_key_value_pair *header = &headers.data[i];
        bytes += header->key.len + header->value.len;
        if (!bhi_http_is_token(header->key) || is_of_the_connection(header->key) ||
            !is_value(header->value))
            return false;
    }
    return bytes <= BHI_HTTP_REQUEST_HEADER_BYTES_MAX;
}

bool bhi_http_is_credential(bhi_bytes name)
{
    static const char *const names[] = {"authorization", "cookie", "cookie2"};
    return is_one_of(name, names, COUNT(names));
}

bool bhi_http_describes_body(bhi_bytes name)
{
    static const char prefix[] = "content-";
    bhi_bytes start = {name.data, sizeof prefix - 1};
    return name.len >= start.len && bhi_http_equal(start, BHI_BYTES_LITERAL("content-"));
}
