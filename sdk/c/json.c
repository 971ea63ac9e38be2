/* json.c - a token reader as a small automaton.
 *
 * `expects` is the set of things the grammar allows next. A container's kind is one bit per depth,
 * so a document costs no memory and hostile nesting ends at CAPSULE_JSON_DEPTH_MAX.
 */
#include "bulkhead/json.h"

enum {
    EXPECT_VALUE = 1,
    EXPECT_KEY = 2,
    EXPECT_COMMA = 4,
    EXPECT_CLOSE = 8, /* of the innermost container */
    EXPECT_END = 16,
};

enum { SURROGATES_FIRST = 0xd800, LOW_SURROGATES_FIRST = 0xdc00, SURROGATES_LAST = 0xdfff };

void capsule_json_init(capsule_json_reader *reader, capsule_bytes document)
{
    if (document.data == NULL) /* no arithmetic on NULL */
        document = capsule_text("");
    *reader = (capsule_json_reader){.document = document, .expects = EXPECT_VALUE};
}

static int peek(const capsule_json_reader *reader)
{
    return reader->at < reader->document.len ? reader->document.data[reader->at] : -1;
}

static void skip_space(capsule_json_reader *reader)
{
    for (;;) {
        int c = peek(reader);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        reader->at++;
    }
}

static bool in_object(const capsule_json_reader *reader)
{
    size_t top = reader->depth - 1;
    return (reader->objects[top / 8] >> top % 8 & 1) != 0;
}

static void expect_after_value(capsule_json_reader *reader)
{
    reader->expects = reader->depth == 0 ? EXPECT_END : EXPECT_COMMA | EXPECT_CLOSE;
}

static capsule_json_token refuse(capsule_json_reader *reader)
{
    reader->expects = 0;
    return (capsule_json_token){.kind = CAPSULE_JSON_INVALID,
                                .raw = {reader->document.data + reader->at, 0}};
}

static capsule_json_token token_from(const capsule_json_reader *reader, capsule_json_kind kind,
                                     size_t from)
{
    return (capsule_json_token){
        kind, {reader->document.data + from, reader->at - from}, reader->depth};
}

