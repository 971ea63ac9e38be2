/* peer.h - what src/wasm says of a module, in a form that the Rust side can compare: text, one fact
 * per line, and the rewritten module with what it promises.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stddef.h>
#include <stdint.h>

/* Everything that module.h, code_scan.h and restorability.h report. NULL when the module is
 * refused, then *ret_error is why. Both are freed by peer_free. */
char *peer_describe(const uint8_t *wasm, size_t len, size_t *ret_len, char **ret_error);

typedef struct peer_segment {
    uint32_t offset;
    size_t place; /* of its bytes in the given module */
    size_t len;
} peer_segment;

typedef struct peer_rewritten {
    int32_t status; /* bh_status */
    char error[256];
    uint8_t *wasm;
    size_t wasm_len;
    peer_segment *segments;
    size_t segments_count;
    uint32_t *globals;
    size_t globals_count;
    uint32_t *tables;
    size_t tables_count;
    uint8_t has_memory, has_start;
} peer_rewritten;

/* The module must be one that peer_describe takes. */
void peer_rewrite(const uint8_t *wasm, size_t len, uint32_t restorable, peer_rewritten *ret);
void peer_rewritten_deinit(peer_rewritten *rewritten);

void peer_free(void *memory);

#endif
