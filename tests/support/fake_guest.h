/* support/fake_guest.h - a guest that is a plain buffer, for tests of the bindings.
 *
 * Its memory is one allocation of exactly its size, so that a sanitizer sees every read past it.
 * Its realloc bumps an address, or misbehaves as the test asks. The second half are the pieces of
 * the generated stub host (support/stub_host.h).
 */
#ifndef TESTS_SUPPORT_FAKE_GUEST_H
#define TESTS_SUPPORT_FAKE_GUEST_H

#include "abi/generated/host.h"
#include "abi/guest.h"
#include "abi/handles.h"

typedef enum fake_realloc {
    FAKE_REALLOC_BUMPS,
    FAKE_REALLOC_TRAPS,
    FAKE_REALLOC_CALLS_AN_IMPORT,
    FAKE_REALLOC_ANSWERS, /* with realloc_answer */
    FAKE_REALLOC_GROWS,   /* the memory first, by GROWTH_BYTES */
    FAKE_REALLOC_COUNT
} fake_realloc;

enum { FAKE_GROWTH_BYTES = 64 };

typedef struct fake_guest {
    bhi_guest guest;
    size_t capacity;   /* of guest.memory */
    uint8_t *recorded; /* 1 for each byte that will_write named */
    uint8_t *before;   /* a copy made by fake_guest_watch */
    uint32_t next;     /* where the next bytes are placed, by the test or by realloc */
    uint32_t reallocs; /* calls so far */
    uint32_t batches;  /* of texts, so far */
    fake_realloc realloc;
    uint32_t realloc_answer;
} fake_guest;

void fake_guest_init(fake_guest *fake, size_t memory_bytes, const bhi_host_table *host);
void fake_guest_deinit(fake_guest *fake);

/* Forget a trap, so that the guest can make another call. */
void fake_guest_revive(fake_guest *fake);

/* Place bytes in guest memory; the address. */
uint32_t fake_guest_place(fake_guest *fake, const void *data, size_t len, uint32_t align);
uint32_t fake_guest_place_text(fake_guest *fake, const char *text);

/* Call an import by name; false when the guest traps. Unknown names abort. */
bool fake_guest_call(fake_guest *fake, const char *module, const char *name,
                     bhi_core_value *values);

/* From here on, every byte that changes must have been named to will_write (G1). */
void fake_guest_watch(fake_guest *fake);
bool fake_guest_wrote_only_what_it_named(const fake_guest *fake);

uint32_t fake_guest_u32_at(const fake_guest *fake, uint32_t address);
bhi_bytes fake_guest_bytes_at(const fake_guest *fake, uint32_t address, uint32_t len);

/* ---- pieces of the stub host ---- */

void fake_random_seed(uint64_t seed);
uint64_t fake_random(void);

/* Mostly true; else the guest traps. */
bool fake_host_answers(bhi_guest *guest);

void fake_use_number(uint64_t number);
void fake_use_bytes(bhi_bytes bytes);
void fake_use_text(bhi_bytes text);
void fake_use_object(const void *object, bhi_resource type);

bhi_bytes fake_make_bytes(bhi_guest *guest);
void *fake_make_object(bhi_resource type);
void fake_drop_object(void *object);

/* Objects made and not dropped. */
extern uint32_t fake_objects_live;

#endif
