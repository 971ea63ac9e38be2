/* Rewritten modules: what is exported, emptied, taken out and kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int allocations_left = -1; /* until one fails; negative: never */

static void *failing_malloc(size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left--;
    return malloc(size);
}

#define malloc failing_malloc
#include "base/arena.c"
#undef malloc

#include "wasm/rewrite.h"

#include "build_wasm.h"

/* A given module, rewritten and read again; all of it in one arena. */
typedef struct outcome {
    bhi_arena arena;
    bhi_wasm_module given, module;
    bhi_rewrite rewrite;
    bh_error error;
} outcome;

static bh_status try_rewrite(const blob *b, bhi_restorable restorable, outcome *ret)
{
    *ret = (outcome){0};
    bh_status status = bhi_wasm_module_read(blob_bytes(b), &ret->arena, &ret->given, &ret->error);
    if (status == BH_OK)
        status =
            bhi_rewrite_module(&ret->given, restorable, &ret->arena, &ret->rewrite, &ret->error);
    if (status == BH_OK)
        status = bhi_wasm_module_read(ret->rewrite.wasm, &ret->arena, &ret->module, &ret->error);
    return status;
}

static void rewrite(const blob *b, bhi_restorable restorable, outcome *ret)
{
    if (try_rewrite(b, restorable, ret) != BH_OK)
        fail_msg("%s", ret->error.text);
}

static void assert_refused(const blob *b, const char *text)
{
    outcome o;
    assert_int_equal(try_rewrite(b, BHI_RESTORABLE_YES, &o), BH_E_MODULE);
    if (strstr(o.error.text, text) == NULL)
        fail_msg("expected \"%s\", found \"%s\"", text, o.error.text);
    bhi_arena_deinit(&o.arena);
}

static void assert_export(const outcome *o, uint32_t at, const char *name, bhi_wasm_kind kind,
                          uint32_t index)
{
    assert_true(at < o->module.exports_count);
    const bhi_wasm_export *export = &o->module.exports[at];
    if (!bhi_bytes_equal_text(export->name, name))
        fail_msg("export %u is \"%.*s\", expected \"%s\"", at, (int)export->name.len,
                 (const char *)export->name.data, name);
    assert_int_equal(export->kind, kind);
    assert_int_equal(export->index, index);
}

/* Imports a function and a constant global; has two tables, a memory, globals of which 1 and 3 are
 * mutable, an export, a start function, an element segment and three data segments. */
static void build_whole(blob *b)
{
    put_core_preamble(b);
    SECTION(b, 0, 1, 'c', 1, 2, 3);
    SECTION(b, 1, 1, 0x60, 0, 0);
    SECTION(b, 2, 2, 1, 'm', 1, 'f', 0, 0, 1, 'm', 1, 'g', 3, 0x7f, 0);
    SECTION(b, 3, 2, 0, 0);
    SECTION(b, 4, 2, 0x70, 0, 1, 0x70, 0, 2);
    SECTION(b, 5, 1, 0, 1);
    SECTION(b, 6, 3, 0x7f, 1, 0x41, 0, 0x0b, 0x7f, 0, 0x41, 0, 0x0b, 0x70, 1, 0xd0, 0x70, 0x0b);
    SECTION(b, 7, 1, 3, 'r', 'u', 'n', 0, 2);
    SECTION(b, 8, 1);
    SECTION(b, 9, 1, 0, 0x41, 0, 0x0b, 1, 1);
    SECTION(b, 12, 3);
    SECTION(b, 10, 2, 2, 0, 0x0b, 2, 0, 0x0b);
    SECTION(b, 11, 3, 0, 0x41, 4, 0x0b, 2, 'a', 'b', 1, 3, 'p', 'q', 'r', 2, 0, 0x41, 0xe0, 0, 0x0b,
            1, 'z');
    SECTION(b, 0, 1, 'd');
}

