/* build_wasm.h - WebAssembly binaries written by hand, for tests that need each byte to be known.
 *
 * build_component writes a small capsule component of the standard shape: two lowered imports (one
 * behind a shim, one direct), a resource drop, an initialiser called by the fix-up, and two lifted
 * exports, one with a post-return. A twist makes exactly one thing in it wrong.
 */
#ifndef TESTS_BUILD_WASM_H
#define TESTS_BUILD_WASM_H

#include <assert.h>

#include "base/bytes.h"

typedef struct blob {
    uint8_t data[8192];
    size_t len;
} blob;

static inline bhi_bytes blob_bytes(const blob *b)
{
    return (bhi_bytes){b->data, b->len};
}

static inline void put(blob *b, const void *data, size_t len)
{
    assert(len <= sizeof b->data - b->len);
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

/* PUT(b, 0x20, 0x00, ...): bytes as they stand. */
#define PUT(b, ...) put(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void put_u32(blob *b, uint32_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        PUT(b, (uint8_t)(byte | (value != 0 ? 0x80 : 0)));
    } while (value != 0);
}

static inline void put_name(blob *b, const char *name)
{
    put_u32(b, (uint32_t)strlen(name));
    put(b, name, strlen(name));
}

static inline void put_blob(blob *b, const blob *other)
{
    put_u32(b, (uint32_t)other->len);
    put(b, other->data, other->len);
}

#define SECTION(b, id, ...)                                                                        \
    do {                                                                                           \
        PUT(b, id);                                                                                \
        put_u32(b, sizeof((const uint8_t[]){__VA_ARGS__}));                                        \
        PUT(b, __VA_ARGS__);                                                                       \
    } while (0)

static inline void put_section(blob *b, uint8_t id, const blob *body)
{
    PUT(b, id);
    put_blob(b, body);
}

static inline void put_core_preamble(blob *b)
{
    PUT(b, 0, 'a', 's', 'm', 1, 0, 0, 0);
}

typedef enum twist {
    STRAIGHT, /* nothing is wrong */
    SHIM_SWAPS_PARAMETERS,
    SHIM_SLOT_OUT_OF_RANGE,
    SHIM_DOES_MORE,
    SHIM_CALLS_OTHER_TYPE,
    SHIM_HAS_MEMORY,
    FIXUP_FILLS_NOTHING,
    FIXUP_FILLS_TWICE,
    FIXUP_SLOT_OUT_OF_RANGE,
    FIXUP_IS_PASSIVE,
    FIXUP_FILLS_WITH_MAIN,
    FIXUP_OTHER_TYPE,
    START_OTHER_TYPE,
    ADAPTER_MODULE,
    MODULE_UNUSED,
    REALLOCS_DIFFER,
    MEMORY_UNKNOWN,
    OPTION_UTF16,
    OPTION_ASYNC,
    OPTION_CALLBACK,
    OPTION_TWICE,
    POST_RETURN_ON_LOWER,
    POST_RETURN_OTHER_TYPE,
    NESTED_COMPONENT,
    START_SECTION,
    COMPONENT_INSTANCES,
    NOTHING_LIFTED,
    EXPORTED_TWICE,
    IMPORTED_TWICE,
    EXPORT_OF_IMPORT,
    EXPORT_OF_INSTANCE,
    LIFT_OF_CORE_IMPORT,
    LIFT_TO_OTHER_TYPE,
    ALIAS_UNKNOWN,
    ALIAS_OUTER,
    ARGUMENT_MISSING,
    ARGUMENT_TWICE,
    MAIN_IMPORTS_GLOBAL,
    LOWER_OF_LIFT,
    DROP_OF_OWN_RESOURCE,
    RESOURCE_NEW,
    STREAM_TYPE,
    ASYNC_FUNC_TYPE,
    TYPES_TOO_DEEP,
    OTHER_VERSION,
    NAME_WITH_OPTIONS,
    TWISTS
} twist;

