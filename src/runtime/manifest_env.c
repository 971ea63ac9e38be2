/* runtime/manifest_env.c - see manifest_env.h. */
#include "runtime/manifest_env.h"

#include <stdlib.h>

#include "abi/utf8.h"

#define VARIABLE_PREFIX "BULKHEAD_CONFIG_"

/* A value may go into a lease's memory whole; this is far above what configuration needs. */
enum { VALUE_BYTES_MAX = 64 << 10 };

/* "a--b" and the key "c" would share a variable with "a" and the key "b__c". */
static bool has_variables(const char *capsule)
{
    return strstr(capsule, "--") == NULL && capsule[strlen(capsule) - 1] != '-';
}

static char to_variable_character(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c == '-' || c == '.' ? '_' : c;
}

static const char *variable_name(bhi_manifest_reader *reader, const char *capsule, const char *key)
{
    char *name = bhi_arena_printf(reader->arena, VARIABLE_PREFIX "%s__%s", capsule, key);
    if (name == NULL) {
        bhi_manifest_fail_nomem(reader);
        return "";
    }
    for (char *c = name + sizeof VARIABLE_PREFIX - 1; *c != '\0'; c++)
        *c = to_variable_character(*c);
    return name;
}

static json_t *plain_copy(const json_t *node);

static json_t *plain_object(const json_t *value)
{
    json_t *copy = json_object();
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        if (json_object_set_new(copy, name, plain_copy(member)) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

static json_t *plain_array(const json_t *value)
{
    json_t *copy = json_array();
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (json_array_append_new(copy, plain_copy(item)) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

/* A copy of a node's value without the places; NULL when memory is out. The parser bounds the
 * depth. */
static json_t *plain_copy(const json_t *node)
{
    const json_t *value = bhi_manifest_value(node);
    if (json_is_object(value))
        return plain_object(value);
    return json_is_array(value) ? plain_array(value) : json_deep_copy(value);
}

static bhi_bytes json_text(bhi_manifest_reader *reader, const json_t *node)
{
    json_t *plain = plain_copy(node);
    char *text = plain == NULL ? NULL : json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT);
    bhi_bytes copy = {0};
    if (text != NULL)
        copy = bhi_arena_copy(reader->arena, bhi_bytes_of(text));
    free(text);
    json_decref(plain);
    if (copy.data == NULL)
        bhi_manifest_fail_nomem(reader);
    return copy;
}

static bhi_bytes value_bytes(bhi_manifest_reader *reader, const json_t *node)
{
    const json_t *value = bhi_manifest_value(node);
    if (!json_is_string(value))
        return json_text(reader, node);
    bhi_bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    bhi_bytes copy = bhi_arena_copy(reader->arena, text);
    if (copy.data == NULL)
        bhi_manifest_fail_nomem(reader);
    return copy;
}

/* True when there are no enum values, or `value` is one of them. */
static bool is_allowed(const json_t *declaration, bhi_bytes value)
{
    const json_t *allowed = bhi_manifest_value(bhi_manifest_member(declaration, "enum_values"));
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)allowed, i, item)
    {
        if (bhi_bytes_equal_text(value, json_string_value(bhi_manifest_value(item))))
            return true;
    }
    return json_array_size(allowed) == 0;
}

/* What the operator set, checked; NULL data when nothing. */
static bhi_bytes operator_value(bhi_manifest_reader *reader, const json_t *declaration,
                                const char *variable)
{
    const char *text = getenv(variable);
    if (text == NULL)
        return (bhi_bytes){0};
    bhi_bytes value = bhi_arena_copy(reader->arena, bhi_bytes_of(text));
    if (value.data == NULL)
        bhi_manifest_fail_nomem(reader);
    else if (value.len > VALUE_BYTES_MAX || !bhi_utf8_is_valid(value))
        bhi_manifest_fail(reader, declaration,
                          "environment variable %s: expected at most 65536 bytes of UTF-8",
                          variable);
    else if (!is_allowed(declaration, value))
        bhi_manifest_fail(reader, declaration,
                          "environment variable %s: expected one of the enum_values", variable);
    return value;
}

static bhi_bytes default_value(bhi_manifest_reader *reader, const json_t *declaration)
{
    const json_t *node = bhi_manifest_member(declaration, "default");
    const json_t *choices = bhi_manifest_member(declaration, "enum_values");
    if (node == NULL && json_array_size(bhi_manifest_value(choices)) == 1)
        return value_bytes(reader, json_array_get(bhi_manifest_value(choices), 0));
    if (node == NULL)
        return (bhi_bytes){0};
    bhi_bytes value = value_bytes(reader, node);
    if (!is_allowed(declaration, value))
        bhi_manifest_fail(reader, node, "expected one of the enum_values for \"default\"");
    return value;
}

static bhi_bytes resolve(bhi_manifest_reader *reader, const char *capsule,
                         const json_t *declaration, bhi_manifest_env *env)
{
    bhi_bytes value = {0};
    if (has_variables(capsule))
        value = operator_value(reader, declaration, variable_name(reader, capsule, env->name));
    env->source = BHI_ENV_OPERATOR;
    if (value.data == NULL) {
        value = default_value(reader, declaration);
        env->source = value.data == NULL ? BHI_ENV_UNSET : BHI_ENV_DEFAULT;
    }
    return value;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const bhi_manifest_env *)a)->name, ((const bhi_manifest_env *)b)->name);
}

/* The declared keys, sorted bytewise. */
static bhi_manifest_env *list_keys(bhi_manifest_reader *reader, const json_t *env, size_t count)
{
    bhi_manifest_env *keys = bhi_arena_calloc(reader->arena, count, sizeof *keys);
    if (keys == NULL) {
        bhi_manifest_fail_nomem(reader);
        return NULL;
    }
    size_t used = 0;
    const char *name;
    json_t *declaration;
    json_object_foreach((json_t *)bhi_manifest_value(env), name, declaration)
    {
        keys[used].name = bhi_arena_text(reader->arena, bhi_bytes_of(name));
        keys[used].type = bhi_manifest_text(reader, declaration, "type", "");
        if (keys[used++].name == NULL) {
            bhi_manifest_fail_nomem(reader);
            return NULL;
        }
    }
    qsort(keys, count, sizeof *keys, compare_names);
    return keys;
}

void bhi_manifest_resolve_env(bhi_manifest_reader *reader, const json_t *env,
                              bhi_manifest *manifest)
{
    size_t count = json_object_size(bhi_manifest_value(env));
    if (count == 0 || reader->status != BH_OK)
        return;
    bhi_manifest_env *keys = list_keys(reader, env, count);
    bhi_config_entry *entries = bhi_arena_calloc(reader->arena, count, sizeof *entries);
    if (keys == NULL || entries == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    size_t set_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *declaration = bhi_manifest_member(env, keys[i].name);
        bhi_bytes value = resolve(reader, manifest->name, declaration, &keys[i]);
        if (value.data != NULL)
            entries[set_count++] = (bhi_config_entry){bhi_bytes_of(keys[i].name), value};
    }
    manifest->env = keys;
    manifest->env_count = count;
    manifest->config = (bhi_config){entries, set_count};
}
