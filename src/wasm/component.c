/* wasm/component.c - sections of a component, in any order, each possibly many times.
 *
 * Every section adds to index spaces, so an index is checked against what was defined up to its
 * place. That makes the graph acyclic (C1), on which the walks in flatten.c rely.
 */
#include "wasm/component.h"

typedef struct component_reader {
    bhi_wasm_reader reader; /* over the component */
    bhi_arena *arena;
    bhi_component component;
} component_reader;

/* Room for one more item; NULL after a failure. */
static void *grown(component_reader *c, bhi_wasm_reader *section, void *items, uint32_t count,
                   uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    uint32_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *more = bhi_wasm_reader_alloc(section, c->arena, wanted, size);
    if (more == NULL)
        return NULL;
    if (count > 0)
        memcpy(more, items, count * size);
    *capacity = wanted;
    return more;
}

/* push_NAME(c, section, item): append to one index space; a failure is kept in `section`. */
#define PUSH_FUNCTION(type, name)                                                                  \
    static void push_##name(component_reader *c, bhi_wasm_reader *section, type item)              \
    {                                                                                              \
        bhi_component *to = &c->component;                                                         \
        type *items =                                                                              \
            grown(c, section, to->name, to->name##_count, &to->name##_capacity, sizeof *items);    \
        if (items == NULL)                                                                         \
            return;                                                                                \
        to->name = items;                                                                          \
        to->name[to->name##_count++] = item;                                                       \
    }
BHI_COMPONENT_SPACES(PUSH_FUNCTION)
#undef PUSH_FUNCTION

uint32_t bhi_component_read_count(bhi_wasm_reader *reader, bhi_component *component,
                                  const char *what)
{
    uint32_t left = BHI_COMPONENT_ITEMS_MAX - component->items_total;
    uint32_t count = bhi_wasm_read_count(reader, 1, left, what);
    component->items_total += count;
    return count;
}

bhi_bytes bhi_component_read_name(bhi_wasm_reader *reader)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t form = bhi_wasm_read_u8(reader, "a name");
    if (form > 1) /* 1 was written for interface names by toolchains of 2023 */
        bhi_wasm_reader_fail(reader, place, "a component name with options (0x%02x)", form);
    return bhi_wasm_read_name(reader, "a component name");
}

static void read_module(component_reader *c, bhi_wasm_reader *section)
{
    bhi_component_module module = {.place = bhi_wasm_reader_place(section)};
    if (c->component.items_total++ >= BHI_COMPONENT_ITEMS_MAX - 1)
        bhi_wasm_reader_fail(section, module.place, "too many core modules");
    module.bytes =
        bhi_wasm_read_bytes(section, section->bytes.len - section->offset, "a core module");
    push_modules(c, section, module);
}

static uint32_t core_sort_total(const bhi_component *component, uint8_t sort)
{
    switch (sort) {
    case BHI_WASM_FUNC:
        return component->core_funcs_count;
    case BHI_WASM_TABLE:
        return component->core_tables_count;
    case BHI_WASM_MEMORY:
        return component->core_memories_count;
    case BHI_WASM_GLOBAL:
        return component->core_globals_count;
    case BHI_CORE_SORT_INSTANCE:
        return component->core_instances_count;
    default:
        return 0;
    }
}

static void read_item(component_reader *c, bhi_wasm_reader *section, bool is_argument,
                      bhi_component_item *ret_item)
{
    ret_item->name = bhi_wasm_read_name(section, "a core name");
    size_t place = bhi_wasm_reader_place(section);
    ret_item->sort = bhi_wasm_read_u8(section, "a core sort");
    bool is_instance = ret_item->sort == BHI_CORE_SORT_INSTANCE;
    if (is_argument ? !is_instance : ret_item->sort > BHI_WASM_GLOBAL)
        bhi_wasm_reader_fail(section, place, "core sort 0x%02x: not supported here",
                             ret_item->sort);
    ret_item->index =
        bhi_wasm_read_index(section, core_sort_total(&c->component, ret_item->sort), "core index");
}

/* Names must differ: a second one would make it a matter of taste what a module is given. */
static void check_name_is_new(bhi_wasm_reader *section, size_t place,
                              const bhi_component_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        if (bhi_bytes_equal(items[i].name, items[count].name))
            bhi_wasm_reader_fail(section, place, "\"%.*s\" is given twice",
                                 (int)items[count].name.len, (const char *)items[count].name.data);
}

static void read_core_instance(component_reader *c, bhi_wasm_reader *section)
{
    bhi_core_instance instance = {.place = bhi_wasm_reader_place(section)};
    uint8_t form = bhi_wasm_read_u8(section, "a core instance");
    if (form > 1)
        bhi_wasm_reader_fail(section, instance.place, "unknown core instance form 0x%02x", form);
    instance.is_inline = form == 1;
    if (!instance.is_inline)
        instance.module = bhi_wasm_read_index(section, c->component.modules_count, "core module");
    uint32_t count = bhi_component_read_count(section, &c->component, "core instance items");
    instance.items = bhi_wasm_reader_alloc(section, c->arena, count, sizeof *instance.items);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++) {
        size_t place = bhi_wasm_reader_place(section);
        read_item(c, section, !instance.is_inline, &instance.items[i]);
        check_name_is_new(section, place, instance.items, i);
    }
    instance.items_count = count;
    push_core_instances(c, section, instance);
}

