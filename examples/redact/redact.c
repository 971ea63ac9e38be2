/* redact.c - masks e-mail addresses, card numbers and API keys in a JSON or text payload.
 *
 * A payload that is JSON stays JSON: each string is decoded, so that escapes hide nothing, masked,
 * and encoded again; a string without a finding, and everything between strings, keeps its bytes.
 * A number that is a card number becomes the string "[card]". Any other payload is masked as text.
 * A payload that is not UTF-8 is refused, because what cannot be read cannot be cleared.
 *
 *   [email]  local@domain.tld, also with %40 for @; letters of the Latin, Greek and Cyrillic
 *            alphabets count in both parts
 *   [card]   13 to 19 digits, single spaces or dashes between them allowed, that satisfy the Luhn
 *            check (ISO/IEC 7812-1, annex B) and could begin a card: not 0, and 1 only with 15
 *   [key]    well-known prefixes (sk-, ghp_, AKIA, xoxb- ...) with enough behind them, JSON web
 *            tokens, and what follows "Bearer "
 *
 * The scan goes once over the text. A finding moves `done` behind it, nothing looks back before
 * that, and what turns out to be no finding was looked at for a bounded number of bytes or up to
 * the next candidate: the time is linear whatever the payload is.
 */
#include <bulkhead/capsule.h>

typedef struct scanner {
    capsule_bytes in;
    size_t at;    /* next byte to look at                        */
    size_t done;  /* the input before it is written              */
    uint8_t *out; /* see out_bytes_max                           */
    size_t out_len;
} scanner;

/* A mask can be longer than what it replaces by one byte in six ("a@b.co"). */
static size_t out_bytes_max(size_t in_bytes)
{
    return in_bytes + in_bytes / 6 + 1;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || is_letter(c);
}

/* 0 outside the text, which is no part of anything. */
static uint8_t byte_at(const scanner *s, size_t at)
{
    return at < s->in.len ? s->in.data[at] : 0;
}

static bool has_text(const scanner *s, size_t at, const char *text)
{
    size_t len = strlen(text);
    return at <= s->in.len && s->in.len - at >= len && memcmp(s->in.data + at, text, len) == 0;
}

static void write_out(scanner *s, const void *bytes, size_t len)
{
    memcpy(s->out + s->out_len, bytes, len);
    s->out_len += len;
}

/* Copy up to `from`, put the mask for [from, to) and go on behind it. */
static void mask(scanner *s, size_t from, size_t to, const char *name)
{
    write_out(s, s->in.data + s->done, from - s->done);
    write_out(s, name, strlen(name));
    s->at = s->done = to;
}

/* --- e-mail ---------------------------------------------------------------------------------- */

/* Part of a two-byte letter from U+00C0 to U+052F. Such bytes stand in pairs in UTF-8, and a walk
 * over whole runs of them keeps the pairs together. Longer sequences are punctuation, symbols and
 * scripts that write without spaces, where an address would swallow the sentence. */
static bool is_letter_pair(const scanner *s, size_t lead)
{
    uint8_t c = byte_at(s, lead);
    return c >= 0xc3 && c <= 0xd4 && (byte_at(s, lead + 1) & 0xc0) == 0x80;
}

static bool is_local_mark(uint8_t c)
{
    return c != 0 && strchr("._+-'", c) != NULL;
}

/* Where the local part that ends at `end` begins; `end` when there is none. */
static size_t local_begin(const scanner *s, size_t end)
{
    size_t at = end;
    while (at > s->done) {
        uint8_t c = s->in.data[at - 1];
        if (is_alnum(c) || is_local_mark(c))
            at--;
        else if (at - s->done >= 2 && is_letter_pair(s, at - 2))
            at -= 2;
        else
            break;
    }
    while (at < end && is_local_mark(s->in.data[at]) && s->in.data[at] != '_')
        at++; /* a quote or dash before an address is not part of it */
    return at;
}

static size_t label_end(const scanner *s, size_t at)
{
    for (;;) {
        if (is_alnum(byte_at(s, at)) || byte_at(s, at) == '-')
            at++;
        else if (is_letter_pair(s, at))
            at += 2;
        else
            return at;
    }
}

static bool is_top_level(const scanner *s, size_t from, size_t to)
{
    return to - from >= 2 && (is_letter(s->in.data[from]) || is_letter_pair(s, from));
}

/* Where the domain that begins at `at` ends; `at` when no two labels with a name at the top do. */
static size_t domain_end(const scanner *s, size_t at)
{
    size_t end = at, label = at;
    for (;;) {
        size_t to = label_end(s, label);
        if (to == label)
            return end;
        if (label != at && is_top_level(s, label, to))
            end = to;
        if (byte_at(s, to) != '.')
            return end;
        label = to + 1;
    }
}

static bool mask_email(scanner *s)
{
    size_t sign = byte_at(s, s->at) == '@' ? 1 : has_text(s, s->at, "%40") ? 3 : 0;
    if (sign == 0)
        return false;
    size_t from = local_begin(s, s->at);
    size_t to = domain_end(s, s->at + sign);
    if (from == s->at || to == s->at + sign)
        return false;
    mask(s, from, to, "[email]");
    return true;
}

