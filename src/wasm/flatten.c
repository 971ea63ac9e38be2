/* wasm/flatten.c - the shape check of a capsule component, and its wiring.
 *
 * Every instantiated module must have one of three roles. The main module is the one whose exports
 * are lifted; its code is all that will ever run. A shim only calls through its table, a fix-up
 * only fills that table or calls the main module's initialiser; both are proven, then dropped.
 *
 * F1  Each import of the main module leads to exactly one canonical definition: directly, or
 *     through a shim function whose slot one fix-up fills, all of the same core type.
 * F2  All canonical options name one memory and one realloc, of the main module.
 * F3  Lifted functions, realloc and post-return are functions that the main module defines.
 */
#include "wasm/flatten.h"

#include "wasm/sections.h"
#include "wasm/shim.h"
#include "wasm/wiring.h"

#define NONE BHI_COMPONENT_NONE

typedef struct slot {
    uint32_t canon; /* the core function that fills it, or NONE */
    const bhi_wasm_func_type *type;
} slot;

typedef struct flattener {
    bhi_wasm_reader errors; /* only its status is used */
    bhi_arena *arena;
    bhi_component component;
    bhi_wasm_module modules[BHI_FLATTEN_MODULES_MAX];
    uint32_t main_instance;
    uint32_t shim_instance; /* or NONE */
    bhi_shim shim;
    slot *slots;
    uint32_t memory_index, realloc_index; /* in the main module, or NONE */
    bhi_capsule_image image;
} flattener;

static bool is_ok(const flattener *f)
{
    return bhi_wasm_reader_is_ok(&f->errors);
}

#define REFUSE(f, place, ...) bhi_wasm_reader_fail(&(f)->errors, place, __VA_ARGS__)

static size_t place_of_module(const flattener *f, uint32_t instance)
{
    return f->component.modules[f->component.core_instances[instance].module].place;
}

static bhi_wasm_module *module_of(flattener *f, uint32_t instance)
{
    return &f->modules[f->component.core_instances[instance].module];
}

static void read_modules(flattener *f)
{
    const bhi_component *component = &f->component;
    if (component->modules_count > BHI_FLATTEN_MODULES_MAX)
        REFUSE(f, component->modules[0].place, "%u core modules, the limit is %d",
               component->modules_count, BHI_FLATTEN_MODULES_MAX);
    for (uint32_t i = 0; i < component->modules_count && is_ok(f); i++) {
        const bhi_component_module *module = &component->modules[i];
        bh_error *reterr = f->errors.reterr;
        bh_status status = bhi_wasm_module_read(module->bytes, f->arena, &f->modules[i], reterr);
        if (status != BH_OK) {
            f->errors.status =
                bhi_fail_within(reterr, status, "core module %u, from byte %zu", i, module->place);
            return;
        }
        if (f->modules[i].imports_count > BHI_FLATTEN_NAMES_MAX ||
            f->modules[i].exports_count > BHI_FLATTEN_NAMES_MAX)
            REFUSE(f, module->place, "core module %u has more than %d imports or exports", i,
                   BHI_FLATTEN_NAMES_MAX);
    }
}

/* Two instances of one module would be two memories, or two tables. */
static void check_instantiations(flattener *f)
{
    uint32_t uses[BHI_FLATTEN_MODULES_MAX] = {0};
    const bhi_component *component = &f->component;
    for (uint32_t i = 0; i < component->core_instances_count; i++)
        if (!component->core_instances[i].is_inline)
            uses[component->core_instances[i].module]++;
    for (uint32_t i = 0; i < component->modules_count; i++)
        if (uses[i] != 1)
            REFUSE(f, component->modules[i].place, "core module %u is instantiated %u times", i,
                   uses[i]);
}