static void read_core_alias(component_reader *c, bhi_wasm_reader *section, uint8_t sort,
                            size_t place)
{
    bhi_core_item item = {.kind = BHI_CORE_FUNC_ALIAS, .place = place};
    item.index = bhi_wasm_read_index(section, c->component.core_instances_count, "core instance");
    item.name = bhi_wasm_read_name(section, "a core export's name");
    switch (sort) {
    case BHI_WASM_FUNC:
        push_core_funcs(c, section, item);
        return;
    case BHI_WASM_TABLE:
        push_core_tables(c, section, item);
        return;
    case BHI_WASM_MEMORY:
        push_core_memories(c, section, item);
        return;
    case BHI_WASM_GLOBAL:
        push_core_globals(c, section, item);
        return;
    default:
        bhi_wasm_reader_fail(section, place, "an alias of core sort 0x%02x: not supported", sort);
    }
}

static bool instance_exports(const bhi_component *component, uint32_t instance, uint8_t sort,
                             bhi_bytes name)
{
    const bhi_component_type *type = &component->types[component->instances[instance].type];
    for (uint32_t i = 0; i < type->exports_count; i++)
        if (type->exports[i].sort == sort && bhi_bytes_equal(type->exports[i].name, name))
            return true;
    return false;
}

static void read_export_alias(component_reader *c, bhi_wasm_reader *section, uint8_t sort,
                              size_t place)
{
    uint32_t index = bhi_wasm_read_index(section, c->component.instances_count, "instance");
    bhi_bytes name = bhi_wasm_read_name(section, "an export's name");
    if (!bhi_wasm_reader_is_ok(section))
        return;
    if (!instance_exports(&c->component, index, sort, name))
        bhi_wasm_reader_fail(section, place,
                             "an alias of \"%.*s\" (sort %u), which is not in the "
                             "imported interface",
                             (int)name.len, (const char *)name.data, sort);
    else if (sort == 1)
        push_funcs(c, section,
                   (bhi_component_func){BHI_COMPONENT_FUNC_IMPORT, index, name, {0}, place});
    else if (sort == 3)
        push_types(
            c, section,
            (bhi_component_type){.kind = BHI_COMPONENT_TYPE_ALIAS, .index = index, .name = name});
    else
        bhi_wasm_reader_fail(section, place, "an alias of sort %u: not supported", sort);
}

