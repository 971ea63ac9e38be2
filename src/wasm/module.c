/* wasm/module.c - the sections of a core module.
 *
 * One table row per section says how it is read and where it stands in the order. Known sections
 * come at most once and in order; indices are checked against what was declared before them, which
 * the order makes possible. Function bodies are not entered: only their number is checked.
 */
#include "wasm/module.h"

#include "wasm/sections.h"

typedef struct module_reader {
    bhi_wasm_reader reader; /* over the module */
    bhi_arena *arena;
    bhi_wasm_module module;
    uint32_t tags_count; /* imported and defined */
    uint32_t code_count;
    bool has_data_count;
    uint32_t data_count;
} module_reader;

static uint32_t funcs_total(const bhi_wasm_module *module)
{
    return module->imported_funcs + module->funcs_count;
}

static uint32_t kind_total(const module_reader *m, bhi_wasm_kind kind)
{
    const bhi_wasm_module *module = &m->module;
    switch (kind) {
    case BHI_WASM_FUNC:
        return funcs_total(module);
    case BHI_WASM_TABLE:
        return module->imported_tables + module->tables_count;
    case BHI_WASM_MEMORY:
        return module->imported_memories + module->memories_count;
    case BHI_WASM_GLOBAL:
        return module->imported_globals + module->globals_count;
    default:
        return m->tags_count;
    }
}

static uint32_t read_func_type_index(module_reader *m, bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    uint32_t type = bhi_wasm_read_index(section, m->module.types_count, "type");
    if (bhi_wasm_reader_is_ok(section) && !m->module.type_is_func[type])
        bhi_wasm_reader_fail(section, place, "type %u is not a function type", type);
    return type;
}

static void read_tag(module_reader *m, bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    if (bhi_wasm_read_u8(section, "a tag") != 0)
        bhi_wasm_reader_fail(section, place, "expected an exception tag");
    read_func_type_index(m, section);
    m->tags_count++;
}

static bool read_mutability(bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    uint8_t byte = bhi_wasm_read_u8(section, "a mutability");
    if (byte > 1)
        bhi_wasm_reader_fail(section, place, "expected mutability 0 or 1, found %u", byte);
    return byte == 1;
}

static bhi_wasm_kind read_kind(bhi_wasm_reader *section)
{
    size_t place = bhi_wasm_reader_place(section);
    uint8_t kind = bhi_wasm_read_u8(section, "a kind");
    if (kind > BHI_WASM_TAG)
        bhi_wasm_reader_fail(section, place, "unknown kind 0x%02x", kind);
    return (bhi_wasm_kind)kind;
}

static void read_import_description(module_reader *m, bhi_wasm_reader *section,
                                    bhi_wasm_import *import)
{
    switch (import->kind) {
    case BHI_WASM_FUNC:
        import->type = read_func_type_index(m, section);
        m->module.imported_funcs++;
        return;
    case BHI_WASM_TABLE:
        import->value_type = bhi_wasm_read_reference_type(section);
        import->limits = bhi_wasm_read_limits(section, false);
        m->module.imported_tables++;
        return;
    case BHI_WASM_MEMORY:
        import->limits = bhi_wasm_read_limits(section, true);
        m->module.imported_memories++;
        return;
    case BHI_WASM_GLOBAL:
        import->value_type = bhi_wasm_read_value_type(section);
        import->is_mutable = read_mutability(section);
        m->module.imported_globals++;
        return;
    default:
        read_tag(m, section);
        return;
    }
}

static void read_imports(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 4, BHI_WASM_ITEMS_MAX, "imports");
    m->module.imports = bhi_wasm_reader_alloc(section, m->arena, count, sizeof *m->module.imports);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++) {
        bhi_wasm_import *import = &m->module.imports[i];
        import->module = bhi_wasm_read_name(section, "an import's module");
        import->name = bhi_wasm_read_name(section, "an import's name");
        import->kind = read_kind(section);
        read_import_description(m, section, import);
    }
    m->module.imports_count = count;
}