/* The main instance is the one that the first lifted function comes from. */
static void find_main(flattener *f)
{
    const bhi_component *component = &f->component;
    for (uint32_t i = 0; i < component->funcs_count; i++) {
        const bhi_component_func *func = &component->funcs[i];
        if (func->kind != BHI_COMPONENT_FUNC_LIFT)
            continue;
        bhi_wiring_end end = bhi_wiring_of_func(&f->errors, component, func->index);
        if (end.is_canon)
            REFUSE(f, func->place, "canon lift of a host function");
        f->main_instance = end.instance;
        return;
    }
    REFUSE(f, 0, "the component lifts no function: a capsule exports at least one");
}

static void take_shim(flattener *f, uint32_t instance)
{
    const bhi_wasm_module *module = module_of(f, instance);
    size_t place = place_of_module(f, instance);
    if (f->shim_instance != NONE) {
        REFUSE(f, place, "a third core module \"%.*s\" with code, beside main module and shim",
               (int)module->name.len, (const char *)module->name.data);
        return;
    }
    bhi_shim_read(&f->errors, module, place, f->arena, &f->shim);
    if (!is_ok(f)) {
        f->errors.status =
            bhi_fail_within(f->errors.reterr, f->errors.status, "core module \"%.*s\"",
                            (int)module->name.len, (const char *)module->name.data);
        return;
    }
    f->shim_instance = instance;
    f->slots = bhi_wasm_reader_alloc(&f->errors, f->arena, f->shim.slots_count, sizeof *f->slots);
    for (uint32_t i = 0; i < f->shim.slots_count && is_ok(f); i++)
        f->slots[i].canon = NONE;
}

/* The table that a fix-up imports must be the shim's: it is the only other one there is. */
static void check_fixup_table(flattener *f, uint32_t instance)
{
    const bhi_wasm_module *module = module_of(f, instance);
    size_t place = place_of_module(f, instance);
    for (uint32_t i = 0; i < module->imports_count && is_ok(f); i++) {
        const bhi_wasm_import *import = &module->imports[i];
        if (import->kind == BHI_WASM_FUNC)
            continue;
        if (import->kind != BHI_WASM_TABLE || module->imported_tables != 1) {
            REFUSE(f, place, "a fix-up module imports something else than functions and one table");
            return;
        }
        bhi_wiring_end end = bhi_wiring_of_import(&f->errors, &f->component, instance, import);
        bool is_shim = is_ok(f) && f->shim_instance != NONE && end.instance == f->shim_instance;
        if (!is_shim || bhi_wasm_export_find(f->shim.module, end.name, BHI_WASM_TABLE) == NULL)
            REFUSE(f, place, "a fix-up module fills a table that is not the shim's");
    }
}

/* A fix-up defines no function, so function `index` is its import of that rank. */
static const bhi_wasm_import *imported_func(const bhi_wasm_module *module, uint32_t index)
{
    for (uint32_t i = 0; i < module->imports_count; i++)
        if (module->imports[i].kind == BHI_WASM_FUNC && index-- == 0)
            return &module->imports[i];
    return NULL;
}

static void fill_slot(flattener *f, uint32_t instance, size_t place, uint64_t at, uint32_t func)
{
    const bhi_wasm_module *module = module_of(f, instance);
    const bhi_wasm_import *import = imported_func(module, func);
    if (import == NULL || at >= f->shim.slots_count || f->slots[at].canon != NONE) {
        REFUSE(f, place, "a fix-up fills slot %llu with function %u: there is none such, or twice",
               (unsigned long long)at, func);
        return;
    }
    bhi_wiring_end end = bhi_wiring_of_import(&f->errors, &f->component, instance, import);
    if (!end.is_canon)
        REFUSE(f, place, "a fix-up fills slot %llu with something else than a lowered function",
               (unsigned long long)at);
    f->slots[at] = (slot){end.func, &module->types[import->type]};
}