static void read_alias(component_reader *c, bhi_wasm_reader *section)
{
    enum { INSTANCE_EXPORT, CORE_INSTANCE_EXPORT };
    size_t place = bhi_wasm_reader_place(section);
    uint8_t sort = bhi_wasm_read_u8(section, "an alias's sort");
    bool is_core = sort == 0;
    if (is_core)
        sort = bhi_wasm_read_u8(section, "an alias's core sort");
    uint8_t target = bhi_wasm_read_u8(section, "an alias's target");
    if (target == CORE_INSTANCE_EXPORT && is_core)
        read_core_alias(c, section, sort, place);
    else if (target == INSTANCE_EXPORT && !is_core)
        read_export_alias(c, section, sort, place);
    else
        bhi_wasm_reader_fail(section, place, "an alias with target 0x%02x: not supported", target);
}

static void read_type(component_reader *c, bhi_wasm_reader *section)
{
    bhi_component_type type = {0};
    bhi_component_read_type(section, c->arena, &c->component, &type);
    push_types(c, section, type);
}

static void read_option(component_reader *c, bhi_wasm_reader *section, bool is_lift,
                        bhi_canon_options *options)
{
    static const char *const refused[] = {
        [1] = "string encoding UTF-16", [2] = "string encoding latin1+UTF-16",
        [6] = "asynchronous (async)",   [7] = "asynchronous callback",
        [8] = "core type (GC)",         [9] = "GC",
    };
    size_t place = bhi_wasm_reader_place(section);
    uint8_t form = bhi_wasm_read_u8(section, "a canonical option");
    uint32_t *option = form == 3   ? &options->memory
                       : form == 4 ? &options->realloc
                       : form == 5 ? &options->post_return
                                   : NULL;
    if (form == 0) /* string encoding UTF-8 */
        return;
    if (option == NULL || (form == 5 && !is_lift)) {
        const char *name = form < sizeof refused / sizeof *refused ? refused[form] : NULL;
        bhi_wasm_reader_fail(section, place, "canonical option 0x%02x (%s): not supported", form,
                             name == NULL ? "unknown here" : name);
        return;
    }
    if (*option != BHI_COMPONENT_NONE)
        bhi_wasm_reader_fail(section, place, "canonical option 0x%02x is given twice", form);
    uint8_t sort = form == 3 ? BHI_WASM_MEMORY : BHI_WASM_FUNC;
    *option = bhi_wasm_read_index(section, core_sort_total(&c->component, sort), "core index");
}

static bhi_canon_options read_options(component_reader *c, bhi_wasm_reader *section, bool is_lift)
{
    bhi_canon_options options = {BHI_COMPONENT_NONE, BHI_COMPONENT_NONE, BHI_COMPONENT_NONE};
    uint32_t count = bhi_component_read_count(section, &c->component, "canonical options");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        read_option(c, section, is_lift, &options);
    return options;
}

static void read_func_sort(bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    if (bhi_wasm_read_u8(section, "a function sort") != 0)
        bhi_wasm_reader_fail(section, place, "expected the function sort 0x00");
}

static void read_lift(component_reader *c, bhi_wasm_reader *section, size_t place)
{
    bhi_component_func func = {.kind = BHI_COMPONENT_FUNC_LIFT, .place = place};
    read_func_sort(section);
    func.index = bhi_wasm_read_index(section, c->component.core_funcs_count, "core function");
    func.options = read_options(c, section, true);
    uint32_t type = bhi_wasm_read_index(section, c->component.types_count, "type");
    if (bhi_wasm_reader_is_ok(section) && c->component.types[type].kind != BHI_COMPONENT_TYPE_FUNC)
        bhi_wasm_reader_fail(section, place, "canon lift to type %u, which is no function type",
                             type);
    push_funcs(c, section, func);
}

static void read_lower(component_reader *c, bhi_wasm_reader *section, size_t place)
{
    bhi_core_item func = {.kind = BHI_CORE_FUNC_LOWER, .place = place};
    read_func_sort(section);
    func.index = bhi_wasm_read_index(section, c->component.funcs_count, "function");
    func.options = read_options(c, section, false);
    push_core_funcs(c, section, func);
}

