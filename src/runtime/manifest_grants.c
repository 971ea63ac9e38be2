/* runtime/manifest_grants.c - see the header. Capabilities of the root and of the component are
 * merged. */
#include "runtime/manifest_grants.h"

#include <string.h>

enum { PRIORITY_DEFAULT = 100 };

static bhi_bytes *make_items(bhi_manifest_reader *reader, size_t count)
{
    bhi_bytes *items = bhi_arena_calloc(reader->arena, count + 1, sizeof *items);
    if (items == NULL)
        bhi_manifest_fail_nomem(reader);
    return items;
}

static bhi_bytes keep(bhi_manifest_reader *reader, const char *text)
{
    char *kept = bhi_arena_text(reader->arena, bhi_bytes_of(text));
    if (kept == NULL) {
        bhi_manifest_fail_nomem(reader);
        return (bhi_bytes){0};
    }
    return bhi_bytes_of(kept);
}

/* The names of a table's members. */
static bhi_texts names_of(bhi_manifest_reader *reader, const json_t *table)
{
    const json_t *value = bhi_manifest_value(table);
    bhi_texts texts = {0};
    bhi_bytes *items = make_items(reader, json_object_size(value));
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        if (items != NULL)
            items[texts.count++] = keep(reader, name);
    }
    texts.items = items;
    return texts;
}

static size_t add_list(bhi_manifest_reader *reader, const json_t *list, bhi_bytes *items,
                       size_t count)
{
    const json_t *value = bhi_manifest_value(list);
    for (size_t i = 0; i < json_array_size(value); i++)
        items[count++] =
            keep(reader, json_string_value(bhi_manifest_value(json_array_get(value, i))));
    return count;
}

/* A list among the capabilities. */
static bhi_texts list_of(bhi_manifest_reader *reader, const json_t *root, const json_t *component,
                         const char *name)
{
    const json_t *ours = bhi_manifest_member(root, name);
    const json_t *theirs = bhi_manifest_member(component, name);
    bhi_bytes *items = make_items(reader, json_array_size(bhi_manifest_value(ours)) +
                                              json_array_size(bhi_manifest_value(theirs)));
    bhi_texts texts = {.items = items};
    if (items == NULL)
        return texts;
    texts.count = add_list(reader, ours, items, texts.count);
    texts.count = add_list(reader, theirs, items, texts.count);
    return texts;
}

static void add_handler(bhi_manifest_reader *reader, const char *pattern, const json_t *node,
                        bhi_handler_binding *handler)
{
    const json_t *priority = bhi_manifest_member(node, "priority");
    *handler = (bhi_handler_binding){
        .pattern = keep(reader, pattern),
        .action = keep(reader, bhi_manifest_text(reader, node, "handler", "")),
        .priority = priority == NULL ? PRIORITY_DEFAULT
                                     : (uint32_t)json_integer_value(bhi_manifest_value(priority)),
        .continues_on_failure =
            strcmp(bhi_manifest_text(reader, node, "on_failure", "deny"), "continue") == 0,
    };
}

static void read_handlers(bhi_manifest_reader *reader, const json_t *subscribe, bhi_grants *grants)
{
    const json_t *value = bhi_manifest_value(subscribe);
    bhi_handler_binding *handlers =
        bhi_arena_calloc(reader->arena, json_object_size(value) + 1, sizeof *handlers);
    if (handlers == NULL) {
        bhi_manifest_fail_nomem(reader);
        return;
    }
    const char *pattern;
    json_t *node;
    json_object_foreach((json_t *)value, pattern, node)
    {
        if (json_is_object(bhi_manifest_value(node)) &&
            bhi_manifest_member(node, "handler") != NULL)
            add_handler(reader, pattern, node, &handlers[grants->handlers_count++]);
    }
    grants->handlers = handlers;
}

void bhi_manifest_read_grants(bhi_manifest_reader *reader, const json_t *root,
                              const json_t *component, bhi_grants *ret_grants)
{
    const json_t *ours = bhi_manifest_member(root, "capabilities");
    const json_t *theirs = bhi_manifest_member(component, "capabilities");
    const json_t *subscribe = bhi_manifest_member(root, "subscribe");
    *ret_grants = (bhi_grants){
        .publish = names_of(reader, bhi_manifest_member(root, "publish")),
        .subscribe = names_of(reader, subscribe),
        .net = list_of(reader, ours, theirs, "net"),
        .fs_read = list_of(reader, ours, theirs, "fs_read"),
        .fs_write = list_of(reader, ours, theirs, "fs_write"),
        .is_uplink = json_is_true(bhi_manifest_value(bhi_manifest_member(ours, "uplink"))),
    };
    read_handlers(reader, subscribe, ret_grants);
}
