/* wasm/component.h - what a component declares, as far as a capsule may declare it.
 *
 * Reads the component binary format into its index spaces. What no capsule has is refused here by
 * name: nested components, component instances, start functions, values, asynchronous canonical
 * options and built-ins. What remains is a graph of indices that flattening (flatten.c) walks; all
 * of them are checked, and point only to earlier definitions.
 *
 * Source: WebAssembly/component-model, design/mvp/Binary.md, pre-standard version 0x0d.
 */
#ifndef BHI_WASM_COMPONENT_H
#define BHI_WASM_COMPONENT_H

#include "wasm/module.h"
#include "wasm/reader.h"

/* All definitions of a component together, those inside types included. SDK capsules have a few
 * hundred. The ceiling also bounds the look-ups by name, which are linear. */
enum { BHI_COMPONENT_ITEMS_MAX = 16384 };

/* Core sorts as the binary spells them; the first five equal bhi_wasm_kind. */
enum { BHI_CORE_SORT_TYPE = 0x10, BHI_CORE_SORT_MODULE = 0x11, BHI_CORE_SORT_INSTANCE = 0x12 };

typedef struct bhi_component_module {
    bhi_bytes bytes;
    size_t place; /* of its first byte in the file */
} bhi_component_module;

/* An argument of a core instantiation (sort INSTANCE), or an export of an inline instance. */
typedef struct bhi_component_item {
    bhi_bytes name;
    uint8_t sort;
    uint32_t index;
} bhi_component_item;

typedef struct bhi_core_instance {
    bool is_inline;  /* items are its exports; else arguments of the instantiation of `module` */
    uint32_t module; /* not inline */
    bhi_component_item *items;
    uint32_t items_count;
    size_t place;
} bhi_core_instance;

/* Indices into core memories and core functions; BHI_COMPONENT_NONE when the option is absent. */
#define BHI_COMPONENT_NONE UINT32_MAX
typedef struct bhi_canon_options {
    uint32_t memory, realloc, post_return;
} bhi_canon_options;

typedef enum bhi_core_func_kind {
    BHI_CORE_FUNC_ALIAS, /* export `name` of core instance `index` */
    BHI_CORE_FUNC_LOWER, /* canon lower of component function `index` */
    BHI_CORE_FUNC_DROP   /* canon resource.drop of type `index` */
} bhi_core_func_kind;

/* A core function; also used for aliased tables, memories and globals. */
typedef struct bhi_core_item {
    bhi_core_func_kind kind;
    uint32_t index;
    bhi_bytes name;
    bhi_canon_options options; /* LOWER */
    size_t place;
} bhi_core_item;

typedef enum bhi_component_func_kind {
    BHI_COMPONENT_FUNC_IMPORT, /* function `name` of imported instance `index` */
    BHI_COMPONENT_FUNC_ROOT,   /* imported as `name` by itself */
    BHI_COMPONENT_FUNC_LIFT    /* canon lift of core function `index` */
} bhi_component_func_kind;

typedef struct bhi_component_func {
    bhi_component_func_kind kind;
    uint32_t index;
    bhi_bytes name;
    bhi_canon_options options; /* LIFT */
    size_t place;
} bhi_component_func;

typedef enum bhi_component_type_kind {
    BHI_COMPONENT_TYPE_VALUE,
    BHI_COMPONENT_TYPE_FUNC,
    BHI_COMPONENT_TYPE_INSTANCE,
    BHI_COMPONENT_TYPE_COMPONENT,
    BHI_COMPONENT_TYPE_RESOURCE, /* defined by this component */
    BHI_COMPONENT_TYPE_ALIAS,    /* type `name` of imported instance `index` */
    BHI_COMPONENT_TYPE_EQUAL,    /* type `index` under another name */
    BHI_COMPONENT_TYPE_IMPORT    /* resource imported as `name` by itself */
} bhi_component_type_kind;

/* A name that an instance type exports, to check aliases against. */
typedef struct bhi_component_name {
    bhi_bytes name;
    uint8_t sort; /* of component items: 1 function, 3 type, ... */
} bhi_component_name;

typedef struct bhi_component_type {
    bhi_component_type_kind kind;
    uint32_t index;
    bhi_bytes name;
    bhi_component_name *exports; /* INSTANCE */
    uint32_t exports_count;
} bhi_component_type;

typedef struct bhi_component_instance { /* imported */
    bhi_bytes name;
    uint32_t type;
} bhi_component_instance;

typedef struct bhi_component_export {
    bhi_bytes name;
    uint32_t func;
    size_t place;
} bhi_component_export;

/* Index spaces: an array with its count, grown as sections are read. */
#define BHI_COMPONENT_SPACES(X)                                                                    \
    X(bhi_component_module, modules)                                                               \
    X(bhi_core_instance, core_instances)                                                           \
    X(bhi_core_item, core_funcs)                                                                   \
    X(bhi_core_item, core_tables)                                                                  \
    X(bhi_core_item, core_memories)                                                                \
    X(bhi_core_item, core_globals)                                                                 \
    X(bhi_component_func, funcs)                                                                   \
    X(bhi_component_type, types)                                                                   \
    X(bhi_component_instance, instances)                                                           \
    X(bhi_component_export, exports)

typedef struct bhi_component {
#define BHI_COMPONENT_SPACE(type, name)                                                            \
    type *name;                                                                                    \
    uint32_t name##_count, name##_capacity;
    BHI_COMPONENT_SPACES(BHI_COMPONENT_SPACE)
#undef BHI_COMPONENT_SPACE
    uint32_t items_total; /* against BHI_COMPONENT_ITEMS_MAX */
} bhi_component;

/* Fails with BH_E_MODULE, BH_E_NOMEM. */
BH_MUST_USE bh_status bhi_component_read(bhi_bytes bytes, bhi_arena *arena,
                                         bhi_component *ret_component, bh_error *reterr);

/* Whether the bytes start like a component, of any version. */
bool bhi_component_is(bhi_bytes bytes);

/* One definition of the type section (component_type.c). */
void bhi_component_read_type(bhi_wasm_reader *reader, bhi_arena *arena, bhi_component *component,
                             bhi_component_type *ret_type);

/* How many items follow, counted against the component's ceiling. */
uint32_t bhi_component_read_count(bhi_wasm_reader *reader, bhi_component *component,
                                  const char *what);

/* The name of a component import or export, behind its form byte. */
bhi_bytes bhi_component_read_name(bhi_wasm_reader *reader);

/* What an import or export is said to be (externdesc). */
typedef struct bhi_component_description {
    uint8_t sort;     /* 1 function, 3 type, 4 component, 5 instance; 0 core module */
    bool is_resource; /* sort 3: a fresh resource, else equal to type `index` */
    uint32_t index;
} bhi_component_description;

/* `types_count` is the size of the type index space at this place. */
bhi_component_description bhi_component_read_description(bhi_wasm_reader *reader,
                                                         uint32_t types_count);

#endif
