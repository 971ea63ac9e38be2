/* os/memory.c - see memory.h. */
#include "os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 256 };

/* A trigger's window and the stall within it, in microseconds. Windows other than of two seconds
 * need a capability. */
static const char *const triggers[] = {"some 100000 1000000", "some 200000 2000000"};

/* ---- cgroup ---- */

/* "/sys/fs/cgroup" and what the line "0::PATH" of /proc/self/cgroup says, then "/" and `file`. */
static bool cgroup_path(const char *file, char *ret_path)
{
    FILE *groups = fopen("/proc/self/cgroup", "re");
    if (groups == NULL)
        return false;
    char line[PATH_BYTES];
    bool is_found = false;
    while (!is_found && fgets(line, sizeof line, groups) != NULL)
        is_found = strncmp(line, "0::", 3) == 0;
    fclose(groups);
    if (!is_found)
        return false;
    line[strcspn(line, "\n")] = '\0';
    const char *group = strcmp(line + 3, "/") == 0 ? "" : line + 3;
    int len = snprintf(ret_path, PATH_BYTES, "/sys/fs/cgroup%s/%s", group, file);
    return len > 0 && len < PATH_BYTES;
}

/* False also for "max", which is no number: there is no limit. */
static bool read_cgroup_number(const char *file, uint64_t *ret_number)
{
    char path[PATH_BYTES];
    FILE *in = cgroup_path(file, path) ? fopen(path, "re") : NULL;
    if (in == NULL)
        return false;
    bool is_read = fscanf(in, "%" SCNu64, ret_number) == 1;
    fclose(in);
    return is_read;
}

static void apply_cgroup(bhi_memory_room *room)
{
    uint64_t limit, used;
    if (!read_cgroup_number("memory.max", &limit) || !read_cgroup_number("memory.current", &used) ||
        limit >= room->total_bytes)
        return;
    uint64_t left = limit > used ? limit - used : 0;
    room->total_bytes = limit;
    if (left < room->available_bytes)
        room->available_bytes = left;
}

/* ---- reading ---- */

static bool take_kilobytes(const char *line, const char *name, uint64_t *bytes)
{
    size_t len = strlen(name);
    uint64_t kilobytes;
    if (strncmp(line, name, len) != 0 || sscanf(line + len, "%" SCNu64, &kilobytes) != 1)
        return false;
    *bytes = kilobytes << 10;
    return true;
}

bh_status bhi_memory_read_room(const char *meminfo_path, bhi_memory_room *ret_room,
                               bh_error *reterr)
{
    const char *path = meminfo_path != NULL ? meminfo_path : "/proc/meminfo";
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return bhi_fail_os(reterr, "open %s", path);
    bhi_memory_room room = {0};
    bool has_total = false, has_available = false;
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, in) != NULL) {
        has_total |= take_kilobytes(line, "MemTotal:", &room.total_bytes);
        has_available |= take_kilobytes(line, "MemAvailable:", &room.available_bytes);
    }
    fclose(in);
    if (!has_total || !has_available || room.total_bytes == 0)
        return bhi_fail(reterr, BH_E_CORRUPT, "%s: expected MemTotal and MemAvailable", path);
    if (meminfo_path == NULL)
        apply_cgroup(&room);
    *ret_room = room;
    return BH_OK;
}

uint64_t bhi_memory_resident_bytes(void)
{
    FILE *in = fopen("/proc/self/statm", "re");
    if (in == NULL)
        return 0;
    uint64_t pages;
    bool is_read = fscanf(in, "%*u %" SCNu64, &pages) == 1;
    fclose(in);
    return is_read ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* ---- pressure ---- */

static int open_trigger(const char *path, const char *trigger)
{
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, trigger, strlen(trigger) + 1) > 0)
        return fd;
    close(fd);
    return -1;
}

static int open_pressure_at(const char *path)
{
    int fd = -1;
    for (size_t i = 0; i < sizeof triggers / sizeof triggers[0] && fd < 0; i++)
        fd = open_trigger(path, triggers[i]);
    return fd;
}

int bhi_memory_open_pressure(void)
{
    char path[PATH_BYTES];
    int fd = cgroup_path("memory.pressure", path) ? open_pressure_at(path) : -1;
    return fd >= 0 ? fd : open_pressure_at("/proc/pressure/memory");
}
