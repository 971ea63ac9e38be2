/* tests/base/test_list.c - the intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/list.h"

typedef struct item {
    char name;
    bhi_link link; /* not first, so that the container is found by its offset */
} item;

typedef struct fixture {
    bhi_link head;
    item a, b, c;
} fixture;

static void init_fixture(fixture *f)
{
    bhi_link_init(&f->head);
    f->a.name = 'a', f->b.name = 'b', f->c.name = 'c';
    bhi_link_init(&f->a.link);
    bhi_link_init(&f->b.link);
    bhi_link_init(&f->c.link);
}

static void assert_order(const fixture *f, const char *expected)
{
    char forward[8] = {0}, backward[8] = {0};
    size_t len = strlen(expected), count = 0;
    for (bhi_link *link = f->head.next; link != &f->head && count < 7; link = link->next)
        forward[count++] = BHI_CONTAINER_OF(link, item, link)->name;
    assert_string_equal(forward, expected);
    for (bhi_link *link = f->head.prev; link != &f->head && count > 0; link = link->prev)
        backward[--count] = BHI_CONTAINER_OF(link, item, link)->name;
    assert_memory_equal(backward, expected, len); /* prev mirrors next */
}

static void empty_list_has_neither_first_nor_last(void **state)
{
    fixture f;
    init_fixture(&f);
    assert_true(bhi_link_is_alone(&f.head));
    assert_null(bhi_list_first(&f.head));
    assert_null(bhi_list_last(&f.head));
    assert_order(&f, "");
}

static void pushes_keep_their_end(void **state)
{
    fixture f;
    init_fixture(&f);
    bhi_list_push_back(&f.head, &f.b.link);
    bhi_list_push_back(&f.head, &f.c.link);
    bhi_list_push_front(&f.head, &f.a.link);
    assert_order(&f, "abc");
    assert_ptr_equal(bhi_list_first(&f.head), &f.a.link);
    assert_ptr_equal(bhi_list_last(&f.head), &f.c.link);
    assert_false(bhi_link_is_alone(&f.head));
    assert_false(bhi_link_is_alone(&f.b.link));
}

static void element_is_inserted_after_its_place(void **state)
{
    fixture f;
    init_fixture(&f);
    bhi_list_push_back(&f.head, &f.a.link);
    bhi_list_push_back(&f.head, &f.c.link);
    bhi_list_insert_after(&f.a.link, &f.b.link);
    assert_order(&f, "abc");
}

static void removed_element_is_alone_and_may_be_removed_again(void **state)
{
    fixture f;
    init_fixture(&f);
    bhi_list_push_back(&f.head, &f.a.link);
    bhi_list_push_back(&f.head, &f.b.link);
    bhi_list_push_back(&f.head, &f.c.link);
    bhi_list_remove(&f.b.link);
    assert_order(&f, "ac");
    assert_true(bhi_link_is_alone(&f.b.link));
    bhi_list_remove(&f.b.link);
    assert_order(&f, "ac");
    bhi_list_remove(&f.a.link);
    bhi_list_remove(&f.c.link);
    assert_order(&f, "");
    bhi_list_push_back(&f.head, &f.b.link);
    assert_order(&f, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_list_has_neither_first_nor_last),
        cmocka_unit_test(pushes_keep_their_end),
        cmocka_unit_test(element_is_inserted_after_its_place),
        cmocka_unit_test(removed_element_is_alone_and_may_be_removed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
