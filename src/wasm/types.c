/* wasm/types.c - value types, limits and the type section.
 *
 * Function types keep one byte per value. (ref null func) and its like are the types that one byte
 * spells, and become it; any other typed reference becomes 0, so that nothing later mistakes it for
 * a number. Struct and array types, which a capsule has no use
 * for, only take their place in the index space; the engine refuses them.
 */
#include "wasm/sections.h"

enum {
    TYPE_FUNC = 0x60,
    TYPE_STRUCT = 0x5f,
    TYPE_ARRAY = 0x5e,
    TYPE_SUB = 0x50,
    TYPE_SUB_FINAL = 0x4f,
    TYPE_REC = 0x4e,
    REF = 0x64,
    REF_NULL = 0x63,
    FUNC_VALUES_MAX = 1000 /* params or results; engines have the same limit */
};

/* Numbers, v128, and the one-byte abstract references 0x69 (exn) to 0x74 (noexn). */
bool bhi_wasm_is_value_byte(uint8_t byte)
{
    return (byte >= BHI_WASM_V128 && byte <= BHI_WASM_I32) || (byte >= 0x69 && byte <= 0x74);
}

/* Negative: an abstract type, the byte of its nullable reference less 0x80. Else a type's index. */
static int64_t read_heap_type(bhi_wasm_reader *reader)
{
    size_t place = bhi_wasm_reader_place(reader);
    int64_t heap = bhi_wasm_read_s33(reader, "a heap type");
    bool is_abstract = heap >= 0x69 - 0x80 && heap <= 0x74 - 0x80;
    if (heap < 0 && !is_abstract)
        bhi_wasm_reader_fail(reader, place, "unknown heap type %lld", (long long)heap);
    return heap;
}

void bhi_wasm_skip_heap_type(bhi_wasm_reader *reader)
{
    read_heap_type(reader);
}

uint8_t bhi_wasm_read_value_type(bhi_wasm_reader *reader)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t byte = bhi_wasm_read_u8(reader, "a value type");
    if (byte == REF || byte == REF_NULL) {
        int64_t heap = read_heap_type(reader);
        return byte == REF_NULL && heap < 0 ? (uint8_t)(heap + 0x80) : 0;
    }
    if (!bhi_wasm_is_value_byte(byte))
        bhi_wasm_reader_fail(reader, place, "expected a value type, found byte 0x%02x", byte);
    return byte;
}

uint8_t bhi_wasm_read_reference_type(bhi_wasm_reader *reader)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t type = bhi_wasm_read_value_type(reader);
    if (type >= BHI_WASM_V128)
        bhi_wasm_reader_fail(reader, place, "expected a reference type, found 0x%02x", type);
    return type;
}

bhi_wasm_limits bhi_wasm_read_limits(bhi_wasm_reader *reader, bool is_memory)
{
    enum { HAS_MAX = 1, IS_SHARED = 2, IS_64 = 4, HAS_PAGE_SIZE = 8 };
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t flags = bhi_wasm_read_u8(reader, "limits");
    uint8_t known = HAS_MAX | IS_SHARED | IS_64 | (is_memory ? HAS_PAGE_SIZE : 0);
    if ((flags & ~known) != 0)
        bhi_wasm_reader_fail(reader, place, "unknown limits flags 0x%02x", flags);
    bhi_wasm_limits limits = {.max = UINT64_MAX, .page_bytes_log2 = 16};
    limits.is_shared = (flags & IS_SHARED) != 0;
    limits.is_64 = (flags & IS_64) != 0;
    limits.min = limits.is_64 ? bhi_wasm_read_u64(reader, "a minimum")
                              : bhi_wasm_read_u32(reader, "a minimum");
    if ((flags & HAS_MAX) != 0)
        limits.max = limits.is_64 ? bhi_wasm_read_u64(reader, "a maximum")
                                  : bhi_wasm_read_u32(reader, "a maximum");
    if ((flags & HAS_PAGE_SIZE) != 0)
        limits.page_bytes_log2 = bhi_wasm_read_index(reader, 64, "page size exponent");
    if (limits.min > limits.max)
        bhi_wasm_reader_fail(reader, place, "minimum %llu is above maximum %llu",
                             (unsigned long long)limits.min, (unsigned long long)limits.max);
    return limits;
}

/* When every type is spelled as one byte, the bytes of the module serve as they are. */
static bhi_bytes read_value_types(bhi_wasm_reader *reader, bhi_arena *arena, const char *what)
{
    uint32_t count = bhi_wasm_read_count(reader, 1, FUNC_VALUES_MAX, what);
    size_t start = reader->offset;
    uint8_t *types = NULL;
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(reader); i++) {
        size_t before = reader->offset;
        uint8_t type = bhi_wasm_read_value_type(reader);
        if (reader->offset - before > 1 && types == NULL) {
            types = bhi_wasm_reader_alloc(reader, arena, count, 1);
            if (types != NULL)
                memcpy(types, reader->bytes.data + start, i);
        }
        if (types != NULL)
            types[i] = type;
    }
    if (!bhi_wasm_reader_is_ok(reader) || count == 0)
        return (bhi_bytes){0};
    return (bhi_bytes){types != NULL ? types : reader->bytes.data + start, count};
}

