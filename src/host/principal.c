/* host/principal.c - see the header. */
#include "host/principal.h"

static const bool is_principal_char[256] = {
    ['-'] = true, ['_'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

bool bhi_is_principal(bhi_bytes name)
{
    if (name.len == 0 || name.len > BHI_PRINCIPAL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_principal_char[name.data[i]])
            return false;
    }
    return true;
}