/* --- strings --------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The code unit of "\uXXXX" at `text`, or -1. */
static int32_t code_unit(const uint8_t *text, size_t len)
{
    if (len < 6 || text[0] != '\\' || text[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The character a backslash begins: sets how many bytes of text it takes. -1: not an escape. */
static int32_t escaped_character(const uint8_t *text, size_t len, size_t *ret_size)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name = len < 2 || text[1] == 0 ? NULL : strchr(names, text[1]);
    *ret_size = 2;
    if (name != NULL)
        return meanings[name - names];
    int32_t high = code_unit(text, len);
    *ret_size = 6;
    if (high < SURROGATES_FIRST || high > SURROGATES_LAST)
        return high;
    if (high >= LOW_SURROGATES_FIRST)
        return -1;
    int32_t low = code_unit(text + 6, len - 6);
    *ret_size = 12;
    if (low < LOW_SURROGATES_FIRST || low > SURROGATES_LAST)
        return -1;
    return 0x10000 + ((high - SURROGATES_FIRST) << 10) + (low - LOW_SURROGATES_FIRST);
}

/* Bytes of the character, plain or escaped, at the reader; 0 when no string may hold it. */
static size_t string_step(const capsule_json_reader *reader)
{
    const uint8_t *text = reader->document.data + reader->at;
    size_t left = reader->document.len - reader->at, size;
    if (left == 0 || text[0] < 0x20)
        return 0;
    if (text[0] == '\\')
        return escaped_character(text, left, &size) < 0 ? 0 : size;
    return capsule_utf8_length((capsule_bytes){(uint8_t *)(uintptr_t)text, left});
}

static bool scan_string(capsule_json_reader *reader)
{
    reader->at++;
    while (peek(reader) != '"') {
        size_t step = string_step(reader);
        if (step == 0)
            return false;
        reader->at += step;
    }
    reader->at++;
    return true;
}

static size_t put_utf8(uint32_t c, uint8_t *to)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        to[i] = 0x80 | (c & 0x3f);
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    to[0] = (uint8_t)(leads[length] | c);
    return length;
}

size_t capsule_json_decode(capsule_bytes raw, uint8_t *buffer)
{
    size_t len = 0;
    if (raw.len < 2)
        return 0;
    for (size_t at = 1; at < raw.len - 1;) {
        if (raw.data[at] != '\\') {
            buffer[len++] = raw.data[at++];
            continue;
        }
        size_t size;
        int32_t c = escaped_character(raw.data + at, raw.len - 1 - at, &size);
        if (c < 0)
            return len;
        len += put_utf8((uint32_t)c, buffer + len);
        at += size;
    }
    return len;
}

static size_t quote_byte(uint8_t c, uint8_t *to)
{
    static const char meanings[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    static const char digits[] = "0123456789abcdef";
    const char *special = c == 0 ? NULL : strchr(meanings, c);
    if (special != NULL) {
        to[0] = '\\';
        to[1] = (uint8_t)names[special - meanings];
        return 2;
    }
    if (c >= 0x20) {
        to[0] = c;
        return 1;
    }
    memcpy(to, "\\u00", 4);
    to[4] = (uint8_t)digits[c >> 4];
    to[5] = (uint8_t)digits[c & 15];
    return 6;
}

size_t capsule_json_quote(capsule_bytes text, uint8_t *buffer)
{
    size_t len = 0;
    buffer[len++] = '"';
    for (size_t i = 0; i < text.len; i++)
        len += quote_byte(text.data[i], buffer + len);
    buffer[len++] = '"';
    return len;
}

/* --- numbers and words ----------------------------------------------------------------------- */

static size_t skip_digits(capsule_json_reader *reader)
{
    size_t from = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at - from;
}

static bool scan_number(capsule_json_reader *reader)
{
    if (peek(reader) == '-')
        reader->at++;
    bool leads_with_zero = peek(reader) == '0';
    size_t digits = skip_digits(reader);
    if (digits == 0 || (leads_with_zero && digits > 1))
        return false;
    if (peek(reader) == '.') {
        reader->at++;
        if (skip_digits(reader) == 0)
            return false;
    }
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->at++;
        if (peek(reader) == '+' || peek(reader) == '-')
            reader->at++;
        return skip_digits(reader) > 0;
    }
    return true;
}

static bool scan_word(capsule_json_reader *reader)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        if (reader->document.len - reader->at >= len &&
            memcmp(reader->document.data + reader->at, words[i], len) == 0) {
            reader->at += len;
            return true;
        }
    }
    return false;
}

/* --- the automaton --------------------------------------------------------------------------- */

static capsule_json_token open_container(capsule_json_reader *reader, bool is_object)
{
    if (reader->depth == CAPSULE_JSON_DEPTH_MAX)
        return refuse(reader);
    size_t from = reader->at++;
    capsule_json_token token = token_from(reader, CAPSULE_JSON_OPEN, from);
    size_t bit = reader->depth++;
    reader->objects[bit / 8] &= (uint8_t)~(1u << bit % 8);
    reader->objects[bit / 8] |= (uint8_t)((unsigned)is_object << bit % 8);
    reader->expects = (is_object ? EXPECT_KEY : EXPECT_VALUE) | EXPECT_CLOSE;
    return token;
}

static capsule_json_token close_container(capsule_json_reader *reader)
{
    size_t from = reader->at++;
    reader->depth--;
    expect_after_value(reader);
    return token_from(reader, CAPSULE_JSON_CLOSE, from);
}

static capsule_json_token read_key(capsule_json_reader *reader)
{
    size_t from = reader->at;
    if (peek(reader) != '"' || !scan_string(reader))
        return refuse(reader);
    capsule_json_token token = token_from(reader, CAPSULE_JSON_KEY, from);
    skip_space(reader);
    if (peek(reader) != ':')
        return refuse(reader);
    reader->at++;
    reader->expects = EXPECT_VALUE;
    return token;
}