static void read_types(module_reader *m, bhi_wasm_reader *section)
{
    bhi_wasm_read_types(section, m->arena, &m->module);
}

static void read_functions(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 1, BHI_WASM_ITEMS_MAX, "functions");
    m->module.func_types = bhi_wasm_reader_alloc(section, m->arena, count, sizeof(uint32_t));
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        m->module.func_types[i] = read_func_type_index(m, section);
    m->module.funcs_count = count;
}

static void read_table(bhi_wasm_reader *section, bhi_wasm_table *table)
{
    bool has_initial =
        section->offset < section->bytes.len && section->bytes.data[section->offset] == 0x40;
    if (has_initial) {
        bhi_wasm_read_u8(section, "a table");
        size_t place = bhi_wasm_reader_place(section);
        if (bhi_wasm_read_u8(section, "a table") != 0)
            bhi_wasm_reader_fail(section, place, "expected 0x00 in a table with an initial value");
    }
    table->element_type = bhi_wasm_read_reference_type(section);
    table->limits = bhi_wasm_read_limits(section, false);
    int32_t ignored;
    if (has_initial)
        bhi_wasm_read_const_expression(section, &ignored);
}

static void read_tables(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 3, BHI_WASM_ITEMS_MAX, "tables");
    m->module.tables = bhi_wasm_reader_alloc(section, m->arena, count, sizeof *m->module.tables);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++) {
        bhi_wasm_table *table = &m->module.tables[i];
        read_table(section, table);
        if (table->element_type != BHI_WASM_FUNCREF && table->element_type != BHI_WASM_EXTERNREF)
            table->element_type = 0;
    }
    m->module.tables_count = count;
}

static void read_memories(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 2, BHI_WASM_ITEMS_MAX, "memories");
    m->module.memories =
        bhi_wasm_reader_alloc(section, m->arena, count, sizeof *m->module.memories);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        m->module.memories[i] = bhi_wasm_read_limits(section, true);
    m->module.memories_count = count;
}

static void read_tags(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 2, BHI_WASM_ITEMS_MAX, "tags");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        read_tag(m, section);
}

static void read_globals(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 4, BHI_WASM_ITEMS_MAX, "globals");
    m->module.globals = bhi_wasm_reader_alloc(section, m->arena, count, sizeof *m->module.globals);
    int32_t ignored;
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++) {
        bhi_wasm_global *global = &m->module.globals[i];
        global->value_type = bhi_wasm_read_value_type(section);
        global->is_mutable = read_mutability(section);
        bhi_wasm_read_const_expression(section, &ignored);
    }
    m->module.globals_count = count;
}

static void read_exports(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 3, BHI_WASM_ITEMS_MAX, "exports");
    m->module.exports = bhi_wasm_reader_alloc(section, m->arena, count, sizeof *m->module.exports);
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++) {
        bhi_wasm_export *export = &m->module.exports[i];
        export->name = bhi_wasm_read_name(section, "an export's name");
        export->kind = read_kind(section);
        export->index = bhi_wasm_read_index(section, kind_total(m, export->kind), "exported index");
    }
    m->module.exports_count = count;
}

static void read_start(module_reader *m, bhi_wasm_reader *section)
{
    m->module.start_func = bhi_wasm_read_index(section, funcs_total(&m->module), "start function");
    m->module.has_start = true;
}

static void read_elements(module_reader *m, bhi_wasm_reader *section)
{
    m->module.elements = section->bytes;
    uint32_t count = bhi_wasm_read_count(section, 2, BHI_WASM_ITEMS_MAX, "element segments");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        bhi_wasm_read_element(section, NULL);
    m->module.element_segments_count = count;
}

static void read_data_count(module_reader *m, bhi_wasm_reader *section)
{
    m->data_count = bhi_wasm_read_u32(section, "a data count");
    m->has_data_count = true;
}

