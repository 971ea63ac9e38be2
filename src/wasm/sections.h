/* wasm/sections.h - pieces of a core module's sections, shared by its readers.
 *
 * Source: WebAssembly core specification 3.0, 5.3 (types), 5.4 (instructions), 5.5 (modules).
 */
#ifndef BHI_WASM_SECTIONS_H
#define BHI_WASM_SECTIONS_H

#include "wasm/module.h"
#include "wasm/reader.h"

/* Section ids; the binary order of a module is another one (TAG before GLOBAL, DATA_COUNT before
 * CODE). */
enum {
    BHI_WASM_SECTION_CUSTOM,
    BHI_WASM_SECTION_TYPE,
    BHI_WASM_SECTION_IMPORT,
    BHI_WASM_SECTION_FUNCTION,
    BHI_WASM_SECTION_TABLE,
    BHI_WASM_SECTION_MEMORY,
    BHI_WASM_SECTION_GLOBAL,
    BHI_WASM_SECTION_EXPORT,
    BHI_WASM_SECTION_START,
    BHI_WASM_SECTION_ELEMENT,
    BHI_WASM_SECTION_CODE,
    BHI_WASM_SECTION_DATA,
    BHI_WASM_SECTION_DATA_COUNT,
    BHI_WASM_SECTION_TAG,
    BHI_WASM_SECTIONS
};

enum {
    BHI_WASM_I32 = 0x7f,
    BHI_WASM_I64 = 0x7e,
    BHI_WASM_F32 = 0x7d,
    BHI_WASM_F64 = 0x7c,
    BHI_WASM_V128 = 0x7b,
    BHI_WASM_FUNCREF = 0x70,
    BHI_WASM_EXTERNREF = 0x6f
};

/* A value type: its byte, or 0 for one that no byte spells (typed references). */
uint8_t bhi_wasm_read_value_type(bhi_wasm_reader *reader);
/* The same where only a reference may stand. */
uint8_t bhi_wasm_read_reference_type(bhi_wasm_reader *reader);
/* Skip a heap type: the operand of ref.null and of typed references. */
void bhi_wasm_skip_heap_type(bhi_wasm_reader *reader);
bool bhi_wasm_is_value_byte(uint8_t byte);

bhi_wasm_limits bhi_wasm_read_limits(bhi_wasm_reader *reader, bool is_memory);

/* The type section, recursion groups flattened. */
void bhi_wasm_read_types(bhi_wasm_reader *reader, bhi_arena *arena, bhi_wasm_module *module);

/* Skip a constant expression and its end. True when it is a single i32.const, then *ret_value. */
bool bhi_wasm_read_const_expression(bhi_wasm_reader *reader, int32_t *ret_value);

/* One element segment. Function indices are kept when an arena is given. */
typedef struct bhi_wasm_element {
    bool is_active;
    bool is_indices;  /* a vector of function indices, not of expressions */
    uint32_t table;   /* active: which one */
    bool is_constant; /* active: `offset` is a plain i32.const */
    int32_t offset;
    uint32_t *funcs; /* is_indices, with an arena */
    uint32_t count;
    size_t place; /* in the file */
} bhi_wasm_element;

bhi_wasm_element bhi_wasm_read_element(bhi_wasm_reader *reader, bhi_arena *arena);
void bhi_wasm_skip_data(bhi_wasm_reader *reader);

#endif
