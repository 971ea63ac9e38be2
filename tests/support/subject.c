/* support/subject.c - see the header. */
#include "support/subject.h"

#include <stdio.h>

#include "abi/generated/host.h"
#include "base/assert.h"
#include "base/clock.h"
#include "host/host.h"

enum { BUILD_FUEL = 100000000, MEMORY_BYTES_MAX = 64 << 20, TABLE_ELEMENTS_MAX = 1000 };

/* ---- the world ---- */

static subject *subject_of(bhi_guest *guest)
{
    return (subject *)guest->lease;
}

static bool clock_monotonic_ns(bhi_guest *guest, uint64_t *ret)
{
    *ret = random_u64(&subject_of(guest)->host);
    return true;
}

static bool random_bytes(bhi_guest *guest, uint64_t length, bhi_sys_bytes_result *ret)
{
    uint8_t *bytes = bhi_arena_alloc(&guest->arena, length + 1);
    BHI_ASSERT(bytes != NULL);
    for (uint64_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_u64(&subject_of(guest)->host);
    ret->is_ok = true;
    ret->ok = (bhi_bytes){bytes, length};
    return true;
}

static bool sleep_ns(bhi_guest *guest, uint64_t duration_ns, bhi_sys_unit_result *ret)
{
    (void)duration_ns;
    ret->is_ok = true;
    return bhi_guest_suspend(guest);
}

static void log_cb(void *arg, bhi_log_level level, bhi_bytes capsule, bhi_bytes principal,
                   bhi_bytes text)
{
    (void)capsule, (void)principal;
    subject *s = arg;
    s->logged = s->logged * 31 + (uint64_t)level;
    for (size_t i = 0; i < text.len; i++)
        s->logged = s->logged * 31 + text.data[i];
}

static const bhi_host_table *the_host(void)
{
    static bhi_sys_host sys;
    static bhi_host_table table;
    sys = bhi_host_sys;
    sys.clock_monotonic_ns = clock_monotonic_ns;
    sys.random_bytes = random_bytes;
    sys.sleep_ns = sleep_ns;
    table = (bhi_host_table){.sys = &sys};
    return &table;
}

/* One short value, one longer than a page, one that makes most heaps grow; "key2" is missing. */
static const bhi_config *the_config(void)
{
    static uint8_t bytes[20000];
    static bhi_config_entry entries[3];
    static const bhi_config config = {.entries = entries, .count = 3};
    memset(bytes, 'c', sizeof bytes);
    entries[0] = (bhi_config_entry){BHI_BYTES_LITERAL("key0"), BHI_BYTES_LITERAL("hello")};
    entries[1] = (bhi_config_entry){BHI_BYTES_LITERAL("key1"), {bytes, 5000}};
    entries[2] = (bhi_config_entry){BHI_BYTES_LITERAL("key3"), {bytes, sizeof bytes}};
    return &config;
}

/* ---- polling ---- */

static void poll_to_end(subject *s, abandon_at abandon)
{
    bhi_poll poll;
    while ((poll = bhi_instance_poll(s->instance)) != BHI_POLL_DONE) {
        bool is_waiting = poll == BHI_POLL_WAITING;
        s->waits += is_waiting;
        s->yields += !is_waiting;
        s->was_abandoned = abandon == (is_waiting ? ABANDON_WAITING : ABANDON_YIELDED);
        if (s->was_abandoned) {
            bhi_instance_abandon(s->instance, BH_OUTCOME_CANCELLED);
            return;
        }
        if (is_waiting)
            bhi_instance_guest(s->instance)->is_resumed = true;
    }
}

bool subject_build(subject *s, bhi_code *code, const bhi_instance_options *options,
                   uint32_t funcs_count, bh_error *reterr)
{
    *s = (subject){
        .lease = {.capsule = BHI_BYTES_LITERAL("guest"),
                  .config = the_config(),
                  .log_cb = log_cb,
                  .log_arg = s},
        .budget = {.fuel = BUILD_FUEL,
                   .deadline_ns = BHI_DEADLINE_NEVER,
                   .memory_bytes_max = MEMORY_BYTES_MAX,
                   .table_elements_max = TABLE_ELEMENTS_MAX},
    };
    if (bhi_instance_create(code, the_host(), options, &s->instance, reterr) != BH_OK)
        return false;
    bhi_instance_guest(s->instance)->lease = &s->lease;
    bhi_instance_begin_build(s->instance, &s->budget);
    poll_to_end(s, ABANDON_NEVER);
    if (subject_is_built(s))
        guest_funcs_read(s->instance, funcs_count, &s->funcs);
    return true;
}

void subject_deinit(subject *s)
{
    bhi_instance_destroy(s->instance);
    bhi_buffer_deinit(&s->result);
    *s = (subject){0};
}

const bhi_call_result *subject_call(subject *s, const call_plan *plan)
{
    s->host.state = plan->host_seed;
    s->logged = 0;
    s->yields = s->waits = 0;
    s->was_abandoned = false;
    s->budget.fuel = plan->fuel;
    s->budget.memory_bytes_max = plan->memory_bytes_max;
    s->hook = (bhi_hook_call){.action = BHI_BYTES_LITERAL("do"),
                              .payload = {plan->payload.data, plan->payload.len},
                              .result = &s->result,
                              .skip_post_return = plan->skip_post_return};
    bhi_instance_begin_hook(s->instance, &s->budget, &s->hook);
    poll_to_end(s, plan->abandon);
    return bhi_instance_result(s->instance);
}

/* ---- comparing ---- */

static bool is_same_text(const char *what, const char *a, const char *b, char *ret_difference)
{
    if (strcmp(a, b) == 0)
        return true;
    snprintf(ret_difference, GUEST_DIFFERENCE_BYTES, "%s: \"%.50s\" and \"%.50s\"", what, a, b);
    return false;
}

static bool is_same_number(const char *what, uint64_t a, uint64_t b, char *ret_difference)
{
    if (a == b)
        return true;
    snprintf(ret_difference, GUEST_DIFFERENCE_BYTES, "%s: %llu and %llu", what,
             (unsigned long long)a, (unsigned long long)b);
    return false;
}

/* A call abandoned in a host call may have been interrupted at the entry of the driver's function
 * that waits, or inside it: its fuel differs by that. */
bool subject_ended_as(const subject *a, const subject *b,
                      char ret_difference[GUEST_DIFFERENCE_BYTES])
{
    const bhi_call_result *left = bhi_instance_result(a->instance),
                          *right = bhi_instance_result(b->instance);
    if (!is_same_text("outcome", bh_outcome_name(left->outcome), bh_outcome_name(right->outcome),
                      ret_difference) ||
        !is_same_text("message", left->message, right->message, ret_difference) ||
        !is_same_text("backtrace", left->backtrace, right->backtrace, ret_difference) ||
        (!a->was_abandoned &&
         !is_same_number("fuel", left->fuel_used, right->fuel_used, ret_difference)) ||
        !is_same_number("what was logged", a->logged, b->logged, ret_difference) ||
        !is_same_number("waits", a->waits, b->waits, ret_difference))
        return false;
    bool is_same = left->outcome != BH_OUTCOME_RETURNED ||
                   (bhi_bytes_equal(left->action, right->action) &&
                    left->has_data == right->has_data && bhi_bytes_equal(left->data, right->data));
    return is_same_number("the answer (is equal)", is_same, true, ret_difference);
}