/* Functions: 0..2 imported, 3 hook, 4 post-return, 5 realloc, 6 initialiser, 7 run, 8 realloc. */
static inline void build_main(blob *b, twist t)
{
    put_core_preamble(b);
    SECTION(b, 1, 4, 0x60, 0, 0, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 1, 0x7f, 0, 0x60, 4, 0x7f,
            0x7f, 0x7f, 0x7f, 1, 0x7f);
    blob imports = {0};
    PUT(&imports, t == MAIN_IMPORTS_GLOBAL ? 4 : 3);
    put_name(&imports, "astrid:kv/host@1.0.0");
    put_name(&imports, "kv-get");
    PUT(&imports, 0, 1);
    put_name(&imports, "astrid:io/poll@1.0.0");
    put_name(&imports, "[resource-drop]pollable");
    PUT(&imports, 0, 2);
    put_name(&imports, "astrid:kv/host@1.0.0");
    put_name(&imports, "tick");
    PUT(&imports, 0, 0);
    if (t == MAIN_IMPORTS_GLOBAL) {
        put_name(&imports, "env");
        put_name(&imports, "g");
        PUT(&imports, 3, 0x7f, 0);
    }
    put_section(b, 2, &imports);
    SECTION(b, 3, 6, 3, t == POST_RETURN_OTHER_TYPE ? 0 : 2, 3, t == START_OTHER_TYPE ? 2 : 0, 0,
            3);
    SECTION(b, 5, 1, 0, 1);
    SECTION(b, 6, 1, 0x7f, 1, 0x41, 0, 0x0b);
    blob exports = {0};
    static const char *const names[] = {"hook", "post", "cabi_realloc", "_initialize", "run", "r2"};
    PUT(&exports, 8);
    put_name(&exports, "memory");
    PUT(&exports, 2, 0);
    put_name(&exports, "again");
    PUT(&exports, 0, 2);
    for (uint8_t i = 0; i < 6; i++) {
        put_name(&exports, names[i]);
        PUT(&exports, 0, (uint8_t)(3 + i));
    }
    put_section(b, 7, &exports);
    SECTION(b, 10, 6, 4, 0, 0x41, 0, 0x0b, 2, 0, 0x0b, 4, 0, 0x41, 0, 0x0b, 2, 0, 0x0b, 2, 0, 0x0b,
            4, 0, 0x41, 0, 0x0b);
}

static inline void build_shim(blob *b, twist t)
{
    put_core_preamble(b);
    SECTION(b, 1, 2, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 3, 0x7f, 0x7f, 0x7e, 0);
    SECTION(b, 3, 1, 0);
    SECTION(b, 4, 1, 0x70, 1, 1, 1);
    if (t == SHIM_HAS_MEMORY)
        SECTION(b, 5, 1, 0, 1);
    SECTION(b, 7, 2, 1, '0', 0, 0, 8, '$', 'i', 'm', 'p', 'o', 'r', 't', 's', 1, 0);
    uint8_t swapped = t == SHIM_SWAPS_PARAMETERS ? 1 : 0;
    uint8_t type = t == SHIM_CALLS_OTHER_TYPE ? 1 : 0;
    uint8_t slot = t == SHIM_SLOT_OUT_OF_RANGE ? 1 : 0;
    if (t == SHIM_DOES_MORE)
        SECTION(b, 10, 1, 16, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0x41, 0, 0x11, 0, 0, 0x01, 0x01, 0x01,
                0x0b);
    else /* the slot's index padded to five bytes, as linkers write them */
        SECTION(b, 10, 1, 21, 0, 0x20, swapped, 0x20, 1 ^ swapped, 0x20, 2, 0x41, slot, 0x11,
                (uint8_t)(type | 0x80), 0x80, 0x80, 0x80, 0, 0x80, 0x80, 0x80, 0x80, 0, 0x0b);
}

/* Imports: "" "0" the lowered function, "" "i" the initialiser, "" "t" the shim's table. */
static inline void build_fixup(blob *b, twist t)
{
    put_core_preamble(b);
    SECTION(b, 1, 2, 0x60, 3, 0x7f, 0x7f, t == FIXUP_OTHER_TYPE ? 0x7e : 0x7f, 0, 0x60, 0, 0);
    SECTION(b, 2, 3, 0, 1, '0', 0, 0, 0, 1, 'i', 0, 1, 0, 1, 't', 1, 0x70, 1, 1, 1);
    SECTION(b, 8, 1);
    if (t == FIXUP_FILLS_TWICE)
        SECTION(b, 9, 2, 0, 0x41, 0, 0x0b, 1, 0, 0, 0x41, 0, 0x0b, 1, 0);
    else if (t == FIXUP_IS_PASSIVE)
        SECTION(b, 9, 1, 1, 0, 1, 0);
    else if (t != FIXUP_FILLS_NOTHING)
        SECTION(b, 9, 1, 0, 0x41, t == FIXUP_SLOT_OUT_OF_RANGE ? 1 : 0, 0x0b, 1,
                t == FIXUP_FILLS_WITH_MAIN ? 1 : 0);
}

static inline void put_alias(blob *b, uint8_t core_sort, uint8_t instance, const char *name)
{
    blob body = {0};
    PUT(&body, 1, 0, core_sort, 1, instance);
    put_name(&body, name);
    put_section(b, 6, &body);
}