static void skip_field(bhi_wasm_reader *reader)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t storage = reader->offset < reader->bytes.len ? reader->bytes.data[reader->offset] : 0;
    if (storage == 0x78 || storage == 0x77) /* i8, i16 */
        bhi_wasm_read_u8(reader, "a storage type");
    else
        bhi_wasm_read_value_type(reader);
    if (bhi_wasm_read_u8(reader, "a mutability") > 1)
        bhi_wasm_reader_fail(reader, place, "a field's mutability is neither 0 nor 1");
}

static void skip_supertypes(bhi_wasm_reader *reader)
{
    uint32_t count = bhi_wasm_read_count(reader, 1, 1, "supertypes");
    for (uint32_t i = 0; i < count; i++)
        bhi_wasm_read_u32(reader, "a supertype");
}

static void read_composite(bhi_wasm_reader *reader, bhi_arena *arena, bhi_wasm_func_type *ret_type,
                           bool *ret_is_func)
{
    size_t place = bhi_wasm_reader_place(reader);
    uint8_t form = bhi_wasm_read_u8(reader, "a type");
    if (form == TYPE_SUB || form == TYPE_SUB_FINAL) {
        skip_supertypes(reader);
        form = bhi_wasm_read_u8(reader, "a composite type");
    }
    *ret_is_func = form == TYPE_FUNC;
    if (form == TYPE_FUNC) {
        ret_type->params = read_value_types(reader, arena, "parameters");
        ret_type->results = read_value_types(reader, arena, "results");
    } else if (form == TYPE_STRUCT) {
        uint32_t count = bhi_wasm_read_count(reader, 2, 10000, "fields");
        for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(reader); i++)
            skip_field(reader);
    } else if (form == TYPE_ARRAY) {
        skip_field(reader);
    } else {
        bhi_wasm_reader_fail(reader, place, "expected a type, found byte 0x%02x", form);
    }
}

/* Arrays that grow, since a recursion group defines several types under one item. */
typedef struct type_list {
    bhi_wasm_func_type *types;
    bool *is_func;
    uint32_t count;
    uint32_t capacity;
} type_list;

static void reserve_types(bhi_wasm_reader *reader, bhi_arena *arena, type_list *list, uint32_t more)
{
    if (more > BHI_WASM_ITEMS_MAX || list->count > BHI_WASM_ITEMS_MAX - more) {
        bhi_wasm_reader_fail(reader, bhi_wasm_reader_place(reader), "more than %d types",
                             BHI_WASM_ITEMS_MAX);
        return;
    }
    if (more <= list->capacity - list->count)
        return;
    uint32_t capacity = list->count + more + list->count / 2;
    bhi_wasm_func_type *types = bhi_wasm_reader_alloc(reader, arena, capacity, sizeof *types);
    bool *is_func = bhi_wasm_reader_alloc(reader, arena, capacity, sizeof *is_func);
    if (types == NULL || is_func == NULL)
        return;
    if (list->count > 0) {
        memcpy(types, list->types, list->count * sizeof *types);
        memcpy(is_func, list->is_func, list->count * sizeof *is_func);
    }
    *list = (type_list){types, is_func, list->count, capacity};
}

void bhi_wasm_read_types(bhi_wasm_reader *reader, bhi_arena *arena, bhi_wasm_module *module)
{
    type_list list = {0};
    uint32_t groups = bhi_wasm_read_count(reader, 2, BHI_WASM_ITEMS_MAX, "types");
    reserve_types(reader, arena, &list, groups);
    for (uint32_t i = 0; i < groups && bhi_wasm_reader_is_ok(reader); i++) {
        bool is_group =
            reader->offset < reader->bytes.len && reader->bytes.data[reader->offset] == TYPE_REC;
        uint32_t members = 1;
        if (is_group) {
            bhi_wasm_read_u8(reader, "a recursion group");
            members = bhi_wasm_read_count(reader, 2, BHI_WASM_ITEMS_MAX, "types of a group");
        }
        reserve_types(reader, arena, &list, members);
        for (uint32_t j = 0; j < members && bhi_wasm_reader_is_ok(reader); j++, list.count++)
            read_composite(reader, arena, &list.types[list.count], &list.is_func[list.count]);
    }
    module->types = list.types;
    module->type_is_func = list.is_func;
    module->types_count = bhi_wasm_reader_is_ok(reader) ? list.count : 0;
}
