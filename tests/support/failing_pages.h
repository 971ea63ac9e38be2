/* support/failing_pages.h - what src/os/pages.c calls in place of the kernel's functions, in
 * programs that link it with these names. Each such test defines them. */
#ifndef TEST_FAILING_PAGES_H
#define TEST_FAILING_PAGES_H

#include <sys/types.h>

void *failing_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
int failing_mprotect(void *at, size_t bytes, int protection);
int failing_madvise(void *at, size_t bytes, int advice);
int failing_memfd_create(const char *name, unsigned flags);
int failing_ftruncate(int fd, off_t bytes);
int failing_fcntl(int fd, int command, ...);
ssize_t failing_pread(int fd, void *to, size_t bytes, off_t offset);

#endif
