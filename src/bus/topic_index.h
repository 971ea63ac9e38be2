/* bus/topic_index.h - entries by pattern, found by topic.
 *
 * Patterns without "*" are found by one look into a hash table, so topics of their own cost each
 * other nothing; the others stand in a tree of segments.
 *
 * Threads: the caller's lock: finds may run at once, changes alone.
 */
#ifndef BHI_BUS_TOPIC_INDEX_H
#define BHI_BUS_TOPIC_INDEX_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"

typedef struct bhi_topic_node bhi_topic_node;

typedef struct bhi_topic_index {
    bhi_topic_node *exact; /* hash table by whole pattern */
    bhi_topic_node *tree;  /* root of the patterns with "*"; NULL when there are none */
} bhi_topic_index;

/* Embedded in what is indexed. Zeroed: not in an index. */
typedef struct bhi_topic_entry {
    bhi_link link;
    bhi_topic_node *node;
} bhi_topic_entry;

/* The index is empty by now, or its entries are forgotten. */
void bhi_topic_index_deinit(bhi_topic_index *index);

/* Fails with BH_E_NOMEM. `pattern` is valid. */
BH_MUST_USE bh_status bhi_topic_index_add(bhi_topic_index *index, bhi_bytes pattern,
                                          bhi_topic_entry *entry, bh_error *reterr);
void bhi_topic_index_remove(bhi_topic_index *index, bhi_topic_entry *entry);

/* Call visit for every entry whose pattern covers the topic, once each, until it returns false.
 * False: it did. */
typedef bool (*bhi_topic_visit)(void *arg, bhi_topic_entry *entry);
bool bhi_topic_index_find(const bhi_topic_index *index, bhi_bytes topic, bhi_topic_visit visit,
                          void *arg);

#endif
