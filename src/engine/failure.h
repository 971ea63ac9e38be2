/* engine/failure.h - the one place where errors of the engine library become ours (E3). */
#ifndef BHI_ENGINE_FAILURE_H
#define BHI_ENGINE_FAILURE_H

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

/* Either may be NULL; both are freed. */
void bhi_failure_read(bhi_failure *failure, wasm_trap_t *take_trap, wasmtime_error_t *take_error);

#endif