/* --- card numbers ---------------------------------------------------------------------------- */

enum { CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19, CARD_DIGITS_UATP = 15 };

static bool satisfies_luhn(const uint8_t *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        if (i % 2 == 1)
            digit = digit < 5 ? 2 * digit : 2 * digit - 9;
        sum += digit;
    }
    return sum % 10 == 0;
}

static bool is_card(const uint8_t *digits, size_t count)
{
    if (count < CARD_DIGITS_MIN || digits[0] == 0)
        return false;
    return (digits[0] != 1 || count == CARD_DIGITS_UATP) && satisfies_luhn(digits, count);
}

/* Digits begin here that are neither the rest of a word nor the fraction of a number. */
static bool is_digits_begin(const scanner *s)
{
    size_t before = s->at - s->done;
    const uint8_t *here = s->in.data + s->at;
    if (!is_digit(*here) || (before >= 1 && is_alnum(here[-1])))
        return false;
    return before < 2 || here[-1] != '.' || !is_digit(here[-2]);
}

/* The longest card number that begins here and ends where its digits do. */
static bool mask_card(scanner *s)
{
    uint8_t digits[CARD_DIGITS_MAX];
    size_t at = s->at, count = 0, end = 0;
    if (!is_digits_begin(s))
        return false;
    while (count < CARD_DIGITS_MAX && is_digit(byte_at(s, at))) {
        digits[count++] = s->in.data[at++] - '0';
        if (!is_alnum(byte_at(s, at)) && is_card(digits, count))
            end = at;
        bool is_separated = byte_at(s, at) == ' ' || byte_at(s, at) == '-';
        at += is_separated && is_digit(byte_at(s, at + 1));
    }
    if (end == 0)
        return false;
    mask(s, s->at, end, "[card]");
    return true;
}

/* --- API keys -------------------------------------------------------------------------------- */

typedef struct key_form {
    const char *prefix;
    const char *marks; /* what the rest may hold beside letters and digits */
    size_t rest_min;   /* as many bytes must follow                        */
    bool needs_digit;  /* the rest of a plain word would do otherwise      */
} key_form;

/* From the issuers' documentation; the minima leave room for older, shorter keys. */
static const key_form key_forms[] = {
    {"sk-", "-_", 16, true},     /* OpenAI, Anthropic */
    {"sk_live_", "", 16, false}, /* Stripe */
    {"sk_test_", "", 16, false},     {"rk_live_", "", 16, false},
    {"rk_test_", "", 16, false},     {"whsec_", "+/=", 16, false},
    {"ghp_", "", 16, false}, /* GitHub */
    {"gho_", "", 16, false},         {"ghu_", "", 16, false},
    {"ghs_", "._-", 16, false},      {"ghr_", "", 16, false},
    {"github_pat_", "_", 20, false}, {"glpat-", "._-", 16, false}, /* GitLab */
    {"AKIA", "", 16, false},                                       /* AWS */
    {"ASIA", "", 16, false},         {"AIza", "-_", 30, false},    /* Google */
    {"ya29.", "._-", 16, false},     {"xoxb-", "-", 10, false},    /* Slack */
    {"xoxp-", "-", 10, false},       {"xoxa-", "-", 10, false},
    {"xoxe-", "-", 10, false},       {"xoxe.xox", "-.", 10, false},
    {"xoxr-", "-", 10, false},       {"xoxs-", "-", 10, false},
    {"xapp-", "-", 10, false},       {"SG.", "._-", 20, true}, /* SendGrid */
    {"npm_", "", 30, false},         {"pypi-", "-_", 30, false},
    {"hf_", "", 30, false},          {"dop_v1_", "", 30, false},
    {"eyJ", "._-", 30, true}, /* JSON web token: {" in base64url */
};

/* Where the token that begins at `at` ends, looked for no further than `at_max`. */
static size_t token_end(const scanner *s, size_t at, const char *marks, size_t at_max)
{
    while (at < at_max &&
           (is_alnum(byte_at(s, at)) || (byte_at(s, at) != 0 && strchr(marks, byte_at(s, at)))))
        at++;
    return at;
}

static bool has_digit(const scanner *s, size_t from, size_t to)
{
    while (from < to && !is_digit(s->in.data[from]))
        from++;
    return from < to;
}

/* No key issued has its first digit later. What is no key is never looked at further than this, so
 * that a token full of prefixes takes no more than its length in time. */
enum { KEY_HEAD_BYTES = 64 };

static bool is_key(const scanner *s, const key_form *form, size_t rest)
{
    size_t head = token_end(s, rest, form->marks, rest + KEY_HEAD_BYTES);
    while (head > rest && s->in.data[head - 1] == '.')
        head--; /* the end of a sentence */
    return head - rest >= form->rest_min && (!form->needs_digit || has_digit(s, rest, head));
}

