/* os/pages.c - see pages.h. Linux. */
#include "os/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int protection_of(bhi_access access)
{
    switch (access) {
    case BHI_ACCESS_READ:
        return PROT_READ;
    case BHI_ACCESS_WRITE:
        return PROT_READ | PROT_WRITE;
    default:
        return PROT_NONE;
    }
}

bool bhi_pages_are_supported(void)
{
    return sysconf(_SC_PAGESIZE) == BHI_PAGE_BYTES;
}

uint8_t *bhi_pages_reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void bhi_pages_unmap(uint8_t *at, size_t bytes)
{
    if (at != NULL)
        munmap(at, bytes);
}

bool bhi_pages_map_file(uint8_t *at, size_t bytes, int fd)
{
    return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
                0) != MAP_FAILED;
}

bool bhi_pages_map_none(uint8_t *at, size_t bytes)
{
    return mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

bool bhi_pages_protect(uint8_t *at, size_t bytes, bhi_access access)
{
    return mprotect(at, bytes, protection_of(access)) == 0;
}

bool bhi_pages_discard(uint8_t *at, size_t bytes)
{
    return madvise(at, bytes, MADV_DONTNEED) == 0;
}

/* ---- which pages have memory ---- */

static pthread_once_t pagemap_once = PTHREAD_ONCE_INIT;
static int pagemap_fd = -1;
static pid_t pagemap_pid; /* the file shows the process that opened it, also after a fork */

static void forget_pagemap(void)
{
    if (pagemap_fd >= 0)
        close(pagemap_fd);
    pagemap_fd = -1;
}

static void open_pagemap(void)
{
    pthread_atfork(NULL, NULL, forget_pagemap);
    pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    pagemap_pid = getpid();
}

/* Source: Linux Documentation/admin-guide/mm/pagemap.rst; readable without privileges but for the
 * frame numbers, which are not used. */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_OF_FILE (UINT64_C(1) << 61)

/* Bits of the pages whose entry has one of `any` and none of `none`; `pages` fits the buffer. */
static bool read_entries(const uint8_t *at, size_t pages, uint64_t any, uint64_t none,
                         uint64_t *ret_bits)
{
    uint64_t entries[BHI_PAGES_TOUCHED_MAX];
    size_t size = pages * sizeof entries[0];
    off_t offset = (off_t)((uintptr_t)at / BHI_PAGE_BYTES * sizeof entries[0]);
    if (pread(pagemap_fd, entries, size, offset) != (ssize_t)size)
        return false;
    for (size_t i = 0; i < (pages + 63) / 64; i++)
        ret_bits[i] = 0;
    for (size_t i = 0; i < pages; i++)
        if ((entries[i] & any) != 0 && (entries[i] & none) == 0)
            ret_bits[i / 64] |= UINT64_C(1) << (i % 64);
    return true;
}

static bool can_read_entries(void)
{
    pthread_once(&pagemap_once, open_pagemap);
    return pagemap_fd >= 0 && pagemap_pid == getpid();
}

bool bhi_pages_read_touched(const uint8_t *at, size_t pages, uint64_t *ret_bits)
{
    return pages <= BHI_PAGES_TOUCHED_MAX && can_read_entries() &&
           read_entries(at, pages, ENTRY_PRESENT | ENTRY_SWAPPED, 0, ret_bits);
}

bool bhi_pages_read_private(const uint8_t *at, size_t pages, uint64_t *ret_bits)
{
    bool is_read = can_read_entries();
    for (size_t done = 0; done < pages && is_read; done += BHI_PAGES_TOUCHED_MAX) {
        size_t left = pages - done;
        is_read = read_entries(at + done * BHI_PAGE_BYTES,
                               left < BHI_PAGES_TOUCHED_MAX ? left : BHI_PAGES_TOUCHED_MAX,
                               ENTRY_PRESENT | ENTRY_SWAPPED, ENTRY_OF_FILE, ret_bits + done / 64);
    }
    return is_read;
}

/* ---- memory files ---- */

bool bhi_pages_create_file(size_t bytes, int *ret_fd, uint8_t **ret_at)
{
    static const char name[] = "bulkhead-image";
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
        fd = memfd_create(name, flags);
    if (fd < 0)
        return false;
    void *at = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0)
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        close(fd);
        return false;
    }
    *ret_fd = fd;
    *ret_at = at;
    return true;
}

bool bhi_pages_seal_file(int fd, size_t bytes, uint8_t **at)
{
    munmap(*at, bytes); /* no writable shared view may be left when writing is forbidden */
    *at = NULL;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return false;
    void *view = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (view == MAP_FAILED)
        return false;
    *at = view;
    return true;
}