static void read_canon(component_reader *c, bhi_wasm_reader *section)
{
    enum { LIFT, LOWER, RESOURCE_NEW, RESOURCE_DROP, RESOURCE_REP };
    size_t place = bhi_wasm_reader_place(section);
    uint8_t form = bhi_wasm_read_u8(section, "a canonical definition");
    if (form == LIFT) {
        read_lift(c, section, place);
    } else if (form == LOWER) {
        read_lower(c, section, place);
    } else if (form == RESOURCE_DROP) {
        bhi_core_item drop = {.kind = BHI_CORE_FUNC_DROP, .place = place};
        drop.index = bhi_wasm_read_index(section, c->component.types_count, "type");
        push_core_funcs(c, section, drop);
    } else {
        const char *name = form == RESOURCE_NEW || form == RESOURCE_REP
                               ? "a capsule defines no resources"
                               : "asynchronous and threading built-ins are not";
        bhi_wasm_reader_fail(section, place, "canonical built-in 0x%02x is not supported: %s", form,
                             name);
    }
}

static void check_import_is_new(component_reader *c, bhi_wasm_reader *section, size_t place,
                                bhi_bytes name)
{
    for (uint32_t i = 0; i < c->component.instances_count; i++)
        if (bhi_bytes_equal(c->component.instances[i].name, name))
            bhi_wasm_reader_fail(section, place, "\"%.*s\" is imported twice", (int)name.len,
                                 (const char *)name.data);
}

static void push_import(component_reader *c, bhi_wasm_reader *section, size_t place, bhi_bytes name,
                        bhi_component_description description)
{
    bhi_component_type_kind kind = description.sort == 3
                                       ? BHI_COMPONENT_TYPE_VALUE
                                       : c->component.types[description.index].kind;
    if (description.sort == 5 && kind == BHI_COMPONENT_TYPE_INSTANCE)
        push_instances(c, section, (bhi_component_instance){name, description.index});
    else if (description.sort == 1 && kind == BHI_COMPONENT_TYPE_FUNC)
        push_funcs(c, section, (bhi_component_func){BHI_COMPONENT_FUNC_ROOT, 0, name, {0}, place});
    else if (description.sort == 3)
        push_types(c, section,
                   (bhi_component_type){.kind = description.is_resource ? BHI_COMPONENT_TYPE_IMPORT
                                                                        : BHI_COMPONENT_TYPE_EQUAL,
                                        .index = description.index,
                                        .name = name});
    else
        bhi_wasm_reader_fail(section, place, "import \"%.*s\" has sort %u: not supported",
                             (int)name.len, (const char *)name.data, description.sort);
}

static void read_import(component_reader *c, bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    bhi_bytes name = bhi_component_read_name(section);
    bhi_component_description description =
        bhi_component_read_description(section, c->component.types_count);
    check_import_is_new(c, section, place, name);
    if (bhi_wasm_reader_is_ok(section))
        push_import(c, section, place, name, description);
}

static void push_export(component_reader *c, bhi_wasm_reader *section, uint32_t func,
                        bhi_component_export export)
{
    for (uint32_t i = 0; i < c->component.exports_count; i++)
        if (bhi_bytes_equal(c->component.exports[i].name, export.name))
            bhi_wasm_reader_fail(section, export.place, "\"%.*s\" is exported twice",
                                 (int)export.name.len, (const char *)export.name.data);
    if (!bhi_wasm_reader_is_ok(section))
        return;
    push_exports(c, section, export);
    push_funcs(c, section, c->component.funcs[func]); /* an export defines its item anew */
}

static void read_export(component_reader *c, bhi_wasm_reader *section)
{
    bhi_component_export export = {.place = bhi_wasm_reader_place(section)};
    export.name = bhi_component_read_name(section);
    uint8_t sort = bhi_wasm_read_u8(section, "an export's sort");
    if (sort != 1 && sort != 3)
        bhi_wasm_reader_fail(section, export.place,
                             "export \"%.*s\" has sort %u; a capsule exports functions",
                             (int)export.name.len, (const char *)export.name.data, sort);
    uint32_t total = sort == 1 ? c->component.funcs_count : c->component.types_count;
    export.func = bhi_wasm_read_index(section, total, "exported index");
    size_t place = bhi_wasm_reader_place(section);
    uint8_t has_description = bhi_wasm_read_u8(section, "an export's type");
    if (has_description > 1)
        bhi_wasm_reader_fail(section, place, "expected 0 or 1, found 0x%02x", has_description);
    if (has_description == 1)
        bhi_component_read_description(section, c->component.types_count);
    if (sort == 1)
        push_export(c, section, export.func, export);
    else
        push_types(c, section,
                   (bhi_component_type){.kind = BHI_COMPONENT_TYPE_EQUAL, .index = export.func});
}

