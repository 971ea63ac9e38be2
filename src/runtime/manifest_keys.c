/* runtime/manifest_keys.c - the format of Capsule.toml as tables, and checks that a kind cannot
 * express.
 *
 * A value that some part of the runtime will act on is checked in full. Sections for later parts
 * are checked for their shape, so that a manifest accepted today does not turn out malformed then.
 */
#include "runtime/manifest_keys.h"

#include <stdio.h>

#include "bus/topic.h"
#include "runtime/manifest.h"

#define ANY    BHI_MANIFEST_ANY
#define TEXT   BHI_MANIFEST_TEXT
#define TEXTS  BHI_MANIFEST_TEXTS
#define FLAG   BHI_MANIFEST_FLAG
#define COUNT  BHI_MANIFEST_COUNT
#define TABLE  BHI_MANIFEST_TABLE
#define TABLES BHI_MANIFEST_TABLES
#define GONE   BHI_MANIFEST_GONE

enum { CAPSULE_NAME_BYTES_MAX = 64, ENV_NAME_BYTES_MAX = 128 };

#define DIGITS  "0123456789"
#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ID_TEXT LOWER DIGITS "-"

static const char *text_of(const json_t *node)
{
    const char *text = json_string_value(bhi_manifest_value(node));
    return text == NULL ? "" : text;
}

static void expect(bhi_manifest_reader *reader, const char *name, const json_t *node,
                   const char *expected)
{
    bhi_manifest_fail(reader, node, "expected %s for \"%s\", found %s", expected, name,
                      bhi_manifest_quote(reader, text_of(node)));
}

static bool consists_of(const char *text, const char *characters)
{
    return text[0] != '\0' && text[strspn(text, characters)] == '\0';
}

static void check_capsule_name(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    const char *text = text_of(node);
    if (!consists_of(text, ID_TEXT) || strlen(text) > CAPSULE_NAME_BYTES_MAX)
        expect(reader, name, node, "1 to 64 characters of a-z, 0-9 and '-'");
}

/* A number of a semantic version: no sign, no leading zero. NULL when there is none. */
static const char *skip_number(const char *text)
{
    size_t len = strspn(text, DIGITS);
    return len == 0 || len > 9 || (len > 1 && text[0] == '0') ? NULL : text + len;
}

/* Identifiers between dots, none empty; up to an end or a '+'. NULL when one is malformed. */
static const char *skip_identifiers(const char *text, bool may_lead_with_zero)
{
    for (;;) {
        size_t len = strspn(text, LOWER UPPER DIGITS "-");
        bool is_number = strspn(text, DIGITS) == len;
        if (len == 0 || (is_number && len > 1 && text[0] == '0' && !may_lead_with_zero))
            return NULL;
        text += len;
        if (*text != '.')
            return text;
        text++;
    }
}

/* Semantic Versioning 2.0.0, sections 2, 9 and 10. */
static bool is_semver(const char *text)
{
    for (int part = 0; part < 3 && text != NULL; part++) {
        text = skip_number(text);
        if (text != NULL && part < 2)
            text = *text == '.' ? text + 1 : NULL;
    }
    if (text != NULL && *text == '-')
        text = skip_identifiers(text + 1, false);
    if (text != NULL && *text == '+')
        text = skip_identifiers(text + 1, true);
    return text != NULL && *text == '\0';
}

static void check_version(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (!is_semver(text_of(node)))
        expect(reader, name, node, "a semantic version like 1.2.3");
}

static void check_requirement(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (!consists_of(text_of(node), LOWER UPPER DIGITS ".,+-*^~<>= "))
        expect(reader, name, node, "a version requirement like \"^1.2\"");
}

/* Lexical only; opening the file is what enforces it. */
static bool is_path_inside(const char *path)
{
    if (path[0] == '\0' || path[0] == '/')
        return false;
    while (path != NULL) {
        const char *slash = strchr(path, '/');
        size_t len = slash == NULL ? strlen(path) : (size_t)(slash - path);
        if (len == 2 && memcmp(path, "..", 2) == 0)
            return false;
        path = slash == NULL ? NULL : slash + 1;
    }
    return true;
}

