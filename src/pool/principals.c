/* pool/principals.c - chained hashing over an array of records.
 *
 * The hash multiplies and folds eight bytes at a time under a key of the pool's own. It need not be
 * cryptographic: a name cannot be tried against a key that nobody outside sees, and the table holds
 * no more records than the pool has slots and places in its queue.
 */
#include "pool/principals.h"

#include "base/assert.h"

static uint32_t chains_for(uint32_t capacity)
{
    uint32_t chains = 1;
    while (chains < capacity)
        chains *= 2;
    return chains;
}

size_t bhi_principals_memory_bytes(uint32_t capacity)
{
    return capacity * sizeof(bhi_principal) + chains_for(capacity) * sizeof(bhi_principal *);
}

void bhi_principals_init(bhi_principals *table, uint32_t capacity, uint64_t key, void *memory)
{
    *table = (bhi_principals){.records = memory,
                              .chains = (bhi_principal **)((bhi_principal *)memory + capacity),
                              .capacity = capacity,
                              .mask = chains_for(capacity) - 1,
                              .key = key};
}

/* The 128-bit product folded, as in wyhash (public domain). */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes, or what is left: put together in a register, as memory would hand them on late. */
static uint64_t word_at(bhi_bytes text, size_t at)
{
    uint64_t word = 0;
    if (text.len - at >= sizeof word)
        memcpy(&word, text.data + at, sizeof word);
    else
        for (; at < text.len; at++)
            word = word << 8 | text.data[at];
    return word;
}

static uint64_t hash_of(const bhi_principals *table, bhi_bytes text)
{
    uint64_t hash = table->key ^ text.len;
    for (size_t at = 0; at < text.len; at += 8)
        hash =
            fold(hash ^ word_at(text, at) ^ 0xa0761d6478bd642fu, table->key ^ 0xe7037ed1a0b428dbu);
    return hash;
}

static bool is_named(const bhi_principal *principal, bhi_bytes text)
{
    return bhi_bytes_equal((bhi_bytes){principal->text, principal->text_len}, text);
}

static bhi_principal *find(bhi_principals *table, uint64_t hash, bhi_bytes text)
{
    bhi_principal *principal = table->chains[hash & table->mask];
    for (; principal != NULL; principal = principal->next) {
        table->steps++;
        if (principal->hash == hash && is_named(principal, text))
            return principal;
    }
    return NULL;
}

static bhi_principal *take_unused(bhi_principals *table)
{
    bhi_principal *principal = table->unused;
    if (principal != NULL) {
        table->unused = principal->next;
        return principal;
    }
    BHI_ASSERT(table->fresh < table->capacity);
    return &table->records[table->fresh++];
}

bhi_principal *bhi_principals_find_or_add(bhi_principals *table, bhi_bytes text)
{
    BHI_ASSERT(text.len <= BHI_PRINCIPAL_BYTES_MAX);
    if (table->last != NULL && is_named(table->last, text))
        return table->last;
    uint64_t hash = hash_of(table, text);
    bhi_principal *principal = find(table, hash, text);
    if (principal != NULL)
        return principal;
    principal = take_unused(table);
    bhi_principal **chain = &table->chains[hash & table->mask];
    *principal =
        (bhi_principal){.next = *chain, .hash = hash, .text_len = (uint8_t)text.len, .weight = 1};
    if (text.len != 0)
        memcpy(principal->text, text.data, text.len);
    bhi_link_init(&principal->waiters);
    bhi_link_init(&principal->kept);
    bhi_link_init(&principal->link);
    bhi_link_init(&principal->lingering_link);
    *chain = principal;
    table->count++;
    return principal;
}

static bool is_used(const bhi_principal *principal)
{
    return principal->waiting != 0 || principal->held != 0 ||
           principal->place != BHI_PLACE_NOWHERE || !bhi_link_is_alone(&principal->kept);
}

static void forget(bhi_principals *table, bhi_principal *principal)
{
    BHI_ASSERT(!is_used(principal));
    bhi_principal **place = &table->chains[principal->hash & table->mask];
    for (; *place != principal; place = &(*place)->next)
        table->steps++;
    *place = principal->next;
    principal->next = table->unused;
    table->unused = principal;
    table->count--;
}

void bhi_principals_settle(bhi_principals *table, bhi_principal *principal)
{
    if (is_used(principal) || table->last == principal)
        return;
    if (table->last != NULL && !is_used(table->last))
        forget(table, table->last);
    table->last = principal;
}
