/* guest_files.h - capsules of a third-party SDK, which are not part of this tree.
 *
 * They lie in the directory that BULKHEAD_GUESTS_DIR names, or beside the source tree. A test that
 * needs one is skipped, with a line that says so, where they are absent.
 */
#ifndef TESTS_GUEST_FILES_H
#define TESTS_GUEST_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

typedef struct guest_file {
    bhi_bytes bytes;
    uint8_t *memory; /* freed by guest_file_free */
} guest_file;

static inline guest_file guest_file_read(FILE *file)
{
    guest_file guest = {0};
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    guest.memory = malloc((size_t)size);
    if (guest.memory == NULL || fread(guest.memory, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    guest.bytes = (bhi_bytes){guest.memory, (size_t)size};
    return guest;
}

/* A file of this tree: fails the test when it is absent. */
static inline guest_file guest_file_at(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be opened", path);
    return guest_file_read(file);
}

/* A guest of the SDK: skips the test when it is absent. */
static inline guest_file guest_file_load(const char *name)
{
    char path[4096];
    const char *directory = getenv("BULKHEAD_GUESTS_DIR");
    if (directory == NULL)
        directory = TEST_SOURCE_DIR "/../shared/guests";
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: no %s (BULKHEAD_GUESTS_DIR names the directory of SDK guests)\n", path);
        skip();
    }
    return guest_file_read(file);
}

static inline void guest_file_free(guest_file *guest)
{
    free(guest->memory);
}

#endif
