/* runtime/manifest_node.h - TOML values that know their place, checked against tables of keys.
 *
 * A node is a jansson object {"line", "column", "value"}; members of tables and items of arrays are
 * nodes again. Sections are described by key tables; checking a section against its table refuses
 * unknown keys, wrong types and missing keys, so that what reads it afterwards needs no checks.
 *
 * A failure sticks in the reader: the first one is recorded with its place, and everything after
 * it does nothing.
 */
#ifndef BHI_RUNTIME_MANIFEST_NODE_H
#define BHI_RUNTIME_MANIFEST_NODE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct bhi_manifest_reader {
    bhi_arena *arena;
    const char *file; /* for messages */
    bh_status status; /* BH_OK until the first failure */
    bh_error *reterr;
} bhi_manifest_reader;

typedef enum bhi_manifest_kind {
    BHI_MANIFEST_ANY,
    BHI_MANIFEST_TEXT,
    BHI_MANIFEST_TEXTS, /* array of texts */
    BHI_MANIFEST_FLAG,
    BHI_MANIFEST_COUNT,  /* integer from 0 to UINT32_MAX */
    BHI_MANIFEST_TABLE,  /* `inner` lists its keys; without it any key may stand there */
    BHI_MANIFEST_TABLES, /* array of such tables */
    BHI_MANIFEST_GONE    /* known and refused: `note` says what to do instead */
} bhi_manifest_kind;

/* Judge one value beyond its kind; `name` is its key. */
typedef void (*bhi_manifest_check)(bhi_manifest_reader *reader, const char *name,
                                   const json_t *node);

/* One key of a section; a table of them ends with a NULL name. */
typedef struct bhi_manifest_key {
    const char *name;
    bhi_manifest_kind kind;
    bool is_required;
    const struct bhi_manifest_key *inner;
    bhi_manifest_check check; /* of the value; may be NULL */
    bhi_manifest_check each;  /* of every member of a TABLE; may be NULL */
    const char *note;
} bhi_manifest_key;

/* Record "FILE:LINE:COLUMN: text", unless a failure is recorded already. */
void bhi_manifest_fail(bhi_manifest_reader *reader, const json_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void bhi_manifest_fail_nomem(bhi_manifest_reader *reader);

/* `node` must be a table with keys of `keys` only; `section` names it in messages ("[package]",
 * "the manifest"). */
void bhi_manifest_check_table(bhi_manifest_reader *reader, const char *section, const json_t *node,
                              const bhi_manifest_key *keys);

/* The root node of a TOML text of at most `bytes_max` bytes, for json_decref; NULL after a failure,
 * which is recorded. */
json_t *bhi_manifest_read_nodes(bhi_manifest_reader *reader, bhi_bytes text, uint32_t bytes_max);

uint32_t bhi_manifest_line(const json_t *node);
uint32_t bhi_manifest_column(const json_t *node);

/* The bare value of a node, still with nodes inside. */
const json_t *bhi_manifest_value(const json_t *node);

/* A member of a table, or NULL; `node` may be NULL. */
const json_t *bhi_manifest_member(const json_t *node, const char *name);

/* A member that is a text, copied to the arena, or `otherwise` when it is absent. */
const char *bhi_manifest_text(bhi_manifest_reader *reader, const json_t *node, const char *name,
                              const char *otherwise);

/* Text from a manifest, made fit for a message: one line, cut, in a buffer of the arena. */
const char *bhi_manifest_quote(bhi_manifest_reader *reader, const char *text);

#endif
