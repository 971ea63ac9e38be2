/* runtime/admission.h - may this request enter at all? (the ADMIT step) */
#ifndef BHI_RUNTIME_ADMISSION_H
#define BHI_RUNTIME_ADMISSION_H

#include <bulkhead/invocation.h>

#include "base/bytes.h"
#include "base/error.h"
#include "host/principal.h"

/* A request with its defaults filled in and its texts measured. Texts are the request's. */
typedef struct bhi_admitted {
    bh_entry entry;
    bhi_bytes action;
    bhi_bytes payload;
    bhi_bytes principal;
    uint64_t timeout_ns;
    uint64_t fuel_max;
    uint64_t memory_bytes_max;
    bool no_wait;
} bhi_admitted;

/* Fails with BH_E_ARG (what is wrong and what was expected), BH_E_LIMIT (payload). */
BH_MUST_USE bh_status bhi_admit(const bh_request *request, bhi_admitted *ret_admitted,
                                bh_error *reterr);

#endif
