/* support/kv_fixture.h - a kv store in a directory of its own, and writes that wait.
 *
 * A failed expectation ends the running test; helpers that return nothing assert.
 */
#ifndef TEST_SUPPORT_KV_FIXTURE_H
#define TEST_SUPPORT_KV_FIXTURE_H

#include "host/kv_store.h"

#define KV_TEXT(text) BHI_BYTES_LITERAL(text)

typedef struct kv_fixture {
    char directory[64];
    bhi_kv_store_options options; /* directory is set; tests may change the rest */
    bhi_kv_store *store;
    bhi_arena arena;
} kv_fixture;

/* A new empty directory; no store yet. */
void kv_fixture_init(kv_fixture *fixture);
void kv_fixture_open(kv_fixture *fixture);
void kv_fixture_close(kv_fixture *fixture);
void kv_fixture_deinit(kv_fixture *fixture); /* closes, removes the directory */

/* The principal "alice" in the capsule "notes". */
extern const bhi_kv_scope kv_alice;

/* Create, submit and wait for the answer. A refused submit fails the test. */
bhi_kv_answer kv_do(bhi_kv_store *store, const bhi_kv_scope *scope, const bhi_kv_write_spec *spec);
bhi_kv_verdict kv_set(kv_fixture *fixture, bhi_bytes key, bhi_bytes value);
bhi_kv_verdict kv_delete(kv_fixture *fixture, bhi_bytes key);
uint64_t kv_clear(kv_fixture *fixture, bhi_bytes prefix);

/* Set the keys PREFIX00000, PREFIX00001 ... to `value`, all submitted at once. */
void kv_set_many(kv_fixture *fixture, const char *prefix, int count, bhi_bytes value);

/* expected.data == NULL: create only. */
bhi_kv_verdict kv_cas(bhi_kv_store *store, bhi_bytes key, bhi_bytes expected, bhi_bytes value);

/* The value, or data == NULL when absent; fails the test when the read fails. */
bhi_bytes kv_value(kv_fixture *fixture, const bhi_kv_scope *scope, bhi_bytes key);
void kv_expect(kv_fixture *fixture, bhi_bytes key, bhi_bytes value);
void kv_expect_absent(kv_fixture *fixture, bhi_bytes key);

/* Add one to the decimal counter at `key`, by compare-and-swap until it succeeds. */
void kv_increment(bhi_kv_store *store, bhi_bytes key);

/* Read the closed store's file directly: the size record of every namespace equals the bytes in it,
 * and there is none without a namespace. Returns the number of pairs. */
size_t kv_fixture_check_sizes(kv_fixture *fixture);

#endif
