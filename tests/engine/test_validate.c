/* Which proposals the engine accepts: what the code scan decodes, and nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "wasm/build_wasm.h"
#include "wasm/restorability.h"

static bhi_engine *engine;

static int open_engine(void **state)
{
    bhi_engine_options options = {.is_compile_serial = true};
    return bhi_engine_create(&options, &engine, NULL) != BH_OK;
}

static int close_engine(void **state)
{
    bhi_engine_destroy(engine);
    return 0;
}

/* One type () -> (), and what a proposal needs to be used; each section may be empty. */
typedef struct proposal {
    const char *name;
    uint8_t types[16], types_len;  /* type section's body; default: () -> () */
    uint8_t memory[8], memory_len; /* memory section's body */
    uint8_t globals[24], globals_len;
    uint8_t code[32], code_len; /* of one function of type 0, without the last end */
} proposal;

static void put_body(blob *b, uint8_t id, const uint8_t *body, size_t len)
{
    blob section = {0};
    put(&section, body, len);
    if (len > 0)
        put_section(b, id, &section);
}

static void build(blob *b, const proposal *p)
{
    static const uint8_t one_type[] = {1, 0x60, 0, 0};
    put_core_preamble(b);
    if (p->types_len > 0)
        put_body(b, 1, p->types, p->types_len);
    else
        put_body(b, 1, one_type, sizeof one_type);
    SECTION(b, 3, 1, 0);
    SECTION(b, 4, 1, 0x70, 0, 1);
    put_body(b, 5, p->memory, p->memory_len);
    put_body(b, 6, p->globals, p->globals_len);
    SECTION(b, 9, 1, 1, 0, 1, 0); /* declares function 0 */
    blob code = {0};
    PUT(&code, 1, (uint8_t)(p->code_len + 2), 0);
    put(&code, p->code, p->code_len);
    PUT(&code, 0x0b);
    put_section(b, 10, &code);
}

static bh_status scan(bhi_bytes bytes, bh_error *error)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bhi_restorability restorability;
    bh_status status = bhi_wasm_module_read(bytes, &arena, &module, error);
    if (status == BH_OK)
        status = bhi_restorability_read(&module, &arena, &restorability, error);
    bhi_arena_deinit(&arena);
    return status;
}

static void proposals_that_capsules_may_use_validate_and_are_scanned(void **state)
{
    static const proposal cases[] = {
        {.name = "nothing"},
        {.name = "sign extension", .code = {0x41, 0, 0xc0, 0x1a}, .code_len = 4},
        {.name = "saturating", .code = {0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a}, .code_len = 8},
        {.name = "multi-value",
         .types = {2, 0x60, 0, 0, 0x60, 0, 2, 0x7f, 0x7f},
         .types_len = 9,
         .code = {0x02, 1, 0x41, 0, 0x41, 0, 0x0b, 0x1a, 0x1a},
         .code_len = 9},
        {.name = "bulk memory",
         .memory = {1, 0, 1},
         .memory_len = 3,
         .code = {0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0},
         .code_len = 9},
        {.name = "reference types",
         .code = {0x41, 0, 0xd0, 0x70, 0x26, 0, 0xd2, 0, 0x1a},
         .code_len = 9},
        {.name = "vectors", .code = {0x41, 0, 0xfd, 15, 0x1a}, .code_len = 5},
        {.name = "tail calls", .code = {0x12, 0}, .code_len = 2},
        {.name = "extended constants",
         .globals = {1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b},
         .globals_len = 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        bh_error error = {0};
        build(&b, &cases[i]);
        if (bhi_engine_validate(engine, blob_bytes(&b), &error) != BH_OK ||
            scan(blob_bytes(&b), &error) != BH_OK)
            fail_msg("%s: %s", cases[i].name, error.text);
    }
}

static void proposals_that_capsules_do_not_need_are_refused(void **state)
{
    static const proposal cases[] = {
        {.name = "threads", .memory = {1, 3, 1, 1}, .memory_len = 4},
        {.name = "atomics",
         .memory = {1, 0, 1},
         .memory_len = 3,
         .code = {0x41, 0, 0xfe, 0x10, 2, 0, 0x1a},
         .code_len = 7},
        {.name = "memory64", .memory = {1, 4, 1}, .memory_len = 3},
        {.name = "multi-memory", .memory = {2, 0, 1, 0, 1}, .memory_len = 5},
        {.name = "custom page sizes", .memory = {1, 8, 1, 0}, .memory_len = 4},
        {.name = "relaxed vectors",
         .code = {0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, 0xfd, 0x80, 2, 0x1a},
         .code_len = 12},
        {.name = "wide arithmetic",
         .code = {0x42, 0, 0x42, 0, 0xfc, 0x16, 0x1a, 0x1a},
         .code_len = 8},
        {.name = "external references", .code = {0xd0, 0x6f, 0x1a}, .code_len = 3},
        {.name = "typed function references", .code = {0xd2, 0, 0x14, 0}, .code_len = 4},
        {.name = "a branch on null",
         .code = {0x02, 0x40, 0xd0, 0x70, 0xd5, 0, 0x1a, 0x0b},
         .code_len = 8},
        {.name = "a cast of functions", .code = {0xd2, 0, 0xfb, 0x15, 0x70, 0x1a}, .code_len = 6},
        {.name = "recursive types", .types = {1, 0x4e, 1, 0x60, 0, 0}, .types_len = 6},
        {.name = "subtypes", .types = {1, 0x50, 0, 0x60, 0, 0}, .types_len = 6},
        {.name = "structs", .types = {2, 0x60, 0, 0, 0x5f, 0}, .types_len = 6},
        {.name = "exceptions", .code = {0x1f, 0x40, 0, 0x0b}, .code_len = 4},
        {.name = "old exceptions", .code = {0x06, 0x40, 0x0b}, .code_len = 3},
        {.name = "stack switching", .types = {2, 0x60, 0, 0, 0x5d, 0}, .types_len = 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob b = {0};
        bh_error error = {0};
        build(&b, &cases[i]);
        if (bhi_engine_validate(engine, blob_bytes(&b), &error) != BH_E_MODULE)
            fail_msg("%s are accepted", cases[i].name);
        assert_non_null(strstr(error.text, "the module does not validate: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proposals_that_capsules_may_use_validate_and_are_scanned),
        cmocka_unit_test(proposals_that_capsules_do_not_need_are_refused),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