static void apply_elements(flattener *f, uint32_t instance)
{
    const bhi_wasm_module *module = module_of(f, instance);
    if (module->elements.len == 0)
        return;
    size_t origin =
        place_of_module(f, instance) + (size_t)(module->elements.data - module->bytes.data);
    bhi_wasm_reader elements = bhi_wasm_reader_of(module->elements, origin, f->errors.reterr);
    bhi_wasm_read_u32(&elements, "a count of segments"); /* checked when the module was read */
    for (uint32_t i = 0; i < module->element_segments_count && is_ok(f); i++) {
        bhi_wasm_element element = bhi_wasm_read_element(&elements, f->arena);
        if (!bhi_wasm_reader_is_ok(&elements))
            break;
        bool is_plain = element.is_active && element.is_indices && element.is_constant &&
                        element.offset >= 0 && element.table == 0 && element.funcs != NULL &&
                        module->imported_tables == 1;
        if (!is_plain)
            REFUSE(f, element.place, "a fix-up's element segment is not active at a constant slot");
        for (uint32_t j = 0; j < element.count && is_ok(f); j++)
            fill_slot(f, instance, element.place, (uint64_t)element.offset + j, element.funcs[j]);
    }
    bhi_wasm_reader_give_back(&f->errors, &elements, "a fix-up's element section");
}

/* A function that the main module defines, behind one of its exports (F3). */
static const bhi_wasm_export *main_func(flattener *f, bhi_wiring_end end, size_t place,
                                        const char *what)
{
    const bhi_wasm_module *module = &f->image.module;
    if (!is_ok(f))
        return NULL;
    const bhi_wasm_export *export = NULL;
    if (!end.is_canon && end.instance == f->main_instance)
        export = bhi_wasm_export_find(module, end.name, BHI_WASM_FUNC);
    if (export == NULL || export->index < module->imported_funcs) {
        REFUSE(f, place, "%s is not a function of the main module", what);
        return NULL;
    }
    return export;
}

static void expect_signature(flattener *f, uint32_t func, const char *expected, size_t place,
                             const char *what)
{
    char found[8];
    bhi_wasm_signature(bhi_wasm_type_of_func(&f->image.module, func), found, sizeof found);
    if (strcmp(found, expected) != 0)
        REFUSE(f, place, "%s has core type %s, expected %s", what, found, expected);
}

static void apply_start(flattener *f, uint32_t instance)
{
    const bhi_wasm_module *module = module_of(f, instance);
    size_t place = place_of_module(f, instance);
    if (!module->has_start || !is_ok(f))
        return;
    const bhi_wasm_import *import = imported_func(module, module->start_func);
    bhi_wiring_end end = bhi_wiring_of_import(&f->errors, &f->component, instance, import);
    const bhi_wasm_export *export = main_func(f, end, place, "a fix-up's start function");
    if (export == NULL)
        return;
    expect_signature(f, export->index, ":", place, "the initialiser");
    if (f->image.initialize.len > 0)
        REFUSE(f, place, "a second initialiser");
    f->image.initialize = export->name;
}

static void take_helpers(flattener *f)
{
    const bhi_component *component = &f->component;
    for (uint32_t i = 0; i < component->core_instances_count && is_ok(f); i++) {
        if (component->core_instances[i].is_inline || i == f->main_instance)
            continue;
        if (!bhi_module_is_fixup(module_of(f, i))) {
            take_shim(f, i);
            continue;
        }
        check_fixup_table(f, i);
        if (is_ok(f))
            apply_elements(f, i);
        apply_start(f, i);
    }
}

/* The lowered function behind a shim's export, which the importer expects to have `type`. */
static uint32_t canon_behind_shim(flattener *f, bhi_wiring_end end, const bhi_wasm_func_type *type)
{
    const bhi_wasm_export *export = NULL;
    if (f->shim_instance != NONE && end.instance == f->shim_instance)
        export = bhi_wasm_export_find(f->shim.module, end.name, BHI_WASM_FUNC);
    if (export == NULL)
        return NONE;
    const slot *filled = &f->slots[f->shim.slots[export->index]];
    bool is_same = filled->canon != NONE && bhi_func_types_equal(filled->type, type) &&
                   bhi_func_types_equal(bhi_wasm_type_of_func(f->shim.module, export->index), type);
    return is_same ? filled->canon : NONE;
}