static void read_code(module_reader *m, bhi_wasm_reader *section)
{
    m->module.code = section->bytes;
    m->code_count = bhi_wasm_read_count(section, 2, BHI_WASM_ITEMS_MAX, "function bodies");
    for (uint32_t i = 0; i < m->code_count && bhi_wasm_reader_is_ok(section); i++)
        bhi_wasm_read_bytes(section, bhi_wasm_read_u32(section, "a body's size"), "a body");
}

static void read_data(module_reader *m, bhi_wasm_reader *section)
{
    uint32_t count = bhi_wasm_read_count(section, 1, BHI_WASM_ITEMS_MAX, "data segments");
    for (uint32_t i = 0; i < count && bhi_wasm_reader_is_ok(section); i++)
        bhi_wasm_skip_data(section);
    m->module.data_segments_count = count;
}

/* Malformed contents of a custom section are no error (core specification 5.5.3). */
static void read_custom(module_reader *m, bhi_wasm_reader *section)
{
    bhi_bytes name = bhi_wasm_read_name(section, "a custom section's name");
    bhi_bytes body = bhi_wasm_read_bytes(section, section->bytes.len - section->offset, "content");
    if (bhi_bytes_equal_text(name, "target_features"))
        m->module.features = body;
    if (!bhi_bytes_equal_text(name, "name"))
        return;
    bhi_wasm_reader names = bhi_wasm_reader_of(body, 0, NULL);
    bool is_module_name = bhi_wasm_read_u8(&names, "a subsection") == 0;
    bhi_wasm_read_u32(&names, "a size");
    bhi_bytes module_name = bhi_wasm_read_name(&names, "a module name");
    if (is_module_name && bhi_wasm_reader_is_ok(&names))
        m->module.name = module_name;
}

static const struct {
    const char *name;
    uint8_t rank; /* its place in the binary order; 0: anywhere */
    void (*read)(module_reader *m, bhi_wasm_reader *section);
} sections[BHI_WASM_SECTIONS] = {
    [BHI_WASM_SECTION_CUSTOM] = {"custom section", 0, read_custom},
    [BHI_WASM_SECTION_TYPE] = {"type section", 1, read_types},
    [BHI_WASM_SECTION_IMPORT] = {"import section", 2, read_imports},
    [BHI_WASM_SECTION_FUNCTION] = {"function section", 3, read_functions},
    [BHI_WASM_SECTION_TABLE] = {"table section", 4, read_tables},
    [BHI_WASM_SECTION_MEMORY] = {"memory section", 5, read_memories},
    [BHI_WASM_SECTION_TAG] = {"tag section", 6, read_tags},
    [BHI_WASM_SECTION_GLOBAL] = {"global section", 7, read_globals},
    [BHI_WASM_SECTION_EXPORT] = {"export section", 8, read_exports},
    [BHI_WASM_SECTION_START] = {"start section", 9, read_start},
    [BHI_WASM_SECTION_ELEMENT] = {"element section", 10, read_elements},
    [BHI_WASM_SECTION_DATA_COUNT] = {"data count section", 11, read_data_count},
    [BHI_WASM_SECTION_CODE] = {"code section", 12, read_code},
    [BHI_WASM_SECTION_DATA] = {"data section", 13, read_data},
};

static void read_section(module_reader *m, uint8_t *rank)
{
    size_t place = bhi_wasm_reader_place(&m->reader);
    uint8_t id = bhi_wasm_read_u8(&m->reader, "a section");
    if (id >= BHI_WASM_SECTIONS) {
        bhi_wasm_reader_fail(&m->reader, place, "unknown section id %u", id);
        return;
    }
    if (sections[id].rank != 0 && sections[id].rank <= *rank) {
        bhi_wasm_reader_fail(&m->reader, place, "the %s comes twice or out of order",
                             sections[id].name);
        return;
    }
    if (sections[id].rank != 0)
        *rank = sections[id].rank;
    uint32_t size = bhi_wasm_read_u32(&m->reader, "a section's size");
    bhi_wasm_reader section = bhi_wasm_reader_take(&m->reader, size, sections[id].name);
    sections[id].read(m, &section);
    bhi_wasm_reader_give_back(&m->reader, &section, sections[id].name);
}

