/* The core module reader and its cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "wasm/module.h"
#include "wasm/reader.h"

#include "build_wasm.h"

static bh_status read_module(const blob *bytes, bhi_arena *arena, bhi_wasm_module *module,
                             bh_error *error)
{
    *error = (bh_error){0};
    return bhi_wasm_module_read(blob_bytes(bytes), arena, module, error);
}

static void assert_refused(const blob *bytes, const char *text)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bh_error error;
    bh_status status = read_module(bytes, &arena, &module, &error);
    if (status != BH_E_MODULE || strstr(error.text, text) == NULL)
        fail_msg("expected \"%s\", found %s \"%s\"", text, bh_status_name(status), error.text);
    assert_true(arena.total < 1 << 20);
    bhi_arena_deinit(&arena);
}

static void everything_a_module_declares_is_read(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    SECTION(&b, 1, 3, 0x60, 2, 0x7f, 0x7e, 1, 0x7d, 0x60, 0, 0, 0x60, 2, 0x7c, 0x64, 0x70, 0);
    SECTION(&b, 2, 4, 1, 'm', 1, 'f', 0, 0, 1, 'm', 1, 't', 1, 0x70, 1, 1, 9, 1, 'm', 1, 'M', 2, 7,
            1, 2, 1, 'm', 1, 'g', 3, 0x6f, 1);
    SECTION(&b, 3, 2, 1, 0);
    SECTION(&b, 4, 2, 0x6f, 0, 3, 0x70, 1, 1, 2);
    SECTION(&b, 5, 1, 1, 1, 5);
    SECTION(&b, 6, 2, 0x7e, 1, 0x42, 0x7f, 0x0b, 0x64, 0x70, 0, 0xd2, 0, 0x0b);
    SECTION(&b, 7, 2, 1, 'a', 0, 2, 1, 'a', 3, 1);
    SECTION(&b, 8, 1);
    SECTION(&b, 9, 2, 0, 0x41, 0, 0x0b, 1, 0, 5, 0x70, 1, 0xd2, 0, 0x0b);
    SECTION(&b, 12, 1);
    SECTION(&b, 10, 2, 2, 0, 0x0b, 5, 0, 0x43, 0, 0, 0);
    SECTION(&b, 11, 1, 0, 0x41, 0, 0x0b, 3, 'a', 'b', 'c');
    SECTION(&b, 0, 15, 't', 'a', 'r', 'g', 'e', 't', '_', 'f', 'e', 'a', 't', 'u', 'r', 'e', 's',
            0);
    SECTION(&b, 0, 4, 'n', 'a', 'm', 'e', 0, 3, 2, 'i', 't');
    bhi_arena arena = {0};
    bhi_wasm_module m;
    bh_error error;
    if (read_module(&b, &arena, &m, &error) != BH_OK)
        fail_msg("%s", error.text);
    assert_int_equal(m.types_count, 3);
    char text[8];
    bhi_wasm_signature(&m.types[0], text, sizeof text);
    assert_string_equal(text, "iI:f");
    bhi_wasm_signature(&m.types[2], text, sizeof text);
    assert_string_equal(text, "F?:");
    bhi_wasm_signature(&m.types[0], text, 3);
    assert_string_equal(text, "iI");
    assert_int_equal(m.imported_funcs, 1);
    assert_int_equal(m.imports[1].value_type, 0x70);
    assert_int_equal(m.imports[1].limits.max, 9);
    assert_true(m.imports[2].limits.is_shared && m.imports[2].limits.is_64);
    assert_true(m.imports[3].is_mutable);
    assert_int_equal(m.funcs_count, 2);
    assert_int_equal(m.tables[0].element_type, 0x6f);
    assert_true(m.tables[0].limits.max == UINT64_MAX);
    assert_int_equal(m.memories[0].max, 5);
    assert_true(m.globals[0].is_mutable && !m.globals[1].is_mutable);
    assert_int_equal(m.globals[1].value_type, 0);
    assert_true(m.has_start);
    assert_int_equal(m.start_func, 1);
    assert_int_equal(m.element_segments_count, 2);
    assert_int_equal(m.data_segments_count, 1);
    assert_int_equal(m.code.len, 10);
    assert_int_equal(m.features.len, 1);
    assert_true(bhi_bytes_equal_text(m.name, "it"));
    bhi_bytes name = BHI_BYTES_LITERAL("a");
    assert_int_equal(bhi_wasm_export_find(&m, name, BHI_WASM_FUNC)->index, 2);
    assert_int_equal(bhi_wasm_export_find(&m, name, BHI_WASM_GLOBAL)->index, 1);
    assert_null(bhi_wasm_export_find(&m, name, BHI_WASM_MEMORY));
    assert_ptr_equal(bhi_wasm_type_of_func(&m, 0), &m.types[0]);
    assert_ptr_equal(bhi_wasm_type_of_func(&m, 1), &m.types[1]);
    assert_null(bhi_wasm_type_of_func(&m, 3));
    bhi_arena_deinit(&arena);
}

static void references_are_of_one_type_however_they_are_spelled(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    SECTION(&b, 1, 1, 0x60, 3, 0x7f, 0x63, 0x70, 0x7e, 2, 0x63, 0xef, 0x7f, 0x64, 0x70);
    SECTION(&b, 2, 1, 0, 0, 3, 0x63, 0x6f, 0);
    SECTION(&b, 4, 2, 0x63, 0x70, 0, 3, 0x64, 0x70, 0, 0);
    SECTION(&b, 6, 2, 0x63, 0x70, 1, 0xd0, 0x70, 0x0b, 0x63, 0, 1, 0xd0, 0x70, 0x0b);
    bhi_arena arena = {0};
    bhi_wasm_module m;
    bh_error error;
    if (read_module(&b, &arena, &m, &error) != BH_OK)
        fail_msg("%s", error.text);
    static const uint8_t params[] = {0x7f, 0x70, 0x7e}, results[] = {0x6f, 0};
    assert_int_equal(m.types[0].params.len, sizeof params);
    assert_memory_equal(m.types[0].params.data, params, sizeof params);
    assert_int_equal(m.types[0].results.len, sizeof results);
    assert_memory_equal(m.types[0].results.data, results, sizeof results);
    assert_int_equal(m.imports[0].value_type, 0x6f);
    assert_int_equal(m.tables[0].element_type, 0x70);
    assert_int_equal(m.tables[1].element_type, 0);
    assert_int_equal(m.globals[0].value_type, 0x70);
    assert_int_equal(m.globals[1].value_type, 0);
    bhi_arena_deinit(&arena);
}

static void sections_twice_or_out_of_order_are_refused(void **state)
{
    blob twice = {0};
    put_core_preamble(&twice);
    SECTION(&twice, 1, 0);
    SECTION(&twice, 1, 0);
    assert_refused(&twice, "at byte 11: the type section comes twice or out of order");
    blob order = {0};
    put_core_preamble(&order);
    SECTION(&order, 6, 0);
    SECTION(&order, 5, 0);
    assert_refused(&order, "the memory section comes twice or out of order");
    blob unknown = {0};
    put_core_preamble(&unknown);
    SECTION(&unknown, 14, 0);
    assert_refused(&unknown, "unknown section id 14");
}

static void counts_of_billions_are_refused_without_memory(void **state)
{
    for (uint8_t id = 1; id <= 13; id++) {
        if (id == 8 || id == 12) /* a start function and a data count are no vectors */
            continue;
        blob b = {0};
        put_core_preamble(&b);
        SECTION(&b, id, 0xff, 0xff, 0xff, 0xff, 0x0f);
        assert_refused(&b, "more than the limit");
    }
    blob params = {0};
    put_core_preamble(&params);
    SECTION(&params, 1, 1, 0x60, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    assert_refused(&params, "more than the limit of 1000");
    blob lying = {0};
    put_core_preamble(&lying);
    SECTION(&lying, 3, 0xc0, 0x84, 0x3d); /* exactly a million */
    assert_refused(&lying, "cannot fit the 0 bytes left");
    blob groups = {0};
    put_core_preamble(&groups);
    SECTION(&groups, 1, 1, 0x4e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x60, 0, 0);
    assert_refused(&groups, "more than the limit");
}

