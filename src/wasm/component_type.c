/* wasm/component_type.c - definitions of the component type section.
 *
 * Nothing that runs depends on component types: the core signatures do, and the engine compares
 * those with what the host provides. They are still read in full, so that a component we accept is
 * one that is well formed, and so that an alias can be checked against what its instance exports.
 *
 * Type declarations nest; the depth is bounded (T1), since this is the only recursion here.
 */
#include "wasm/component.h"

#include "wasm/sections.h"

enum { DEPTH_MAX = 8 /* T1; the standard toolchain nests three deep */ };

typedef struct type_scope {
    bhi_wasm_reader *reader;
    bhi_component *component; /* for the ceiling of items */
    uint32_t types_count;     /* size of the innermost type index space */
    uint32_t depth;
} type_scope;

static bool is_primitive(uint8_t byte)
{
    return (byte >= 0x73 && byte <= 0x7f) || byte == 0x64; /* 0x64: error-context */
}

static void skip_value_type(type_scope *scope)
{
    bhi_wasm_reader *reader = scope->reader;
    size_t place = bhi_wasm_reader_place(reader);
    bool is_byte =
        !bhi_wasm_reader_at_end(reader) && is_primitive(reader->bytes.data[reader->offset]);
    if (is_byte) {
        bhi_wasm_read_u8(reader, "a value type");
        return;
    }
    int64_t index = bhi_wasm_read_s33(reader, "a value type");
    if (index < 0 || index >= scope->types_count)
        bhi_wasm_reader_fail(reader, place, "type %lld is out of range: there are %u",
                             (long long)index, scope->types_count);
}

static uint8_t read_flag(bhi_wasm_reader *reader, const char *what)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t flag = bhi_wasm_read_u8(reader, what);
    if (flag > 1)
        bhi_wasm_reader_fail(reader, place, "expected 0 or 1 for %s, found 0x%02x", what, flag);
    return flag;
}

static void skip_optional_value_type(type_scope *scope)
{
    if (read_flag(scope->reader, "an optional type") == 1)
        skip_value_type(scope);
}

/* A vector of (name?, type?) with a zero byte after each case of a variant. */
static void skip_members(type_scope *scope, bool has_names, bool has_types, bool is_variant)
{
    bhi_wasm_reader *reader = scope->reader;
    uint32_t count = bhi_component_read_count(reader, scope->component, "members of a type");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(reader); i++) {
        if (has_names)
            bhi_wasm_read_name(reader, "a member's name");
        if (is_variant)
            skip_optional_value_type(scope);
        else if (has_types)
            skip_value_type(scope);
        size_t place = bhi_wasm_reader_place(reader);
        if (is_variant && bhi_wasm_read_u8(reader, "a case's end") != 0)
            bhi_wasm_reader_fail(reader, place, "expected 0 at the end of a variant's case");
    }
}

static void skip_defined(type_scope *scope, uint8_t form, size_t place)
{
    switch (form) {
    case 0x72: /* record */
        skip_members(scope, true, true, false);
        return;
    case 0x71: /* variant */
        skip_members(scope, true, true, true);
        return;
    case 0x6f: /* tuple */
        skip_members(scope, false, true, false);
        return;
    case 0x6e: /* flags */
    case 0x6d: /* enum */
        skip_members(scope, true, false, false);
        return;
    case 0x70: /* list */
    case 0x6b: /* option */
        skip_value_type(scope);
        return;
    case 0x6a: /* result */
        skip_optional_value_type(scope);
        skip_optional_value_type(scope);
        return;
    case 0x69: /* own */
    case 0x68: /* borrow */
        bhi_wasm_read_index(scope->reader, scope->types_count, "type");
        return;
    default:
        bhi_wasm_reader_fail(scope->reader, place,
                             "component type 0x%02x (asynchronous types, maps and fixed lists are "
                             "not supported)",
                             form);
    }
}

static void skip_func(type_scope *scope)
{
    skip_members(scope, true, true, false);
    if (read_flag(scope->reader, "a result list") == 0) {
        skip_value_type(scope);
        return;
    }
    size_t place = bhi_wasm_reader_place(scope->reader);
    if (bhi_wasm_read_u8(scope->reader, "a result list") != 0)
        bhi_wasm_reader_fail(scope->reader, place, "named results are not supported");
}

bhi_component_description bhi_component_read_description(bhi_wasm_reader *reader,
                                                         uint32_t types_count)
{
    bhi_component_description description = {0};
    size_t place = bhi_wasm_reader_place(reader);
    description.sort = bhi_wasm_read_u8(reader, "what a name stands for");
    switch (description.sort) {
    case 1: /* function */
    case 4: /* component */
    case 5: /* instance */
        description.index = bhi_wasm_read_index(reader, types_count, "type");
        break;
    case 3: /* type */
        description.is_resource = read_flag(reader, "a type bound") == 1;
        if (!description.is_resource)
            description.index = bhi_wasm_read_index(reader, types_count, "type");
        break;
    default:
        bhi_wasm_reader_fail(reader, place, "an import or export of sort 0x%02x: not supported",
                             description.sort);
    }
    return description;
}

