/* peer.c - see peer.h. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wasm/rewrite.h"

void peer_free(void *memory)
{
    free(memory);
}

static void print_hex(FILE *to, bhi_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(to, "%02x", bytes.data[i]);
}

/* Where a slice of the module lies; an empty one has no place. */
static void print_slice(FILE *to, const bhi_wasm_module *module, bhi_bytes slice)
{
    if (slice.len == 0)
        fprintf(to, " -");
    else
        fprintf(to, " %zu+%zu", (size_t)(slice.data - module->bytes.data), slice.len);
}

static void print_limits(FILE *to, const bhi_wasm_limits *limits)
{
    fprintf(to, " %llu..%llu%s%s page %u", (unsigned long long)limits->min,
            (unsigned long long)limits->max, limits->is_shared ? " shared" : "",
            limits->is_64 ? " 64" : "", limits->page_bytes_log2);
}

static void print_types(FILE *to, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->types_count; i++) {
        fprintf(to, "type %u ", i);
        if (!module->type_is_func[i]) {
            fprintf(to, "other\n");
            continue;
        }
        print_hex(to, module->types[i].params);
        fprintf(to, ":");
        print_hex(to, module->types[i].results);
        fprintf(to, "\n");
    }
}

static void print_imports(FILE *to, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->imports_count; i++) {
        const bhi_wasm_import *import = &module->imports[i];
        fprintf(to, "import %u", i);
        print_slice(to, module, import->module);
        print_slice(to, module, import->name);
        fprintf(to, " kind %d", (int)import->kind);
        if (import->kind == BHI_WASM_FUNC)
            fprintf(to, " type %u", import->type);
        if (import->kind == BHI_WASM_TABLE || import->kind == BHI_WASM_GLOBAL)
            fprintf(to, " %02x", import->value_type);
        if (import->kind == BHI_WASM_TABLE || import->kind == BHI_WASM_MEMORY)
            print_limits(to, &import->limits);
        if (import->kind == BHI_WASM_GLOBAL)
            fprintf(to, "%s", import->is_mutable ? " mut" : "");
        fprintf(to, "\n");
    }
    fprintf(to, "imported %u %u %u %u\n", module->imported_funcs, module->imported_tables,
            module->imported_memories, module->imported_globals);
}

static void print_definitions(FILE *to, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->funcs_count; i++)
        fprintf(to, "func %u type %u\n", i, module->func_types[i]);
    for (uint32_t i = 0; i < module->tables_count; i++) {
        fprintf(to, "table %u %02x", i, module->tables[i].element_type);
        print_limits(to, &module->tables[i].limits);
        fprintf(to, "\n");
    }
    for (uint32_t i = 0; i < module->memories_count; i++) {
        fprintf(to, "memory %u", i);
        print_limits(to, &module->memories[i]);
        fprintf(to, "\n");
    }
    for (uint32_t i = 0; i < module->globals_count; i++)
        fprintf(to, "global %u %02x%s\n", i, module->globals[i].value_type,
                module->globals[i].is_mutable ? " mut" : "");
}

static void print_rest(FILE *to, const bhi_wasm_module *module)
{
    for (uint32_t i = 0; i < module->exports_count; i++) {
        fprintf(to, "export %u", i);
        print_slice(to, module, module->exports[i].name);
        fprintf(to, " kind %d %u\n", (int)module->exports[i].kind, module->exports[i].index);
    }
    if (module->has_start)
        fprintf(to, "start %u\n", module->start_func);
    fprintf(to, "element segments %u\ndata segments %u\ncode", module->element_segments_count,
            module->data_segments_count);
    print_slice(to, module, module->code);
    fprintf(to, "\nelements");
    print_slice(to, module, module->elements);
    fprintf(to, "\n");
}