static void check_path(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (!is_path_inside(text_of(node)))
        expect(reader, name, node, "a relative path inside the capsule directory");
}

static void check_hash(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    static const char prefix[] = "blake3:";
    const char *text = text_of(node);
    bool has_prefix = strncmp(text, prefix, sizeof prefix - 1) == 0;
    const char *digits = text + (has_prefix ? sizeof prefix - 1 : 0);
    if (!has_prefix || strlen(digits) != 64 || !consists_of(digits, DIGITS "abcdefABCDEF"))
        expect(reader, name, node, "\"blake3:\" and 64 hexadecimal digits");
}

static void check_component(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    size_t count = json_array_size(bhi_manifest_value(node));
    if (count != 1) {
        const json_t *second = json_array_get(bhi_manifest_value(node), 1);
        bhi_manifest_fail(reader, second == NULL ? node : second,
                          "expected exactly one [[component]], found %zu: a capsule runs one",
                          count);
        return;
    }
    const json_t *component = json_array_get(bhi_manifest_value(node), 0);
    const json_t *file = bhi_manifest_member(component, "file");
    const json_t *entrypoint = bhi_manifest_member(component, "entrypoint");
    if ((file == NULL) == (entrypoint == NULL))
        bhi_manifest_fail(reader, component,
                          "expected either \"file\" or \"entrypoint\" in "
                          "[[component]], found %s",
                          file == NULL ? "neither" : "both");
}

static void check_reuse(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    static const char *const names[] = {"pristine", "principal", "shared", "never"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text_of(node), names[i]) == 0)
            return;
    expect(reader, name, node, "\"pristine\", \"principal\", \"shared\" or \"never\"");
}

static void check_live_max(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    json_int_t count = json_integer_value(bhi_manifest_value(node));
    if (count < 1 || count > BHI_LIVE_MAX_MAX)
        bhi_manifest_fail(reader, node, "expected 1 to %d for \"%s\", found %lld", BHI_LIVE_MAX_MAX,
                          name, (long long)count);
}

static void check_min_idle(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    json_int_t count = json_integer_value(bhi_manifest_value(node));
    if (count > BHI_LIVE_MAX_MAX)
        bhi_manifest_fail(reader, node, "expected 0 to %d for \"%s\", found %lld", BHI_LIVE_MAX_MAX,
                          name, (long long)count);
}

static void check_init_randomness(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (strcmp(text_of(node), "accept") != 0)
        expect(reader, name, node, "\"accept\"");
}

static void check_run(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (strcmp(text_of(node), "loop") != 0 && strcmp(text_of(node), "stub") != 0)
        expect(reader, name, node, "\"loop\" or \"stub\"");
}

static void check_action(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    size_t len = strlen(text_of(node));
    if (len == 0 || len > 256)
        expect(reader, name, node, "an action of 1 to 256 bytes");
}

static const bhi_manifest_key env_keys[] = {
    {.name = "type", .kind = TEXT, .is_required = true},
    {.name = "request", .kind = TEXT},
    {.name = "description", .kind = TEXT},
    {.name = "default", .kind = ANY},
    {.name = "enum_values", .kind = TEXTS},
    {.name = "placeholder", .kind = TEXT},
    {0},
};

static void check_env(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    const char *quoted = bhi_manifest_quote(reader, name);
    if (strcmp(name, "ASTRID_SOCKET_PATH") == 0)
        bhi_manifest_fail(reader, node, "%s in [env] is reserved for the host: choose another name",
                          quoted);
    else if (!consists_of(name, LOWER UPPER DIGITS "_-.") || strlen(name) > ENV_NAME_BYTES_MAX)
        bhi_manifest_fail(reader, node,
                          "%s is no name for [env]: expected 1 to 128 characters of letters, "
                          "digits, '_', '-' and '.'",
                          quoted);
    const char *section = bhi_arena_printf(reader->arena, "[env.%.*s]", 40, name);
    bhi_manifest_check_table(reader, section == NULL ? "[env]" : section, node, env_keys);
}

