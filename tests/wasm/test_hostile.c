/* Truncated, mutated and lying inputs: every answer is a status; no byte outside is read.
 *
 * Each input is copied to the end of a page whose successor is not accessible, so that reading one
 * byte too far stops the test also without a sanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "wasm/capsule.h"
#include "wasm/restorability.h"

#include "build_wasm.h"
#include "guest_files.h"

typedef struct fence {
    uint8_t *start;  /* of the mapping */
    size_t capacity; /* accessible bytes; a page without access follows them */
    bhi_arena arena;
    unsigned accepted, refused;
} fence;

static void fence_init(fence *f, size_t len_max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *f = (fence){.capacity = (len_max / page + 1) * page};
    f->start =
        mmap(NULL, f->capacity + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(f->start, MAP_FAILED);
    assert_int_equal(mprotect(f->start + f->capacity, page, PROT_NONE), 0);
}

static void fence_deinit(fence *f)
{
    munmap(f->start, f->capacity + (size_t)sysconf(_SC_PAGESIZE));
    bhi_arena_deinit(&f->arena);
}

/* Where `len` bytes must lie to end at the fence. */
static uint8_t *fence_place(const fence *f, size_t len)
{
    return f->start + f->capacity - len;
}

static bool is_inside(bhi_bytes outer, bhi_bytes inner)
{
    return inner.len == 0 ||
           (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

/* What an accepted image promises to its users. */
static void check_image(bhi_bytes bytes, const bhi_capsule_image *image)
{
    assert_true(is_inside(bytes, image->core));
    assert_true(is_inside(bytes, image->memory) && is_inside(bytes, image->realloc));
    assert_int_equal(image->imports_count, image->module.imports_count);
    for (uint32_t i = 0; i < image->imports_count; i++) {
        assert_int_equal(image->module.imports[i].kind, BHI_WASM_FUNC);
        assert_non_null(image->imports[i].signature.data);
    }
    for (uint32_t i = 0; i < image->exports_count; i++) {
        const bhi_capsule_export *export = &image->exports[i];
        assert_non_null(bhi_wasm_export_find(&image->module, export->core, BHI_WASM_FUNC));
        assert_true(export->func_index >= image->module.imported_funcs);
    }
}

static bh_status read_at_fence(fence *f, size_t len)
{
    bhi_bytes bytes = {fence_place(f, len), len};
    bh_error error = {0};
    bhi_capsule_image image;
    bhi_arena_reset(&f->arena);
    bh_status status = bhi_capsule_image_read(bytes, &f->arena, &image, &error);
    if (status == BH_OK) {
        f->accepted++;
        check_image(bytes, &image);
        bhi_restorability ignored;
        status = bhi_restorability_read(&image.module, &f->arena, &ignored, &error);
        return status == BH_E_MODULE ? BH_OK : status;
    }
    f->refused++;
    assert_int_equal(status, BH_E_MODULE);
    assert_int_equal(error.code, BH_E_MODULE);
    assert_true(error.text[0] != '\0');
    return status;
}

static void refuse_truncated(fence *f, bhi_bytes bytes)
{
    for (size_t len = 0; len < bytes.len; len++) {
        memcpy(fence_place(f, len), bytes.data, len);
        read_at_fence(f, len);
    }
}

static void read_mutated_everywhere(fence *f, bhi_bytes bytes)
{
    uint8_t *copy = fence_place(f, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            copy[i] = (uint8_t)value;
            read_at_fence(f, bytes.len);
        }
        copy[i] = bytes.data[i];
    }
}

static void truncated_small_component_is_refused_at_every_byte(void **state)
{
    blob component = {0};
    build_component(&component, STRAIGHT);
    fence f;
    fence_init(&f, component.len);
    refuse_truncated(&f, blob_bytes(&component));
    /* A prefix may itself be a whole component: the one that ends with the first export. */
    assert_true(f.accepted <= 8);
    assert_true(f.refused >= component.len - 8);
    fence_deinit(&f);
}

static void truncated_or_mutated_toolchain_component_gets_an_answer(void **state)
{
    guest_file guest =
        guest_file_at(TEST_SOURCE_DIR "/tests/fuzz/corpus/fuzz_wasm_capsule/toolchain.wasm");
    fence f;
    fence_init(&f, guest.bytes.len);
    refuse_truncated(&f, guest.bytes);
    assert_true(f.accepted <= 8);
    read_mutated_everywhere(&f, guest.bytes);
    fence_deinit(&f);
    guest_file_free(&guest);
}

static void truncated_core_module_never_reads_past_its_end(void **state)
{
    blob module = {0};
    build_main(&module, STRAIGHT);
    fence f;
    fence_init(&f, module.len);
    refuse_truncated(&f, blob_bytes(&module));
    assert_true(f.refused >= module.len - 4);
    fence_deinit(&f);
}

static void every_single_byte_mutation_gets_an_answer(void **state)
{
    blob component = {0}, module = {0}, shim = {0};
    build_component(&component, STRAIGHT);
    build_main(&module, STRAIGHT);
    build_shim(&shim, STRAIGHT);
    fence f;
    fence_init(&f, component.len);
    read_mutated_everywhere(&f, blob_bytes(&component));
    read_mutated_everywhere(&f, blob_bytes(&module));
    read_mutated_everywhere(&f, blob_bytes(&shim));
    assert_true(f.accepted > 0 && f.refused > 0);
    fence_deinit(&f);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void truncated_sdk_guest_is_refused(const char *name)
{
    guest_file guest = guest_file_load(name);
    fence f;
    fence_init(&f, guest.bytes.len);
    /* A prefix is refused unless it ends after a section; what follows the last lifted export
     * (custom sections) and whole later exports may be missing. */
    memcpy(fence_place(&f, guest.bytes.len), guest.bytes.data, guest.bytes.len);
    assert_int_equal(read_at_fence(&f, guest.bytes.len), BH_OK);
    refuse_truncated(&f, guest.bytes);
    assert_true(f.accepted <= 20);
    fence_deinit(&f);
    guest_file_free(&guest);
}

static void truncated_echo_is_refused_at_every_byte(void **state)
{
    truncated_sdk_guest_is_refused("echo.wasm");
}

static void truncated_counter_is_refused_at_every_byte(void **state)
{
    truncated_sdk_guest_is_refused("counter.wasm");
}

/* Half of the mutations fall outside the main module's code, where the structure is. */
static void mutated_sdk_guests_get_an_answer(void **state)
{
    guest_file guest = guest_file_load("counter.wasm");
    fence f;
    fence_init(&f, guest.bytes.len);
    uint8_t *copy = fence_place(&f, guest.bytes.len);
    memcpy(copy, guest.bytes.data, guest.bytes.len);
    uint32_t seed = 20240601;
    size_t tail = guest.bytes.len - 0x29549; /* shim, fix-up, wiring */
    for (int i = 0; i < 3000; i++) {
        uint32_t random = next_random(&seed);
        size_t at = random % 2 == 0 ? 0x29549 + random % tail : random % guest.bytes.len;
        copy[at] = (uint8_t)next_random(&seed);
        read_at_fence(&f, guest.bytes.len);
        copy[at] = guest.bytes.data[at];
    }
    assert_true(f.accepted > 0 && f.refused > 0);
    fence_deinit(&f);
    guest_file_free(&guest);
}

static void component_counts_of_billions_are_refused_without_memory(void **state)
{
    for (uint8_t id = 2; id <= 11; id++) {
        blob b = {0};
        PUT(&b, 0, 'a', 's', 'm', 0x0d, 0, 1, 0);
        SECTION(&b, id, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0);
        bhi_arena arena = {0};
        bhi_capsule_image image;
        bh_error error = {0};
        assert_int_equal(bhi_capsule_image_read(blob_bytes(&b), &arena, &image, &error),
                         BH_E_MODULE);
        assert_true(arena.total < 1 << 16);
        bhi_arena_deinit(&arena);
    }
}

/* Long chains must cost neither stack nor much time: thousands of aliases of one another. */
static void long_alias_chains_are_walked_without_recursion(void **state)
{
    enum { LINKS = 5000 };
    size_t size = LINKS * 32 + 1024;
    blob head = {0}, module = {0};
    uint8_t *bytes = malloc(size);
    build_main(&module, STRAIGHT);
    PUT(&head, 0, 'a', 's', 'm', 0x0d, 0, 1, 0);
    put_section(&head, 1, &module);
    SECTION(&head, 2, 1, 0, 0, 0);
    SECTION(&head, 6, 1, 0, 0, 1, 0, 3, 'r', 'u', 'n');
    memcpy(bytes, head.data, head.len);
    size_t len = head.len;
    for (uint32_t i = 0; i < LINKS; i++) { /* an instance that exports the last alias; its alias */
        blob link = {0}, list = {0}, alias = {0};
        PUT(&list, 1, 1, 1, 1, 'f', 0);
        put_u32(&list, i);
        put_section(&link, 2, &list);
        PUT(&alias, 1, 0, 0, 1);
        put_u32(&alias, i + 1);
        PUT(&alias, 1, 'f');
        put_section(&link, 6, &alias);
        memcpy(bytes + len, link.data, link.len);
        len += link.len;
    }
    blob tail = {0}, lift = {0};
    SECTION(&tail, 7, 1, 0x40, 0, 1, 0);
    PUT(&lift, 1, 0, 0);
    put_u32(&lift, LINKS);
    PUT(&lift, 0, 0);
    put_section(&tail, 8, &lift);
    put_export(&tail, "run", 1, 0);
    memcpy(bytes + len, tail.data, tail.len);
    len += tail.len;
    bhi_arena arena = {0};
    bhi_capsule_image image;
    bh_error error = {0};
    assert_int_equal(bhi_capsule_image_read((bhi_bytes){bytes, len}, &arena, &image, &error),
                     BH_E_MODULE);
    assert_non_null(strstr(error.text, "gives no \"astrid:kv/host@1.0.0\""));
    bhi_arena_deinit(&arena);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_small_component_is_refused_at_every_byte),
        cmocka_unit_test(truncated_or_mutated_toolchain_component_gets_an_answer),
        cmocka_unit_test(truncated_core_module_never_reads_past_its_end),
        cmocka_unit_test(every_single_byte_mutation_gets_an_answer),
        cmocka_unit_test(truncated_echo_is_refused_at_every_byte),
        cmocka_unit_test(truncated_counter_is_refused_at_every_byte),
        cmocka_unit_test(mutated_sdk_guests_get_an_answer),
        cmocka_unit_test(component_counts_of_billions_are_refused_without_memory),
        cmocka_unit_test(long_alias_chains_are_walked_without_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
