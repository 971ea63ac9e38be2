/* abi/utf8.h - is it UTF-8? Text of a guest is checked once, where it is lifted. */
#ifndef BHI_ABI_UTF8_H
#define BHI_ABI_UTF8_H

#include "base/bytes.h"

/* Whether every byte belongs to a well-formed sequence (Unicode 15, table 3-7): no overlong forms,
 * no surrogates, nothing above U+10FFFF, nothing cut off. */
bool bhi_utf8_is_valid(bhi_bytes bytes);

#endif