static inline void put_export_alias(blob *b, uint8_t sort, uint8_t instance, const char *name)
{
    blob body = {0};
    PUT(&body, 1, sort, 0, instance);
    put_name(&body, name);
    put_section(b, 6, &body);
}

static inline void put_import(blob *b, const char *name, uint8_t type, twist t)
{
    blob body = {0};
    PUT(&body, 1, t == NAME_WITH_OPTIONS ? 2 : 0);
    put_name(&body, name);
    PUT(&body, 5, type);
    put_section(b, 10, &body);
}

static inline void put_export(blob *b, const char *name, uint8_t sort, uint8_t index)
{
    blob body = {0};
    PUT(&body, 1, 0);
    put_name(&body, name);
    PUT(&body, sort, index, 0);
    put_section(b, 11, &body);
}

/* Types 0 and 1: the interfaces; 2: the lifted function's type. */
static inline void put_types(blob *b, twist t)
{
    blob kv = {0};
    PUT(&kv, 2, 0x42, 4, 1, t == ASYNC_FUNC_TYPE ? 0x43 : 0x40, 1);
    put_name(&kv, "key");
    PUT(&kv, t == STREAM_TYPE ? 0x66 : 0x73, 0, 0x73);
    PUT(&kv, 4, 0);
    put_name(&kv, "kv-get");
    PUT(&kv, 1, 0, 1, 0x40, 0, 1, 0, 4, 0);
    put_name(&kv, "tick");
    PUT(&kv, 1, 1);
    PUT(&kv, 0x42, 1, 4, 0);
    put_name(&kv, "pollable");
    PUT(&kv, 3, 1);
    put_section(b, 7, &kv);
    if (t == TYPES_TOO_DEEP) {
        blob deep = {0};
        PUT(&deep, 1);
        for (int i = 0; i < 100; i++)
            PUT(&deep, 0x42, 1, 1);
        PUT(&deep, 0x73);
        put_section(b, 7, &deep);
    }
}

static inline void put_instances(blob *b, twist t)
{
    /* core instance 0: the shim; core function 0: its export, 1: resource.drop, 2: tick */
    SECTION(b, 2, 1, 0, 1, 0);
    put_alias(b, 0, 0, "0");
    if (t == DROP_OF_OWN_RESOURCE) { /* type 3 */
        SECTION(b, 7, 1, 0x3f, 0x7f, 0);
        SECTION(b, 8, 1, 3, 3);
    } else {
        put_export_alias(b, 3, 1, "pollable");
        SECTION(b, 8, 1, t == RESOURCE_NEW ? 2 : 3, 3);
    }
    put_export_alias(b, 1, 0, t == ALIAS_UNKNOWN ? "tock" : "tick");
    SECTION(b, 8, 1, 1, 0, 0, 0);
    if (t == ALIAS_OUTER)
        SECTION(b, 6, 1, 3, 2, 0, 0);
    blob lists = {0}; /* core instances 1 and 2: what the main module is given */
    PUT(&lists, 2, 1, 2);
    put_name(&lists, "kv-get");
    PUT(&lists, 0, 0);
    put_name(&lists, "tick");
    PUT(&lists, 0, 2, 1, 1);
    put_name(&lists, "[resource-drop]pollable");
    PUT(&lists, 0, 1);
    put_section(b, 2, &lists);
    blob main_instance = {0}; /* core instance 3 */
    PUT(&main_instance, 1, 0, 0, t == ARGUMENT_MISSING ? 1 : 2);
    put_name(&main_instance, "astrid:kv/host@1.0.0");
    PUT(&main_instance, 0x12, 1);
    if (t != ARGUMENT_MISSING) {
        put_name(&main_instance,
                 t == ARGUMENT_TWICE ? "astrid:kv/host@1.0.0" : "astrid:io/poll@1.0.0");
        PUT(&main_instance, 0x12, 2);
    }
    put_section(b, 2, &main_instance);
}

