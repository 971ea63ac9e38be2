/* The decoder of instruction lengths, and the verdict on restoring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "wasm/capsule.h"
#include "wasm/restorability.h"

#include "build_wasm.h"
#include "guest_files.h"

/* A module with one function () -> () of these instructions, without locals and final end. */
static void build_code(blob *b, const uint8_t *code, size_t len)
{
    blob body = {0}, section = {0};
    put_core_preamble(b);
    SECTION(b, 1, 1, 0x60, 0, 0);
    SECTION(b, 3, 1, 0);
    PUT(&body, 0);
    put(&body, code, len);
    PUT(&body, 0x0b);
    PUT(&section, 1);
    put_blob(&section, &body);
    put_section(b, 10, &section);
}

static bh_status scan_bytes(bhi_bytes bytes, bhi_code_scan *scan, bh_error *error)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    *error = (bh_error){0};
    bh_status status = bhi_wasm_module_read(bytes, &arena, &module, error);
    if (status == BH_OK)
        status = bhi_code_scan_read(&module, scan, error);
    bhi_arena_deinit(&arena);
    return status;
}

static void assert_scanned(const uint8_t *code, size_t len, uint64_t instructions)
{
    blob b = {0};
    build_code(&b, code, len);
    bhi_code_scan scan;
    bh_error error;
    if (scan_bytes(blob_bytes(&b), &scan, &error) != BH_OK)
        fail_msg("%02x %02x: %s", code[0], code[1], error.text);
    if (scan.instructions != instructions + 1)
        fail_msg("%02x %02x: %llu instructions", code[0], code[1],
                 (unsigned long long)scan.instructions);
}

#define SCANNED(instructions, ...)                                                                 \
    assert_scanned((const uint8_t[]){__VA_ARGS__, 0x01},                                           \
                   sizeof((const uint8_t[]){__VA_ARGS__, 1}), (instructions) + 1)

static void operands_of_each_form_are_skipped_exactly(void **state)
{
    SCANNED(2, 0x02, 0x40, 0x0b);             /* block, end */
    SCANNED(2, 0x03, 0x7f, 0x0b);             /* loop (result i32) */
    SCANNED(2, 0x02, 0x63, 0x70, 0x0b);       /* block (result (ref null func)) */
    SCANNED(3, 0x04, 0x80, 0x00, 0x05, 0x0b); /* if (type 0, padded), else */
    SCANNED(1, 0x0e, 2, 0, 0x81, 0, 0);       /* br_table with three targets, one padded */
    SCANNED(1, 0x11, 0x80, 0x80, 0x80, 0x80, 0, 0x80, 0x80, 0x80, 0x80, 0); /* call_indirect */
    SCANNED(1, 0x13, 0, 0);                            /* return_call_indirect */
    SCANNED(1, 0x1c, 1, 0x7f);                         /* select (i32) */
    SCANNED(1, 0x28, 2, 0xff, 0xff, 0xff, 0xff, 0x0f); /* i32.load with the largest offset */
    SCANNED(1, 0x28, 0x42, 1, 0);                      /* of memory 1 */
    SCANNED(1, 0x41, 0x80, 0x80, 0x80, 0x80, 0x78);
    SCANNED(1, 0x42, 128, 128, 128, 128, 128, 128, 128, 128, 128, 0x7f);
    SCANNED(1, 0x43, 0x0b, 0x0b, 0x0b, 0x0b);
    SCANNED(1, 0x44, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b);
    SCANNED(2, 0xd0, 0x70, 0xd2, 0);
    SCANNED(1, 0xfc, 0);
    SCANNED(1, 0xfc, 8, 0, 0);
    SCANNED(1, 0xfc, 0x8a, 0x00, 0, 0); /* memory.copy, opcode padded */
    SCANNED(1, 0xfc, 11, 0);
    SCANNED(1, 0xfd, 12, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11);
    SCANNED(1, 0xfd, 0x15, 3);
    SCANNED(1, 0xfd, 0x54, 0, 0, 7);
    SCANNED(1, 0xfd, 0xff, 0x01);
}

