/* wasm/shim.c - proof that a module is a shim: the bodies of its functions, byte by byte. */
#include "wasm/shim.h"

#include "wasm/sections.h"

static bool has_only_plain_values(bhi_bytes types)
{
    for (size_t i = 0; i < types.len; i++)
        if (types.data[i] == 0)
            return false;
    return true;
}

bool bhi_func_types_equal(const bhi_wasm_func_type *a, const bhi_wasm_func_type *b)
{
    return has_only_plain_values(a->params) && has_only_plain_values(a->results) &&
           bhi_bytes_equal(a->params, b->params) && bhi_bytes_equal(a->results, b->results);
}

bool bhi_module_is_fixup(const bhi_wasm_module *module)
{
    return module->imports_count > 0 && module->funcs_count == 0 && module->tables_count == 0 &&
           module->memories_count == 0 && module->globals_count == 0 &&
           module->exports_count == 0 && module->data_segments_count == 0;
}

/* Everything but the function bodies. */
static void check_shape(bhi_wasm_reader *errors, const bhi_wasm_module *module, size_t place)
{
    const char *found = module->imports_count > 0         ? "imports"
                        : module->memories_count > 0      ? "a memory"
                        : module->globals_count > 0       ? "globals"
                        : module->has_start               ? "a start function"
                        : module->element_segments_count  ? "element segments"
                        : module->data_segments_count > 0 ? "data segments"
                        : module->funcs_count == 0        ? "no functions"
                        : module->tables_count != 1       ? "not exactly one table"
                        : module->tables[0].element_type != BHI_WASM_FUNCREF ? "an unknown table"
                        : module->tables[0].limits.is_64                     ? "a 64-bit table"
                        : module->tables[0].limits.min > BHI_SHIM_SLOTS_MAX  ? "a huge table"
                                                                             : NULL;
    if (found != NULL)
        bhi_wasm_reader_fail(errors, place,
                             "a module beside the main one that is no shim: it has %s", found);
}

static void expect_byte(bhi_wasm_reader *body, uint8_t expected, const char *what)
{
    size_t place = bhi_wasm_reader_place(body);
    uint8_t found = bhi_wasm_read_u8(body, what);
    if (bhi_wasm_reader_is_ok(body) && found != expected)
        bhi_wasm_reader_fail(body, place, "a shim function: expected %s, found byte 0x%02x", what,
                             found);
}

/* local.get of every parameter in order, i32.const slot, call_indirect of its own type, end. */
static uint32_t read_body(bhi_wasm_reader *body, const bhi_shim *shim, uint32_t func)
{
    const bhi_wasm_func_type *type = bhi_wasm_type_of_func(shim->module, func);
    expect_byte(body, 0, "no locals");
    for (uint32_t i = 0; i < type->params.len && bhi_wasm_reader_is_ok(body); i++) {
        expect_byte(body, 0x20, "local.get");
        size_t place = bhi_wasm_reader_place(body);
        if (bhi_wasm_read_u32(body, "a parameter") != i)
            bhi_wasm_reader_fail(body, place, "a shim function does not pass on parameter %u", i);
    }
    expect_byte(body, 0x41, "i32.const");
    size_t place = bhi_wasm_reader_place(body);
    int32_t slot = bhi_wasm_read_s32(body, "a slot");
    if (slot < 0 || (uint32_t)slot >= shim->slots_count)
        bhi_wasm_reader_fail(body, place, "shim slot %d is outside its table", slot);
    expect_byte(body, 0x11, "call_indirect");
    place = bhi_wasm_reader_place(body);
    uint32_t called = bhi_wasm_read_index(body, shim->module->types_count, "type");
    if (bhi_wasm_reader_is_ok(body) && (!shim->module->type_is_func[called] ||
                                        !bhi_func_types_equal(type, &shim->module->types[called])))
        bhi_wasm_reader_fail(body, place, "a shim function calls with another type than its own");
    bhi_wasm_read_index(body, 1, "table");
    expect_byte(body, 0x0b, "end");
    return (uint32_t)slot;
}

void bhi_shim_read(bhi_wasm_reader *errors, const bhi_wasm_module *module, size_t place,
                   bhi_arena *arena, bhi_shim *ret_shim)
{
    check_shape(errors, module, place);
    if (!bhi_wasm_reader_is_ok(errors))
        return;
    bhi_shim shim = {.module = module, .slots_count = (uint32_t)module->tables[0].limits.min};
    shim.slots = bhi_wasm_reader_alloc(errors, arena, module->funcs_count, sizeof(uint32_t));
    size_t origin = place + (size_t)(module->code.data - module->bytes.data);
    bhi_wasm_reader code = bhi_wasm_reader_of(module->code, origin, errors->reterr);
    code.status = errors->status;
    bhi_wasm_read_u32(&code, "a count of bodies"); /* checked when the module was read */
    for (uint32_t i = 0; i < module->funcs_count && bhi_wasm_reader_is_ok(&code); i++) {
        bhi_wasm_reader body =
            bhi_wasm_reader_take(&code, bhi_wasm_read_u32(&code, "a size"), "a shim function");
        shim.slots[i] = read_body(&body, &shim, i);
        bhi_wasm_reader_give_back(&code, &body, "a shim function");
    }
    bhi_wasm_reader_give_back(errors, &code, "a shim's code");
    if (bhi_wasm_reader_is_ok(errors))
        *ret_shim = shim;
}
