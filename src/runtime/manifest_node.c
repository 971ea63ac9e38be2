/* runtime/manifest_node.c - see manifest_node.h.
 *
 * Messages are for the person who wrote the line: the place, what was found, what was expected, and
 * the known key that is nearest to an unknown one.
 */
#include "runtime/manifest_node.h"

#include <stdarg.h>
#include <stdio.h>

#include <bulkhead_rust.h>

enum { QUOTED_BYTES_MAX = 60, SUGGESTION_BYTES_MAX = 32, EXPECTED_BYTES_MAX = 160 };

static uint32_t place_part(const json_t *node, const char *part)
{
    json_int_t number = json_integer_value(json_object_get(node, part));
    return number > 0 && number <= UINT32_MAX ? (uint32_t)number : 1;
}

uint32_t bhi_manifest_line(const json_t *node)
{
    return place_part(node, "line");
}

uint32_t bhi_manifest_column(const json_t *node)
{
    return place_part(node, "column");
}

const json_t *bhi_manifest_value(const json_t *node)
{
    return json_object_get(node, "value");
}

const json_t *bhi_manifest_member(const json_t *node, const char *name)
{
    return json_object_get(bhi_manifest_value(node), name);
}

void bhi_manifest_fail(bhi_manifest_reader *reader, const json_t *node, const char *format, ...)
{
    if (reader->status != BH_OK)
        return;
    char text[sizeof reader->reterr->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reader->status =
        bhi_fail(reader->reterr, BH_E_MANIFEST, "%s:%u:%u: %s", reader->file,
                 (unsigned)bhi_manifest_line(node), (unsigned)bhi_manifest_column(node), text);
}

void bhi_manifest_fail_nomem(bhi_manifest_reader *reader)
{
    if (reader->status == BH_OK)
        reader->status =
            bhi_fail(reader->reterr, BH_E_NOMEM, "out of memory while reading %s", reader->file);
}

/* The JSON itself is well-formed; what is in it may still be more than jansson takes. */
static void fail_json(bhi_manifest_reader *reader, const json_error_t *refusal)
{
    enum json_error_code code = json_error_code(refusal);
    if (code == json_error_stack_overflow)
        bhi_manifest_fail(reader, NULL, "nested too deeply");
    else if (code == json_error_null_byte_in_key)
        bhi_manifest_fail(reader, NULL, "a key with a NUL character");
    else
        bhi_manifest_fail_nomem(reader);
}

json_t *bhi_manifest_read_nodes(bhi_manifest_reader *reader, bhi_bytes text, uint32_t bytes_max)
{
    if (text.len > bytes_max) {
        bhi_manifest_fail(reader, NULL, "expected at most %u bytes, found %zu", bytes_max,
                          text.len);
        return NULL;
    }
    bhr_bytes json = {0};
    bhr_toml_error refused;
    if (!bhr_toml_to_json(text.data, text.len, &json, &refused)) {
        reader->status = bhi_fail(reader->reterr, BH_E_MANIFEST, "%s:%u:%u: %s", reader->file,
                                  (unsigned)refused.line, (unsigned)refused.column, refused.text);
        return NULL;
    }
    json_error_t refusal = {0}; /* jansson leaves it as it is when it has no memory to begin */
    json_t *root = json_loadb((const char *)json.data, json.len, JSON_ALLOW_NUL, &refusal);
    bhr_bytes_free(json);
    if (root == NULL)
        fail_json(reader, &refusal);
    return root;
}

const char *bhi_manifest_quote(bhi_manifest_reader *reader, const char *text)
{
    size_t len = strlen(text);
    bool is_cut = len > QUOTED_BYTES_MAX;
    if (is_cut) {
        len = QUOTED_BYTES_MAX;
        while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) /* not inside a character */
            len--;
    }
    char *quoted =
        bhi_arena_printf(reader->arena, "\"%.*s%s\"", (int)len, text, is_cut ? "..." : "");
    if (quoted == NULL)
        return "?";
    for (char *c = quoted; *c != '\0'; c++)
        if ((uint8_t)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return quoted;
}

const char *bhi_manifest_text(bhi_manifest_reader *reader, const json_t *node, const char *name,
                              const char *otherwise)
{
    const json_t *value = bhi_manifest_value(bhi_manifest_member(node, name));
    if (value == NULL || !json_is_string(value))
        return otherwise;
    bhi_bytes bytes = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    const char *text = bhi_arena_text(reader->arena, bytes);
    if (text == NULL)
        bhi_manifest_fail_nomem(reader);
    return text == NULL ? otherwise : text;
}

/* Levenshtein distance by one row; both texts are short. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[SUGGESTION_BYTES_MAX + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            size_t shift = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < shift ? change : shift;
        }
    }
    return row[b_len];
}

static const char *nearest_key(const bhi_manifest_key *keys, const char *name)
{
    if (strlen(name) > SUGGESTION_BYTES_MAX)
        return NULL;
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 2; /* farther than this it is a guess, not a suggestion */
    for (; keys->name != NULL; keys++) {
        size_t distance = keys->kind == BHI_MANIFEST_GONE ? best : edit_distance(name, keys->name);
        if (distance < best) {
            best = distance;
            nearest = keys->name;
        }
    }
    return nearest;
}