static void bind_import(flattener *f, const bhi_wasm_import *import, bhi_capsule_import *ret_import)
{
    size_t place = place_of_module(f, f->main_instance);
    const bhi_component *component = &f->component;
    bhi_wiring_end end = bhi_wiring_of_import(&f->errors, component, f->main_instance, import);
    if (!is_ok(f))
        return;
    const bhi_wasm_func_type *type = &f->image.module.types[import->type];
    uint32_t canon = end.is_canon ? end.func : canon_behind_shim(f, end, type);
    if (canon == NONE) {
        REFUSE(f, place, "import \"%.*s\" \"%.*s\" of the main module leads to no lowered function",
               (int)import->module.len, (const char *)import->module.data, (int)import->name.len,
               (const char *)import->name.data);
        return;
    }
    const bhi_core_item *func = &component->core_funcs[canon];
    bhi_wiring_host_name(&f->errors, component, f->arena, func, &ret_import->interface,
                         &ret_import->name);
    ret_import->core_module = import->module;
    ret_import->core_name = import->name;
    ret_import->signature = bhi_capsule_signature(type, f->arena);
    if (is_ok(f) && ret_import->signature.data == NULL)
        f->errors.status = bhi_fail(f->errors.reterr, BH_E_NOMEM, "no memory for a signature");
}

static void bind_imports(flattener *f)
{
    const bhi_wasm_module *module = &f->image.module;
    if (module->imported_funcs != module->imports_count)
        REFUSE(f, place_of_module(f, f->main_instance),
               "the main module imports a memory, table, global or tag");
    f->image.imports = bhi_wasm_reader_alloc(&f->errors, f->arena, module->imports_count,
                                             sizeof *f->image.imports);
    for (uint32_t i = 0; i < module->imports_count && is_ok(f); i++)
        bind_import(f, &module->imports[i], &f->image.imports[i]);
    f->image.imports_count = module->imports_count;
}

static void take_memory(flattener *f, uint32_t core_memory, size_t place)
{
    bhi_wiring_end end = bhi_wiring_of_memory(&f->errors, &f->component, core_memory);
    if (!is_ok(f) || (end.instance == f->main_instance && f->image.memory.len > 0 &&
                      bhi_bytes_equal(end.name, f->image.memory)))
        return;
    const bhi_wasm_export *export = NULL;
    if (end.instance == f->main_instance)
        export = bhi_wasm_export_find(&f->image.module, end.name, BHI_WASM_MEMORY);
    if (export == NULL || (f->memory_index != NONE && f->memory_index != export->index)) {
        REFUSE(f, place, "a canonical memory option that is not the one memory of the main module");
        return;
    }
    f->memory_index = export->index;
    f->image.memory = export->name;
}

static void take_realloc(flattener *f, uint32_t core_func, size_t place)
{
    bhi_wiring_end end = bhi_wiring_of_func(&f->errors, &f->component, core_func);
    const bhi_wasm_export *export = main_func(f, end, place, "realloc");
    if (export == NULL)
        return;
    if (f->realloc_index != NONE && f->realloc_index != export->index) {
        REFUSE(f, place, "canonical options name two different reallocs");
        return;
    }
    expect_signature(f, export->index, "iiii:i", place, "realloc");
    f->realloc_index = export->index;
    f->image.realloc = export->name;
}

static void take_options(flattener *f, const bhi_canon_options *options, size_t place)
{
    if (is_ok(f) && options->memory != NONE)
        take_memory(f, options->memory, place);
    if (is_ok(f) && options->realloc != NONE)
        take_realloc(f, options->realloc, place);
}