static void state_is_exported_behind_the_old_exports(void **state)
{
    blob b = {0};
    build_whole(&b);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_TABLES, &o);
    assert_int_equal(o.module.exports_count, 7);
    assert_export(&o, 0, "run", BHI_WASM_FUNC, 2);
    assert_export(&o, 1, "bulkhead:memory", BHI_WASM_MEMORY, 0);
    assert_export(&o, 2, "bulkhead:start", BHI_WASM_FUNC, 1);
    assert_export(&o, 3, "bulkhead:global:1", BHI_WASM_GLOBAL, 1);
    assert_export(&o, 4, "bulkhead:global:3", BHI_WASM_GLOBAL, 3);
    assert_export(&o, 5, "bulkhead:table:0", BHI_WASM_TABLE, 0);
    assert_export(&o, 6, "bulkhead:table:1", BHI_WASM_TABLE, 1);
    assert_true(o.rewrite.has_memory && o.rewrite.has_start);
    assert_int_equal(o.rewrite.globals_count, 2);
    assert_int_equal(o.rewrite.globals[1], 3);
    assert_int_equal(o.rewrite.tables_count, 2);
    assert_int_equal(o.rewrite.tables[1], 1);
    bhi_arena_deinit(&o.arena);
}

static void only_what_the_verdict_needs_is_exported(void **state)
{
    blob b = {0};
    build_whole(&b);
    outcome yes, no;
    rewrite(&b, BHI_RESTORABLE_YES, &yes);
    assert_int_equal(yes.module.exports_count, 5);
    assert_int_equal(yes.rewrite.globals_count, 2);
    assert_int_equal(yes.rewrite.tables_count, 0);
    rewrite(&b, BHI_RESTORABLE_NO, &no);
    assert_int_equal(no.module.exports_count, 3);
    assert_int_equal(no.rewrite.globals_count, 0);
    assert_export(&no, 2, "bulkhead:start", BHI_WASM_FUNC, 1);
    bhi_arena_deinit(&yes.arena);
    bhi_arena_deinit(&no.arena);
}

static void an_imported_memory_is_not_exported(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    SECTION(&b, 2, 1, 0, 0, 2, 0, 1);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_NO, &o);
    assert_false(o.rewrite.has_memory);
    assert_int_equal(o.module.exports_count, 0);
    bhi_arena_deinit(&o.arena);
}

static void the_start_section_is_taken_out(void **state)
{
    blob b = {0};
    build_whole(&b);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_YES, &o);
    assert_true(o.given.has_start);
    assert_false(o.module.has_start);
    bhi_arena_deinit(&o.arena);
}

static void active_segments_are_emptied_and_passive_ones_kept(void **state)
{
    static const uint8_t data[] = {11,  18,  3,   0, 0x41, 4,    0x0b, 0, 1,    3,
                                   'p', 'q', 'r', 2, 0,    0x41, 0xe0, 0, 0x0b, 0};
    blob b = {0};
    build_whole(&b);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_YES, &o);
    assert_int_equal(o.module.data_segments_count, 3);
    assert_int_equal(o.rewrite.segments_count, 2);
    assert_int_equal(o.rewrite.segments[0].offset, 4);
    assert_true(bhi_bytes_equal_text(o.rewrite.segments[0].bytes, "ab"));
    assert_int_equal(o.rewrite.segments[1].offset, 0x60);
    assert_true(bhi_bytes_equal_text(o.rewrite.segments[1].bytes, "z"));
    /* Behind it is the custom section "d"; the size before it is padded. */
    const uint8_t *end = o.rewrite.wasm.data + o.rewrite.wasm.len - 4;
    assert_memory_equal(end - (sizeof data - 2), data + 2, sizeof data - 2);
    bhi_arena_deinit(&o.arena);
}

static void everything_else_stays_byte_for_byte(void **state)
{
    blob b = {0};
    build_whole(&b);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_TABLES, &o);
    assert_true(bhi_bytes_equal(o.given.code, o.module.code));
    assert_true(bhi_bytes_equal(o.given.elements, o.module.elements));
    size_t before_exports = (size_t)(o.given.exports[0].name.data - b.data) - 4;
    assert_memory_equal(o.rewrite.wasm.data, b.data, before_exports);
    assert_memory_equal(o.rewrite.wasm.data + o.rewrite.wasm.len - 4, b.data + b.len - 4, 4);
    bhi_arena_deinit(&o.arena);
}

static void build_offset(blob *b, const uint8_t *code, size_t len)
{
    blob data = {0};
    put_core_preamble(b);
    SECTION(b, 2, 1, 0, 0, 3, 0x7f, 0);
    SECTION(b, 5, 1, 0, 1);
    PUT(&data, 1, 0);
    put(&data, code, len);
    PUT(&data, 0x0b, 1, 'x');
    put_section(b, 11, &data);
}

