/* base/list.h - intrusive doubly linked list with a sentinel head (as in the Linux kernel).
 *
 * A link is either on exactly one list or points to itself; removal needs no head.
 */
#ifndef BHI_BASE_LIST_H
#define BHI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bhi_link {
    struct bhi_link *next;
    struct bhi_link *prev;
} bhi_link;

#define BHI_CONTAINER_OF(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))

static inline void bhi_link_init(bhi_link *link)
{
    link->next = link->prev = link;
}

/* True for an empty list head and for an element on no list. */
static inline bool bhi_link_is_alone(const bhi_link *link)
{
    return link->next == link;
}

static inline void bhi_list_insert_after(bhi_link *place, bhi_link *link)
{
    link->next = place->next;
    link->prev = place;
    place->next->prev = link;
    place->next = link;
}

static inline void bhi_list_push_front(bhi_link *head, bhi_link *link)
{
    bhi_list_insert_after(head, link);
}

static inline void bhi_list_push_back(bhi_link *head, bhi_link *link)
{
    bhi_list_insert_after(head->prev, link);
}

static inline void bhi_list_remove(bhi_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    bhi_link_init(link);
}

/* NULL when the list is empty. */
static inline bhi_link *bhi_list_first(const bhi_link *head)
{
    return head->next == head ? NULL : head->next;
}

static inline bhi_link *bhi_list_last(const bhi_link *head)
{
    return head->prev == head ? NULL : head->prev;
}

#endif
