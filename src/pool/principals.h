/* pool/principals.h - who waits in a pool and who holds its slots: a table of fixed size.
 *
 * A principal has a record while it waits, has a place in the line, holds a slot, or an idle item
 * keeps its state; the pool bounds how many that can be. The last one that was let go is kept until
 * the next one, because the next caller is often the same. Nothing is allocated after the table is
 * set up; find and add look at one short chain of a keyed hash.
 *
 * Threads: one at a time (under the pool's lock).
 */
#ifndef BHI_POOL_PRINCIPALS_H
#define BHI_POOL_PRINCIPALS_H

#include "base/bytes.h"
#include "base/list.h"

enum { BHI_PRINCIPAL_BYTES_MAX = 64 };

typedef enum bhi_place {
    BHI_PLACE_NOWHERE,
    BHI_PLACE_FRESH,
    BHI_PLACE_OLD,
    BHI_PLACE_CAPPED
} bhi_place; /* in the line: turns.h */

typedef struct bhi_principal {
    struct bhi_principal *next; /* in its chain, or among the unused */
    uint64_t hash;
    uint8_t text[BHI_PRINCIPAL_BYTES_MAX];
    uint8_t text_len;

    /* Not beside `waiting`: read together with it, it would wait for its last write to land. */
    uint32_t held; /* slots granted to it: building, leased, or its condemned item's last */
    bhi_link kept; /* idle slots whose items have its state, newest first (P4) */

    bhi_link waiters; /* oldest first */
    uint32_t waiting;

    /* Of turns.c. */
    bhi_place place;
    bhi_link link; /* on the list of its place; alone when NOWHERE */
    bhi_link lingering_link;
    uint32_t weight; /* grants of one turn */
    uint32_t credit; /* grants left of this turn */
} bhi_principal;

typedef struct bhi_principals {
    bhi_principal *records;  /* set once: `capacity` of them */
    bhi_principal **chains;  /* set once: a power of two of them, at least `capacity` */
    uint32_t capacity, mask; /* set once */
    uint64_t key;            /* set once: callers choose names, and must not choose chains */

    uint32_t fresh;        /* records from here on were never used: their pages are untouched */
    bhi_principal *unused; /* used before, and free again */
    bhi_principal *last;   /* the last let go; in its chain, used or not; may be NULL */
    uint32_t count;
    uint64_t steps; /* records looked at in chains */
} bhi_principals;

/* Bytes that a table of `capacity` takes; a multiple of the alignment it needs. */
size_t bhi_principals_memory_bytes(uint32_t capacity);
/* Borrows `memory`, zeroed and aligned for a pointer, for as long as the table is used. */
void bhi_principals_init(bhi_principals *table, uint32_t capacity, uint64_t key, void *memory);

/* The record of `text`, of at most BHI_PRINCIPAL_BYTES_MAX bytes; copies it when new. */
bhi_principal *bhi_principals_find_or_add(bhi_principals *table, bhi_bytes text);
/* If nothing needs its record any more, forget it when the next one is let go. */
void bhi_principals_settle(bhi_principals *table, bhi_principal *principal);

#endif
