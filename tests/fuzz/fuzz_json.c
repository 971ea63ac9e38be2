/* Any bytes: we and serde_json agree whether they are JSON, but for those that are nested deep. */
#include <bulkhead_rust.h>
#include <stdlib.h>

#include "abi/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_valid = bhi_json_is_valid((bhi_bytes){data, size});
    if (is_valid != bhr_json_is_valid(data, size) && (is_valid || size <= 2 * BHI_JSON_DEPTH_MAX))
        abort();
    return 0;
}
