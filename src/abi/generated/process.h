/* abi/generated/process.h - the types and host functions of astrid:process/host@1.0.0.
 *
 * Made by tools/witgen from wit/; do not edit. */
#ifndef BHI_ABI_GENERATED_PROCESS_H
#define BHI_ABI_GENERATED_PROCESS_H

#include "abi/generated/types.h"

/* The exit code, or the signal that ended it. */
typedef struct bhi_process_exit_info {
    bool has_exit_code;
    int32_t exit_code;
    bool has_signal;
    int32_t signal;
} bhi_process_exit_info;

typedef struct bhi_process_exit_info_option {
    bool is_some;
    bhi_process_exit_info value;
} bhi_process_exit_info_option;

/* Output taken, and whether the child still runs. */
typedef struct bhi_process_read_logs_result {
    bhi_bytes stdout_;
    bhi_bytes stderr_;
    bool running;
    bool has_exit;
    bhi_process_exit_info exit;
} bhi_process_read_logs_result;

/* Why a process call failed. */
typedef enum bhi_process_error_code_tag {
    BHI_PROCESS_ERROR_CODE_CAPABILITY_DENIED,
    BHI_PROCESS_ERROR_CODE_INVALID_INPUT,
    BHI_PROCESS_ERROR_CODE_BOUNDARY_ESCAPE,
    BHI_PROCESS_ERROR_CODE_QUOTA,
    BHI_PROCESS_ERROR_CODE_TOO_LARGE,
    BHI_PROCESS_ERROR_CODE_CLOSED,
    BHI_PROCESS_ERROR_CODE_CANCELLED,
    BHI_PROCESS_ERROR_CODE_WAIT_TIMEOUT,
    BHI_PROCESS_ERROR_CODE_NO_SUCH_PROCESS,
    BHI_PROCESS_ERROR_CODE_REGISTRY_FULL,
    BHI_PROCESS_ERROR_CODE_PERSIST_UNSUPPORTED,
    BHI_PROCESS_ERROR_CODE_UNKNOWN,
} bhi_process_error_code_tag;

typedef struct bhi_process_error_code {
    bhi_process_error_code_tag tag;
    bhi_bytes unknown;
} bhi_process_error_code;

/* A signal that may be sent. */
typedef enum bhi_process_signal {
    BHI_PROCESS_SIGNAL_TERM,
    BHI_PROCESS_SIGNAL_HUP,
    BHI_PROCESS_SIGNAL_USR1,
    BHI_PROCESS_SIGNAL_USR2,
    BHI_PROCESS_SIGNAL_INT,
    BHI_PROCESS_SIGNAL_STOP,
    BHI_PROCESS_SIGNAL_CONT,
} bhi_process_signal;

/* What was left when the child was killed. */
typedef struct bhi_process_kill_result {
    bool killed;
    bool has_exit;
    bhi_process_exit_info exit;
    bhi_bytes stdout_;
    bhi_bytes stderr_;
} bhi_process_kill_result;

/* All output of a child that has exited. */
typedef struct bhi_process_result {
    bhi_bytes stdout_;
    bhi_bytes stderr_;
    bhi_process_exit_info exit;
} bhi_process_result;

/* One environment variable. */
typedef struct bhi_process_env_var {
    bhi_bytes key;
    bhi_bytes value;
} bhi_process_env_var;

/* What the child may use at most. */
typedef struct bhi_process_resource_limits {
    bool has_max_memory_bytes;
    uint64_t max_memory_bytes;
    bool has_max_cpu_secs;
    uint64_t max_cpu_secs;
    bool has_max_pids;
    uint32_t max_pids;
    bool has_max_open_files;
    uint32_t max_open_files;
} bhi_process_resource_limits;

/* What happens when the output ring is full. */
typedef enum bhi_process_overflow_policy {
    BHI_PROCESS_OVERFLOW_POLICY_DROP_OLDEST,
    BHI_PROCESS_OVERFLOW_POLICY_BACKPRESSURE,
} bhi_process_overflow_policy;

typedef struct bhi_process_env_var_list {
    const bhi_process_env_var *data;
    size_t len;
} bhi_process_env_var_list;

typedef struct bhi_process_resource_limits_option {
    bool is_some;
    bhi_process_resource_limits value;
} bhi_process_resource_limits_option;

typedef struct bhi_process_overflow_policy_option {
    bool is_some;
    bhi_process_overflow_policy value;
} bhi_process_overflow_policy_option;

