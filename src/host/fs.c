/* host/fs.c - astrid:fs/host@1.0.0: files of the principal, of the lease, of the workspace.
 *
 * Every call is made on a thread of libuv's pool, while the guest is suspended; what it needs
 * travels with it (fs_call.h). A guest that is abandoned meanwhile leaves the call to finish alone:
 * what it opened is closed when it comes back.
 */
#include <stdlib.h>

#include "abi/handles.h"
#include "host/fs_call.h"
#include "host/host.h"
#include "host/initialising.h"
#include "host/lease_context.h"

/* What a function asks of its thread. */
typedef struct fs_question {
    const char *function; /* for traps */
    void (*run)(bhi_fs_call *call);
    const bhi_bytes *path, *other; /* NULL: none */
    bhi_fs_file_handle *file;      /* NULL: none */
    bhi_bytes data;
    uint64_t offset;
    uint32_t size;
    bhi_fs_open_mode mode;
} fs_question;

/* ---- the lease's files ---- */

/* A run loop that acts for another principal than before has other files. */
static bhi_lease_files *files_of(bhi_guest *guest)
{
    bhi_lease_context *lease = guest->lease;
    if (lease->files != NULL && !bhi_lease_files_are_of(lease->files, lease->principal)) {
        bhi_lease_files_release(lease->files);
        lease->files = NULL;
    }
    if (lease->files != NULL)
        return lease->files;
    bhi_lease_files_options options = {.roots = lease->file_roots,
                                       .principal = lease->principal,
                                       .capsule = lease->capsule,
                                       .grants = lease->grants,
                                       .home_bytes_max = lease->storage_bytes_max,
                                       .loop = bhi_worker_loop(lease->worker)};
    lease->files = bhi_lease_files_create(&options);
    return lease->files;
}

/* ---- a call and its thread ---- */

static void free_call(void *payload)
{
    bhi_fs_call *call = payload;
    bhi_fs_file_release(call->opened);
    bhi_fs_file_release(call->file);
    bhi_lease_files_release(call->files);
    free(call->data);
}

static void run_cb(uv_work_t *work)
{
    bhi_fs_call *call = work->data;
    if (!atomic_load_explicit(&call->is_abandoned, memory_order_relaxed))
        call->run(call);
}

/* On the loop again, also when the work was taken back before it began. */
static void after_cb(uv_work_t *work, int status)
{
    bhi_fs_call *call = work->data;
    bhi_fs_turn_leave(&call->turn);
    bhi_remote_finish(call->remote);
}

static void begin_cb(bhi_fs_turn *turn)
{
    bhi_fs_call *call = BHI_CONTAINER_OF(turn, bhi_fs_call, turn);
    uv_queue_work(bhi_worker_loop(turn->worker), &call->work, run_cb, after_cb);
}

static bool copy_data(bhi_fs_call *call, bhi_bytes data)
{
    if (data.len == 0)
        return true;
    call->data = malloc(data.len);
    if (call->data == NULL)
        return false;
    memcpy(call->data, data.data, data.len);
    call->data_len = data.len;
    return true;
}

static bool fill_call(bhi_guest *guest, const fs_question *question, bhi_fs_call *call)
{
    /* A handle's are those that it was opened with: a run loop may have others by now. */
    bhi_lease_files *files = question->file != NULL ? question->file->files : files_of(guest);
    if (files == NULL || !copy_data(call, question->data))
        return bhi_guest_trap(guest, "the host has no memory for %s", question->function);
    call->files = bhi_lease_files_retain(files);
    call->file = question->file == NULL ? NULL : bhi_fs_file_retain(question->file);
    call->run = question->run;
    call->offset = question->offset;
    call->size = question->size;
    call->mode = question->mode;
    call->tag = BHI_FS_ERROR_CODE_UNKNOWN;
    call->work.data = call;
    return true;
}

/* The guest waits no more: the work is taken back if it has not begun, and ends alone if it has. */
static void abandon_call(bhi_fs_call *call)
{
    atomic_store_explicit(&call->is_abandoned, true, memory_order_relaxed);
    if (bhi_fs_turn_withdraw(&call->turn))
        bhi_remote_finish(call->remote);
    else
        uv_cancel((uv_req_t *)&call->work); /* else it is running, and looks at is_abandoned */
}