static bool mask_known_key(scanner *s)
{
    for (size_t i = 0; i < sizeof(key_forms) / sizeof(key_forms[0]); i++) {
        const key_form *form = &key_forms[i];
        size_t rest = s->at + strlen(form->prefix);
        if (byte_at(s, s->at) != (uint8_t)form->prefix[0] || !has_text(s, s->at, form->prefix) ||
            !is_key(s, form, rest))
            continue;
        size_t end = token_end(s, rest, form->marks, SIZE_MAX);
        while (s->in.data[end - 1] == '.')
            end--;
        mask(s, s->at, end, "[key]");
        return true;
    }
    return false;
}

enum { BEARER_BYTES = 6, BEARER_TOKEN_BYTES_MIN = 8, BEARER_WORD_BYTES_MAX = 24 };

static bool is_bearer_token(const scanner *s, size_t token)
{
    size_t head = token_end(s, token, "-._~+/=", token + BEARER_WORD_BYTES_MAX + 1);
    if (head - token > BEARER_WORD_BYTES_MAX)
        return true;
    return head - token >= BEARER_TOKEN_BYTES_MIN && has_digit(s, token, head);
}

/* "Bearer TOKEN" (RFC 6750; the scheme's case does not matter): the token goes. Without a digit it
 * must be longer than words are: "bearer certificate". */
static bool mask_bearer(scanner *s)
{
    for (size_t i = 0; i < BEARER_BYTES; i++)
        if ((byte_at(s, s->at + i) | 0x20) != "bearer"[i])
            return false;
    size_t token = s->at + BEARER_BYTES;
    while (byte_at(s, token) == ' ')
        token++;
    if (token == s->at + BEARER_BYTES || !is_bearer_token(s, token))
        return false;
    mask(s, token, token_end(s, token, "-._~+/=", SIZE_MAX), "[key]");
    return true;
}

static bool mask_key(scanner *s)
{
    bool is_at_word = s->at == s->done || !is_alnum(s->in.data[s->at - 1]);
    return is_at_word && is_letter(byte_at(s, s->at)) && (mask_known_key(s) || mask_bearer(s));
}

/* --- payloads -------------------------------------------------------------------------------- */

/* Append the masked text to `out`; ret_found says whether anything was masked. Returns the bytes
 * written, at most out_bytes_max(text.len). */
static size_t mask_text(capsule_bytes text, uint8_t *out, bool *ret_found)
{
    scanner s = {.in = text, .out = out};
    while (s.at < text.len)
        if (!mask_email(&s) && !mask_card(&s) && !mask_key(&s))
            s.at++;
    *ret_found = s.done > 0;
    if (s.done < text.len)
        write_out(&s, text.data + s.done, text.len - s.done);
    return s.out_len;
}

/* Room for one string of the document, reused for each: a string is never longer than that. */
typedef struct string_buffers {
    uint8_t *decoded;
    uint8_t *masked;
} string_buffers;

/* Write the masked form of a string or number. Encoding cannot outgrow the raw text that decoding
 * shrank by as much, so only masks add bytes. */
static size_t mask_json_token(capsule_json_token token, const string_buffers *buffers, uint8_t *out)
{
    bool was_found;
    bool is_number = token.kind == CAPSULE_JSON_NUMBER;
    capsule_bytes text = token.raw;
    if (!is_number)
        text = (capsule_bytes){buffers->decoded, capsule_json_decode(token.raw, buffers->decoded)};
    size_t len = mask_text(text, buffers->masked, &was_found);
    if (!was_found) {
        memcpy(out, token.raw.data, token.raw.len);
        return token.raw.len;
    }
    if (is_number)
        return capsule_json_quote(capsule_text("[card]"), out);
    return capsule_json_quote((capsule_bytes){buffers->masked, len}, out);
}

static capsule_bytes mask_json(capsule_bytes document)
{
    string_buffers buffers = {capsule_alloc(document.len),
                              capsule_alloc(out_bytes_max(document.len))};
    capsule_bytes masked = {capsule_alloc(out_bytes_max(document.len)), 0};
    const uint8_t *copied = document.data;
    capsule_json_reader reader;
    capsule_json_init(&reader, document);
    capsule_json_token token;
    do {
        token = capsule_json_next(&reader);
        bool is_text = token.kind == CAPSULE_JSON_KEY || token.kind == CAPSULE_JSON_STRING ||
                       token.kind == CAPSULE_JSON_NUMBER;
        if (!is_text)
            continue;
        size_t between = (size_t)(token.raw.data - copied);
        memcpy(masked.data + masked.len, copied, between);
        masked.len += between;
        masked.len += mask_json_token(token, &buffers, masked.data + masked.len);
        copied = token.raw.data + token.raw.len;
    } while (token.kind != CAPSULE_JSON_END);
    size_t rest = (size_t)(document.data + document.len - copied);
    memcpy(masked.data + masked.len, copied, rest);
    masked.len += rest;
    return masked;
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    if (!capsule_is_utf8(payload))
        return capsule_deny("the payload is not UTF-8");
    if (capsule_json_is_valid(payload))
        return capsule_continue(mask_json(payload));
    bool was_found;
    capsule_bytes masked = {capsule_alloc(out_bytes_max(payload.len)), 0};
    masked.len = mask_text(payload, masked.data, &was_found);
    return capsule_continue(masked);
}
