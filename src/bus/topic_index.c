/* bus/topic_index.c - a hash table of whole patterns beside a tree of segments.
 *
 * In the tree a node stands for a prefix of segments. A pattern that ends in "*" after other
 * segments is listed at the node before the star, as its subtree; every other one at its last node.
 * A node goes when it holds no entry and no child.
 */
#include "bus/topic_index.h"

#include <stdlib.h>

#include "base/assert.h"

static const uint64_t multiplier = 0xc6a4a7935bd1e995; /* of MurmurHash64A (Appleby) */

static uint64_t mix(uint64_t hash, uint64_t eight)
{
    hash = (hash ^ eight) * multiplier;
    return hash ^ hash >> 47;
}

static uint64_t read_eight(const uint8_t *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return eight;
}

/* Eight bytes at a time, the last ones perhaps twice: topics are short, and every publisher hashes
 * one. */
static unsigned hash_of(const uint8_t *name, size_t len)
{
    uint64_t hash = len * multiplier, few = 0;
    size_t at = 0;
    for (; at + 8 <= len; at += 8)
        hash = mix(hash, read_eight(name + at));
    if (at < len && len >= 8)
        hash = mix(hash, read_eight(name + len - 8));
    if (len < 8) {
        for (; at < len; at++)
            few = few << 8 | name[at];
        hash = mix(hash, few);
    }
    hash *= multiplier;
    return (unsigned)(hash ^ hash >> 32);
}

/* A failed insertion must leave the table as it was. */
#define HASH_NONFATAL_OOM                1
#define HASH_FUNCTION(name, len, ret)    (ret) = hash_of((const uint8_t *)(name), len)
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>
/* Short chains: a step along one is a cache miss. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

struct bhi_topic_node {
    UT_hash_handle hh;
    bool is_refused; /* the hash table had no memory for it */
    bool is_exact;   /* in the table of whole patterns */
    bhi_topic_node *parent;
    bhi_topic_node *children; /* hash table by segment */
    bhi_topic_node *star;     /* the child "*" */
    bhi_link here;            /* entries whose pattern ends here */
    bhi_link below;           /* entries whose pattern covers all that is below */
    size_t name_len;
    uint8_t name[];
};

static bhi_topic_node *make_node(bhi_bytes name, bhi_topic_node *parent)
{
    bhi_topic_node *node = calloc(1, sizeof *node + name.len);
    if (node == NULL)
        return NULL;
    bhi_link_init(&node->here);
    bhi_link_init(&node->below);
    node->parent = parent;
    node->name_len = name.len;
    if (name.len > 0)
        memcpy(node->name, name.data, name.len);
    return node;
}

static bhi_topic_node *find_in(bhi_topic_node *table, bhi_bytes name)
{
    bhi_topic_node *found;
    HASH_FIND(hh, table, name.data, name.len, found);
    return found;
}

/* Found or made; NULL: no memory. */
static bhi_topic_node *take_from(bhi_topic_node **table, bhi_bytes name, bhi_topic_node *parent)
{
    bhi_topic_node *node = find_in(*table, name);
    if (node != NULL)
        return node;
    node = make_node(name, parent);
    if (node == NULL)
        return NULL;
    HASH_ADD_KEYPTR(hh, *table, node->name, node->name_len, node);
    if (node->is_refused) {
        free(node);
        return NULL;
    }
    return node;
}

static bhi_bytes next_segment(bhi_bytes *inout_rest)
{
    const uint8_t *dot = memchr(inout_rest->data, '.', inout_rest->len);
    bhi_bytes segment = *inout_rest;
    if (dot != NULL)
        segment.len = (size_t)(dot - inout_rest->data);
    size_t taken = segment.len + (dot != NULL);
    *inout_rest = (bhi_bytes){inout_rest->data + taken, inout_rest->len - taken};
    return segment;
}

static bool is_star(bhi_bytes segment)
{
    return segment.len == 1 && segment.data[0] == '*';
}

static bool is_empty(const bhi_topic_node *node)
{
    return bhi_link_is_alone(&node->here) && bhi_link_is_alone(&node->below) &&
           node->children == NULL && node->star == NULL;
}

static void detach(bhi_topic_index *index, bhi_topic_node *node)
{
    if (node->is_exact)
        HASH_DEL(index->exact, node);
    else if (node->parent == NULL)
        index->tree = NULL;
    else if (node->parent->star == node)
        node->parent->star = NULL;
    else
        HASH_DEL(node->parent->children, node);
}