/* The names with commas between them; whole names, then "..." when they do not all fit. */
static void list_keys(const bhi_manifest_key *keys, char *ret_text, size_t size)
{
    static const char more[] = ", ...";
    size_t used = 0;
    ret_text[0] = '\0';
    for (; keys->name != NULL; keys++) {
        size_t len = strlen(keys->name) + 2;
        if (keys->kind == BHI_MANIFEST_GONE)
            continue;
        if (used + len + sizeof more > size) {
            memcpy(ret_text + used, more, sizeof more);
            return;
        }
        used += (size_t)snprintf(ret_text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                 keys->name);
    }
}

static void fail_unknown_key(bhi_manifest_reader *reader, const char *section, const char *name,
                             const json_t *node, const bhi_manifest_key *keys)
{
    const char *quoted = bhi_manifest_quote(reader, name);
    const char *nearest = nearest_key(keys, name);
    if (nearest != NULL) {
        bhi_manifest_fail(reader, node, "unknown key %s in %s: did you mean \"%s\"?", quoted,
                          section, nearest);
        return;
    }
    char expected[EXPECTED_BYTES_MAX];
    list_keys(keys, expected, sizeof expected);
    bhi_manifest_fail(reader, node, "unknown key %s in %s: expected one of %s", quoted, section,
                      expected);
}

static const bhi_manifest_key *find_key(const bhi_manifest_key *keys, const char *name)
{
    while (keys->name != NULL && strcmp(keys->name, name) != 0)
        keys++;
    return keys->name == NULL ? NULL : keys;
}

static bool is_before(const json_t *a, const json_t *b)
{
    uint32_t line_a = bhi_manifest_line(a), line_b = bhi_manifest_line(b);
    return line_a < line_b || (line_a == line_b && bhi_manifest_column(a) < bhi_manifest_column(b));
}

/* The members come in the order of their names; people want the first line that is wrong. */
static void refuse_unknown_keys(bhi_manifest_reader *reader, const char *section,
                                const json_t *node, const bhi_manifest_key *keys)
{
    const char *name, *first_name = NULL;
    json_t *member, *first = NULL;
    json_object_foreach((json_t *)bhi_manifest_value(node), name, member)
    {
        if (find_key(keys, name) == NULL && (first == NULL || is_before(member, first))) {
            first = member;
            first_name = name;
        }
    }
    if (first != NULL)
        fail_unknown_key(reader, section, first_name, first, keys);
}

static const char *type_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "a table";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "a number";
    }
}