static void unknown_and_disabled_opcodes_are_refused(void **state)
{
    static const uint8_t cases[][3] = {
        {0x06, 0x40, 1},    /* try */
        {0x08, 0, 1},       /* throw */
        {0x14, 0, 1},       /* call_ref */
        {0x1f, 0x40, 0},    /* try_table */
        {0x27, 0, 1},       /* unassigned */
        {0xc5, 1, 1},       /* unassigned */
        {0xd3, 1, 1},       /* ref.eq */
        {0xfb, 0, 0},       /* struct.new */
        {0xfc, 18, 0},      /* past the bulk instructions */
        {0xfd, 0x9a, 0x01}, /* a hole among the vector instructions */
        {0xfd, 0x80, 0x02}, /* relaxed vectors */
        {0xfe, 0, 0},       /* atomics */
        {0xff, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        build_code(&b, cases[i], 3);
        bhi_code_scan scan;
        bh_error error;
        assert_int_equal(scan_bytes(blob_bytes(&b), &scan, &error), BH_E_MODULE);
        if (strstr(error.text, "at byte 23: unknown or disabled instruction") == NULL)
            fail_msg("%02x: %s", cases[i][0], error.text);
    }
}

static void bodies_that_do_not_end_with_their_last_end_are_refused(void **state)
{
    bhi_code_scan scan;
    bh_error error;
    blob early = {0}, late = {0};
    build_code(&early, (const uint8_t[]){0x0b}, 1);
    assert_int_equal(scan_bytes(blob_bytes(&early), &scan, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "1 bytes too many in a body"));
    build_code(&late, (const uint8_t[]){0x02, 0x40}, 2);
    assert_int_equal(scan_bytes(blob_bytes(&late), &scan, &error), BH_E_MODULE);
    assert_non_null(strstr(error.text, "expected an instruction, found the end"));
}

static void changes_of_tables_and_segments_are_found(void **state)
{
    static const uint8_t code[] = {0x26, 0,  0xfc, 9, 0,    0xfc, 12, 0,    0,  0xfc, 13,   0,
                                   0xfc, 14, 0,    0, 0xfc, 15,   0,  0xfc, 17, 0,    0x26, 0};
    blob b = {0};
    build_code(&b, code, sizeof code);
    bhi_code_scan scan;
    bh_error error;
    assert_int_equal(scan_bytes(blob_bytes(&b), &scan, &error), BH_OK);
    for (unsigned i = 0; i < BHI_CODE_CHANGES; i++)
        assert_int_equal(scan.counts[i], i == BHI_CODE_TABLE_SET ? 2 : 1);
    assert_int_equal(scan.first_place[BHI_CODE_TABLE_SET], 23);
    assert_int_equal(scan.first_place[BHI_CODE_DATA_DROP], 25);
    assert_string_equal(bhi_code_change_name(BHI_CODE_TABLE_FILL), "table.fill");
    assert_string_equal(bhi_code_change_name(BHI_CODE_CHANGES), "unknown");
}

/* Counted by another disassembler (wabt 1.0.32). */
static void sdk_guests_decode_to_their_known_length(void **state)
{
    static const struct {
        const char *name;
        uint64_t instructions;
    } cases[] = {{"echo.wasm", 33459}, {"counter.wasm", 64026}};
    for (size_t i = 0; i < 2; i++) {
        guest_file guest = guest_file_load(cases[i].name);
        bhi_arena arena = {0};
        bhi_capsule_image image;
        bhi_restorability r;
        bh_error error = {0};
        assert_int_equal(bhi_capsule_image_read(guest.bytes, &arena, &image, &error), BH_OK);
        if (bhi_restorability_read(&image.module, &arena, &r, &error) != BH_OK)
            fail_msg("%s", error.text);
        assert_int_equal(r.scan.instructions, cases[i].instructions);
        assert_int_equal(r.restorable, BHI_RESTORABLE_YES);
        assert_string_equal(r.reason, "");
        assert_int_equal(r.memories, 1);
        assert_int_equal(r.tables, 1);
        assert_int_equal(r.globals_mutable, 1);
        assert_int_equal(r.globals_mutable_exported, 0);
        bhi_arena_deinit(&arena);
        guest_file_free(&guest);
    }
}

static bhi_restorability judge_module(const blob *b)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bhi_restorability r = {0};
    bh_error error = {0};
    if (bhi_wasm_module_read(blob_bytes(b), &arena, &module, &error) != BH_OK ||
        bhi_restorability_read(&module, &arena, &r, &error) != BH_OK)
        fail_msg("%s", error.text);
    bhi_arena_deinit(&arena);
    return r;
}

