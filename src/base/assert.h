/* base/assert.h - our own invariants, checked in release too. Never on a value that a guest, a
 * peer or a file can choose. */
#ifndef BHI_BASE_ASSERT_H
#define BHI_BASE_ASSERT_H

_Noreturn void bhi_assert_failed(const char *condition, const char *file, int line);

#define BHI_ASSERT(condition)                                                                      \
    (__builtin_expect(!!(condition), 1) ? (void)0                                                  \
                                        : bhi_assert_failed(#condition, __FILE__, __LINE__))

#endif