/* Core functions 3: realloc, 4: lowered kv-get, 5: initialiser; core instances 4 and 5. */
static inline void put_fixup_instance(blob *b, twist t)
{
    put_alias(b, 2, 3, t == MEMORY_UNKNOWN ? "again" : "memory");
    put_alias(b, 0, 3, "cabi_realloc");
    put_export_alias(b, 1, 0, "kv-get");
    if (t == LOWER_OF_LIFT)
        SECTION(b, 8, 2, 0, 0, 3, 0, 2, 1, 0, 2, 0);
    else if (t == OPTION_UTF16)
        SECTION(b, 8, 1, 1, 0, 1, 3, 3, 0, 4, 3, 1);
    else if (t == OPTION_ASYNC)
        SECTION(b, 8, 1, 1, 0, 1, 3, 3, 0, 4, 3, 6);
    else if (t == OPTION_TWICE)
        SECTION(b, 8, 1, 1, 0, 1, 3, 3, 0, 4, 3, 3, 0);
    else if (t == POST_RETURN_ON_LOWER)
        SECTION(b, 8, 1, 1, 0, 1, 3, 3, 0, 4, 3, 5, 3);
    else
        SECTION(b, 8, 1, 1, 0, 1, 3, 3, 0, 4, 3, 0);
    put_alias(b, 0, 3, "_initialize");
    put_alias(b, 1, 0, "$imports");
    SECTION(b, 2, 2, 1, 3, 1, '0', 0, 4, 1, 'i', 0, 5, 1, 't', 1, 0, 0, 2, 1, 0, 0x12, 4);
}

/* Core functions 6: hook, 7: post, 8: run, 9: second realloc, 10: a core import. Functions 0: tick,
 * 1: kv-get, 2: lifted hook, 3: its export, 4: lifted run. */
static inline void put_lifts(blob *b, twist t)
{
    put_alias(b, 0, 3, "hook");
    put_alias(b, 0, 3, "post");
    put_alias(b, 0, 3, "run");
    put_alias(b, 0, 3, "r2");
    put_alias(b, 0, 3, "again");
    SECTION(b, 7, 1, 0x40, 2, 1, 'a', 0x73, 1, 'b', 0x73, 0, 0x73); /* type 4 */
    if (t == NOTHING_LIFTED)
        return;
    if (t == OPTION_CALLBACK)
        SECTION(b, 8, 1, 0, 0, 6, 4, 3, 0, 4, 3, 0, 7, 8, 4);
    else
        SECTION(b, 8, 1, 0, 0, t == LIFT_OF_CORE_IMPORT ? 10 : 6, 4, 3, 0, 4,
                t == REALLOCS_DIFFER ? 9 : 3, 0, 5, 7, t == LIFT_TO_OTHER_TYPE ? 0 : 4);
    put_export(b, "astrid-hook-trigger", t == EXPORT_OF_INSTANCE ? 5 : 1,
               t == EXPORT_OF_IMPORT ? 0 : 2);
    SECTION(b, 7, 1, 0x40, 0, 1, 0); /* type 5 */
    SECTION(b, 8, 1, 0, 0, 8, 0, 5);
    put_export(b, t == EXPORTED_TWICE ? "astrid-hook-trigger" : "run", 1, 4);
}

static inline void put_module(blob *b, void (*build)(blob *, twist), twist t)
{
    blob module = {0};
    build(&module, t);
    put_section(b, 1, &module);
}

static inline void build_adapter(blob *b, twist t)
{
    put_core_preamble(b);
    SECTION(b, 1, 1, 0x60, 0, 0);
    SECTION(b, 3, 1, 0);
    SECTION(b, 7, 1, 1, 'f', 0, 0);
    SECTION(b, 10, 1, 2, 0, 0x0b);
    SECTION(b, 0, 4, 'n', 'a', 'm', 'e', 0, 8, 7, 'a', 'd', 'a', 'p', 't', 'e', 'r');
}

static inline void build_component(blob *b, twist t)
{
    PUT(b, 0, 'a', 's', 'm', t == OTHER_VERSION ? 0x0c : 0x0d, 0, 1, 0);
    put_types(b, t);
    put_import(b, "astrid:kv/host@1.0.0", 0, t);
    put_import(b, t == IMPORTED_TWICE ? "astrid:kv/host@1.0.0" : "astrid:io/poll@1.0.0", 1, t);
    if (t != TYPES_TOO_DEEP)
        SECTION(b, 7, 1, 0x40, 0, 1, 0); /* type 2 */
    put_module(b, build_main, t);
    put_module(b, build_shim, t);
    put_module(b, build_fixup, t);
    if (t == ADAPTER_MODULE || t == MODULE_UNUSED)
        put_module(b, build_adapter, t);
    put_instances(b, t);
    put_fixup_instance(b, t);
    put_lifts(b, t);
    if (t == ADAPTER_MODULE)
        SECTION(b, 2, 1, 0, 3, 0);
    if (t == NESTED_COMPONENT)
        SECTION(b, 4, 0, 'a', 's', 'm', 0x0d, 0, 1, 0);
    if (t == START_SECTION)
        SECTION(b, 9, 0, 0, 0);
    if (t == COMPONENT_INSTANCES)
        SECTION(b, 5, 1, 1, 0);
}

#endif
