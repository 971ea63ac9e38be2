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

/* Copy the first line of `text`, at most `size` - 1 bytes, cut at a character's start. */
static void copy_line(char *ret_text, size_t size, const char *text, size_t len)
{
    const char *end = len == 0 ? NULL : memchr(text, '\n', len);
    size_t line_len = end == NULL ? len : (size_t)(end - text);
    size_t kept = line_len < size ? line_len : size - 1;
    while (kept > 0 && kept < line_len && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--;
    for (size_t i = 0; i < kept; i++)
        ret_text[i] = bhi_is_control(text, kept, i) ? '?' : text[i];
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

static int write_frame(char *place, size_t size, const bhr_frame *frame, size_t number)
{
    char name[NAME_BYTES_SHOWN_MAX];
    if (frame->name != NULL)
        copy_line(name, sizeof name, (const char *)frame->name, frame->name_len);
    else
        snprintf(name, sizeof name, "function[%u]", frame->func_index);
    return snprintf(place, size, "%zu: %s (offset 0x%zx)\n", number, name, frame->module_offset);
}

static void write_backtrace(bhi_failure *failure, const bhr_error *error)
{
    size_t used = 0;
    bhr_frame frame;
    for (size_t i = 0; i < FRAMES_SHOWN_MAX && bhr_error_frame(error, i, &frame); i++) {
        size_t room = sizeof failure->backtrace - used;
        int len = write_frame(failure->backtrace + used, room, &frame, i);
        if (len < 0 || (size_t)len >= room)
            break;
        used += (size_t)len;
    }
    failure->backtrace[used] = 0;
}

/* The engine words a trap as "wasm trap: REASON"; the reason is what a caller wants to read. */
static void keep_reason(bhi_failure *failure, const char *words)
{
    static const char marker[] = "wasm trap: ";
    bool is_trap = strncmp(words, marker, sizeof marker - 1) == 0;
    const char *reason = is_trap ? words + sizeof marker - 1 : words;
    copy_line(failure->message, sizeof failure->message, reason, strlen(reason));
}

static void read_call_error(bhi_failure *failure, bhr_error *take_error)
{
    char words[BHI_MESSAGE_BYTES];
    bhr_error_text(take_error, words, sizeof words);
    keep_reason(failure, words);
    write_backtrace(failure, take_error);
    failure->is_out_of_fuel = bhr_error_trap_code(take_error) == WASMTIME_TRAP_CODE_OUT_OF_FUEL;
    bhr_error_delete(take_error);
}

static void read_start_trap(bhi_failure *failure, wasm_trap_t *take_trap)
{
    char words[BHI_MESSAGE_BYTES] = "the start function trapped";
    wasmtime_trap_code_t code;
    if (wasmtime_trap_code(take_trap, &code)) {
        bhr_trap_text(code, words, sizeof words);
        failure->is_out_of_fuel = code == WASMTIME_TRAP_CODE_OUT_OF_FUEL;
    }
    keep_reason(failure, words);
    wasm_trap_delete(take_trap);
}

static void read_instantiation_error(bhi_failure *failure, wasmtime_error_t *take_error)
{
    wasm_frame_vec_t frames;
    wasmtime_error_wasm_trace(take_error, &frames);
    if (frames.size == 0) { /* a limit, or a segment that does not fit: words of the engine alone */
        wasm_name_t words;
        wasmtime_error_message(take_error, &words);
        copy_line(failure->message, sizeof failure->message, words.data, words.size);
        wasm_byte_vec_delete(&words);
    } else {
        keep_reason(failure, "a host call of the start function failed");
    }
    wasm_frame_vec_delete(&frames);
    wasmtime_error_delete(take_error);
}

void bhi_failure_read(bhi_failure *failure, bhi_ending *ending)
{
    *failure = (bhi_failure){0};
    if (ending->trap != NULL)
        read_start_trap(failure, ending->trap);
    if (ending->error != NULL)
        read_instantiation_error(failure, ending->error);
    if (ending->call != NULL)
        read_call_error(failure, ending->call);
    *ending = (bhi_ending){0};
}
