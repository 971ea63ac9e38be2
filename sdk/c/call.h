/* call.h - what the wrappers of all interfaces share; not for capsules.
 *
 * Imports write their results to a result area whose layout each wrapper spells out as C structs;
 * wasm32's C layout and the canonical ABI's agree on them, which assertions check. Each interface
 * has a file of its own.
 */
#ifndef BULKHEAD_SDK_CALL_H
#define BULKHEAD_SDK_CALL_H

#include <bulkhead/capsule.h>

#define IMPORT(interface, function)                                                                \
    __attribute__((import_module("astrid:" interface "@1.0.0"), import_name(function)))
#define AT(type, field, offset)                                                                    \
    _Static_assert(offsetof(type, field) == (offset), "canonical ABI layout of " #type)

_Static_assert(sizeof(capsule_bytes) == 8, "a list is a pointer and a length");
_Static_assert(sizeof(capsule_list) == 8, "a list is a pointer and a length");

/* option<list<u8>>, option<string> */
typedef struct core_option {
    uint8_t is_some;
    capsule_bytes value;
} core_option;
_Static_assert(sizeof(core_option) == 12, "canonical ABI size of an option<list>");

/* An error-code: at most its last case carries something, its text (http has two such cases). */
typedef struct core_error {
    uint8_t code;
    capsule_bytes text;
} core_error;

/* result<u64, error-code> */
typedef struct core_result_u64 {
    uint8_t is_error;
    union {
        core_error error;
        uint64_t value;
    } as;
} core_result_u64;
AT(core_result_u64, as, 8);
AT(core_result_u64, as.error.text, 12);
_Static_assert(sizeof(core_result_u64) == 24, "canonical ABI size of result<u64, error-code>");

/* The status of a failure: 0 is success, so every case moves up by one. Keeps the host's words of
 * the case `unknown`. */
int capsule_call_failure(const core_error *error, int unknown);

static inline capsule_option capsule_call_option(const core_option *option)
{
    return option->is_some ? capsule_some(option->value) : CAPSULE_NONE;
}

/* What is not UTF-8 becomes '?': formatting can cut a character, and the host traps on it. */
void capsule_force_utf8(capsule_bytes text);

#endif
