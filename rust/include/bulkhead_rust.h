/* bulkhead_rust.h - third-party Rust libraries behind a C ABI (toml, blake3, serde_json).
 *
 * wasmtime's own C API is in the same archive; its headers are installed beside the archive when
 * it is built (they depend on the feature set, so never use another copy).
 *
 * Threads:   every function may be called from any thread.
 * Ownership: bhr_bytes is freed with bhr_bytes_free, exactly once.
 */
#ifndef BULKHEAD_RUST_H
#define BULKHEAD_RUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bhr_bytes {
    uint8_t *data;
    size_t len;
} bhr_bytes;

void bhr_bytes_free(bhr_bytes bytes);

typedef struct bhr_toml_error {
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in bytes */
    char text[200];  /* NUL-terminated, cut without notice */
} bhr_toml_error;

/* Parse TOML 1.1 (crate toml). *ret_json is JSON (not NUL-terminated) in which every value is
 * {"line": L, "column": C, "value": V}; the members of tables (placed at their key) and the items
 * of arrays are such objects again. A date is a string; an infinite or NaN float is null. */
bool bhr_toml_to_json(const uint8_t *text, size_t len, bhr_bytes *ret_json, bhr_toml_error *reterr);

/* BLAKE3, 32 bytes; the keyed form is its MAC mode (BLAKE3 paper, 2.3). */
void bhr_blake3(const uint8_t *data, size_t len, uint8_t ret_hash[32]);
void bhr_blake3_keyed(const uint8_t key[32], const uint8_t *data, size_t len, uint8_t ret_mac[32]);

/* Whether the bytes are one JSON text (RFC 8259; crate serde_json). What abi/json.h is tested
 * against. */
bool bhr_json_is_valid(const uint8_t *text, size_t len);

/* sizeof(wasmtime_val_t) as the archive was built: headers of another feature set differ. */
size_t bhr_wasmtime_val_bytes(void);

/* wasmtime's TypedFunc::call_async for a function of two i32 without results: its type is checked
 * once, not at every call. A call follows the rules of wasmtime_call_future_t: one per store at a
 * time; func, store and *ret_error stay until it is deleted; deleting a pending one abandons it. */
struct wasmtime_context;
struct wasmtime_func;

typedef struct bhr_typed_func bhr_typed_func;
typedef struct bhr_call bhr_call;

/* Why a call ended without returning. */
typedef struct bhr_error bhr_error;

typedef struct bhr_frame {
    const uint8_t *name; /* borrowed from the error; NULL when the module does not name it */
    size_t name_len;     /* the guest's choice: any length, any UTF-8 */
    uint32_t func_index;
    size_t module_offset;
} bhr_frame;

int32_t bhr_error_trap_code(const bhr_error *error); /* wasmtime_trap_code_t; -1: not a trap */
/* The innermost cause, cut to `size` with its NUL; never the backtrace. */
void bhr_error_text(const bhr_error *error, char *ret_text, size_t size);
/* Frame `index`, innermost first; false beyond the last. */
bool bhr_error_frame(const bhr_error *error, size_t index, bhr_frame *ret_frame);
void bhr_error_delete(bhr_error *error); /* takes NULL */

/* The words of a trap code, "" for an unknown one. */
void bhr_trap_text(uint8_t code, char *ret_text, size_t size);

/* NULL when the function has another type. Delete it before its store's engine. */
bhr_typed_func *bhr_typed_func_new(struct wasmtime_context *context,
                                   const struct wasmtime_func *func);
void bhr_typed_func_delete(bhr_typed_func *func); /* takes NULL */

/* `*ret_error` is written only when the call fails: set it to NULL first. */
bhr_call *bhr_typed_func_call_async(struct wasmtime_context *context, const bhr_typed_func *func,
                                    int32_t first, int32_t second, bhr_error **ret_error);
/* True when the call has ended; then it is not polled again. */
bool bhr_call_poll(bhr_call *call);
void bhr_call_delete(bhr_call *call);

#endif