/* Free the node and those above it that hold nothing. */
static void prune(bhi_topic_index *index, bhi_topic_node *node)
{
    while (node != NULL && is_empty(node)) {
        bhi_topic_node *parent = node->parent;
        detach(index, node);
        free(node);
        node = parent;
    }
}

static bhi_topic_node *take_star(bhi_topic_node *parent)
{
    if (parent->star == NULL)
        parent->star = make_node(BHI_BYTES_LITERAL("*"), parent);
    return parent->star;
}

static bhi_topic_node *take_root(bhi_topic_index *index)
{
    if (index->tree == NULL)
        index->tree = make_node((bhi_bytes){0}, NULL);
    return index->tree;
}

/* The node of a pattern with a star, and which of its lists; NULL: no memory. */
static bhi_topic_node *take_path(bhi_topic_index *index, bhi_bytes pattern, bool *ret_is_below)
{
    bhi_topic_node *node = take_root(index);
    *ret_is_below = false;
    while (node != NULL && pattern.len > 0) {
        bhi_topic_node *parent = node;
        bhi_bytes segment = next_segment(&pattern);
        if (is_star(segment) && pattern.len == 0 && parent->parent != NULL) {
            *ret_is_below = true;
            return node;
        }
        node = is_star(segment) ? take_star(parent) : take_from(&parent->children, segment, parent);
        if (node == NULL)
            prune(index, parent);
    }
    return node;
}

bh_status bhi_topic_index_add(bhi_topic_index *index, bhi_bytes pattern, bhi_topic_entry *entry,
                              bh_error *reterr)
{
    bool has_star = memchr(pattern.data, '*', pattern.len) != NULL;
    bool is_below = false;
    bhi_topic_node *node =
        has_star ? take_path(index, pattern, &is_below) : take_from(&index->exact, pattern, NULL);
    if (node == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for a subscription");
    node->is_exact = !has_star;
    entry->node = node;
    bhi_list_push_back(is_below ? &node->below : &node->here, &entry->link);
    return BH_OK;
}

void bhi_topic_index_remove(bhi_topic_index *index, bhi_topic_entry *entry)
{
    if (entry->node == NULL)
        return;
    bhi_list_remove(&entry->link);
    prune(index, entry->node);
    entry->node = NULL;
}

static bool visit_list(const bhi_link *list, bhi_topic_visit visit, void *arg)
{
    for (bhi_link *link = list->next; link != list; link = link->next)
        if (!visit(arg, BHI_CONTAINER_OF(link, bhi_topic_entry, link)))
            return false;
    return true;
}

/* What `node` and those below it hold for the segments that are left. */
static bool visit_below(const bhi_topic_node *node, bhi_bytes rest, bhi_topic_visit visit,
                        void *arg)
{
    if (node == NULL)
        return true;
    if (rest.len == 0)
        return visit_list(&node->here, visit, arg);
    if (!visit_list(&node->below, visit, arg))
        return false;
    bhi_bytes segment = next_segment(&rest);
    return visit_below(find_in(node->children, segment), rest, visit, arg) &&
           visit_below(node->star, rest, visit, arg);
}

bool bhi_topic_index_find(const bhi_topic_index *index, bhi_bytes topic, bhi_topic_visit visit,
                          void *arg)
{
    const bhi_topic_node *exact = find_in(index->exact, topic);
    if (exact != NULL && !visit_list(&exact->here, visit, arg))
        return false;
    return visit_below(index->tree, topic, visit, arg);
}

/* Iterative, since entries may be forgotten at any depth: always free a leaf. */
static void free_tree(bhi_topic_index *index)
{
    bhi_topic_node *node = index->tree;
    while (node != NULL) {
        bhi_topic_node *child = node->children != NULL ? node->children : node->star;
        if (child != NULL) {
            node = child;
            continue;
        }
        bhi_topic_node *parent = node->parent;
        detach(index, node);
        free(node);
        node = parent;
    }
}

void bhi_topic_index_deinit(bhi_topic_index *index)
{
    while (index->exact != NULL) {
        bhi_topic_node *node = index->exact;
        HASH_DEL(index->exact, node);
        free(node);
    }
    free_tree(index);
}