static const struct {
    const char *name;
    bool is_vector;
    void (*read)(component_reader *c, bhi_wasm_reader *section); /* one item; NULL: refused */
} sections[] = {
    {"custom section", false, NULL},
    {"core module", false, read_module},
    {"core instances", true, read_core_instance},
    {"core types", true, NULL},
    {"a nested component", false, NULL},
    {"component instances", true, NULL},
    {"aliases", true, read_alias},
    {"types", true, read_type},
    {"canonical definitions", true, read_canon},
    {"a start function", false, NULL},
    {"imports", true, read_import},
    {"exports", true, read_export},
};

static void read_items(component_reader *c, bhi_wasm_reader *section, uint8_t id)
{
    uint32_t count = 1;
    if (sections[id].is_vector)
        count = bhi_component_read_count(section, &c->component, sections[id].name);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        sections[id].read(c, section);
}

static void read_section(component_reader *c)
{
    size_t place = bhi_wasm_reader_place(&c->reader);
    uint8_t id = bhi_wasm_read_u8(&c->reader, "a section");
    if (id >= sizeof sections / sizeof *sections) {
        bhi_wasm_reader_fail(&c->reader, place, "unknown component section id %u", id);
        return;
    }
    uint32_t size = bhi_wasm_read_u32(&c->reader, "a section's size");
    bhi_wasm_reader section = bhi_wasm_reader_take(&c->reader, size, sections[id].name);
    if (id == 0) {
        bhi_wasm_read_name(&section, "a custom section's name");
        bhi_wasm_read_bytes(&section, section.bytes.len - section.offset, "content");
    } else if (sections[id].read == NULL) {
        bhi_wasm_reader_fail(&section, place, "the component has %s: not supported for capsules",
                             sections[id].name);
    } else {
        read_items(c, &section, id);
    }
    bhi_wasm_reader_give_back(&c->reader, &section, sections[id].name);
}

bool bhi_component_is(bhi_bytes bytes)
{
    static const uint8_t magic[4] = {0, 'a', 's', 'm'};
    return bytes.len >= 8 && memcmp(bytes.data, magic, sizeof magic) == 0 && bytes.data[6] == 1 &&
           bytes.data[7] == 0;
}

bh_status bhi_component_read(bhi_bytes bytes, bhi_arena *arena, bhi_component *ret_component,
                             bh_error *reterr)
{
    if (bytes.len > BHI_WASM_MODULE_BYTES_MAX)
        return bhi_fail(reterr, BH_E_MODULE, "the component has %zu bytes, the limit is %d",
                        bytes.len, BHI_WASM_MODULE_BYTES_MAX);
    if (!bhi_component_is(bytes))
        return bhi_fail(reterr, BH_E_MODULE, "at byte 0: expected a WebAssembly component");
    if (bytes.data[4] != 0x0d || bytes.data[5] != 0)
        return bhi_fail(reterr, BH_E_MODULE,
                        "at byte 4: component format version 0x%02x%02x, expected 0x000d",
                        bytes.data[5], bytes.data[4]);
    component_reader c = {.reader = bhi_wasm_reader_of(bytes, 0, reterr), .arena = arena};
    c.reader.offset = 8;
    while (bhi_wasm_reader_is_ok(&c.reader) && !bhi_wasm_reader_at_end(&c.reader))
        read_section(&c);
    if (bhi_wasm_reader_is_ok(&c.reader))
        *ret_component = c.component;
    return c.reader.status;
}