static const char *kind_text(bhi_manifest_kind kind)
{
    static const char *const texts[] = {
        [BHI_MANIFEST_ANY] = "a value",
        [BHI_MANIFEST_TEXT] = "a string",
        [BHI_MANIFEST_TEXTS] = "an array of strings",
        [BHI_MANIFEST_FLAG] = "true or false",
        [BHI_MANIFEST_COUNT] = "an integer from 0 to 4294967295",
        [BHI_MANIFEST_TABLE] = "a table",
        [BHI_MANIFEST_TABLES] = "an array of tables, [[...]]",
        [BHI_MANIFEST_GONE] = "nothing",
    };
    return texts[kind];
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) &&
           strlen(json_string_value(value)) == json_string_length(value); /* no NUL */
}

static bool is_array_of_texts(const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!is_text(bhi_manifest_value(item)))
            return false;
    }
    return json_is_array(value);
}

static bool is_of_kind(const json_t *value, bhi_manifest_kind kind)
{
    switch (kind) {
    case BHI_MANIFEST_TEXT:
        return is_text(value);
    case BHI_MANIFEST_TEXTS:
        return is_array_of_texts(value);
    case BHI_MANIFEST_FLAG:
        return json_is_boolean(value);
    case BHI_MANIFEST_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               json_integer_value(value) <= UINT32_MAX;
    case BHI_MANIFEST_TABLE:
        return json_is_object(value);
    case BHI_MANIFEST_TABLES:
        return json_is_array(value);
    default:
        return true;
    }
}

static void check_items(bhi_manifest_reader *reader, const bhi_manifest_key *key,
                        const json_t *node)
{
    const char *section = bhi_arena_printf(reader->arena, "[[%s]]", key->name);
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)bhi_manifest_value(node), i, item)
    {
        bhi_manifest_check_table(reader, section == NULL ? key->name : section, item, key->inner);
    }
}

static void check_members(bhi_manifest_reader *reader, const bhi_manifest_key *key,
                          const json_t *node)
{
    if (key->inner != NULL) {
        const char *section = bhi_arena_printf(reader->arena, "[%s]", key->name);
        bhi_manifest_check_table(reader, section == NULL ? key->name : section, node, key->inner);
    }
    if (key->each == NULL)
        return;
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)bhi_manifest_value(node), name, member)
    {
        key->each(reader, name, member);
    }
}

static void check_value(bhi_manifest_reader *reader, const bhi_manifest_key *key,
                        const json_t *node)
{
    const json_t *value = bhi_manifest_value(node);
    if (key->kind == BHI_MANIFEST_GONE) {
        bhi_manifest_fail(reader, node, "\"%s\" is no longer understood: %s", key->name, key->note);
        return;
    }
    if (!is_of_kind(value, key->kind)) {
        bhi_manifest_fail(reader, node, "expected %s for \"%s\", found %s", kind_text(key->kind),
                          key->name,
                          is_of_kind(value, BHI_MANIFEST_TEXT) || !json_is_string(value)
                              ? type_text(value)
                              : "a string with a NUL character");
        return;
    }
    if (key->kind == BHI_MANIFEST_TABLE)
        check_members(reader, key, node);
    if (key->kind == BHI_MANIFEST_TABLES)
        check_items(reader, key, node);
    if (key->check != NULL)
        key->check(reader, key->name, node);
}

void bhi_manifest_check_table(bhi_manifest_reader *reader, const char *section, const json_t *node,
                              const bhi_manifest_key *keys)
{
    if (!json_is_object(bhi_manifest_value(node))) {
        bhi_manifest_fail(reader, node, "expected a table for %s, found %s", section,
                          type_text(bhi_manifest_value(node)));
        return;
    }
    refuse_unknown_keys(reader, section, node, keys);
    for (const bhi_manifest_key *key = keys; key->name != NULL; key++) {
        const json_t *member = bhi_manifest_member(node, key->name);
        if (member != NULL)
            check_value(reader, key, member);
        else if (key->is_required)
            bhi_manifest_fail(reader, node, "%s lacks \"%s\": expected %s", section, key->name,
                              kind_text(key->kind));
    }
}
