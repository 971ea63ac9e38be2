/* leak.c - hides what it is given in every place a C program has, and looks for what was hidden.
 *
 *   hide-PLACE [END]   payload: 16 bytes, "SECRET#" and 9 digits
 *   seek-PLACE         answers what it finds in that place, else "nothing"
 *   seek-all           the same in all of memory, then in what memory can grow by
 *   rest               answers "nothing" and touches little
 *
 * Places: heap, freed, stack, static, data, argument, host, result, grown, far, wide.
 * What comes after hiding (END): the answer "hidden", or the secret when the place is the result;
 * trap; spin, for ever; grow, until refused, and trap; sleep, for a minute; nap, for a millisecond.
 * The argument itself is wiped, unless it is the place.
 *
 * The mark by which a secret is found stands nowhere in the module as it is.
 */
#include <bulkhead/capsule.h>

#include <stdlib.h>

#define NOINLINE __attribute__((noinline))
/* The compiler must not know what is there. */
#define FORGET(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

enum { SECRET_BYTES = 16, MARK_BYTES = 7, SMALL = 4096, DEEP = 16384, PAGE = 65536 };
enum { GROWN_PAGES = 2, FAR_PAGES = 40, GROW_TO_LOOK_PAGES = 64 };
enum { WIDE_STEP = 4096, WIDE_STEPS = 320, NS_OF_A_MINUTE_IN_S = 59, NAP_NS = 1000000 };

#define MASKED(letter) ((letter) ^ 0x80)
static const volatile uint8_t masked_mark[MARK_BYTES] = {
    MASKED('S'), MASKED('E'), MASKED('C'), MASKED('R'), MASKED('E'), MASKED('T'), MASKED('#')};
static char initialised[SECRET_BYTES + 1] = "an initial value";
static uint8_t uninitialised[SMALL];
static uint8_t *chunk;
static uint8_t wide[WIDE_STEPS * WIDE_STEP];

static void put(uint8_t *at, const uint8_t *secret)
{
    memcpy(at, secret, SECRET_BYTES);
    FORGET(at);
}

static bool has_mark(const volatile uint8_t *at)
{
    for (int i = 0; i < MARK_BYTES; i++)
        if ((at[i] ^ 0x80) != masked_mark[i])
            return false;
    return true;
}

/* The first secret in [from, to), or NULL. */
static const uint8_t *find(const uint8_t *from, const uint8_t *to)
{
    FORGET(from);
    for (const volatile uint8_t *at = from; at + SECRET_BYTES <= to; at++)
        if (has_mark(at))
            return (const uint8_t *)at;
    return NULL;
}

static uint8_t *end_of_memory(void)
{
    return (uint8_t *)(__builtin_wasm_memory_size(0) * PAGE);
}

static bool grow(size_t pages)
{
    return __builtin_wasm_memory_grow(0, pages) != SIZE_MAX;
}

/* ---- places ---- */

static void hide_heap(const uint8_t *secret)
{
    chunk = malloc(SMALL);
    put(chunk + SMALL / 2, secret);
}

static const uint8_t *seek_heap(const uint8_t *payload)
{
    return chunk == NULL ? NULL : find(chunk, chunk + SMALL);
}

static void hide_freed(const uint8_t *secret)
{
    uint8_t *freed = malloc(3 * SMALL);
    put(freed + SMALL, secret);
    free(freed);
}

static const uint8_t *seek_freed(const uint8_t *payload)
{
    uint8_t *again = malloc(3 * SMALL);
    return find(again, again + 3 * SMALL);
}

static NOINLINE void hide_stack(const uint8_t *secret)
{
    uint8_t frame[DEEP];
    uint8_t *at = frame;
    FORGET(at);
    put(at + DEEP / 4, secret);
}

static NOINLINE const uint8_t *seek_stack(const uint8_t *payload)
{
    const uint8_t *top = __builtin_frame_address(0);
    return find(top - DEEP - SMALL, top);
}

static void hide_static(const uint8_t *secret)
{
    put(uninitialised + SMALL / 2, secret);
}

static const uint8_t *seek_static(const uint8_t *payload)
{
    return find(uninitialised, uninitialised + sizeof uninitialised);
}

static void hide_data(const uint8_t *secret)
{
    put((uint8_t *)initialised, secret);
}

static const uint8_t *seek_data(const uint8_t *payload)
{
    const uint8_t *at = (const uint8_t *)initialised;
    return find(at, at + sizeof initialised);
}

/* It is where the host put the argument. */
static void hide_argument(const uint8_t *secret)
{
}

static const uint8_t *seek_argument(const uint8_t *payload)
{
    return find(payload, payload + 2 * SECRET_BYTES);
}

/* The host puts the value of a key into memory of the guest. */
static void hide_host(const uint8_t *secret)
{
    capsule_bytes key = capsule_text("secret"), value = {(uint8_t *)secret, SECRET_BYTES};
    capsule_option kept;
    if (capsule_kv_set(key, value) != CAPSULE_KV_OK || capsule_kv_get(key, &kept) != CAPSULE_KV_OK)
        __builtin_trap();
}

static const uint8_t *seek_host(const uint8_t *payload)
{
    return find(payload + SECRET_BYTES, payload + 4 * SECRET_BYTES);
}

static void hide_result(const uint8_t *secret)
{
}