static void indices_out_of_range_are_refused(void **state)
{
    static const struct {
        uint8_t id;
        uint8_t bytes[8];
        uint8_t len;
        const char *text;
    } cases[] = {
        {2, {1, 0, 0, 0, 1}, 5, "type 1 is out of range: there are 1"},
        {3, {1, 1}, 2, "type 1 is out of range"},
        {7, {1, 1, 'a', 0, 0}, 5, "exported index 0 is out of range: there are 0"},
        {7, {1, 1, 'a', 4, 0}, 5, "exported index 0 is out of range"},
        {7, {1, 1, 'a', 5, 0}, 5, "unknown kind 0x05"},
        {8, {0}, 1, "start function 0 is out of range"},
        {13, {1, 0, 1}, 3, "type 1 is out of range"},
        {9, {1, 8, 0}, 3, "element segment form 8 is out of range"},
        {11, {1, 3}, 2, "data segment form 3 is out of range"},
        {5, {1, 16, 0}, 3, "unknown limits flags 0x10"},
        {5, {1, 1, 2, 1}, 4, "minimum 2 is above maximum 1"},
        {6, {1, 0x7f, 2, 0x41, 0, 0x0b}, 6, "mutability 0 or 1"},
        {6, {1, 0x7f, 0, 0x10, 0, 0x0b}, 6, "opcode 0x10 in a constant expression"},
        {10, {1, 2, 0, 0x0b}, 4, "0 functions are declared, 1 bodies are given"},
        {12, {1}, 1, "1 data segments are declared, 0 are given"},
        {3, {0, 0}, 2, "1 bytes too many in function section"},
        {2, {1, 1, 0xff, 0, 0, 0}, 6, "is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0}, body = {0};
        put_core_preamble(&b);
        SECTION(&b, 1, 1, 0x60, 0, 0);
        put(&body, cases[i].bytes, cases[i].len);
        put_section(&b, cases[i].id, &body);
        assert_refused(&b, cases[i].text);
    }
}

static uint64_t read_number(const uint8_t *bytes, size_t len, char kind, bool *ret_ok)
{
    bhi_wasm_reader reader = bhi_wasm_reader_of((bhi_bytes){bytes, len}, 0, NULL);
    uint64_t value = kind == 'u'   ? bhi_wasm_read_u32(&reader, "u")
                     : kind == 'U' ? bhi_wasm_read_u64(&reader, "U")
                     : kind == 's' ? (uint64_t)(int64_t)bhi_wasm_read_s32(&reader, "s")
                     : kind == 'b' ? (uint64_t)bhi_wasm_read_s33(&reader, "b")
                                   : (uint64_t)bhi_wasm_read_s64(&reader, "S");
    *ret_ok = bhi_wasm_reader_is_ok(&reader) && bhi_wasm_reader_at_end(&reader);
    return value;
}

static void numbers_follow_the_leb128_rules(void **state)
{
    static const struct {
        char kind;
        uint8_t bytes[11];
        uint8_t len;
        bool is_ok;
        int64_t value;
    } cases[] = {
        {'u', {0x80, 0x80, 0x80, 0x80, 0x00}, 5, true, 0},
        {'u', {0xff, 0xff, 0xff, 0xff, 0x0f}, 5, true, UINT32_MAX},
        {'u', {0xff, 0xff, 0xff, 0xff, 0x1f}, 5, false, 0},
        {'u', {0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 6, false, 0},
        {'u', {0x80}, 1, false, 0},
        {'s', {0x7f}, 1, true, -1},
        {'s', {0x80, 0x80, 0x80, 0x80, 0x78}, 5, true, INT32_MIN},
        {'s', {0xff, 0xff, 0xff, 0xff, 0x7f}, 5, true, -1},
        {'s', {0xff, 0xff, 0xff, 0xff, 0x07}, 5, true, INT32_MAX},
        {'s', {0xff, 0xff, 0xff, 0xff, 0x0f}, 5, false, 0},
        {'s', {0x80, 0x80, 0x80, 0x80, 0x70}, 5, false, 0},
        {'b', {0xff, 0xff, 0xff, 0xff, 0x0f}, 5, true, UINT32_MAX},
        {'b', {0x80, 0x80, 0x80, 0x80, 0x70}, 5, true, -(INT64_C(1) << 32)},
        {'b', {0xff, 0xff, 0xff, 0xff, 0x1f}, 5, false, 0},
        {'U', {255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 10, true, -1},
        {'U', {255, 255, 255, 255, 255, 255, 255, 255, 255, 2}, 10, false, 0},
        {'S', {128, 128, 128, 128, 128, 128, 128, 128, 128, 0x7f}, 10, true, INT64_MIN},
        {'S', {128, 128, 128, 128, 128, 128, 128, 128, 128, 0x7e}, 10, false, 0},
        {'S', {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0}, 11, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_ok;
        uint64_t value = read_number(cases[i].bytes, cases[i].len, cases[i].kind, &is_ok);
        if (is_ok != cases[i].is_ok || (is_ok && value != (uint64_t)cases[i].value))
            fail_msg("case %zu: ok %d, value %llx", i, is_ok, (unsigned long long)value);
    }
}

static void names_must_be_well_formed_utf8(void **state)
{
    static const struct {
        const char *text;
        bool is_ok;
    } cases[] = {
        {"plain", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"\xc0\xaf", false},
        {"\xe0\x80\xaf", false},
        {"\xed\xa0\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\x80", false},
        {"\xe2\x82", false},
        {"\xf5\x80\x80\x80", false},
        {"\xc3(", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        put_name(&b, cases[i].text);
        bhi_wasm_reader reader = bhi_wasm_reader_of(blob_bytes(&b), 0, NULL);
        bhi_wasm_read_name(&reader, "a name");
        if (bhi_wasm_reader_is_ok(&reader) != cases[i].is_ok)
            fail_msg("case %zu", i);
    }
}

static void first_failure_stays_and_later_reads_give_zero(void **state)
{
    bh_error error = {0};
    static const uint8_t bytes[] = {0x80, 5};
    bhi_wasm_reader reader = bhi_wasm_reader_of((bhi_bytes){bytes, 1}, 100, &error);
    assert_int_equal(bhi_wasm_read_u32(&reader, "a first"), 0);
    assert_string_equal(error.text, "at byte 101: expected a first, found the end");
    assert_int_equal(bhi_wasm_read_u8(&reader, "a second"), 0);
    assert_int_equal(bhi_wasm_read_count(&reader, 1, 10, "thirds"), 0);
    bhi_wasm_reader_fail(&reader, 7, "a fourth");
    assert_string_equal(error.text, "at byte 101: expected a first, found the end");
    bhi_arena arena = {0};
    assert_null(bhi_wasm_reader_alloc(&reader, &arena, 1, 1));
    bhi_arena_deinit(&arena);
}

static void other_bytes_than_a_core_module_are_refused(void **state)
{
    blob b = {0};
    assert_refused(&b, "expected a core WebAssembly module");
    PUT(&b, 0, 'a', 's', 'm', 2, 0, 0, 0);
    assert_refused(&b, "at byte 0: expected a core WebAssembly module");
    bh_error error;
    bhi_wasm_module module;
    bhi_arena arena = {0};
    bhi_bytes huge = {b.data, (size_t)BHI_WASM_MODULE_BYTES_MAX + 1};
    assert_int_equal(bhi_wasm_module_read(huge, &arena, &module, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "the limit is 67108864"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_module_declares_is_read),
        cmocka_unit_test(references_are_of_one_type_however_they_are_spelled),
        cmocka_unit_test(sections_twice_or_out_of_order_are_refused),
        cmocka_unit_test(counts_of_billions_are_refused_without_memory),
        cmocka_unit_test(indices_out_of_range_are_refused),
        cmocka_unit_test(numbers_follow_the_leb128_rules),
        cmocka_unit_test(names_must_be_well_formed_utf8),
        cmocka_unit_test(first_failure_stays_and_later_reads_give_zero),
        cmocka_unit_test(other_bytes_than_a_core_module_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