static void print_scan(FILE *to, const bhi_restorability *r)
{
    fprintf(to, "instructions %llu\n", (unsigned long long)r->scan.instructions);
    for (unsigned i = 0; i < BHI_CODE_CHANGES; i++)
        fprintf(to, "%s %u first %zu\n", bhi_code_change_name((bhi_code_change)i),
                r->scan.counts[i], r->scan.first_place[i]);
    fprintf(to, "mutable globals %u exported %u\nmemories %u\ntables %u\nrestorable: %s\n",
            r->globals_mutable, r->globals_mutable_exported, r->memories, r->tables,
            bhi_restorable_name(r->restorable));
}

char *peer_describe(const uint8_t *wasm, size_t len, size_t *ret_len, char **ret_error)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bhi_restorability r;
    bh_error error = {0};
    char *text = NULL;
    *ret_error = NULL;
    bh_status status = bhi_wasm_module_read((bhi_bytes){wasm, len}, &arena, &module, &error);
    if (status == BH_OK)
        status = bhi_restorability_read(&module, &arena, &r, &error);
    if (status == BH_OK) {
        FILE *to = open_memstream(&text, ret_len);
        BHI_ASSERT(to != NULL);
        print_types(to, &module);
        print_imports(to, &module);
        print_definitions(to, &module);
        print_rest(to, &module);
        print_scan(to, &r);
        fclose(to);
    } else {
        BHI_ASSERT(error.code == status && error.text[0] != '\0');
        *ret_error = strdup(error.text);
    }
    bhi_arena_deinit(&arena);
    return text;
}

static void *copy_of(const void *items, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    BHI_ASSERT(copy != NULL);
    if (count > 0)
        memcpy(copy, items, count * size);
    return copy;
}

static void keep(const bhi_rewrite *rewrite, const uint8_t *wasm, peer_rewritten *ret)
{
    ret->wasm = copy_of(rewrite->wasm.data, rewrite->wasm.len, 1);
    ret->wasm_len = rewrite->wasm.len;
    ret->segments = calloc(rewrite->segments_count + 1, sizeof *ret->segments);
    BHI_ASSERT(ret->segments != NULL);
    ret->segments_count = rewrite->segments_count;
    for (uint32_t i = 0; i < rewrite->segments_count; i++) {
        bhi_bytes bytes = rewrite->segments[i].bytes;
        ret->segments[i] = (peer_segment){.offset = rewrite->segments[i].offset, .len = bytes.len};
        if (bytes.len > 0)
            ret->segments[i].place = (size_t)(bytes.data - wasm);
    }
    ret->globals = copy_of(rewrite->globals, rewrite->globals_count, sizeof(uint32_t));
    ret->globals_count = rewrite->globals_count;
    ret->tables = copy_of(rewrite->tables, rewrite->tables_count, sizeof(uint32_t));
    ret->tables_count = rewrite->tables_count;
    ret->has_memory = rewrite->has_memory;
    ret->has_start = rewrite->has_start;
}

void peer_rewrite(const uint8_t *wasm, size_t len, uint32_t restorable, peer_rewritten *ret)
{
    bhi_arena arena = {0};
    bhi_wasm_module module;
    bhi_rewrite rewrite;
    bh_error error = {0};
    *ret = (peer_rewritten){0};
    bh_status status = bhi_wasm_module_read((bhi_bytes){wasm, len}, &arena, &module, &error);
    if (status == BH_OK)
        status = bhi_rewrite_module(&module, (bhi_restorable)restorable, &arena, &rewrite, &error);
    if (status == BH_OK)
        keep(&rewrite, wasm, ret);
    ret->status = (int32_t)status;
    snprintf(ret->error, sizeof ret->error, "%s", error.text);
    bhi_arena_deinit(&arena);
}

void peer_rewritten_deinit(peer_rewritten *rewritten)
{
    free(rewritten->wasm);
    free(rewritten->segments);
    free(rewritten->globals);
    free(rewritten->tables);
    *rewritten = (peer_rewritten){0};
}