/* An interface name: "ns:iface", or "iface" below [imports.ns]. */
static bool is_interface_id(const char *text, size_t len)
{
    return len > 0 && text[0] >= 'a' && text[0] <= 'z' && strspn(text, ID_TEXT) >= len;
}

static const bhi_manifest_key import_keys[] = {
    {.name = "version", .kind = TEXT, .is_required = true, .check = check_requirement},
    {.name = "optional", .kind = FLAG},
    {0},
};

static const bhi_manifest_key export_keys[] = {
    {.name = "version", .kind = TEXT, .is_required = true, .check = check_version},
    {0},
};

static void check_interface(bhi_manifest_reader *reader, const char *name, const json_t *node,
                            const bhi_manifest_key *keys)
{
    const json_t *value = bhi_manifest_value(node);
    if (json_is_string(value))
        keys[0].check(reader, name, node);
    else
        bhi_manifest_check_table(reader, bhi_manifest_quote(reader, name), node, keys);
}

static void check_interfaces(bhi_manifest_reader *reader, const char *name, const json_t *node,
                             const bhi_manifest_key *keys)
{
    const char *colon = strchr(name, ':');
    size_t len = colon == NULL ? strlen(name) : (size_t)(colon - name);
    if (!is_interface_id(name, len) ||
        (colon != NULL && !is_interface_id(colon + 1, strlen(colon + 1)))) {
        bhi_manifest_fail(reader, node, "expected an interface like \"astrid:memory\", found %s",
                          bhi_manifest_quote(reader, name));
        return;
    }
    if (colon != NULL) {
        check_interface(reader, name, node, keys);
        return;
    }
    const char *inner;
    json_t *member;
    json_object_foreach((json_t *)bhi_manifest_value(node), inner, member)
    {
        if (!is_interface_id(inner, strlen(inner)))
            bhi_manifest_fail(reader, member, "expected an interface name like memory, found %s",
                              bhi_manifest_quote(reader, inner));
        check_interface(reader, inner, member, keys);
    }
    if (!json_is_object(bhi_manifest_value(node)))
        bhi_manifest_fail(reader, node, "expected a table of interfaces for %s",
                          bhi_manifest_quote(reader, name));
}

static void check_import(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    check_interfaces(reader, name, node, import_keys);
}

static void check_export(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    check_interfaces(reader, name, node, export_keys);
}

#define SOURCE_KEYS                                                                                \
    {.name = "wit", .kind = TEXT, .is_required = true}, {.name = "version", .kind = TEXT},         \
        {.name = "tag", .kind = TEXT}, {.name = "rev", .kind = TEXT},                              \
        {.name = "branch", .kind = TEXT}, {.name = "path", .kind = TEXT},                          \
    {                                                                                              \
        .name = "fanout", .kind = FLAG                                                             \
    }

static const bhi_manifest_key publish_keys[] = {SOURCE_KEYS, {0}};
static void check_on_failure(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    if (strcmp(text_of(node), "deny") != 0 && strcmp(text_of(node), "continue") != 0)
        expect(reader, name, node, "\"deny\" or \"continue\"");
}

static const bhi_manifest_key subscribe_keys[] = {
    SOURCE_KEYS,
    {.name = "handler", .kind = TEXT, .check = check_action},
    {.name = "priority", .kind = COUNT},
    {.name = "on_failure", .kind = TEXT, .check = check_on_failure},
    {0}};

static void check_needs_handler(bhi_manifest_reader *reader, const json_t *node, const char *key,
                                const char *quoted)
{
    if (bhi_manifest_member(node, key) != NULL && bhi_manifest_member(node, "handler") == NULL)
        bhi_manifest_fail(reader, node, "\"%s\" of %s has no meaning without \"handler\"", key,
                          quoted);
}