static void take_all_options(flattener *f)
{
    const bhi_component *component = &f->component;
    for (uint32_t i = 0; i < component->core_funcs_count && is_ok(f); i++)
        if (component->core_funcs[i].kind == BHI_CORE_FUNC_LOWER)
            take_options(f, &component->core_funcs[i].options, component->core_funcs[i].place);
    for (uint32_t i = 0; i < component->funcs_count && is_ok(f); i++)
        if (component->funcs[i].kind == BHI_COMPONENT_FUNC_LIFT)
            take_options(f, &component->funcs[i].options, component->funcs[i].place);
}

/* Post-return takes what the lifted function returned, and gives nothing. */
static bhi_bytes post_return_of(flattener *f, const bhi_component_func *func, uint32_t lifted)
{
    if (func->options.post_return == NONE)
        return (bhi_bytes){0};
    bhi_wiring_end end = bhi_wiring_of_func(&f->errors, &f->component, func->options.post_return);
    const bhi_wasm_export *export = main_func(f, end, func->place, "post-return");
    if (export == NULL)
        return (bhi_bytes){0};
    const bhi_wasm_func_type *type = bhi_wasm_type_of_func(&f->image.module, export->index);
    const bhi_wasm_func_type *of = bhi_wasm_type_of_func(&f->image.module, lifted);
    if (type->results.len != 0 || !bhi_bytes_equal(type->params, of->results))
        REFUSE(f, func->place, "post-return \"%.*s\" does not take the lifted function's results",
               (int)export->name.len, (const char *)export->name.data);
    return export->name;
}

static void bind_export(flattener *f, const bhi_component_export *export,
                        bhi_capsule_export *ret_export)
{
    const bhi_component_func *func = &f->component.funcs[export->func];
    if (func->kind != BHI_COMPONENT_FUNC_LIFT) {
        REFUSE(f, export->place, "export \"%.*s\" is an import", (int)export->name.len,
               (const char *)export->name.data);
        return;
    }
    bhi_wiring_end end = bhi_wiring_of_func(&f->errors, &f->component, func->index);
    const bhi_wasm_export *core = main_func(f, end, func->place, "a lifted function");
    if (core == NULL)
        return;
    ret_export->name = export->name;
    ret_export->core = core->name;
    ret_export->func_index = core->index;
    ret_export->post_return = post_return_of(f, func, core->index);
}

static void bind_exports(flattener *f)
{
    const bhi_component *component = &f->component;
    f->image.exports = bhi_wasm_reader_alloc(&f->errors, f->arena, component->exports_count,
                                             sizeof *f->image.exports);
    for (uint32_t i = 0; i < component->exports_count && is_ok(f); i++)
        bind_export(f, &component->exports[i], &f->image.exports[i]);
    f->image.exports_count = component->exports_count;
}

/* The first failure stops everything after it. */
static void run_stages(flattener *f)
{
    static void (*const stages[])(flattener *) = {read_modules, check_instantiations, find_main};
    static void (*const wirings[])(flattener *) = {take_helpers, bind_imports, take_all_options,
                                                   bind_exports};
    for (size_t i = 0; i < sizeof stages / sizeof *stages && is_ok(f); i++)
        stages[i](f);
    if (!is_ok(f))
        return;
    f->image.is_component = true;
    f->image.module = *module_of(f, f->main_instance);
    f->image.core = f->image.module.bytes;
    for (size_t i = 0; i < sizeof wirings / sizeof *wirings && is_ok(f); i++)
        wirings[i](f);
}

bh_status bhi_flatten(bhi_bytes bytes, bhi_arena *arena, bhi_capsule_image *ret_image,
                      bh_error *reterr)
{
    flattener *f = bhi_arena_calloc(arena, 1, sizeof *f);
    if (f == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory to read a component");
    f->errors = bhi_wasm_reader_of((bhi_bytes){0}, 0, reterr);
    f->arena = arena;
    f->shim_instance = f->memory_index = f->realloc_index = NONE;
    bh_status status = bhi_component_read(bytes, arena, &f->component, reterr);
    if (status != BH_OK)
        return status;
    run_stages(f);
    if (is_ok(f))
        *ret_image = f->image;
    return f->errors.status;
}
