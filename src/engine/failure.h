/* engine/failure.h - the one place where errors of the engine library become ours (E3). */
#ifndef BHI_ENGINE_FAILURE_H
#define BHI_ENGINE_FAILURE_H

#include <bulkhead_rust.h>

#include "base/error.h"
#include "engine/wasmtime_api.h"

/* Fill *reterr with "context: the engine's words" and free take_error. */
BH_MUST_USE bh_status bhi_fail_engine(bh_error *reterr, bh_status code, const char *context,
                                      wasmtime_error_t *take_error);

enum { BHI_MESSAGE_BYTES = 512, BHI_BACKTRACE_BYTES = 4096 };

/* Why a guest stopped: the first line of the engine's words, and its wasm frames. */
typedef struct bhi_failure {
    bool is_out_of_fuel;
    char message[BHI_MESSAGE_BYTES];
    char backtrace[BHI_BACKTRACE_BYTES];
} bhi_failure;

/* What the engine leaves when a call or an instantiation ends; all NULL when it returned. */
typedef struct bhi_ending {
    bhr_error *call;   /* of a typed call */
    wasm_trap_t *trap; /* of an instantiation, as the next */
    wasmtime_error_t *error;
} bhi_ending;

static inline bool bhi_ending_is_failure(const bhi_ending *ending)
{
    return ending->call != NULL || ending->trap != NULL || ending->error != NULL;
}

/* Empties and frees the ending. The engine's own text of a trap is never asked for: it holds every
 * function name of the backtrace whole, and a guest chooses those. */
void bhi_failure_read(bhi_failure *failure, bhi_ending *ending);

#endif
