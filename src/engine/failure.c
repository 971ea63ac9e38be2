/* engine/failure.c - traps and errors of the engine library to text.
 *
 * Function names come from the guest and may hold any bytes that are valid UTF-8: control
 * characters become '?', so a guest cannot forge lines in a log.
 */
#include "engine/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { FRAMES_SHOWN_MAX = 40, NAME_BYTES_SHOWN_MAX = 160 };

/* C0, DEL, and both bytes of C1, which terminals obey too. */
static bool is_control(const char *text, size_t len, size_t at)
{
    const unsigned char *c = (const unsigned char *)text + at;
    return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && at + 1 < len && c[1] < 0xa0) ||
           (c[0] >= 0x80 && c[0] < 0xa0 && at > 0 && c[-1] == 0xc2);
}

/* Copy the first line of `text`, at most `size` - 1 bytes, cut at a character's start. */
static void copy_line(char *ret_text, size_t size, const char *text, size_t len)
{
    const char *end = len == 0 ? NULL : memchr(text, '\n', len);
    size_t line_len = end == NULL ? len : (size_t)(end - text);
    size_t kept = line_len < size ? line_len : size - 1;
    while (kept > 0 && kept < line_len && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--;
    for (size_t i = 0; i < kept; i++)
        ret_text[i] = is_control(text, kept, i) ? '?' : text[i];
    ret_text[kept] = 0;
}

bh_status bhi_fail_engine(bh_error *reterr, bh_status code, const char *context,
                          wasmtime_error_t *take_error)
{
    wasm_name_t words;
    wasmtime_error_message(take_error, &words);
    char line[BHI_MESSAGE_BYTES];
    /* The engine chains causes on further lines; one line holds them all. */
    for (size_t i = 0; i < words.size; i++) {
        if (words.data[i] == '\n')
            words.data[i] = ' ';
    }
    copy_line(line, sizeof line, words.data, words.size);
    wasm_byte_vec_delete(&words);
    wasmtime_error_delete(take_error);
    return bhi_fail(reterr, code, "%s: %s", context, line);
}

static int write_frame(char *place, size_t size, const wasm_frame_t *frame, size_t number)
{
    char name[NAME_BYTES_SHOWN_MAX];
    const wasm_name_t *found = wasmtime_frame_func_name(frame);
    if (found != NULL)
        copy_line(name, sizeof name, found->data, found->size);
    else
        snprintf(name, sizeof name, "function[%u]", wasm_frame_func_index(frame));
    return snprintf(place, size, "%zu: %s (offset 0x%zx)\n", number, name,
                    wasm_frame_module_offset(frame));
}

static void write_backtrace(bhi_failure *failure, const wasm_frame_vec_t *frames)
{
    size_t used = 0;
    for (size_t i = 0; i < frames->size && i < FRAMES_SHOWN_MAX; i++) {
        size_t room = sizeof failure->backtrace - used;
        int len = write_frame(failure->backtrace + used, room, frames->data[i], i);
        if (len < 0 || (size_t)len >= room)
            break;
        used += (size_t)len;
    }
    if (frames->size > FRAMES_SHOWN_MAX && used + 32 < sizeof failure->backtrace)
        used += (size_t)snprintf(failure->backtrace + used, 32, "... %zu more\n",
                                 frames->size - FRAMES_SHOWN_MAX);
    failure->backtrace[used] = 0;
}

/* The engine's words are "error while executing at wasm backtrace: ...", the reason behind them. */
static void read_reason(bhi_failure *failure, const wasm_byte_vec_t *words)
{
    static const char marker[] = "wasm trap: ";
    const char *found =
        words->size > 0 ? memmem(words->data, words->size, marker, sizeof marker - 1) : NULL;
    const char *reason = found != NULL ? found + sizeof marker - 1 : words->data;
    copy_line(failure->message, sizeof failure->message, reason,
              words->size - (size_t)(reason - words->data));
}

static void read_trap(bhi_failure *failure, const wasm_trap_t *trap)
{
    wasm_message_t words;
    wasm_frame_vec_t frames;
    wasmtime_trap_code_t code;
    wasm_trap_message(trap, &words);
    wasm_trap_trace(trap, &frames);
    read_reason(failure, &words);
    write_backtrace(failure, &frames);
    wasm_byte_vec_delete(&words);
    wasm_frame_vec_delete(&frames);
    if (wasmtime_trap_code(trap, &code))
        failure->is_out_of_fuel = code == WASMTIME_TRAP_CODE_OUT_OF_FUEL;
}

static void read_error(bhi_failure *failure, const wasmtime_error_t *error)
{
    wasm_name_t words;
    wasm_frame_vec_t frames;
    wasmtime_error_message(error, &words);
    wasmtime_error_wasm_trace(error, &frames);
    read_reason(failure, &words);
    write_backtrace(failure, &frames);
    wasm_byte_vec_delete(&words);
    wasm_frame_vec_delete(&frames);
}

void bhi_failure_read(bhi_failure *failure, bhi_ending *ending)
{
    *failure = (bhi_failure){0};
    if (ending->trap != NULL) {
        read_trap(failure, ending->trap);
        wasm_trap_delete(ending->trap);
    }
    if (ending->error != NULL) {
        read_error(failure, ending->error);
        wasmtime_error_delete(ending->error);
    }
    if (ending->call.error != NULL) {
        read_error(failure, ending->call.error);
        failure->is_out_of_fuel = ending->call.trap_code == WASMTIME_TRAP_CODE_OUT_OF_FUEL;
        wasmtime_error_delete(ending->call.error);
    }
    *ending = (bhi_ending){0};
}