static capsule_json_token read_value(capsule_json_reader *reader)
{
    int c = peek(reader);
    size_t from = reader->at;
    if (c == '{' || c == '[')
        return open_container(reader, c == '{');
    bool is_number = c == '-' || (c >= '0' && c <= '9');
    bool is_whole = c == '"'    ? scan_string(reader)
                    : is_number ? scan_number(reader)
                                : scan_word(reader);
    if (!is_whole)
        return refuse(reader);
    expect_after_value(reader);
    return token_from(reader,
                      c == '"'    ? CAPSULE_JSON_STRING
                      : is_number ? CAPSULE_JSON_NUMBER
                                  : CAPSULE_JSON_WORD,
                      from);
}

capsule_json_token capsule_json_next(capsule_json_reader *reader)
{
    if (reader->expects == 0)
        return refuse(reader);
    skip_space(reader);
    int c = peek(reader);
    if ((reader->expects & EXPECT_COMMA) != 0 && c == ',') {
        reader->at++;
        reader->expects = in_object(reader) ? EXPECT_KEY : EXPECT_VALUE;
        skip_space(reader);
        c = peek(reader);
    }
    if (reader->expects == EXPECT_END)
        return c < 0 ? token_from(reader, CAPSULE_JSON_END, reader->at) : refuse(reader);
    if ((reader->expects & EXPECT_CLOSE) != 0 && c == (in_object(reader) ? '}' : ']'))
        return close_container(reader);
    if ((reader->expects & EXPECT_KEY) != 0)
        return read_key(reader);
    return (reader->expects & EXPECT_VALUE) != 0 ? read_value(reader) : refuse(reader);
}

bool capsule_json_is_valid(capsule_bytes document)
{
    capsule_json_reader reader;
    capsule_json_init(&reader, document);
    for (;;) {
        capsule_json_kind kind = capsule_json_next(&reader).kind;
        if (kind == CAPSULE_JSON_END || kind == CAPSULE_JSON_INVALID)
            return kind == CAPSULE_JSON_END;
    }
}

/* --- one member ------------------------------------------------------------------------------ */

capsule_json_status capsule_json_member(capsule_bytes document, const char *name, uint8_t *buffer,
                                        capsule_bytes *ret_value)
{
    capsule_json_reader reader;
    capsule_json_token found = {0};
    size_t times = 0;
    bool is_wanted = false;
    capsule_json_init(&reader, document);
    capsule_json_token token = capsule_json_next(&reader);
    if (token.kind != CAPSULE_JSON_OPEN || token.raw.data[0] != '{')
        return CAPSULE_JSON_MALFORMED;
    while (token.kind != CAPSULE_JSON_END) {
        token = capsule_json_next(&reader);
        if (token.kind == CAPSULE_JSON_INVALID)
            return CAPSULE_JSON_MALFORMED;
        if (is_wanted)
            found = token;
        is_wanted = false;
        if (token.kind == CAPSULE_JSON_KEY && token.depth == 1) {
            size_t len = capsule_json_decode(token.raw, buffer);
            is_wanted = capsule_equal_text((capsule_bytes){buffer, len}, name);
            times += is_wanted;
        }
    }
    if (times != 1)
        return times == 0 ? CAPSULE_JSON_MISSING : CAPSULE_JSON_TWICE;
    if (found.kind != CAPSULE_JSON_STRING)
        return CAPSULE_JSON_NOT_A_STRING;
    *ret_value = (capsule_bytes){buffer, capsule_json_decode(found.raw, buffer)};
    return CAPSULE_JSON_FOUND;
}

const char *capsule_json_status_name(capsule_json_status status)
{
    static const char *const names[] = {"found", "malformed JSON", "missing", "not a string",
                                        "given twice"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}