static void offsets_of_extended_arithmetic_are_evaluated(void **state)
{
    static const struct {
        uint8_t code[16];
        uint8_t len;
        uint32_t offset;
    } cases[] = {
        {{0x41, 0x7f}, 2, UINT32_MAX},
        {{0x41, 0x80, 0x80, 0x80, 0x80, 0x78}, 6, UINT32_C(1) << 31},
        {{0x41, 3, 0x41, 4, 0x6a}, 5, 7},
        {{0x41, 3, 0x41, 4, 0x6b}, 5, UINT32_MAX},
        {{0x41, 3, 0x41, 4, 0x6c}, 5, 12},
        {{0x41, 9, 0x41, 2, 0x6b, 0x41, 3, 0x41, 1, 0x6a, 0x6c}, 11, 28},
        {{0x41, 0x7f, 0x41, 2, 0x6a}, 5, 1}, /* around 2^32 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        build_offset(&b, cases[i].code, cases[i].len);
        outcome o;
        rewrite(&b, BHI_RESTORABLE_YES, &o);
        assert_int_equal(o.rewrite.segments_count, 1);
        assert_int_equal(o.rewrite.segments[0].offset, cases[i].offset);
        bhi_arena_deinit(&o.arena);
    }
}

static void offsets_that_are_no_constants_are_refused(void **state)
{
    static const uint8_t cases[][4] = {
        {0x23, 0},          /* global.get */
        {0x42, 0},          /* i64.const */
        {0x41, 0, 0x6a},    /* one operand too few */
        {0x41, 0, 0x41, 0}, /* one value too many */
    };
    static const size_t lens[] = {2, 2, 3, 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        build_offset(&b, cases[i], lens[i]);
        assert_refused(&b, "the offset of a data segment is no i32 arithmetic on constants");
    }
    blob empty = {0}, deep = {0}, code = {0};
    build_offset(&empty, NULL, 0);
    assert_refused(&empty, "the offset of a data segment");
    for (int i = 0; i < 33; i++)
        PUT(&code, 0x41, 0);
    for (int i = 0; i < 32; i++)
        PUT(&code, 0x6a);
    build_offset(&deep, code.data, code.len);
    assert_refused(&deep, "the offset of a data segment");
}

static void a_segment_of_another_memory_is_refused(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    SECTION(&b, 5, 2, 0, 1, 0, 1);
    SECTION(&b, 11, 1, 2, 1, 0x41, 0, 0x0b, 1, 'x');
    assert_refused(&b, "a segment of another memory");
}

static void reserved_names_are_refused_whatever_they_name(void **state)
{
    static const char *const names[] = {"bulkhead:memory", "bulkhead:", "bulkhead:x\n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        blob b = {0}, exports = {0};
        put_core_preamble(&b);
        SECTION(&b, 5, 1, 0, 1);
        PUT(&exports, 1);
        put_name(&exports, names[i]);
        PUT(&exports, 2, 0);
        put_section(&b, 7, &exports);
        assert_refused(&b, "are reserved");
    }
    blob near = {0};
    put_core_preamble(&near);
    SECTION(&near, 5, 1, 0, 1);
    SECTION(&near, 7, 1, 8, 'b', 'u', 'l', 'k', 'h', 'e', 'a', 'd', 2, 0);
    outcome o;
    rewrite(&near, BHI_RESTORABLE_YES, &o);
    assert_int_equal(o.module.exports_count, 2);
    bhi_arena_deinit(&o.arena);
}

static void a_module_without_exports_gets_an_export_section_in_its_place(void **state)
{
    static const uint8_t after[] = {8, 9, 12, 10, 11}; /* sections that come behind exports */
    for (size_t i = 0; i < sizeof after; i++) {
        blob b = {0};
        put_core_preamble(&b);
        SECTION(&b, 1, 1, 0x60, 0, 0);
        SECTION(&b, 2, 1, 0, 0, 0, 0);
        SECTION(&b, 5, 1, 0, 1);
        SECTION(&b, after[i], 0); /* none of them, or function 0 */
        outcome o;
        rewrite(&b, BHI_RESTORABLE_YES, &o);
        assert_export(&o, 0, "bulkhead:memory", BHI_WASM_MEMORY, 0);
        assert_int_equal(o.module.exports_count, 1 + (after[i] == 8));
        bhi_arena_deinit(&o.arena);
    }
}

static void a_module_of_nothing_stays_one(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_TABLES, &o);
    assert_int_equal(o.module.exports_count, 0);
    assert_int_equal(o.rewrite.segments_count, 0);
    bhi_arena_deinit(&o.arena);
}

