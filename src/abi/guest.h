/* abi/guest.h - one guest, as its host calls see it.
 *
 * The engine makes a bhi_guest for each instance and hands it to every import. Generated bindings
 * lift the arguments of a call out of guest memory, call the host function of the host table, and
 * lower its result. They know no engine: what they need of it is behind bhi_guest_ops, so tests
 * drive the same bindings over a plain buffer.
 *
 * A function here returns false when the guest must trap. The reason is then recorded in the guest
 * (bhi_guest_trap) or held by the engine; every caller just returns false to its own caller.
 *
 * G1  The host writes guest memory only through bhi_guest_writable.
 * G2  While a guest's realloc or post-return runs, may_leave is false and every import traps.
 * G3  A pointer into guest memory is valid until the next realloc or suspend; what must live
 *     longer is copied into the arena.
 *
 * Threads: a guest belongs to the thread that polls its call.
 */
#ifndef BHI_ABI_GUEST_H
#define BHI_ABI_GUEST_H

#include "base/arena.h"
#include "base/bytes.h"

/* A core WebAssembly value: same size and layout as the engine's raw value (asserted there). */
typedef union bhi_core_value {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    uint8_t v128[16];
} bhi_core_value;

typedef struct bhi_guest bhi_guest;
typedef struct bhi_handles bhi_handles; /* abi/handles.h */
struct bhi_host_table;                  /* abi/generated/host.h */
struct bhi_lease_context;               /* host/lease_context.h */

enum { BHI_GUEST_TEXTS = 16 };

typedef struct bhi_guest_ops {
    /* Call the guest's realloc(0, 0, align, size), refresh memory_bytes. *ret_address is not
     * checked yet. */
    bool (*realloc)(bhi_guest *guest, uint32_t align, uint32_t size, uint32_t *ret_address);
    /* The same for BHI_GUEST_TEXTS texts in one entry, in order; a size of UINT32_MAX is none. May
     * be NULL: then realloc is called for each. */
    bool (*allocate_texts)(bhi_guest *guest, const uint32_t *sizes, uint32_t *ret_addresses);
    /* Suspend the guest until is_resumed is set and its call polled; false when the invocation was
     * abandoned: the host function cancels what it had started and returns false. Never called
     * while !may_leave. */
    bool (*suspend)(bhi_guest *guest);
    /* Make [address, address+size) writable and record it (already bounds-checked). False: the
     * operating system gave no memory for it. */
    bool (*will_write)(bhi_guest *guest, uint32_t address, uint32_t size);
} bhi_guest_ops;

enum { BHI_TRAP_TEXT_BYTES = 256 };

struct bhi_guest {
    const bhi_guest_ops *ops;
    uint8_t *memory;     /* base of linear memory 0; moves never while the instance lives */
    size_t memory_bytes; /* its present size; the engine refreshes it before an import runs */
    bool may_leave;      /* G2 */
    bool is_trapping;    /* trap_text is set */
    bool is_resumed;     /* set by whoever ends a suspension, before the call is polled again */
    const struct bhi_host_table *host;
    struct bhi_lease_context *lease; /* whose call this is; replaced whole for each lease */
    bhi_handles *handles;            /* resources of this lease */
    bhi_arena arena;                 /* reset at the end of each host call's outermost frame */
    uint64_t lifted_text_bytes;      /* text validated in this host call, bounded (lift.h) */
    struct {
        const bhi_bytes *texts;
        size_t count, at;
        uint32_t addresses[BHI_GUEST_TEXTS]; /* of those from the last multiple of it before `at` */
    } expected;                              /* bhi_guest_expect_texts; gone with the arena */
    char trap_text[BHI_TRAP_TEXT_BYTES];
};

/* Record why the guest traps; always false, so that it can be returned. Only the first counts. */
bool bhi_guest_trap(bhi_guest *guest, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Guest memory to read, or NULL (and a trap) when [address, address+size) is not inside it or
 * address is not a multiple of `align`. For size 0 the result is not NULL but not readable. */
const uint8_t *bhi_guest_readable(bhi_guest *guest, uint32_t address, uint64_t size,
                                  uint32_t align);
/* The same for writing; records the pages. The only way to write (G1). */
uint8_t *bhi_guest_writable(bhi_guest *guest, uint32_t address, uint64_t size, uint32_t align);

/* Allocate in the guest with its realloc, and check the address. false: trap. */
bool bhi_guest_allocate(bhi_guest *guest, uint32_t align, uint64_t size, uint32_t *ret_address);
/* bhi_guest_writable for what was allocated just now, which needs no second check. */
uint8_t *bhi_guest_allocated(bhi_guest *guest, uint32_t address, uint64_t size);

/* The texts that will be allocated for this call's results, all of them, in their order: the guest
 * is entered once for several, where each alone costs an entry. Borrows them until the import
 * ends. */
void bhi_guest_expect_texts(bhi_guest *guest, const bhi_bytes *texts, size_t count);

/* Suspend the guest in the middle of a host call. false: abandoned, undo and return false. */
bool bhi_guest_suspend(bhi_guest *guest);

/* True, or a trap that names `function`: an import was called where none may be (G2). */
bool bhi_guest_check_may_leave(bhi_guest *guest, const char *function);

/* How every import begins: G2, and that this host has the function. */
bool bhi_guest_begin_import(bhi_guest *guest, const char *function, bool is_provided);
/* How it ends: the arena is empty again, and a large one given back. */
void bhi_guest_end_import(bhi_guest *guest);

#endif
