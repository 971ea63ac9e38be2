/* engine/stacks.c - map a guard page and a stack; keep a bounded list of free ones.
 *
 *   mapping ─► [ guard page | stack, growing down from its end ]
 */
#include "engine/stacks.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct bhi_stack {
    bhi_stacks *owner;
    uint8_t *mapping;
    size_t guard_bytes;
    size_t bytes; /* without the guard */
    bhi_stack *next_free;
};

void bhi_stacks_init(bhi_stacks *stacks)
{
    *stacks = (bhi_stacks){0};
    pthread_mutex_init(&stacks->lock, NULL);
}

static void unmap(bhi_stack *stack)
{
    munmap(stack->mapping, stack->guard_bytes + stack->bytes);
    free(stack);
}

void bhi_stacks_deinit(bhi_stacks *stacks)
{
    while (stacks->free != NULL) {
        bhi_stack *stack = stacks->free;
        stacks->free = stack->next_free;
        unmap(stack);
    }
    pthread_mutex_destroy(&stacks->lock);
}

static bhi_stack *map(bhi_stacks *stacks, size_t bytes)
{
    bhi_stack *stack = malloc(sizeof *stack);
    if (stack == NULL)
        return NULL;
    size_t guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *mapping = mmap(NULL, guard_bytes + bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    *stack = (bhi_stack){
        .owner = stacks, .mapping = mapping, .guard_bytes = guard_bytes, .bytes = bytes};
    if (mapping == MAP_FAILED) {
        free(stack);
        return NULL;
    }
    if (mprotect(mapping, guard_bytes, PROT_NONE) != 0) {
        unmap(stack);
        return NULL;
    }
    return stack;
}

/* A free stack of this size, or NULL. Every engine asks for one size only. */
static bhi_stack *take_free(bhi_stacks *stacks, size_t bytes)
{
    pthread_mutex_lock(&stacks->lock);
    bhi_stack *stack = stacks->free;
    if (stack != NULL && stack->bytes == bytes) {
        stacks->free = stack->next_free;
        stacks->free_count--;
    } else {
        stack = NULL;
    }
    pthread_mutex_unlock(&stacks->lock);
    return stack;
}

static void give_back_cb(void *env)
{
    bhi_stack *stack = env;
    bhi_stacks *stacks = stack->owner;
    pthread_mutex_lock(&stacks->lock);
    bool is_kept = stacks->free_count < BHI_STACKS_FREE_MAX;
    if (is_kept) {
        stack->next_free = stacks->free;
        stacks->free = stack;
        stacks->free_count++;
    }
    pthread_mutex_unlock(&stacks->lock);
    if (!is_kept)
        unmap(stack);
}

static uint8_t *get_stack_cb(void *env, size_t *ret_bytes)
{
    const bhi_stack *stack = env;
    *ret_bytes = stack->bytes;
    return stack->mapping + stack->guard_bytes + stack->bytes;
}

static wasmtime_error_t *new_stack_cb(void *env, size_t bytes, bool is_zeroed,
                                      wasmtime_stack_memory_t *ret_stack)
{
    bhi_stacks *stacks = env;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    bytes = (bytes + page - 1) & ~(page - 1);
    bhi_stack *stack = is_zeroed ? NULL : take_free(stacks, bytes);
    if (stack == NULL)
        stack = map(stacks, bytes);
    if (stack == NULL)
        return wasmtime_error_new("the operating system gave no memory for a stack");
    *ret_stack = (wasmtime_stack_memory_t){
        .env = stack,
        .get_stack_memory = get_stack_cb,
        .finalizer = give_back_cb,
    };
    return NULL;
}

void bhi_stacks_configure(bhi_stacks *stacks, wasm_config_t *config)
{
    wasmtime_stack_creator_t creator = {.env = stacks, .new_stack = new_stack_cb};
    wasmtime_config_host_stack_creator_set(config, &creator);
}
