/* bulkhead/capsule.h - write a capsule in C.
 *
 * A capsule is one function:
 *
 *     #include <bulkhead/capsule.h>
 *
 *     capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
 *     {
 *         return capsule_continue(payload);
 *     }
 *
 * `capsule-cc NAME.c -o NAME.wasm` compiles it to a core WebAssembly module that imports only the
 * host functions it really calls.
 *
 * Memory:   what the host hands in, what functions below hand out, and capsule_alloc live in
 *           scratch memory until the call ends; nothing of it is freed by hand. malloc and free of
 *           the C library work too and outlive a call only if the capsule's `reuse` says so. When
 *           memory runs out the capsule traps.
 * Globals:  with the default `reuse = "pristine"` every call starts with the values they had after
 *           initialisation. State that must last belongs in kv.
 * Text:     is UTF-8. The host traps a capsule that passes or returns text that is not.
 * Library:  there is no WASI: the C library's files, stdio, getenv, time and exit do not link.
 *           snprintf, strings and maths do.
 * Stack:    64 KiB; using more traps.
 *
 * ret_* is written only when the status is 0.
 */
#ifndef BULKHEAD_SDK_CAPSULE_H
#define BULKHEAD_SDK_CAPSULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "json.h"
#include "sha256.h"

#ifdef __wasm__
#define CAPSULE_EXPORT(name) __attribute__((export_name(name)))
#else
#define CAPSULE_EXPORT(name) /* built natively, for tests */
#endif
#define CAPSULE_MUST_USE        __attribute__((warn_unused_result))
#define CAPSULE_PRINTF(at, arg) __attribute__((format(printf, at, arg)))

/* --- what a capsule defines ------------------------------------------------------------------ */

typedef struct capsule_result {
    capsule_bytes action; /* text */
    capsule_option data;  /* text */
} capsule_result;

/* Required: called for each invocation. `payload` may be any bytes and may be changed in place. */
capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload);

/* Optional: a capsule exports each of these exactly when it defines it. */
CAPSULE_EXPORT("astrid-install") void capsule_install(void);
CAPSULE_EXPORT("astrid-upgrade") void capsule_upgrade(void);
/* A run loop: one call that goes on for ever in an instance of its own, and in which the capsule
 * waits (capsule_subscription_recv, capsule_sleep_ns). It subscribes to what it wants to hear, its
 * own handlers too, says capsule_signal_ready, and calls capsule_scratch_reset once per round. The
 * capsule takes no invocations then: capsule_hook is never called.
 *
 * Ends:    when it returns or traps it is started anew, at first after 2 s, at most five times in
 *          10 minutes; globals and subscriptions begin again, kv stays. When the capsule is stopped
 *          its wait never returns.
 * CPU:     after 15 s of computing in which it neither waited nor got a message it is ended.
 *          Asking without waiting, as capsule_subscription_recv for 0 ms does, is no waiting.
 * A capsule_run that returns without ever having called what may wait is taken for a stub: then the
 * capsule takes invocations. `run = "loop"` under [capsule] in the manifest says that it is none.
 */
CAPSULE_EXPORT("run") void capsule_run(void);

/* --- results --------------------------------------------------------------------------------- */

/* Go on; data, unless empty, replaces the payload for whoever is next. */
capsule_result capsule_continue(capsule_bytes data);
/* Go on with the payload as it was. */
capsule_result capsule_pass(void);
/* Stop here; data is the answer. */
capsule_result capsule_final(capsule_bytes data);
/* Stop and refuse. The reason is a printf format; what is not UTF-8 in it becomes '?'. */
capsule_result capsule_deny(const char *reason, ...) CAPSULE_PRINTF(1, 2);

/* --- memory ---------------------------------------------------------------------------------- */

/* `size` zeroed bytes, aligned to 16, until the call ends. Never NULL. */
void *capsule_alloc(size_t size) __attribute__((malloc, returns_nonnull));
/* printf into scratch memory; what is not UTF-8 becomes '?'. A NUL follows the bytes. */
capsule_bytes capsule_format(const char *format, ...) CAPSULE_PRINTF(1, 2);
/* Give back everything allocated in this call so far, arguments and results included. */
void capsule_scratch_reset(void);

/* --- errors ---------------------------------------------------------------------------------- */

/* Every interface has a status type whose 0 is success, and its names: capsule_kv_status_name.
 *
 * What the host said with the last UNKNOWN of this call; empty when there was none. */
capsule_bytes capsule_error_text(void);

/* Something to wait for: io.h. 0 is none. */
typedef uint32_t capsule_pollable;

#include "fs.h"
#include "http.h"
#include "io.h"
#include "ipc.h"
#include "kv.h"
#include "sys.h"

#endif