/* What to start. From `label` on, fields count for persistent children only. */
typedef struct bhi_process_spawn_request {
    bhi_bytes cmd;
    bhi_text_list args;
    bool has_stdin_;
    bhi_bytes stdin_;
    bhi_process_env_var_list env;
    bool has_cwd;
    bhi_bytes cwd;
    bool has_limits;
    bhi_process_resource_limits limits;
    bool has_label;
    bhi_bytes label;
    bool has_keep_stdin_open;
    bool keep_stdin_open;
    bool has_overflow;
    bhi_process_overflow_policy overflow;
    bool has_log_ring_bytes;
    uint32_t log_ring_bytes;
    bool has_max_lifetime_ms;
    uint64_t max_lifetime_ms;
    bool has_idle_timeout_ms;
    uint64_t idle_timeout_ms;
    bool has_exit_retention_ms;
    uint64_t exit_retention_ms;
} bhi_process_spawn_request;

/* Where in its life a child is. */
typedef enum bhi_process_phase {
    BHI_PROCESS_PHASE_STARTING,
    BHI_PROCESS_PHASE_RUNNING,
    BHI_PROCESS_PHASE_EXITED,
} bhi_process_phase;

/* What is known about a persistent child. */
typedef struct bhi_process_info {
    bhi_bytes id;
    bhi_bytes label;
    bhi_bytes command;
    bool has_os_pid;
    uint32_t os_pid;
    bhi_process_phase phase;
    bool has_exit;
    bhi_process_exit_info exit;
    uint64_t age_ms;
    uint64_t idle_ms;
    uint64_t buffered_bytes;
    uint64_t bytes_dropped;
    bool stdin_open;
    bool has_cpu_ms;
    uint64_t cpu_ms;
    bool has_mem_bytes_peak;
    uint64_t mem_bytes_peak;
} bhi_process_info;

/* Which output. */
typedef enum bhi_process_log_stream {
    BHI_PROCESS_LOG_STREAM_STDOUT,
    BHI_PROCESS_LOG_STREAM_STDERR,
} bhi_process_log_stream;

/* Where reading goes on; no token is the oldest byte. */
typedef struct bhi_process_log_cursor {
    bool has_token;
    bhi_bytes token;
} bhi_process_log_cursor;

/* A piece of output and the cursor after it. */
typedef struct bhi_process_log_chunk {
    bhi_bytes data;
    bhi_process_log_cursor next;
    uint64_t bytes_dropped;
    bool drained_eof;
} bhi_process_log_chunk;

typedef struct bhi_process_read_logs_result_result {
    bool is_ok;
    union {
        bhi_process_read_logs_result ok;
        bhi_process_error_code error;
    };
} bhi_process_read_logs_result_result;

typedef struct bhi_process_u32_result {
    bool is_ok;
    union {
        uint32_t ok;
        bhi_process_error_code error;
    };
} bhi_process_u32_result;

typedef struct bhi_process_unit_result {
    bool is_ok;
    bhi_process_error_code error;
} bhi_process_unit_result;

typedef struct bhi_process_kill_result_result {
    bool is_ok;
    union {
        bhi_process_kill_result ok;
        bhi_process_error_code error;
    };
} bhi_process_kill_result_result;

typedef struct bhi_process_exit_info_result {
    bool is_ok;
    union {
        bhi_process_exit_info ok;
        bhi_process_error_code error;
    };
} bhi_process_exit_info_result;

typedef struct bhi_process_result_result {
    bool is_ok;
    union {
        bhi_process_result ok;
        bhi_process_error_code error;
    };
} bhi_process_result_result;

typedef struct bhi_process_handle_result {
    bool is_ok;
    union {
        bhi_process_handle *ok;
        bhi_process_error_code error;
    };
} bhi_process_handle_result;

typedef struct bhi_process_text_result {
    bool is_ok;
    union {
        bhi_bytes ok;
        bhi_process_error_code error;
    };
} bhi_process_text_result;

typedef struct bhi_process_info_list {
    const bhi_process_info *data;
    size_t len;
} bhi_process_info_list;

typedef struct bhi_process_info_list_result {
    bool is_ok;
    union {
        bhi_process_info_list ok;
        bhi_process_error_code error;
    };
} bhi_process_info_list_result;

typedef struct bhi_process_info_result {
    bool is_ok;
    union {
        bhi_process_info ok;
        bhi_process_error_code error;
    };
} bhi_process_info_result;

typedef struct bhi_process_log_chunk_result {
    bool is_ok;
    union {
        bhi_process_log_chunk ok;
        bhi_process_error_code error;
    };
} bhi_process_log_chunk_result;