/* False: abandoned. */
static bool await_call(bhi_guest *guest, bhi_operation *operation, bhi_fs_call *call)
{
    call->turn.begin = begin_cb;
    call->turn.worker = guest->lease->worker;
    call->turn.principal = bhi_lease_files_principal(call->files);
    bhi_fs_turn_take(&call->turn);
    if (bhi_operation_await(operation))
        return true;
    abandon_call(call);
    bhi_remote_release(call->remote);
    return false;
}

static void release_remote(void *arg)
{
    bhi_remote_release(arg);
}

static void count(bhi_guest *guest, const bhi_fs_call *call)
{
    bhi_host_counters *counters = &guest->lease->counters;
    bool is_refusal = call->tag == BHI_FS_ERROR_CODE_CAPABILITY_DENIED ||
                      call->tag == BHI_FS_ERROR_CODE_BOUNDARY_ESCAPE ||
                      call->tag == BHI_FS_ERROR_CODE_QUOTA;
    counters->fs_calls++;
    counters->fs_refused += !call->is_ok && is_refusal;
    counters->fs_read_bytes += call->read_bytes;
    counters->fs_written_bytes += call->written_bytes;
}

/* Ask and wait. False: trap or abandoned. *ret_call lives as long as the results of this host call;
 * NULL with *ret_tag: it was not even asked. */
static bool ask(bhi_guest *guest, const fs_question *question, bhi_fs_call **ret_call,
                bhi_fs_error_code_tag *ret_tag)
{
    bhi_remote *remote;
    bhi_operation *operation = bhi_arena_alloc(&guest->arena, sizeof *operation);
    if (operation == NULL)
        return bhi_guest_trap(guest, "the host has no memory for %s", question->function);
    bhi_operation_init(operation, guest->lease->worker, guest->lease->task, guest);
    if (bhi_remote_create(operation, sizeof(bhi_fs_call), free_call, &remote, NULL) != BH_OK)
        return bhi_guest_trap(guest, "the host has no memory for %s", question->function);
    bhi_fs_call *call = bhi_remote_payload(remote);
    call->remote = remote;
    bool is_named = (question->path == NULL || bhi_fs_path_parse(*question->path, &call->path)) &&
                    (question->other == NULL || bhi_fs_path_parse(*question->other, &call->other));
    if (!is_named || !fill_call(guest, question, call)) {
        bhi_remote_discard(remote);
        *ret_call = NULL;
        *ret_tag = BHI_FS_ERROR_CODE_INVALID_PATH;
        return !is_named;
    }
    if (!await_call(guest, operation, call))
        return false;
    count(guest, call);
    *ret_call = call;
    *ret_tag = call->tag;
    if (bhi_arena_defer(&guest->arena, release_remote, remote))
        return true;
    bhi_remote_release(remote);
    return bhi_guest_trap(guest, "the host has no memory for %s", question->function);
}

static bhi_fs_error_code error_of(bhi_fs_error_code_tag tag)
{
    bhi_fs_error_code error = {.tag = tag};
    if (tag == BHI_FS_ERROR_CODE_UNKNOWN)
        error.unknown = BHI_BYTES_LITERAL("the file system refused");
    return error;
}

#define NAME(function) "astrid:fs/host@1.0.0#" function

/* ---- answers by kind ---- */

static bool answer_unit(bhi_guest *guest, const fs_question *question, bhi_fs_unit_result *ret)
{
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question->function) ||
        !ask(guest, question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (!ret->is_ok)
        ret->error = error_of(tag);
    return true;
}

static bool answer_bytes(bhi_guest *guest, const fs_question *question, bhi_fs_bytes_result *ret)
{
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question->function) ||
        !ask(guest, question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (ret->is_ok)
        ret->ok = (bhi_bytes){call->data, call->data_len};
    else
        ret->error = error_of(tag);
    return true;
}

static bool answer_stat(bhi_guest *guest, const fs_question *question, bhi_fs_file_stat_result *ret)
{
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question->function) ||
        !ask(guest, question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (ret->is_ok)
        ret->ok = call->stat;
    else
        ret->error = error_of(tag);
    return true;
}

