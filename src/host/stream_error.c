/* host/stream_error.c - astrid:io/error@1.0.0: the error resource of a failed stream call.
 *
 * Its text is one of the host's own, so that nothing of paths, addresses or the operating system
 * reaches a guest.
 */
#include "host/stream_error.h"

#include <stdlib.h>

#include "host/host.h"

struct bhi_error_error {
    const char *text;
};

bhi_error_error *bhi_stream_error_create(const char *text)
{
    bhi_error_error *error = malloc(sizeof *error);
    if (error != NULL)
        error->text = text;
    return error;
}

static bool error_to_debug_string(bhi_guest *guest, bhi_error_error *self, bhi_bytes *ret)
{
    (void)guest;
    *ret = bhi_bytes_of(self->text);
    return true;
}

const bhi_error_host bhi_host_error = {
    .error_drop = free,
    .error_to_debug_string = error_to_debug_string,
};
