/* A main for fuzz targets in builds without libFuzzer: replay the corpus, then mutate it.
 *
 *   fuzz_TARGET CORPUS_DIRECTORY
 *
 * Every file runs as it is, then mutations of the files run in turn until the time is up. Each
 * mutation depends on its number alone, so a failure repeats. With BULKHEAD_REPLAY_VERBOSE set, the
 * number is printed before each run.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FILES_MAX = 256,
    FILE_BYTES_MAX = 1 << 20,
    MUTATION_BYTES_MAX = 64, /* most bytes that one mutation inserts */
    MUTATIONS_MAX = 100000
};
static const uint64_t budget_ns = 2 * BHI_NS_PER_SECOND;

typedef struct input {
    char name[256];
    uint8_t *data;
    size_t len;
} input;

static input inputs[FILES_MAX];
static size_t inputs_count;

static void load_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || inputs_count == FILES_MAX) {
        fprintf(stderr, "%s: cannot be opened, or more than %d files\n", path, FILES_MAX);
        exit(1);
    }
    input *in = &inputs[inputs_count++];
    snprintf(in->name, sizeof in->name, "%s", name);
    in->data = malloc(FILE_BYTES_MAX);
    if (in->data == NULL)
        abort();
    in->len = fread(in->data, 1, FILE_BYTES_MAX, file);
    fclose(file);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const input *)a)->name, ((const input *)b)->name);
}

/* Sorted, since the order of a directory is not fixed but the mutations are. */
static void load_corpus(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        fprintf(stderr, "%s: no such corpus directory\n", path);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.')
            load_file(path, entry->d_name);
    closedir(directory);
    qsort(inputs, inputs_count, sizeof *inputs, by_name);
}

/* xorshift64* (Vigna 2016) */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static size_t mutate_once(uint8_t *data, size_t len, uint64_t *seed)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x40, 0x0f};
    if (len == 0)
        return 0;
    size_t at = next_random(seed) % len;
    size_t run = next_random(seed) % MUTATION_BYTES_MAX + 1;
    if (run > len - at)
        run = len - at;
    switch (next_random(seed) % 6) {
    case 0:
        data[at] ^= (uint8_t)(1u << next_random(seed) % 8);
        return len;
    case 1:
        data[at] = edges[next_random(seed) % sizeof edges];
        return len;
    case 2:
        data[at] = (uint8_t)next_random(seed);
        return len;
    case 3: /* cut a run out */
        memmove(data + at, data + at + run, len - at - run);
        return len - run;
    case 4: /* repeat a run */
        memmove(data + at + run, data + at, len - at);
        return len + run;
    default: /* cut the end off */
        return at;
    }
}

/* An exact allocation, so that a sanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, data, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static unsigned run_mutations(void)
{
    enum { STEPS_MAX = 4 };
    uint8_t *data = malloc(FILE_BYTES_MAX + STEPS_MAX * MUTATION_BYTES_MAX);
    bool is_verbose = getenv("BULKHEAD_REPLAY_VERBOSE") != NULL;
    uint64_t end_ns = bhi_deadline_after(bhi_monotonic_ns(), budget_ns);
    unsigned number = 0;
    for (; data != NULL && number < MUTATIONS_MAX && bhi_monotonic_ns() < end_ns; number++) {
        const input *in = &inputs[number % inputs_count];
        uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
        memcpy(data, in->data, in->len);
        size_t len = in->len;
        for (uint64_t steps = next_random(&seed) % STEPS_MAX + 1; steps > 0; steps--)
            len = mutate_once(data, len, &seed);
        if (is_verbose)
            fprintf(stderr, "mutation %u of %s, %zu bytes\n", number, in->name, len);
        run(data, len);
    }
    free(data);
    return number;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
        return 2;
    }
    load_corpus(argv[1]);
    if (inputs_count == 0) {
        fprintf(stderr, "%s: the corpus is empty\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < inputs_count; i++)
        run(inputs[i].data, inputs[i].len);
    unsigned mutations = run_mutations();
    printf("%zu files and %u mutations of them\n", inputs_count, mutations);
    for (size_t i = 0; i < inputs_count; i++)
        free(inputs[i].data);
    return 0;
}
