/* host/fs_turns.c - one line for each principal that has or awaits turns; see the header. */
#include "host/fs_turns.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "host/principal.h"

#define HASH_NONFATAL_OOM                1
#define uthash_nonfatal_oom(inserted_el) ((inserted_el)->is_refused = true)
#include <uthash.h>

typedef struct bhi_fs_line {
    UT_hash_handle hh;
    bool is_refused;
    char principal[BHI_PRINCIPAL_BYTES_MAX + 1];
    uint32_t begun;
    bhi_link waiting; /* turns */
    bhi_link link;    /* in `lines` while some wait */
} bhi_fs_line;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bhi_fs_line *all_lines;                            /* guarded by lock, as what follows */
static bhi_link lines = {.next = &lines, .prev = &lines}; /* whose turn is next comes first */
static uint32_t begun;

static bhi_fs_line *make_line(const char *principal)
{
    bhi_fs_line *line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    strcpy(line->principal, principal);
    bhi_link_init(&line->waiting);
    bhi_link_init(&line->link);
    HASH_ADD_STR(all_lines, principal, line);
    if (!line->is_refused)
        return line;
    free(line);
    return NULL;
}

static bhi_fs_line *find_or_make_line(const char *principal)
{
    bhi_fs_line *line;
    BHI_ASSERT(strlen(principal) <= BHI_PRINCIPAL_BYTES_MAX);
    HASH_FIND_STR(all_lines, principal, line);
    return line != NULL ? line : make_line(principal);
}

static void free_line_unless_used(bhi_fs_line *line)
{
    if (line->begun > 0 || !bhi_link_is_alone(&line->waiting))
        return;
    HASH_DEL(all_lines, line);
    free(line);
}

static bool may_begin(const bhi_fs_line *line)
{
    return line->begun < BHI_FS_PRINCIPAL_TURNS_MAX;
}

static void count_begun(bhi_fs_line *line)
{
    begun++;
    line->begun++;
}

static void run_begin(bhi_task *task)
{
    bhi_fs_turn *turn = BHI_CONTAINER_OF(task, bhi_fs_turn, task);
    turn->begin(turn);
}

static void wait_in(bhi_fs_line *line, bhi_fs_turn *turn)
{
    turn->is_waiting = true;
    if (bhi_link_is_alone(&line->waiting))
        bhi_list_push_back(&lines, &line->link);
    bhi_list_push_back(&line->waiting, &turn->link);
}

static void take_out(bhi_fs_line *line, bhi_fs_turn *turn)
{
    turn->is_waiting = false;
    bhi_list_remove(&turn->link);
    if (bhi_link_is_alone(&line->waiting))
        bhi_list_remove(&line->link);
}

void bhi_fs_turn_take(bhi_fs_turn *turn)
{
    bhi_link_init(&turn->link);
    bhi_task_init(&turn->task, run_begin);
    pthread_mutex_lock(&lock);
    bhi_fs_line *line = turn->line = find_or_make_line(turn->principal);
    bool begins = line == NULL || (begun < BHI_FS_TURNS_MAX && may_begin(line));
    if (!begins)
        wait_in(line, turn);
    else if (line != NULL)
        count_begun(line);
    pthread_mutex_unlock(&lock);
    if (begins)
        turn->begin(turn);
}

bool bhi_fs_turn_withdraw(bhi_fs_turn *turn)
{
    pthread_mutex_lock(&lock);
    bool was_waiting = turn->is_waiting;
    if (was_waiting) {
        take_out(turn->line, turn);
        free_line_unless_used(turn->line);
    }
    pthread_mutex_unlock(&lock);
    return was_waiting;
}

/* Lines that may not begin are passed over: those with all their turns, so at most two. */
static void begin_next(void)
{
    bhi_link *next = bhi_list_first(&lines);
    while (next != NULL && next != &lines && !may_begin(BHI_CONTAINER_OF(next, bhi_fs_line, link)))
        next = next->next;
    if (next == NULL || next == &lines)
        return;
    bhi_fs_line *line = BHI_CONTAINER_OF(next, bhi_fs_line, link);
    bhi_fs_turn *turn = BHI_CONTAINER_OF(bhi_list_first(&line->waiting), bhi_fs_turn, link);
    take_out(line, turn);
    if (!bhi_link_is_alone(&line->waiting)) { /* behind those who wait */
        bhi_list_remove(&line->link);
        bhi_list_push_back(&lines, &line->link);
    }
    count_begun(line);
    bhi_worker_post(turn->worker, &turn->task);
}

void bhi_fs_turn_leave(bhi_fs_turn *turn)
{
    if (turn->line == NULL)
        return;
    pthread_mutex_lock(&lock);
    begun--;
    turn->line->begun--;
    begin_next();
    free_line_unless_used(turn->line);
    pthread_mutex_unlock(&lock);
}