static void state_out_of_reach_is_not_restorable_and_says_why(void **state)
{
    static const struct {
        uint8_t id;
        uint8_t bytes[12];
        uint8_t len;
        const char *reason;
    } cases[] = {
        {5, {1, 3, 1, 2}, 4, "shared"},
        {5, {1, 4, 1}, 3, "64-bit addresses"},
        {5, {2, 0, 1, 0, 1}, 5, "2 memories"},
        {5, {1, 8, 1, 0}, 4, "another size than 64 KiB"},
        {6, {1, 0x6f, 1, 0xd0, 0x6f, 0x0b}, 6, "global 0 is mutable and holds a reference"},
        {6, {1, 0x63, 0x6e, 1, 0xd0, 0x6e, 0x0b}, 7, "global 0 is mutable"},
        {4, {1, 0x6f, 0, 1}, 4, "table 0 holds something else"},
        {4, {1, 0x70, 4, 1}, 4, "table 0 is shared or has 64-bit indices"},
        {2, {1, 1, 'e', 1, 'm', 2, 0, 1}, 8, "imports a memory"},
        {2, {1, 1, 'e', 1, 'g', 3, 0x7f, 1}, 8, "imports a mutable global"},
        {2, {1, 1, 'e', 1, 't', 1, 0x70, 0, 1}, 9, "imports a table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0}, body = {0};
        put_core_preamble(&b);
        put(&body, cases[i].bytes, cases[i].len);
        put_section(&b, cases[i].id, &body);
        bhi_restorability r = judge_module(&b);
        assert_int_equal(r.restorable, BHI_RESTORABLE_NO);
        if (strstr(r.reason, cases[i].reason) == NULL)
            fail_msg("expected \"%s\", found \"%s\"", cases[i].reason, r.reason);
    }
}

static void code_decides_over_tables_and_segments(void **state)
{
    blob sets = {0}, drops = {0};
    build_code(&sets, (const uint8_t[]){0x26, 0}, 2);
    bhi_restorability r = judge_module(&sets);
    assert_int_equal(r.restorable, BHI_RESTORABLE_TABLES);
    assert_string_equal(r.reason, "its code has table.set, first at byte 23");
    build_code(&drops, (const uint8_t[]){0x26, 0, 0xfc, 9, 0}, 5);
    r = judge_module(&drops);
    assert_int_equal(r.restorable, BHI_RESTORABLE_NO);
    assert_string_equal(r.reason, "its code has data.drop, first at byte 25");
    assert_string_equal(bhi_restorable_name(r.restorable), "no");
}

static void mutable_globals_are_counted_once_however_often_exported(void **state)
{
    blob b = {0};
    put_core_preamble(&b);
    SECTION(&b, 6, 3, 0x7f, 1, 0x41, 0, 0x0b, 0x7f, 0, 0x41, 0, 0x0b, 0x70, 1, 0xd0, 0x70, 0x0b);
    SECTION(&b, 7, 3, 1, 'a', 3, 0, 1, 'b', 3, 0, 1, 'c', 3, 1);
    bhi_restorability r = judge_module(&b);
    assert_int_equal(r.globals_mutable, 2);
    assert_int_equal(r.globals_mutable_exported, 1);
    assert_int_equal(r.restorable, BHI_RESTORABLE_YES);
}

static void put_globals(blob *b, uint32_t count)
{
    blob globals = {0};
    put_u32(&globals, count);
    for (uint32_t i = 0; i < count; i++)
        PUT(&globals, 0x7f, 1, 0x41, 0, 0x0b);
    put_core_preamble(b);
    put_section(b, 6, &globals);
}

static void more_mutable_globals_than_the_limit_are_not_restorable(void **state)
{
    blob most = {0}, more = {0};
    put_globals(&most, BHI_RESTORABLE_GLOBALS_MAX);
    put_globals(&more, BHI_RESTORABLE_GLOBALS_MAX + 1);
    assert_int_equal(judge_module(&most).restorable, BHI_RESTORABLE_YES);
    bhi_restorability r = judge_module(&more);
    assert_int_equal(r.restorable, BHI_RESTORABLE_NO);
    assert_string_equal(r.reason, "it has 1025 mutable globals, more than 1024");
}

/* Two tables; `code` is of one function. */
static void build_tables(blob *b, uint32_t first, uint32_t second, const uint8_t *code, size_t len)
{
    blob tables = {0}, body = {0}, section = {0};
    put_core_preamble(b);
    SECTION(b, 1, 1, 0x60, 0, 0);
    SECTION(b, 3, 1, 0);
    PUT(&tables, 2, 0x70, 0);
    put_u32(&tables, first);
    PUT(&tables, 0x70, 0);
    put_u32(&tables, second);
    put_section(b, 4, &tables);
    PUT(&body, 0);
    put(&body, code, len);
    PUT(&body, 0x0b);
    PUT(&section, 1);
    put_blob(&section, &body);
    put_section(b, 10, &section);
}

static void more_table_entries_than_the_limit_are_not_restorable_if_code_changes_them(void **state)
{
    static const uint8_t sets[] = {0x26, 0};
    blob most = {0}, more = {0}, unchanged = {0}, huge = {0};
    build_tables(&most, 1, BHI_RESTORABLE_TABLE_ENTRIES_MAX - 1, sets, sizeof sets);
    build_tables(&more, 1, BHI_RESTORABLE_TABLE_ENTRIES_MAX, sets, sizeof sets);
    build_tables(&unchanged, 1, BHI_RESTORABLE_TABLE_ENTRIES_MAX, NULL, 0);
    build_tables(&huge, UINT32_MAX, UINT32_MAX, sets, sizeof sets);
    assert_int_equal(judge_module(&most).restorable, BHI_RESTORABLE_TABLES);
    assert_int_equal(judge_module(&unchanged).restorable, BHI_RESTORABLE_YES);
    bhi_restorability r = judge_module(&more);
    assert_int_equal(r.restorable, BHI_RESTORABLE_NO);
    assert_string_equal(r.reason, "its code changes tables of 4097 entries, more than 4096");
    assert_int_equal(judge_module(&huge).restorable, BHI_RESTORABLE_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_of_each_form_are_skipped_exactly),
        cmocka_unit_test(unknown_and_disabled_opcodes_are_refused),
        cmocka_unit_test(bodies_that_do_not_end_with_their_last_end_are_refused),
        cmocka_unit_test(changes_of_tables_and_segments_are_found),
        cmocka_unit_test(sdk_guests_decode_to_their_known_length),
        cmocka_unit_test(state_out_of_reach_is_not_restorable_and_says_why),
        cmocka_unit_test(code_decides_over_tables_and_segments),
        cmocka_unit_test(mutable_globals_are_counted_once_however_often_exported),
        cmocka_unit_test(more_mutable_globals_than_the_limit_are_not_restorable),
        cmocka_unit_test(more_table_entries_than_the_limit_are_not_restorable_if_code_changes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
