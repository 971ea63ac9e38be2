/* bulkhead/json.h - read JSON (RFC 8259) strictly, in place. Pure: builds natively too.
 *
 * The reader walks a document token by token and allocates nothing. It accepts exactly one value
 * that is valid UTF-8, with nothing but white space around it, nested at most
 * CAPSULE_JSON_DEPTH_MAX deep; escapes of lone surrogates are refused because no UTF-8 text can
 * hold them.
 */
#ifndef BULKHEAD_SDK_JSON_H
#define BULKHEAD_SDK_JSON_H

#include "bytes.h"

enum { CAPSULE_JSON_DEPTH_MAX = 128 };

typedef enum capsule_json_kind {
    CAPSULE_JSON_END,     /* the document was complete; stays so */
    CAPSULE_JSON_INVALID, /* not JSON from here on; stays so     */
    CAPSULE_JSON_OPEN,    /* { or [ */
    CAPSULE_JSON_CLOSE,   /* } or ] */
    CAPSULE_JSON_KEY,     /* raw: a string that names a member  */
    CAPSULE_JSON_STRING,  /* raw: with its quotes and escapes    */
    CAPSULE_JSON_NUMBER,
    CAPSULE_JSON_WORD /* true, false, null */
} capsule_json_kind;

typedef struct capsule_json_token {
    capsule_json_kind kind;
    capsule_bytes raw; /* where it stands in the document */
    size_t depth;      /* containers around it; of an open or close, itself not counted */
} capsule_json_token;

typedef struct capsule_json_reader {
    capsule_bytes document;
    size_t at;
    size_t depth;
    uint8_t expects;                             /* what may come next; private to json.c */
    uint8_t objects[CAPSULE_JSON_DEPTH_MAX / 8]; /* bit set: the container at that depth is {} */
} capsule_json_reader;

/* Borrows the document for as long as the reader is used. */
void capsule_json_init(capsule_json_reader *reader, capsule_bytes document);
capsule_json_token capsule_json_next(capsule_json_reader *reader);
bool capsule_json_is_valid(capsule_bytes document);

/* Decode a KEY's or STRING's raw text into `buffer`, which has room for raw.len bytes; the result
 * is never longer. Returns its length. */
size_t capsule_json_decode(capsule_bytes raw, uint8_t *buffer);

/* Write `text` as a JSON string with its quotes: at most 6 * text.len + 2 bytes. `text` is UTF-8.
 * Returns how many. */
size_t capsule_json_quote(capsule_bytes text, uint8_t *buffer);

typedef enum capsule_json_status {
    CAPSULE_JSON_FOUND,
    CAPSULE_JSON_MALFORMED,    /* not JSON, or not an object           */
    CAPSULE_JSON_MISSING,      /* no such member                       */
    CAPSULE_JSON_NOT_A_STRING, /* the member is something else         */
    CAPSULE_JSON_TWICE         /* ambiguous: parsers differ on which counts */
} capsule_json_status;

/* Find the string member `name` of the object `document` and decode it into `buffer`, which has
 * room for document.len bytes. *ret_value is written only on FOUND. The whole document is checked.
 */
capsule_json_status capsule_json_member(capsule_bytes document, const char *name, uint8_t *buffer,
                                        capsule_bytes *ret_value);
/* "malformed JSON"; static. */
const char *capsule_json_status_name(capsule_json_status status);

#endif