static bool answer_number(bhi_guest *guest, const fs_question *question, bhi_fs_u64_result *ret)
{
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question->function) ||
        !ask(guest, question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (ret->is_ok)
        ret->ok = call->number;
    else
        ret->error = error_of(tag);
    return true;
}

static bool answer_text(bhi_guest *guest, const fs_question *question, bhi_fs_text_result *ret)
{
    bhi_fs_bytes_result bytes = {0};
    if (!answer_bytes(guest, question, &bytes))
        return false;
    ret->is_ok = bytes.is_ok;
    if (ret->is_ok)
        ret->ok = bytes.ok; /* the thread made it text */
    else
        ret->error = bytes.error;
    return true;
}

/* ---- functions ---- */

static bool fs_open(bhi_guest *guest, bhi_bytes path, bhi_fs_open_mode mode,
                    bhi_fs_file_handle_result *ret)
{
    fs_question question = {
        .function = NAME("fs-open"), .run = bhi_fs_run_open, .path = &path, .mode = mode};
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question.function))
        return false;
    if (bhi_handles_count(guest->handles, BHI_RESOURCE_FS_FILE_HANDLE) >= BHI_FS_HANDLES_MAX) {
        ret->error = error_of(BHI_FS_ERROR_CODE_QUOTA);
        guest->lease->counters.fs_refused++;
        return true;
    }
    if (!ask(guest, &question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (ret->is_ok) {
        ret->ok = call->opened;
        call->opened = NULL;
    } else {
        ret->error = error_of(tag);
    }
    return true;
}

static bool fs_exists(bhi_guest *guest, bhi_bytes path, bhi_fs_bool_result *ret)
{
    fs_question question = {.function = NAME("fs-exists"), .run = bhi_fs_run_exists, .path = &path};
    bhi_fs_u64_result number = {0};
    if (!answer_number(guest, &question, &number))
        return false;
    ret->is_ok = number.is_ok;
    if (ret->is_ok)
        ret->ok = number.ok != 0;
    else
        ret->error = number.error;
    return true;
}

static bool fs_mkdir(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    return answer_unit(
        guest, &(fs_question){.function = NAME("fs-mkdir"), .run = bhi_fs_run_mkdir, .path = &path},
        ret);
}

static bool fs_mkdir_all(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    return answer_unit(guest,
                       &(fs_question){.function = NAME("fs-mkdir-all"),
                                      .run = bhi_fs_run_mkdir_all,
                                      .path = &path},
                       ret);
}

static bool fs_readdir(bhi_guest *guest, bhi_bytes path, bhi_fs_text_list_result *ret)
{
    fs_question question = {
        .function = NAME("fs-readdir"), .run = bhi_fs_run_readdir, .path = &path};
    bhi_fs_call *call;
    bhi_fs_error_code_tag tag;
    if (!bhi_check_not_initialising(guest, question.function) ||
        !ask(guest, &question, &call, &tag))
        return false;
    ret->is_ok = call != NULL && call->is_ok;
    if (!ret->is_ok) {
        ret->error = error_of(tag);
        return true;
    }
    bhi_bytes *names = bhi_arena_calloc(&guest->arena, call->number + 1, sizeof *names);
    if (names == NULL)
        return bhi_guest_trap(guest, "the host has no memory for %s", question.function);
    const char *name = (const char *)call->data;
    for (size_t i = 0; i < call->number; i++, name += strlen(name) + 1)
        names[i] = bhi_bytes_of(name);
    ret->ok = (bhi_text_list){names, call->number};
    return true;
}

static bool fs_stat(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret)
{
    return answer_stat(
        guest, &(fs_question){.function = NAME("fs-stat"), .run = bhi_fs_run_stat, .path = &path},
        ret);
}

static bool fs_stat_symlink(bhi_guest *guest, bhi_bytes path, bhi_fs_file_stat_result *ret)
{
    return answer_stat(guest,
                       &(fs_question){.function = NAME("fs-stat-symlink"),
                                      .run = bhi_fs_run_stat_symlink,
                                      .path = &path},
                       ret);
}

static bool fs_unlink(bhi_guest *guest, bhi_bytes path, bhi_fs_unit_result *ret)
{
    return answer_unit(
        guest,
        &(fs_question){.function = NAME("fs-unlink"), .run = bhi_fs_run_unlink, .path = &path},
        ret);
}

static bool read_file(bhi_guest *guest, bhi_bytes path, bhi_fs_bytes_result *ret)
{
    return answer_bytes(
        guest,
        &(fs_question){.function = NAME("read-file"), .run = bhi_fs_run_read_file, .path = &path},
        ret);
}

/* Contents that are too large are refused before their path is looked at. */
static bool answer_contents(bhi_guest *guest, const fs_question *question, bhi_fs_unit_result *ret)
{
    if (!bhi_check_not_initialising(guest, question->function))
        return false;
    if (question->data.len <= BHI_FS_FILE_BYTES_MAX)
        return answer_unit(guest, question, ret);
    ret->error = error_of(BHI_FS_ERROR_CODE_TOO_LARGE);
    return true;
}

static bool write_file(bhi_guest *guest, bhi_bytes path, bhi_bytes content, bhi_fs_unit_result *ret)
{
    return answer_contents(guest,
                           &(fs_question){.function = NAME("write-file"),
                                          .run = bhi_fs_run_write_file,
                                          .path = &path,
                                          .data = content},
                           ret);
}

static bool fs_append(bhi_guest *guest, bhi_bytes path, bhi_bytes content, bhi_fs_unit_result *ret)
{
    return answer_contents(guest,
                           &(fs_question){.function = NAME("fs-append"),
                                          .run = bhi_fs_run_append,
                                          .path = &path,
                                          .data = content},
                           ret);
}

static bool fs_copy(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret)
{
    return answer_unit(
        guest,
        &(fs_question){
            .function = NAME("fs-copy"), .run = bhi_fs_run_copy, .path = &src, .other = &dst},
        ret);
}

static bool fs_rename(bhi_guest *guest, bhi_bytes src, bhi_bytes dst, bhi_fs_unit_result *ret)
{
    return answer_unit(
        guest,
        &(fs_question){
            .function = NAME("fs-rename"), .run = bhi_fs_run_rename, .path = &src, .other = &dst},
        ret);
}

static bool fs_remove_dir_all(bhi_guest *guest, bhi_bytes path, bhi_fs_u64_result *ret)
{
    return answer_number(guest,
                         &(fs_question){.function = NAME("fs-remove-dir-all"),
                                        .run = bhi_fs_run_remove_dir_all,
                                        .path = &path},
                         ret);
}

static bool fs_canonicalize(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret)
{
    return answer_text(guest,
                       &(fs_question){.function = NAME("fs-canonicalize"),
                                      .run = bhi_fs_run_canonicalize,
                                      .path = &path},
                       ret);
}

static bool fs_read_link(bhi_guest *guest, bhi_bytes path, bhi_fs_text_result *ret)
{
    return answer_text(guest,
                       &(fs_question){.function = NAME("fs-read-link"),
                                      .run = bhi_fs_run_read_link,
                                      .path = &path},
                       ret);
}

static bool fs_hard_link(bhi_guest *guest, bhi_bytes src, bhi_bytes link_path,
                         bhi_fs_unit_result *ret)
{
    return answer_unit(guest,
                       &(fs_question){.function = NAME("fs-hard-link"),
                                      .run = bhi_fs_run_hard_link,
                                      .path = &src,
                                      .other = &link_path},
                       ret);
}

/* ---- handles ---- */

static void file_handle_drop(void *file_handle)
{
    bhi_fs_file_release(file_handle);
}

/* A run loop that acts for somebody else now does not go on with this file. */
static bool is_of_another(const bhi_guest *guest, const bhi_fs_file_handle *self,
                          bhi_fs_error_code *ret_error)
{
    bool is_another = !bhi_lease_files_are_of(self->files, guest->lease->principal);
    if (is_another)
        *ret_error = error_of(BHI_FS_ERROR_CODE_CAPABILITY_DENIED);
    return is_another;
}

static bool read_at(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset, uint32_t max_bytes,
                    bhi_fs_bytes_result *ret)
{
    if (is_of_another(guest, self, &ret->error))
        return true;
    if (offset > INT64_MAX - BHI_FS_IO_BYTES_MAX) { /* behind any end */
        ret->is_ok = true;
        return true;
    }
    return answer_bytes(
        guest,
        &(fs_question){.function = NAME("[method]file-handle.read-at"),
                       .run = bhi_fs_run_read_at,
                       .file = self,
                       .offset = offset,
                       .size = max_bytes < BHI_FS_IO_BYTES_MAX ? max_bytes : BHI_FS_IO_BYTES_MAX},
        ret);
}

static bool write_at(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t offset, bhi_bytes data,
                     bhi_fs_u32_result *ret)
{
    bhi_fs_u64_result number = {0};
    if (is_of_another(guest, self, &ret->error))
        return true;
    if (data.len > BHI_FS_IO_BYTES_MAX || offset > INT64_MAX - BHI_FS_IO_BYTES_MAX) {
        ret->error = error_of(BHI_FS_ERROR_CODE_TOO_LARGE);
        return true;
    }
    fs_question question = {.function = NAME("[method]file-handle.write-at"),
                            .run = bhi_fs_run_write_at,
                            .file = self,
                            .offset = offset,
                            .data = data};
    if (!answer_number(guest, &question, &number))
        return false;
    ret->is_ok = number.is_ok;
    if (ret->is_ok)
        ret->ok = (uint32_t)number.ok;
    else
        ret->error = number.error;
    return true;
}

static bool sync_data(bhi_guest *guest, bhi_fs_file_handle *self, bhi_fs_unit_result *ret)
{
    if (is_of_another(guest, self, &ret->error))
        return true;
    return answer_unit(guest,
                       &(fs_question){.function = NAME("[method]file-handle.sync-data"),
                                      .run = bhi_fs_run_sync_data,
                                      .file = self},
                       ret);
}

static bool sync_all(bhi_guest *guest, bhi_fs_file_handle *self, bhi_fs_unit_result *ret)
{
    if (is_of_another(guest, self, &ret->error))
        return true;
    return answer_unit(guest,
                       &(fs_question){.function = NAME("[method]file-handle.sync-all"),
                                      .run = bhi_fs_run_sync_all,
                                      .file = self},
                       ret);
}

static bool stat_file(bhi_guest *guest, bhi_fs_file_handle *self, bhi_fs_file_stat_result *ret)
{
    if (is_of_another(guest, self, &ret->error))
        return true;
    return answer_stat(guest,
                       &(fs_question){.function = NAME("[method]file-handle.stat"),
                                      .run = bhi_fs_run_stat_file,
                                      .file = self},
                       ret);
}

static bool set_len(bhi_guest *guest, bhi_fs_file_handle *self, uint64_t size,
                    bhi_fs_unit_result *ret)
{
    if (is_of_another(guest, self, &ret->error))
        return true;
    if (size > INT64_MAX) {
        ret->error = error_of(BHI_FS_ERROR_CODE_TOO_LARGE);
        return true;
    }
    return answer_unit(guest,
                       &(fs_question){.function = NAME("[method]file-handle.set-len"),
                                      .run = bhi_fs_run_set_len,
                                      .file = self,
                                      .offset = size},
                       ret);
}

const bhi_fs_host bhi_host_fs = {
    .file_handle_drop = file_handle_drop,
    .file_handle_read_at = read_at,
    .file_handle_write_at = write_at,
    .file_handle_sync_data = sync_data,
    .file_handle_sync_all = sync_all,
    .file_handle_stat = stat_file,
    .file_handle_set_len = set_len,
    .fs_open = fs_open,
    .fs_exists = fs_exists,
    .fs_mkdir = fs_mkdir,
    .fs_mkdir_all = fs_mkdir_all,
    .fs_readdir = fs_readdir,
    .fs_stat = fs_stat,
    .fs_stat_symlink = fs_stat_symlink,
    .fs_unlink = fs_unlink,
    .read_file = read_file,
    .write_file = write_file,
    .fs_append = fs_append,
    .fs_copy = fs_copy,
    .fs_rename = fs_rename,
    .fs_remove_dir_all = fs_remove_dir_all,
    .fs_canonicalize = fs_canonicalize,
    .fs_read_link = fs_read_link,
    .fs_hard_link = fs_hard_link,
};