static void check_topic(bhi_manifest_reader *reader, const char *name, const json_t *node,
                        const bhi_manifest_key *keys)
{
    static const char *const origins[] = {"version", "tag", "rev", "branch", "path"};
    const char *quoted = bhi_manifest_quote(reader, name);
    if (!bhi_pattern_is_valid(bhi_bytes_of(name)))
        bhi_manifest_fail(reader, node,
                          "%s is no topic: expected 1 to 8 segments of a-z, 0-9, '_' and '-', or "
                          "\"*\", between dots, at most 256 bytes",
                          quoted);
    if (json_is_string(bhi_manifest_value(node)))
        return;
    bhi_manifest_check_table(reader, quoted, node, keys);
    size_t origins_count = 0;
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++)
        origins_count += bhi_manifest_member(node, origins[i]) != NULL;
    if (origins_count > 1)
        bhi_manifest_fail(reader, node,
                          "expected at most one of version, tag, rev, branch and path for %s",
                          quoted);
    check_needs_handler(reader, node, "priority", quoted);
    check_needs_handler(reader, node, "on_failure", quoted);
}

static void check_publish(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    check_topic(reader, name, node, publish_keys);
}

static void check_subscribe(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    check_topic(reader, name, node, subscribe_keys);
}

static void check_profile(bhi_manifest_reader *reader, const char *name, const json_t *node)
{
    const char *text = text_of(node);
    if (strcmp(text, "chat") != 0 && strcmp(text, "interactive") != 0 &&
        strcmp(text, "notify") != 0 && strcmp(text, "bridge") != 0)
        expect(reader, name, node, "\"chat\", \"interactive\", \"notify\" or \"bridge\"");
}

static const bhi_manifest_key package_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true, .check = check_capsule_name},
    {.name = "version", .kind = TEXT, .is_required = true, .check = check_version},
    {.name = "description", .kind = TEXT},
    {.name = "astrid-version", .kind = TEXT, .check = check_requirement},
    {.name = "authors", .kind = TEXTS},
    {.name = "license", .kind = TEXT},
    {.name = "license-file", .kind = TEXT},
    {.name = "repository", .kind = TEXT},
    {.name = "homepage", .kind = TEXT},
    {.name = "documentation", .kind = TEXT},
    {.name = "readme", .kind = ANY}, /* a path, or a boolean as in Cargo.toml */
    {.name = "keywords", .kind = TEXTS},
    {.name = "categories", .kind = TEXTS},
    {.name = "publish", .kind = ANY}, /* a boolean, or registries */
    {.name = "include", .kind = TEXTS},
    {.name = "exclude", .kind = TEXTS},
    {.name = "metadata", .kind = TABLE},
    {0},
};

static const bhi_manifest_key component_capability_keys[] = {
    {.name = "fs_read", .kind = TEXTS},      {.name = "fs_write", .kind = TEXTS},
    {.name = "host_process", .kind = TEXTS}, {.name = "net", .kind = TEXTS},
    {.name = "net_bind", .kind = TEXTS},     {0},
};

static const bhi_manifest_key component_keys[] = {
    {.name = "file", .kind = TEXT, .check = check_path},
    {.name = "entrypoint", .kind = TEXT, .check = check_path},
    {.name = "hash", .kind = TEXT, .check = check_hash},
    {.name = "id", .kind = TEXT},
    {.name = "type", .kind = TEXT},
    {.name = "link", .kind = TEXTS},
    {.name = "capabilities", .kind = TABLE, .inner = component_capability_keys},
    {0},
};

static const bhi_manifest_key capsule_keys[] = {
    {.name = "reuse", .kind = TEXT, .check = check_reuse},
    {.name = "live_max", .kind = COUNT, .check = check_live_max},
    {.name = "instance_pool_size", .kind = COUNT, .check = check_live_max},
    {.name = "min_idle", .kind = COUNT, .check = check_min_idle},
    {.name = "init-randomness", .kind = TEXT, .check = check_init_randomness},
    {.name = "warmup", .kind = TEXT, .check = check_action},
    {.name = "run", .kind = TEXT, .check = check_run},
    {0},
};

