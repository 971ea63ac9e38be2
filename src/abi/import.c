/* abi/import.c - finding an import in the generated table. */
#include "abi/import.h"

/* Bytes in the order of the table, which is that of strcmp. */
static int compare(bhi_bytes bytes, const char *text)
{
    size_t len = strlen(text);
    size_t shorter = bytes.len < len ? bytes.len : len;
    int order = shorter == 0 ? 0 : memcmp(bytes.data, text, shorter);
    return order != 0 ? order : (bytes.len > len) - (bytes.len < len);
}

const bhi_import *bhi_import_find(bhi_bytes module, bhi_bytes name)
{
    size_t low = 0, high = bhi_imports_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(module, bhi_imports[middle].module);
        if (order == 0)
            order = compare(name, bhi_imports[middle].name);
        if (order == 0)
            return &bhi_imports[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* How much of a module name comes before its version, "@" included; 0 without a version. */
static size_t unversioned_len(bhi_bytes module)
{
    const uint8_t *at = module.len == 0 ? NULL : memrchr(module.data, '@', module.len);
    return at == NULL ? 0 : (size_t)(at - module.data) + 1;
}

const char *bhi_import_other_version(bhi_bytes module)
{
    size_t len = unversioned_len(module);
    for (size_t i = 0; len > 0 && i < bhi_interfaces_count; i++) {
        bhi_bytes ours = bhi_bytes_of(bhi_interfaces[i]);
        bool is_same = unversioned_len(ours) == len && memcmp(ours.data, module.data, len) == 0;
        if (is_same && !bhi_bytes_equal(ours, module))
            return bhi_interfaces[i];
    }
    return NULL;
}
