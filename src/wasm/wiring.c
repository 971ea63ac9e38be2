/* wasm/wiring.c - walks through core instances and aliases. */
#include "wasm/wiring.h"

#include "wasm/sections.h"

static const bhi_component_item *find_item(const bhi_core_instance *instance, bhi_bytes name,
                                           uint8_t sort)
{
    for (uint32_t i = 0; i < instance->items_count; i++)
        if (instance->items[i].sort == sort && bhi_bytes_equal(instance->items[i].name, name))
            return &instance->items[i];
    return NULL;
}

static const bhi_core_item *space_of(const bhi_component *component, uint8_t sort)
{
    switch (sort) {
    case BHI_WASM_FUNC:
        return component->core_funcs;
    case BHI_WASM_TABLE:
        return component->core_tables;
    case BHI_WASM_MEMORY:
        return component->core_memories;
    default:
        return component->core_globals;
    }
}

/* Follow export `name` of `instance` to its end. A loop: aliases may form long chains. */
static bhi_wiring_end follow_export(bhi_wasm_reader *errors, const bhi_component *component,
                                    uint32_t instance, bhi_bytes name, uint8_t sort)
{
    while (component->core_instances[instance].is_inline) {
        const bhi_core_instance *list = &component->core_instances[instance];
        const bhi_component_item *item = find_item(list, name, sort);
        if (item == NULL) {
            bhi_wasm_reader_fail(errors, list->place, "core instance %u has no export \"%.*s\"",
                                 instance, (int)name.len, (const char *)name.data);
            return (bhi_wiring_end){0};
        }
        const bhi_core_item *next = &space_of(component, sort)[item->index];
        if (next->kind != BHI_CORE_FUNC_ALIAS)
            return (bhi_wiring_end){.is_canon = true, .func = item->index};
        instance = next->index;
        name = next->name;
    }
    return (bhi_wiring_end){.instance = instance, .name = name};
}

bhi_wiring_end bhi_wiring_of_func(bhi_wasm_reader *errors, const bhi_component *component,
                                  uint32_t core_func)
{
    const bhi_core_item *func = &component->core_funcs[core_func];
    if (func->kind != BHI_CORE_FUNC_ALIAS)
        return (bhi_wiring_end){.is_canon = true, .func = core_func};
    return follow_export(errors, component, func->index, func->name, BHI_WASM_FUNC);
}

bhi_wiring_end bhi_wiring_of_memory(bhi_wasm_reader *errors, const bhi_component *component,
                                    uint32_t core_memory)
{
    const bhi_core_item *memory = &component->core_memories[core_memory];
    return follow_export(errors, component, memory->index, memory->name, BHI_WASM_MEMORY);
}

bhi_wiring_end bhi_wiring_of_import(bhi_wasm_reader *errors, const bhi_component *component,
                                    uint32_t instance, const bhi_wasm_import *import)
{
    const bhi_core_instance *instantiation = &component->core_instances[instance];
    const bhi_component_item *argument =
        find_item(instantiation, import->module, BHI_CORE_SORT_INSTANCE);
    if (argument == NULL) {
        bhi_wasm_reader_fail(
            errors, instantiation->place, "the instantiation of core module %u gives no \"%.*s\"",
            instantiation->module, (int)import->module.len, (const char *)import->module.data);
        return (bhi_wiring_end){0};
    }
    return follow_export(errors, component, argument->index, import->name, (uint8_t)import->kind);
}

/* What world-level imports are called in core modules. */
static const bhi_bytes root = {(const uint8_t *)"$root", 5};

static void name_lowered(bhi_wasm_reader *errors, const bhi_component *component,
                         const bhi_core_item *canon, bhi_bytes *ret_interface, bhi_bytes *ret_name)
{
    const bhi_component_func *func = &component->funcs[canon->index];
    if (func->kind == BHI_COMPONENT_FUNC_LIFT) {
        bhi_wasm_reader_fail(errors, canon->place,
                             "canon lower of a function that the component itself lifts");
        return;
    }
    *ret_interface =
        func->kind == BHI_COMPONENT_FUNC_ROOT ? root : component->instances[func->index].name;
    *ret_name = func->name;
}

static void name_dropped(bhi_wasm_reader *errors, const bhi_component *component, bhi_arena *arena,
                         const bhi_core_item *canon, bhi_bytes *ret_interface, bhi_bytes *ret_name)
{
    static const char prefix[] = "[resource-drop]";
    const bhi_component_type *type = &component->types[canon->index];
    while (type->kind == BHI_COMPONENT_TYPE_EQUAL)
        type = &component->types[type->index];
    bool is_alias = type->kind == BHI_COMPONENT_TYPE_ALIAS;
    if (!is_alias && type->kind != BHI_COMPONENT_TYPE_IMPORT) {
        bhi_wasm_reader_fail(errors, canon->place,
                             "canon resource.drop of type %u, which is no imported resource",
                             canon->index);
        return;
    }
    size_t len = sizeof prefix - 1 + type->name.len;
    char *name = bhi_wasm_reader_alloc(errors, arena, len, 1);
    if (name == NULL)
        return;
    memcpy(name, prefix, sizeof prefix - 1);
    if (type->name.len > 0)
        memcpy(name + sizeof prefix - 1, type->name.data, type->name.len);
    *ret_name = (bhi_bytes){(const uint8_t *)name, len};
    *ret_interface = is_alias ? component->instances[type->index].name : root;
}

void bhi_wiring_host_name(bhi_wasm_reader *errors, const bhi_component *component, bhi_arena *arena,
                          const bhi_core_item *canon, bhi_bytes *ret_interface, bhi_bytes *ret_name)
{
    if (canon->kind == BHI_CORE_FUNC_LOWER)
        name_lowered(errors, component, canon, ret_interface, ret_name);
    else
        name_dropped(errors, component, arena, canon, ret_interface, ret_name);
}
