/* host/stream_error.h - what a guest learns of a failed stream: one fixed text. */
#ifndef BHI_HOST_STREAM_ERROR_H
#define BHI_HOST_STREAM_ERROR_H

#include "abi/generated/resources.h"

/* Borrows the static text for ever. NULL: no memory. */
bhi_error_error *bhi_stream_error_create(const char *text);

#endif
