/* host/principal.h - the syntax of a principal's name. */
#ifndef BHI_HOST_PRINCIPAL_H
#define BHI_HOST_PRINCIPAL_H

#include "base/bytes.h"

enum { BHI_PRINCIPAL_BYTES_MAX = 64 };

/* 1 to 64 characters of [A-Za-z0-9_-] */
bool bhi_is_principal(bhi_bytes name);

#endif