static void check_totals(module_reader *m)
{
    size_t end = m->module.bytes.len;
    if (m->code_count != m->module.funcs_count)
        bhi_wasm_reader_fail(&m->reader, end, "%u functions are declared, %u bodies are given",
                             m->module.funcs_count, m->code_count);
    if (m->has_data_count && m->data_count != m->module.data_segments_count)
        bhi_wasm_reader_fail(&m->reader, end, "%u data segments are declared, %u are given",
                             m->data_count, m->module.data_segments_count);
}

bh_status bhi_wasm_module_read(bhi_bytes bytes, bhi_arena *arena, bhi_wasm_module *ret_module,
                               bh_error *reterr)
{
    static const uint8_t preamble[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    if (bytes.len > BHI_WASM_MODULE_BYTES_MAX)
        return bhi_fail(reterr, BH_E_MODULE, "the module has %zu bytes, the limit is %d", bytes.len,
                        BHI_WASM_MODULE_BYTES_MAX);
    if (bytes.len < sizeof preamble || memcmp(bytes.data, preamble, sizeof preamble) != 0)
        return bhi_fail(reterr, BH_E_MODULE,
                        "at byte 0: expected a core WebAssembly module (\\0asm, version 1)");
    module_reader m = {.reader = bhi_wasm_reader_of(bytes, 0, reterr), .arena = arena};
    m.reader.offset = sizeof preamble;
    m.module.bytes = bytes;
    uint8_t rank = 0;
    while (bhi_wasm_reader_is_ok(&m.reader) && !bhi_wasm_reader_at_end(&m.reader))
        read_section(&m, &rank);
    check_totals(&m);
    if (bhi_wasm_reader_is_ok(&m.reader))
        *ret_module = m.module;
    return m.reader.status;
}

const bhi_wasm_export *bhi_wasm_export_find(const bhi_wasm_module *module, bhi_bytes name,
                                            bhi_wasm_kind kind)
{
    for (uint32_t i = 0; i < module->exports_count; i++)
        if (module->exports[i].kind == kind && bhi_bytes_equal(module->exports[i].name, name))
            return &module->exports[i];
    return NULL;
}

static uint32_t imported_func_type(const bhi_wasm_module *module, uint32_t index)
{
    uint32_t at = 0;
    while (module->imports[at].kind != BHI_WASM_FUNC || index-- > 0)
        at++;
    return module->imports[at].type;
}

const bhi_wasm_func_type *bhi_wasm_type_of_func(const bhi_wasm_module *module, uint32_t index)
{
    if (index >= funcs_total(module))
        return NULL;
    uint32_t type = index < module->imported_funcs
                        ? imported_func_type(module, index)
                        : module->func_types[index - module->imported_funcs];
    return &module->types[type];
}

static char letter_of(uint8_t type)
{
    switch (type) {
    case BHI_WASM_I32:
        return 'i';
    case BHI_WASM_I64:
        return 'I';
    case BHI_WASM_F32:
        return 'f';
    case BHI_WASM_F64:
        return 'F';
    default:
        return '?';
    }
}

void bhi_wasm_signature(const bhi_wasm_func_type *type, char *ret_text, size_t size)
{
    size_t wanted = type->params.len + 1 + type->results.len;
    size_t len = 0;
    for (; len < wanted && len + 1 < size; len++) {
        if (len < type->params.len)
            ret_text[len] = letter_of(type->params.data[len]);
        else if (len == type->params.len)
            ret_text[len] = ':';
        else
            ret_text[len] = letter_of(type->results.data[len - type->params.len - 1]);
    }
    if (size > 0)
        ret_text[len] = '\0';
}
