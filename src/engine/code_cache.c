/* engine/code_cache.c - name, authenticate, read, write. */
#include "engine/code_cache.h"

#include <bulkhead_rust.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { HASH_BYTES = 32, HEADER_BYTES = 2 * HASH_BYTES, ENTRY_BYTES_MAX = 512 << 20 };

struct bhi_code_cache {
    int directory_fd;
    uint8_t key[HASH_BYTES];
    uint8_t settings_hash[HASH_BYTES]; /* settings and processor features */
};

typedef struct entry_name {
    uint8_t hash[HASH_BYTES];
    char text[2 * HASH_BYTES + 1];
} entry_name;

/* The processor's feature line: code compiled for one set must not run on another. */
static void hash_settings(bhi_code_cache *cache, const char *settings)
{
    char text[16384];
    size_t used = (size_t)snprintf(text, sizeof text, "%s\n", settings);
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", line);
            break;
        }
    }
    if (file != NULL)
        fclose(file);
    bhr_blake3((const uint8_t *)text, used < sizeof text ? used : sizeof text - 1,
               cache->settings_hash);
}

static entry_name name_entry(const bhi_code_cache *cache, bhi_bytes wasm)
{
    entry_name name;
    uint8_t parts[2 * HASH_BYTES];
    bhr_blake3(wasm.data, wasm.len, parts);
    memcpy(parts + HASH_BYTES, cache->settings_hash, HASH_BYTES);
    bhr_blake3(parts, sizeof parts, name.hash);
    sodium_bin2hex(name.text, sizeof name.text, name.hash, HASH_BYTES);
    return name;
}

