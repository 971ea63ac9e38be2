/* abi/guest.c - the checks between a host call and guest memory.
 *
 * Every address comes from the guest: it is compared with the present size of the memory in 64
 * bits, where address + size cannot wrap, and then with the alignment that the type asks for.
 */
#include "abi/guest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

/* Above this, memory is not kept for the next call: thousands of instances may be idle. */
enum { ARENA_KEPT_BYTES_MAX = 64 << 10 };

bool bhi_guest_trap(bhi_guest *guest, const char *format, ...)
{
    if (guest->is_trapping)
        return false;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(guest->trap_text, sizeof guest->trap_text, format, arguments);
    va_end(arguments);
    if (len >= (int)sizeof guest->trap_text)
        memcpy(guest->trap_text + sizeof guest->trap_text - 4, "...", 4);
    guest->is_trapping = true;
    return false;
}

static bool is_inside(const bhi_guest *guest, uint32_t address, uint64_t size)
{
    return size <= guest->memory_bytes && address <= guest->memory_bytes - size;
}

static bool is_usable(const bhi_guest *guest, uint32_t address, uint64_t size, uint32_t align)
{
    return is_inside(guest, address, size) && (address & (align - 1)) == 0;
}

static bool trap_on_range(bhi_guest *guest, uint32_t address, uint64_t size, uint32_t align)
{
    if (!is_inside(guest, address, size))
        return bhi_guest_trap(guest,
                              "%" PRIu64 " bytes at address %" PRIu32
                              " are not inside the memory of %zu bytes",
                              size, address, guest->memory_bytes);
    return bhi_guest_trap(guest, "address %" PRIu32 " is not a multiple of %" PRIu32, address,
                          align);
}

const uint8_t *bhi_guest_readable(bhi_guest *guest, uint32_t address, uint64_t size, uint32_t align)
{
    static const uint8_t nothing[1];
    if (!is_usable(guest, address, size, align)) {
        trap_on_range(guest, address, size, align);
        return NULL;
    }
    return size == 0 ? nothing : guest->memory + address;
}

static uint8_t *trap_on_write(bhi_guest *guest, uint32_t address)
{
    bhi_guest_trap(guest, "the operating system gave no memory to write at address %" PRIu32,
                   address);
    return NULL;
}

uint8_t *bhi_guest_allocated(bhi_guest *guest, uint32_t address, uint64_t size)
{
    static uint8_t nothing[1];
    if (size == 0)
        return nothing;
    if (!guest->ops->will_write(guest, address, (uint32_t)size))
        return trap_on_write(guest, address);
    return guest->memory + address;
}

uint8_t *bhi_guest_writable(bhi_guest *guest, uint32_t address, uint64_t size, uint32_t align)
{
    if (is_usable(guest, address, size, align) && size <= UINT32_MAX)
        return bhi_guest_allocated(guest, address, size);
    trap_on_range(guest, address, size, align);
    return NULL;
}

void bhi_guest_expect_texts(bhi_guest *guest, const bhi_bytes *texts, size_t count)
{
    if (guest->ops->allocate_texts == NULL)
        return;
    guest->expected.texts = texts;
    guest->expected.count = count;
    guest->expected.at = 0;
}

/* The guest's realloc is called in the order in which it would be for each text alone. */
static bool fetch_texts(bhi_guest *guest)
{
    uint32_t sizes[BHI_GUEST_TEXTS];
    size_t at = guest->expected.at, left = guest->expected.count - at;
    for (size_t i = 0; i < BHI_GUEST_TEXTS; i++)
        sizes[i] = i < left ? (uint32_t)guest->expected.texts[at + i].len : UINT32_MAX;
    return guest->ops->allocate_texts(guest, sizes, guest->expected.addresses);
}

static bool take_text(bhi_guest *guest, uint64_t size, uint32_t *ret_address)
{
    size_t at = guest->expected.at;
    BHI_ASSERT(size == guest->expected.texts[at].len);
    if (at % BHI_GUEST_TEXTS == 0 && !fetch_texts(guest))
        return false;
    *ret_address = guest->expected.addresses[at % BHI_GUEST_TEXTS];
    guest->expected.at++;
    return true;
}

static bool call_realloc(bhi_guest *guest, uint32_t align, uint64_t size, uint32_t *ret_address)
{
    if (align == 1 && guest->expected.at < guest->expected.count)
        return take_text(guest, size, ret_address);
    return guest->ops->realloc(guest, align, (uint32_t)size, ret_address);
}

bool bhi_guest_allocate(bhi_guest *guest, uint32_t align, uint64_t size, uint32_t *ret_address)
{
    if (size > UINT32_MAX)
        return bhi_guest_trap(guest, "a result of %" PRIu64 " bytes does not fit a guest", size);
    if (!call_realloc(guest, align, size, ret_address))
        return false;
    if (is_usable(guest, *ret_address, size, align))
        return true;
    return bhi_guest_trap(guest,
                          "realloc(0, 0, %" PRIu32 ", %" PRIu64 ") returned %" PRIu32
                          ", which is misaligned or outside the memory of %zu bytes",
                          align, size, *ret_address, guest->memory_bytes);
}

bool bhi_guest_suspend(bhi_guest *guest)
{
    BHI_ASSERT(guest->may_leave);
    return guest->ops->suspend(guest);
}

bool bhi_guest_check_may_leave(bhi_guest *guest, const char *function)
{
    if (guest->may_leave)
        return true;
    return bhi_guest_trap(guest, "%s was called while realloc or post-return runs", function);
}

bool bhi_guest_begin_import(bhi_guest *guest, const char *function, bool is_provided)
{
    if (!bhi_guest_check_may_leave(guest, function))
        return false;
    guest->lifted_text_bytes = 0;
    return is_provided || bhi_guest_trap(guest, "%s is not provided by this host", function);
}

void bhi_guest_end_import(bhi_guest *guest)
{
    guest->expected.count = guest->expected.at = 0;
    if (guest->arena.total > ARENA_KEPT_BYTES_MAX)
        bhi_arena_deinit(&guest->arena);
    else
        bhi_arena_reset(&guest->arena);
}