#define TOPICS_NOTE "list topics in [publish] and [subscribe]"

const bhi_manifest_key bhi_manifest_capability_keys[] = {
    {.name = "allow_persistent", .kind = FLAG},
    {.name = "allow_prompt_injection", .kind = FLAG},
    {.name = "fs_read", .kind = TEXTS},
    {.name = "fs_write", .kind = TEXTS},
    {.name = "host_process", .kind = TEXTS},
    {.name = "identity", .kind = TEXTS},
    {.name = "ipc_publish", .kind = GONE, .note = TOPICS_NOTE},
    {.name = "ipc_subscribe", .kind = GONE, .note = TOPICS_NOTE},
    {.name = "kv", .kind = TEXTS},
    {.name = "net", .kind = TEXTS},
    {.name = "net_bind", .kind = TEXTS},
    {.name = "net_connect", .kind = TEXTS},
    {.name = "uplink", .kind = FLAG},
    {0},
};

static const bhi_manifest_key context_file_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true},
    {.name = "file", .kind = TEXT, .is_required = true, .check = check_path},
    {0},
};

static const bhi_manifest_key command_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true},
    {.name = "description", .kind = TEXT},
    {.name = "file", .kind = TEXT, .check = check_path},
    {0},
};

static const bhi_manifest_key mcp_server_keys[] = {
    {.name = "id", .kind = TEXT, .is_required = true},
    {.name = "description", .kind = TEXT},
    {.name = "type", .kind = TEXT},
    {.name = "command", .kind = TEXT},
    {.name = "args", .kind = TEXTS},
    {0},
};

static const bhi_manifest_key skill_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true},
    {.name = "description", .kind = TEXT},
    {.name = "file", .kind = TEXT, .is_required = true, .check = check_path},
    {0},
};

static const bhi_manifest_key uplink_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true},
    {.name = "platform", .kind = TEXT, .is_required = true},
    {.name = "profile", .kind = TEXT, .is_required = true, .check = check_profile},
    {0},
};

static const bhi_manifest_key tool_keys[] = {
    {.name = "name", .kind = TEXT, .is_required = true},
    {.name = "description_for_llm", .kind = TEXT, .is_required = true},
    {.name = "input_schema_wit", .kind = TEXT},
    {.name = "mutable", .kind = FLAG},
    {0},
};

const bhi_manifest_key bhi_manifest_keys[] = {
    {.name = "package", .kind = TABLE, .is_required = true, .inner = package_keys},
    {.name = "component",
     .kind = TABLES,
     .is_required = true,
     .inner = component_keys,
     .check = check_component},
    {.name = "capsule", .kind = TABLE, .inner = capsule_keys},
    {.name = "env", .kind = TABLE, .each = check_env},
    {.name = "capabilities", .kind = TABLE, .inner = bhi_manifest_capability_keys},
    {.name = "imports", .kind = TABLE, .each = check_import},
    {.name = "exports", .kind = TABLE, .each = check_export},
    {.name = "publish", .kind = TABLE, .each = check_publish},
    {.name = "subscribe", .kind = TABLE, .each = check_subscribe},
    {.name = "context_file", .kind = TABLES, .inner = context_file_keys},
    {.name = "command", .kind = TABLES, .inner = command_keys},
    {.name = "mcp_server", .kind = TABLES, .inner = mcp_server_keys},
    {.name = "skill", .kind = TABLES, .inner = skill_keys},
    {.name = "uplink", .kind = TABLES, .inner = uplink_keys},
    {.name = "tool", .kind = TABLES, .inner = tool_keys},
    {.name = "interceptor",
     .kind = GONE,
     .note = "use [subscribe] with a \"handler\" for the topic"},
    {.name = "topic", .kind = GONE, .note = TOPICS_NOTE},
    {0},
};