/* outer aliases of types only: how declarations reach types outside them */
static void skip_declared_alias(type_scope *scope)
{
    bhi_wasm_reader *reader = scope->reader;
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t sort = bhi_wasm_read_u8(reader, "an alias");
    uint8_t target = bhi_wasm_read_u8(reader, "an alias's target");
    if (sort != 3 || (target != 2 && target != 0)) {
        bhi_wasm_reader_fail(reader, place, "an alias in a type declaration, of sort %u", sort);
        return;
    }
    bhi_wasm_read_u32(reader, "an alias's scope or instance");
    if (target == 2)
        bhi_wasm_read_u32(reader, "an outer type");
    else
        bhi_wasm_read_name(reader, "an exported type");
    scope->types_count++;
}

static void skip_type(type_scope *scope, bhi_arena *arena, bhi_component_type *ret_type);

static void read_declared_name(type_scope *scope, bhi_component_name *ret_name)
{
    ret_name->name = bhi_component_read_name(scope->reader);
    bhi_component_description description =
        bhi_component_read_description(scope->reader, scope->types_count);
    ret_name->sort = description.sort;
    if (description.sort == 3)
        scope->types_count++;
}

/* One declaration of an instance type, or of a component type, which may also import. */
static void read_declaration(type_scope *scope, bool may_import, bhi_component_type *ret_type)
{
    bhi_wasm_reader *reader = scope->reader;
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t form = bhi_wasm_read_u8(reader, "a declaration");
    bhi_component_name imported;
    bhi_component_type nested = {0};
    if (form == 1) {
        skip_type(scope, NULL, &nested);
        scope->types_count++;
    } else if (form == 2) {
        skip_declared_alias(scope);
    } else if (form == 3 && may_import) {
        read_declared_name(scope, &imported);
    } else if (form == 4 && ret_type->exports != NULL) {
        read_declared_name(scope, &ret_type->exports[ret_type->exports_count++]);
    } else if (form == 4) {
        read_declared_name(scope, &imported);
    } else {
        bhi_wasm_reader_fail(reader, place, "unknown type declaration 0x%02x", form);
    }
}

static void read_declarations(type_scope *outer, bool may_import, bhi_arena *arena,
                              bhi_component_type *ret_type)
{
    bhi_wasm_reader *reader = outer->reader;
    type_scope scope = {.reader = reader, .component = outer->component, .depth = outer->depth + 1};
    if (scope.depth > DEPTH_MAX)
        bhi_wasm_reader_fail(reader, bhi_wasm_reader_place(reader),
                             "type declarations nest deeper than %d", DEPTH_MAX);
    uint32_t count = bhi_component_read_count(reader, scope.component, "type declarations");
    if (arena != NULL)
        ret_type->exports = bhi_wasm_reader_alloc(reader, arena, count, sizeof *ret_type->exports);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(reader); i++)
        read_declaration(&scope, may_import, ret_type);
}

/* A resource that the component itself defines: its representation and destructor. */
static void skip_resource(type_scope *scope)
{
    bhi_wasm_read_value_type(scope->reader);
    if (read_flag(scope->reader, "a destructor") == 1)
        bhi_wasm_read_u32(scope->reader, "a destructor");
}

/* The exports of an instance type are kept when an arena is given. */
static void skip_type(type_scope *scope, bhi_arena *arena, bhi_component_type *ret_type)
{
    bhi_wasm_reader *reader = scope->reader;
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t form = bhi_wasm_read_u8(reader, "a component type");
    switch (form) {
    case 0x3f:
        ret_type->kind = BHI_COMPONENT_TYPE_RESOURCE;
        skip_resource(scope);
        return;
    case 0x40:
        ret_type->kind = BHI_COMPONENT_TYPE_FUNC;
        skip_func(scope);
        return;
    case 0x41:
        ret_type->kind = BHI_COMPONENT_TYPE_COMPONENT;
        read_declarations(scope, true, NULL, ret_type);
        return;
    case 0x42:
        ret_type->kind = BHI_COMPONENT_TYPE_INSTANCE;
        read_declarations(scope, false, arena, ret_type);
        return;
    case 0x43:
        bhi_wasm_reader_fail(reader, place, "an async function type: not supported");
        return;
    default:
        ret_type->kind = BHI_COMPONENT_TYPE_VALUE;
        if (!is_primitive(form))
            skip_defined(scope, form, place);
    }
}

void bhi_component_read_type(bhi_wasm_reader *reader, bhi_arena *arena, bhi_component *component,
                             bhi_component_type *ret_type)
{
    type_scope scope = {
        .reader = reader, .component = component, .types_count = component->types_count};
    skip_type(&scope, arena, ret_type);
}
