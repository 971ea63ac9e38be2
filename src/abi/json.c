/* abi/json.c - JSON validation, in one pass, without recursion or allocation.
 *
 * What is open around a place is a stack of bits: object or array. Each function takes the place
 * where it begins and gives the one behind what it found, NULL when that is no JSON. Most bytes of
 * a payload are in strings, whose plain runs are skipped 32 bytes at a time.
 */
#include "abi/json.h"

typedef const uint8_t *place;

typedef struct nesting {
    uint32_t depth;
    uint64_t objects[BHI_JSON_DEPTH_MAX / 64]; /* what was opened is an object, or an array; words
                                                  come into use by the depth */
} nesting;

typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef uint64_t two __attribute__((vector_size(16)));

_Static_assert(BHI_JSON_DEPTH_MAX % 64 == 0, "whole words of bits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

static bool is_at(place at, place end, uint8_t byte)
{
    return at < end && *at == byte;
}

/* ---- strings ---- */

static bool is_hex(uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'f');
}

static place skip_escape(place at, place end)
{
    if (end - at < 2)
        return NULL;
    uint8_t kind = at[1];
    if (kind != 'u')
        return kind != 0 && memchr("\"\\/bfnrt", kind, 8) != NULL ? at + 2 : NULL;
    bool is_whole = end - at >= 6 && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]);
    return is_whole && is_hex(at[5]) ? at + 6 : NULL;
}

/* The bytes that end a plain run, as bytes that are not 0. */
static two ends_of_plain(place at)
{
    sixteen bytes;
    memcpy(&bytes, at, sizeof bytes);
    return (two)((bytes == '"') | (bytes == '\\') | (bytes < ' '));
}

static bool is_any(two found)
{
    return (found[0] | found[1]) != 0;
}

static size_t first_of(two found)
{
    return (size_t)(found[0] != 0 ? __builtin_ctzll(found[0]) : 64 + __builtin_ctzll(found[1])) / 8;
}

/* Behind bytes that neither end a string nor are an escape nor a control character. */
static place skip_plain(place at, place end)
{
    while (end - at >= 16) {
        two found = ends_of_plain(at);
        if (is_any(found))
            return at + first_of(found);
        at += 16;
        while (end - at >= 32 && !is_any(ends_of_plain(at) | ends_of_plain(at + 16)))
            at += 32;
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= ' ')
        at++;
    return at;
}

static place skip_string(place at, place end)
{
    if (!is_at(at, end, '"'))
        return NULL;
    at = skip_plain(at + 1, end);
    while (is_at(at, end, '\\')) {
        at = skip_escape(at, end);
        if (at == NULL)
            return NULL;
        at = skip_plain(at, end);
    }
    return is_at(at, end, '"') ? at + 1 : NULL;
}

/* ---- numbers and words ---- */

static bool is_digit(place at, place end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* At least one. */
static place skip_digits(place at, place end)
{
    if (!is_digit(at, end))
        return NULL;
    while (is_digit(at, end))
        at++;
    return at;
}

static place skip_number(place at, place end)
{
    at += *at == '-';
    at = is_at(at, end, '0') ? at + 1 : skip_digits(at, end);
    if (at != NULL && is_at(at, end, '.'))
        at = skip_digits(at + 1, end);
    if (at == NULL || at == end || (*at | 0x20) != 'e')
        return at;
    at++;
    at += is_at(at, end, '+') || is_at(at, end, '-');
    return skip_digits(at, end);
}

static place skip_word(place at, place end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

static place skip_scalar(place at, place end)
{
    switch (*at) {
    case '"':
        return skip_string(at, end);
    case 't':
        return skip_word(at, end, "true", 4);
    case 'f':
        return skip_word(at, end, "false", 5);
    case 'n':
        return skip_word(at, end, "null", 4);
    default:
        return skip_number(at, end);
    }
}

/* ---- structure ---- */

static place skip_space(place at, place end)
{
    while (at < end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Something is open. */
static bool is_in_object(const nesting *open)
{
    uint32_t top = open->depth - 1;
    return (open->objects[top / 64] >> top % 64 & 1) != 0;
}

static bool push(nesting *open, bool is_object)
{
    uint32_t top = open->depth;
    if (top == BHI_JSON_DEPTH_MAX)
        return false;
    uint64_t below = (UINT64_C(1) << top % 64) - 1;
    uint64_t *word = &open->objects[top / 64];
    *word = (top % 64 == 0 ? 0 : *word & below) | (uint64_t)is_object << top % 64;
    open->depth++;
    return true;
}

/* To the value of a member. */
static place skip_name(place at, place end)
{
    at = skip_string(skip_space(at, end), end);
    if (at == NULL)
        return NULL;
    at = skip_space(at, end);
    return is_at(at, end, ':') ? at + 1 : NULL;
}

/* A whole value, or the opening of one with the name behind it: then a value is next. */
static place skip_value(nesting *open, place at, place end, bool *ret_is_next)
{
    at = skip_space(at, end);
    *ret_is_next = false;
    if (at == end)
        return NULL;
    bool is_object = *at == '{';
    if (!is_object && *at != '[')
        return skip_scalar(at, end);
    if (!push(open, is_object))
        return NULL;
    at = skip_space(at + 1, end);
    if (is_at(at, end, is_object ? '}' : ']')) {
        open->depth--;
        return at + 1;
    }
    *ret_is_next = true;
    return is_object ? skip_name(at, end) : at;
}

/* What the value before closes, then a comma with the name behind it: then a value is next. */
static place skip_ends(nesting *open, place at, place end, bool *ret_is_next)
{
    at = skip_space(at, end);
    while (open->depth > 0 && is_at(at, end, is_in_object(open) ? '}' : ']')) {
        open->depth--;
        at = skip_space(at + 1, end);
    }
    *ret_is_next = open->depth > 0;
    if (open->depth == 0)
        return at;
    if (!is_at(at, end, ','))
        return NULL;
    return is_in_object(open) ? skip_name(at + 1, end) : at + 1;
}

bool bhi_json_is_valid(bhi_bytes text)
{
    if (text.len == 0)
        return false;
    nesting open;
    open.depth = 0;
    place at = text.data, end = text.data + text.len;
    bool is_next;
    do {
        at = skip_value(&open, at, end, &is_next);
        if (at != NULL && !is_next)
            at = skip_ends(&open, at, end, &is_next);
    } while (at != NULL && is_next);
    return at == end;
}
