/* os/pages.h - address space, page protection and memory files: every such system call of ours.
 *
 * Thin: each function is one call of the kernel and says whether it worked. They are gathered here
 * so that a test can make each of them fail, and another system can have its own.
 *
 * Addresses and sizes are multiples of BHI_PAGE_BYTES.
 */
#ifndef BHI_OS_PAGES_H
#define BHI_OS_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The only page size that restoring by pages knows; bhi_pages_are_supported compares. */
enum { BHI_PAGE_BYTES = 4096 };

typedef enum bhi_access { BHI_ACCESS_NONE, BHI_ACCESS_READ, BHI_ACCESS_WRITE } bhi_access;

bool bhi_pages_are_supported(void);

/* Address space without access and without memory; NULL when there is none. */
uint8_t *bhi_pages_reserve(size_t bytes);
void bhi_pages_unmap(uint8_t *at, size_t bytes);

/* Put a writable private view of `fd`, copied on write, or pages without access, in place of what
 * is there. */
bool bhi_pages_map_file(uint8_t *at, size_t bytes, int fd);
bool bhi_pages_map_none(uint8_t *at, size_t bytes);

/* Fails for want of mappings or memory only. Async-signal-safe. */
bool bhi_pages_protect(uint8_t *at, size_t bytes, bhi_access access);

/* Give up private contents: zeros, or the file's bytes, come back at the next access. */
bool bhi_pages_discard(uint8_t *at, size_t bytes);

/* Bit i of ret_bits[i / 64]: page i has memory of its own, in core or swapped out; all others read
 * as zeros. Anonymous memory only. False when the kernel does not tell. `pages` is at most
 * BHI_PAGES_TOUCHED_MAX. */
enum { BHI_PAGES_TOUCHED_MAX = 256 };
bool bhi_pages_read_touched(const uint8_t *at, size_t pages, uint64_t *ret_bits);

/* The same for a private view of a file: bit i says that page i has a copy of its own, so every
 * page that was written has its bit. Any number of pages. False when the kernel does not tell. */
bool bhi_pages_read_private(const uint8_t *at, size_t pages, uint64_t *ret_bits);

/* An anonymous file of zeros, closed at exec, mapped for writing at *ret_at. False: errno. */
bool bhi_pages_create_file(size_t bytes, int *ret_fd, uint8_t **ret_at);
/* Unmap the writable view and forbid every change of the file for good; map it for reading. */
bool bhi_pages_seal_file(int fd, size_t bytes, uint8_t **at);

#endif