/* Child processes: some die with the lease, persistent ones are found again by id. */
typedef struct bhi_process_host {
    void (*process_handle_drop)(void *process_handle);
    /* Take what both outputs hold. */
    bool (*process_handle_read_logs)(bhi_guest *guest, bhi_process_handle *self,
                                     bhi_process_read_logs_result_result *ret);
    /* Feed standard input; answers how many bytes were taken. */
    bool (*process_handle_write_stdin)(bhi_guest *guest, bhi_process_handle *self, bhi_bytes data,
                                       bhi_process_u32_result *ret);
    /* End standard input; may be called again. */
    bool (*process_handle_close_stdin)(bhi_guest *guest, bhi_process_handle *self,
                                       bhi_process_unit_result *ret);
    /* Send a signal to the child's group. */
    bool (*process_handle_signal)(bhi_guest *guest, bhi_process_handle *self,
                                  bhi_process_signal sig, bhi_process_unit_result *ret);
    /* Kill the child's group and collect what is known. */
    bool (*process_handle_kill)(bhi_guest *guest, bhi_process_handle *self,
                                bhi_process_kill_result_result *ret);
    /* Wait for the exit; a timeout leaves the child running. */
    bool (*process_handle_wait)(bhi_guest *guest, bhi_process_handle *self,
                                bhi_u64_option timeout_ms, bhi_process_exit_info_result *ret);
    /* Wait for the exit and take everything it wrote. */
    bool (*process_handle_wait_with_output)(bhi_guest *guest, bhi_process_handle *self,
                                            bhi_u64_option timeout_ms,
                                            bhi_process_result_result *ret);
    /* The child's process id while it lives. */
    bool (*process_handle_os_pid)(bhi_guest *guest, bhi_process_handle *self,
                                  bhi_process_u32_result *ret);
    /* Ready when the child has exited. */
    bool (*process_handle_subscribe_exit)(bhi_guest *guest, bhi_process_handle *self,
                                          bhi_poll_pollable **ret);
    /* Ready when an output holds bytes or the child has exited. */
    bool (*process_handle_subscribe_logs)(bhi_guest *guest, bhi_process_handle *self,
                                          bhi_poll_pollable **ret);
    /* Start a child and wait for its exit. */
    bool (*spawn)(bhi_guest *guest, const bhi_process_spawn_request *request,
                  bhi_process_result_result *ret);
    /* Start a child that lives as long as its handle. */
    bool (*spawn_background)(bhi_guest *guest, const bhi_process_spawn_request *request,
                             bhi_process_handle_result *ret);
    /* Start a child that outlives the lease. */
    bool (*spawn_persistent)(bhi_guest *guest, const bhi_process_spawn_request *request,
                             bhi_process_text_result *ret);
    /* A view of a persistent child as a handle; dropping it only detaches. */
    bool (*attach)(bhi_guest *guest, bhi_bytes id, bhi_process_handle_result *ret);
    /* The persistent children of this principal and capsule, filtered by label. */
    bool (*list_processes)(bhi_guest *guest, bhi_text_option label_filter,
                           bhi_process_info_list_result *ret);
    /* What is known about one child. */
    bool (*status)(bhi_guest *guest, bhi_bytes id, bhi_process_info_result *ret);
    /* What is known about several; unknown ids are left out. */
    bool (*status_many)(bhi_guest *guest, bhi_text_list ids, bhi_process_info_list_result *ret);
    /* Take what both outputs of a persistent child hold. */
    bool (*read_logs)(bhi_guest *guest, bhi_bytes id, bhi_process_read_logs_result_result *ret);
    /* Read one output from a cursor on, without taking it. */
    bool (*read_since)(bhi_guest *guest, bhi_bytes id, bhi_process_log_stream which_stream,
                       const bhi_process_log_cursor *cursor, uint32_t max_bytes,
                       bhi_process_log_chunk_result *ret);
    /* Feed standard input of a persistent child. */
    bool (*write_stdin)(bhi_guest *guest, bhi_bytes id, bhi_bytes data,
                        bhi_process_u32_result *ret);
    /* End standard input of a persistent child. */
    bool (*close_stdin)(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret);
    /* Send a signal to a persistent child's group. */
    bool (*signal)(bhi_guest *guest, bhi_bytes id, bhi_process_signal sig,
                   bhi_process_unit_result *ret);
    /* Wait for the exit of a persistent child; it stays listed. */
    bool (*wait)(bhi_guest *guest, bhi_bytes id, uint64_t timeout_ms,
                 bhi_process_exit_info_result *ret);
    /* Ask it to end, kill it after the grace, and forget it. */
    bool (*stop)(bhi_guest *guest, bhi_bytes id, bhi_u64_option grace_ms,
                 bhi_process_exit_info_result *ret);
    /* Forget a persistent child that has exited. */
    bool (*release_process)(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret);
    /* Publish events about this child under a topic suffix. */
    bool (*watch)(bhi_guest *guest, bhi_bytes id, bhi_text_option suffix,
                  bhi_process_unit_result *ret);
    /* Stop publishing events about this child. */
    bool (*unwatch)(bhi_guest *guest, bhi_bytes id, bhi_process_unit_result *ret);
} bhi_process_host;

#endif