static bool read_fully(int fd, uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, data, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_fully(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

static bool is_only_ours(int fd, mode_t others_bits)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           (status.st_mode & others_bits) == 0;
}

/* A new key is written aside and linked into place, so that a key is whole or absent and the first
 * of several processes wins. */
static bool create_key(bhi_code_cache *cache)
{
    char name[64];
    snprintf(name, sizeof name, "key.%d.%08x", (int)getpid(), randombytes_random());
    int fd = openat(cache->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    uint8_t key[HASH_BYTES];
    randombytes_buf(key, sizeof key);
    bool is_written = write_fully(fd, key, sizeof key) && fsync(fd) == 0;
    close(fd);
    bool is_placed =
        is_written &&
        (linkat(cache->directory_fd, name, cache->directory_fd, "key", 0) == 0 || errno == EEXIST);
    unlinkat(cache->directory_fd, name, 0);
    return is_placed;
}

static bh_status read_key(bhi_code_cache *cache, const char *directory, bh_error *reterr)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(cache->directory_fd, "key", flags);
    if (fd < 0 && errno == ENOENT && create_key(cache))
        fd = openat(cache->directory_fd, "key", flags);
    if (fd < 0)
        return bhi_fail_os(reterr, "cannot open or make the key of the code cache %s/key",
                           directory);
    bool is_private = is_only_ours(fd, 077);
    bool is_read = read_fully(fd, cache->key, sizeof cache->key);
    close(fd);
    if (!is_private)
        return bhi_fail(reterr, BH_E_IO,
                        "%s/key must belong to you with mode 0600; remove it to "
                        "have a new one made",
                        directory);
    if (!is_read)
        return bhi_fail(reterr, BH_E_IO,
                        "%s/key is shorter than 32 bytes; remove it to have a new "
                        "one made",
                        directory);
    return BH_OK;
}

/* mkdir -p with mode 0700 for what is created. */
static bool make_directories(const char *path)
{
    char partial[4096];
    if (strlen(path) >= sizeof partial) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(partial, path);
    for (char *slash = partial + 1; *slash != 0; slash++) {
        if (*slash != '/')
            continue;
        *slash = 0;
        if (mkdir(partial, 0700) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(partial, 0700) == 0 || errno == EEXIST;
}

static bh_status open_directory(bhi_code_cache *cache, const char *directory, bh_error *reterr)
{
    if (!make_directories(directory))
        return bhi_fail_os(reterr, "cannot create the code cache directory %s", directory);
    cache->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cache->directory_fd < 0)
        return bhi_fail_os(reterr, "cannot open the code cache directory %s", directory);
    if (!is_only_ours(cache->directory_fd, 022))
        return bhi_fail(reterr, BH_E_IO,
                        "the code cache directory %s must belong to you and not be "
                        "writable by others (chmod 700 it)",
                        directory);
    return BH_OK;
}

bh_status bhi_code_cache_open(const char *directory, const char *settings,
                              bhi_code_cache **ret_cache, bh_error *reterr)
{
    if (sodium_init() < 0)
        return bhi_fail(reterr, BH_E_UNSUPPORTED, "libsodium found no source of randomness");
    bhi_code_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for the code cache");
    cache->directory_fd = -1;
    bh_status status = open_directory(cache, directory, reterr);
    if (status == BH_OK)
        status = read_key(cache, directory, reterr);
    if (status != BH_OK) {
        bhi_code_cache_close(cache);
        return status;
    }
    hash_settings(cache, settings);
    *ret_cache = cache;
    return BH_OK;
}

void bhi_code_cache_close(bhi_code_cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->directory_fd >= 0)
        close(cache->directory_fd);
    sodium_memzero(cache->key, sizeof cache->key);
    free(cache);
}

static uint8_t *read_entry(bhi_code_cache *cache, const entry_name *name, size_t *ret_len)
{
    int fd = openat(cache->directory_fd, name->text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat status;
    uint8_t *data = NULL;
    if (fstat(fd, &status) == 0 && status.st_size > HEADER_BYTES &&
        status.st_size <= ENTRY_BYTES_MAX)
        data = malloc((size_t)status.st_size);
    if (data != NULL && !read_fully(fd, data, (size_t)status.st_size)) {
        free(data);
        data = NULL;
    }
    close(fd);
    *ret_len = data == NULL ? 0 : (size_t)status.st_size;
    return data;
}

static bool is_authentic(const bhi_code_cache *cache, const entry_name *name, const uint8_t *data,
                         size_t len)
{
    uint8_t mac[HASH_BYTES];
    bhr_blake3_keyed(cache->key, data + HASH_BYTES, len - HASH_BYTES, mac);
    return sodium_memcmp(mac, data, HASH_BYTES) == 0 &&
           memcmp(data + HASH_BYTES, name->hash, HASH_BYTES) == 0;
}

bool bhi_code_cache_get(bhi_code_cache *cache, bhi_bytes wasm, uint8_t **ret_storage,
                        bhi_bytes *ret_code)
{
    entry_name name = name_entry(cache, wasm);
    size_t len;
    uint8_t *data = read_entry(cache, &name, &len);
    if (data == NULL)
        return false;
    if (!is_authentic(cache, &name, data, len)) {
        bhi_log(BHI_LOG_WARN, "code cache: entry %s is not ours or torn; compiling again",
                name.text);
        free(data);
        return false;
    }
    *ret_storage = data;
    *ret_code = (bhi_bytes){data + HEADER_BYTES, len - HEADER_BYTES};
    return true;
}

static bool write_entry(int fd, const uint8_t *header, bhi_bytes code)
{
    bool is_written = write_fully(fd, header, HEADER_BYTES) &&
                      write_fully(fd, code.data, code.len) && fsync(fd) == 0;
    close(fd);
    return is_written;
}

/* The MAC covers name and code, which lie in two buffers: join them once. */
static bool make_header(const bhi_code_cache *cache, const entry_name *name, bhi_bytes code,
                        uint8_t header[HEADER_BYTES])
{
    uint8_t *joined = malloc(HASH_BYTES + code.len);
    if (joined == NULL)
        return false;
    memcpy(joined, name->hash, HASH_BYTES);
    memcpy(joined + HASH_BYTES, code.data, code.len);
    bhr_blake3_keyed(cache->key, joined, HASH_BYTES + code.len, header);
    memcpy(header + HASH_BYTES, name->hash, HASH_BYTES);
    free(joined);
    return true;
}

void bhi_code_cache_put(bhi_code_cache *cache, bhi_bytes wasm, bhi_bytes code)
{
    entry_name name = name_entry(cache, wasm);
    uint8_t header[HEADER_BYTES];
    char aside[2 * HASH_BYTES + 32];
    snprintf(aside, sizeof aside, "%s.%08x", name.text, randombytes_random());
    int fd = openat(cache->directory_fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_done = fd >= 0 && make_header(cache, &name, code, header) &&
                   write_entry(fd, header, code) &&
                   renameat(cache->directory_fd, aside, cache->directory_fd, name.text) == 0;
    if (is_done)
        return;
    bhi_log(BHI_LOG_WARN, "code cache: cannot write entry %s: %s", name.text, strerror(errno));
    unlinkat(cache->directory_fd, aside, 0);
}