static void names_count_imported_ones_first_and_fit(void **state)
{
    char name[BHI_REWRITE_NAME_BYTES];
    bhi_rewrite_global_name(UINT32_MAX, name);
    assert_string_equal(name, "bulkhead:global:4294967295");
    bhi_rewrite_table_name(UINT32_MAX, name);
    assert_string_equal(name, "bulkhead:table:4294967295");
}

/* The count of exports takes more bytes than the old one, which was none. */
static void many_globals_are_exported_each_under_its_name(void **state)
{
    enum { GLOBALS = 1000 };
    blob b = {0}, globals = {0};
    put_core_preamble(&b);
    put_u32(&globals, GLOBALS);
    for (int i = 0; i < GLOBALS; i++)
        PUT(&globals, 0x7f, 1, 0x41, 0, 0x0b);
    put_section(&b, 6, &globals);
    outcome o;
    rewrite(&b, BHI_RESTORABLE_YES, &o);
    assert_int_equal(o.module.exports_count, GLOBALS);
    assert_export(&o, 0, "bulkhead:global:0", BHI_WASM_GLOBAL, 0);
    assert_export(&o, GLOBALS - 1, "bulkhead:global:999", BHI_WASM_GLOBAL, GLOBALS - 1);
    bhi_arena_deinit(&o.arena);
}

static unsigned sweep(const bhi_wasm_module *module)
{
    for (unsigned allowed = 0;; allowed++) {
        bhi_arena arena = {0};
        bhi_rewrite rewritten;
        bh_error error = {0};
        allocations_left = (int)allowed;
        bh_status status =
            bhi_rewrite_module(module, BHI_RESTORABLE_TABLES, &arena, &rewritten, &error);
        allocations_left = -1;
        bhi_arena_deinit(&arena);
        if (status == BH_OK)
            return allowed;
        assert_int_equal(status, BH_E_NOMEM);
        assert_int_equal(error.code, BH_E_NOMEM);
        assert_true(allowed < 1000);
    }
}

/* Lists beyond one arena block, so that each of them fails. */
static void each_failed_allocation_is_reported(void **state)
{
    enum { GLOBALS = 550, TABLES = 1100, SEGMENTS = 125 };
    blob b = {0};
    blob whole = {0}, globals = {0}, tables = {0}, data = {0};
    bhi_arena arena = {0};
    bhi_wasm_module module;
    build_whole(&whole);
    assert_int_equal(bhi_wasm_module_read(blob_bytes(&whole), &arena, &module, NULL), BH_OK);
    assert_true(sweep(&module) >= 1);
    put_core_preamble(&b);
    put_u32(&tables, TABLES);
    for (int i = 0; i < TABLES; i++)
        PUT(&tables, 0x70, 0, 0);
    put_section(&b, 4, &tables);
    SECTION(&b, 5, 1, 0, 1);
    put_u32(&globals, GLOBALS);
    for (int i = 0; i < GLOBALS; i++)
        PUT(&globals, 0x7f, 1, 0x41, 0, 0x0b);
    put_section(&b, 6, &globals);
    put_u32(&data, SEGMENTS);
    for (int i = 0; i < SEGMENTS; i++)
        PUT(&data, 0, 0x41, 0, 0x0b, 1, 'x');
    put_section(&b, 11, &data);
    assert_int_equal(bhi_wasm_module_read(blob_bytes(&b), &arena, &module, NULL), BH_OK);
    assert_true(sweep(&module) >= 3);
    bhi_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_exported_behind_the_old_exports),
        cmocka_unit_test(only_what_the_verdict_needs_is_exported),
        cmocka_unit_test(an_imported_memory_is_not_exported),
        cmocka_unit_test(the_start_section_is_taken_out),
        cmocka_unit_test(active_segments_are_emptied_and_passive_ones_kept),
        cmocka_unit_test(everything_else_stays_byte_for_byte),
        cmocka_unit_test(offsets_of_extended_arithmetic_are_evaluated),
        cmocka_unit_test(offsets_that_are_no_constants_are_refused),
        cmocka_unit_test(a_segment_of_another_memory_is_refused),
        cmocka_unit_test(reserved_names_are_refused_whatever_they_name),
        cmocka_unit_test(a_module_without_exports_gets_an_export_section_in_its_place),
        cmocka_unit_test(a_module_of_nothing_stays_one),
        cmocka_unit_test(names_count_imported_ones_first_and_fit),
        cmocka_unit_test(many_globals_are_exported_each_under_its_name),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