/* Before anything is allocated: where the answer of an earlier call began. */
static const uint8_t *seek_result(const uint8_t *payload)
{
    return find(payload + SECRET_BYTES, payload + 5 * SECRET_BYTES);
}

static void hide_grown(const uint8_t *secret)
{
    if (grow(GROWN_PAGES))
        put(end_of_memory() - SMALL, secret);
}

static const uint8_t *seek_grown(const uint8_t *payload)
{
    const uint8_t *from = end_of_memory() - GROWN_PAGES * PAGE;
    return grow(GROWN_PAGES) ? find(from, end_of_memory()) : NULL;
}

static void hide_far(const uint8_t *secret)
{
    uint8_t *from = end_of_memory();
    if (!grow(FAR_PAGES))
        return;
    for (size_t page = 0; page < FAR_PAGES; page++)
        put(from + page * PAGE + SMALL, secret);
}

static const uint8_t *seek_far(const uint8_t *payload)
{
    const uint8_t *from = end_of_memory();
    const uint8_t *earlier =
        from > uninitialised + FAR_PAGES * PAGE ? from - FAR_PAGES * PAGE : from;
    return grow(FAR_PAGES) ? find(earlier, end_of_memory()) : NULL;
}

/* More pages than the host wants to know one by one. */
static void hide_wide(const uint8_t *secret)
{
    for (size_t i = 0; i < WIDE_STEPS; i++)
        put(wide + i * WIDE_STEP + i, secret);
}

static const uint8_t *seek_wide(const uint8_t *payload)
{
    return find(wide, wide + sizeof wide);
}

static const uint8_t *seek_all(const uint8_t *payload)
{
    const uint8_t *found = find((const uint8_t *)SECRET_BYTES, end_of_memory());
    const uint8_t *from = end_of_memory();
    return found == NULL && grow(GROW_TO_LOOK_PAGES) ? find(from, end_of_memory()) : found;
}

static const struct {
    const char *name;
    void (*hide)(const uint8_t *secret);
    const uint8_t *(*seek)(const uint8_t *payload);
} places[] = {
    {"heap", hide_heap, seek_heap},    {"freed", hide_freed, seek_freed},
    {"stack", hide_stack, seek_stack}, {"static", hide_static, seek_static},
    {"data", hide_data, seek_data},    {"argument", hide_argument, seek_argument},
    {"host", hide_host, seek_host},    {"result", hide_result, seek_result},
    {"grown", hide_grown, seek_grown}, {"far", hide_far, seek_far},
    {"wide", hide_wide, seek_wide},    {"all", NULL, seek_all},
};

/* ---- ends ---- */

static void sleep_for(uint64_t duration_ns)
{
    if (capsule_sleep_ns(duration_ns) != CAPSULE_SYS_OK)
        __builtin_trap();
}

static void end_as(capsule_bytes end)
{
    if (capsule_equal_text(end, "trap"))
        __builtin_trap();
    if (capsule_equal_text(end, "spin"))
        for (volatile uint32_t i = 0;; i++) {
        }
    if (capsule_equal_text(end, "grow")) {
        while (grow(FAR_PAGES)) {
        }
        __builtin_trap();
    }
    if (capsule_equal_text(end, "sleep"))
        sleep_for(NS_OF_A_MINUTE_IN_S * UINT64_C(1000000000));
    if (capsule_equal_text(end, "nap"))
        sleep_for(NAP_NS);
}

/* ---- actions ---- */

/* Cut "hide-" or "seek-" off, and what follows a space. */
static bool cut(capsule_bytes action, const char *verb, capsule_bytes *ret_name,
                capsule_bytes *ret_end)
{
    size_t len = strlen(verb);
    if (action.len < len || memcmp(action.data, verb, len) != 0)
        return false;
    *ret_name = (capsule_bytes){action.data + len, action.len - len};
    uint8_t *space = memchr(ret_name->data, ' ', ret_name->len);
    *ret_end = (capsule_bytes){space, 0};
    if (space != NULL) {
        *ret_end = (capsule_bytes){space + 1, (size_t)(action.data + action.len - space - 1)};
        ret_name->len = (size_t)(space - ret_name->data);
    }
    return true;
}

static capsule_result hide(size_t place, capsule_bytes end, capsule_bytes secret)
{
    places[place].hide(secret.data);
    capsule_bytes answer = capsule_text("hidden");
    if (places[place].hide == hide_result) {
        answer = (capsule_bytes){capsule_alloc(SECRET_BYTES), SECRET_BYTES};
        put(answer.data, secret.data);
    }
    if (places[place].hide != hide_argument)
        memset(secret.data, '-', SECRET_BYTES);
    end_as(end);
    return capsule_continue(answer);
}

static capsule_result seek(size_t place, capsule_bytes payload)
{
    const uint8_t *found = places[place].seek(payload.data);
    if (found == NULL)
        return capsule_continue(capsule_text("nothing"));
    return capsule_continue((capsule_bytes){(uint8_t *)found, SECRET_BYTES});
}

capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)
{
    capsule_bytes name, end;
    bool hides = cut(action, "hide-", &name, &end);
    if (!hides && !cut(action, "seek-", &name, &end))
        return capsule_continue(capsule_text("nothing"));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (capsule_equal_text(name, places[i].name) && (!hides || payload.len == SECRET_BYTES))
            return hides ? hide(i, end, payload) : seek(i, payload);
    return capsule_deny("no such place");
}
