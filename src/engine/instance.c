/* engine/instance.c - make and unmake an instance: store, guest, driver.
 *
 * The driver is instantiated from one process-wide pre-linked module; what it calls of the guest
 * is put into its table. Export handles are looked up once, because a lookup by name costs more
 * than a whole synchronous call.
 */
#include "engine/instance.h"

#include <stdlib.h>

#include "base/assert.h"
#include "driver_wasm.h"

static wasmtime_error_t *define_driver_imports(wasmtime_linker_t *linker)
{
    wasm_functype_t *lower = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_functype_t *lift = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_functype_t *wait = wasm_functype_new_0_0();
    wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(
        linker, "host", 4, "lower", 5, lower, bhi_driver_lower_cb, NULL, NULL);
    if (error == NULL)
        error = wasmtime_linker_define_func_unchecked(linker, "host", 4, "lift", 4, lift,
                                                      bhi_driver_lift_cb, NULL, NULL);
    if (error == NULL)
        error = wasmtime_linker_define_async_func(linker, "host", 4, "wait", 4, wait,
                                                  bhi_driver_wait_cb, NULL, NULL);
    wasm_functype_delete(lower);
    wasm_functype_delete(lift);
    wasm_functype_delete(wait);
    return error;
}

bh_status bhi_driver_create(bhi_engine *engine, wasmtime_instance_pre_t **ret_driver,
                            bh_error *reterr)
{
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error =
        wasmtime_module_new(engine->wasm, driver_wasm, sizeof driver_wasm, &module);
    if (error != NULL)
        return bhi_fail_engine(reterr, BH_E_UNSUPPORTED, "the driver module", error);
    wasmtime_linker_t *linker = wasmtime_linker_new(engine->wasm);
    error = define_driver_imports(linker);
    if (error == NULL)
        error = wasmtime_linker_instantiate_pre(linker, module, ret_driver);
    wasmtime_linker_delete(linker);
    wasmtime_module_delete(module);
    return error == NULL
               ? BH_OK
               : bhi_fail_engine(reterr, BH_E_UNSUPPORTED, "linking the driver module", error);
}

/* What its memory starts from, and whether writes to it are known. */
static void choose_memory(bhi_instance *instance)
{
    const bhi_snapshot *snapshot = instance->snapshot;
    bool must_initialise = snapshot == NULL || snapshot->must_initialise;
    instance->memory.image = must_initialise ? instance->code->initial : snapshot->image;
    instance->memory.is_restorable = instance->is_tracked && !must_initialise;
}

bh_status bhi_instance_create(bhi_code *code, const struct bhi_host_table *host,
                              const bhi_instance_options *options, bhi_instance **ret_instance,
                              bh_error *reterr)
{
    static const bhi_instance_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    BHI_ASSERT(!options->is_tracked || options->snapshot != NULL);
    bhi_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return bhi_fail(reterr, BH_E_NOMEM, "no memory for an instance");
    instance->code = bhi_code_retain(code);
    instance->guest.ops = &bhi_instance_guest_ops;
    instance->guest.host = host;
    instance->memory.guest = &instance->guest;
    instance->snapshot = options->snapshot != NULL ? bhi_snapshot_retain(options->snapshot) : NULL;
    instance->is_tracked = options->is_tracked;
    instance->must_prime =
        options->snapshot != NULL ? options->snapshot->is_primed : options->must_prime;
    choose_memory(instance);
    instance->store = wasmtime_store_new(code->engine->wasm, instance, NULL);
    instance->context = wasmtime_store_context(instance->store);
    wasmtime_store_epoch_deadline_callback(instance->store, bhi_instance_epoch_cb, instance, NULL);
    *ret_instance = instance;
    return BH_OK;
}

void bhi_instance_destroy(bhi_instance *instance)
{
    if (instance == NULL)
        return;
    bhi_instance_abandon(instance, BH_OUTCOME_CANCELLED);
    bhr_typed_func_delete(instance->driver_hook);
    bhr_typed_func_delete(instance->driver_entry);
    bhr_typed_func_delete(instance->driver_prime);
    bhi_state_close(&instance->state);
    wasmtime_store_delete(instance->store);
    bhi_snapshot_release(instance->snapshot);
    bhi_arena_deinit(&instance->guest.arena);
    bhi_code_release(instance->code);
    free(instance->failure);
    free(instance);
}

bhi_guest *bhi_instance_guest(bhi_instance *instance)
{
    return &instance->guest;
}

bool bhi_instance_is_primed(const bhi_instance *instance)
{
    return instance->is_primed;
}

uint64_t bhi_instance_memory_bytes(const bhi_instance *instance)
{
    return instance->memory.region.bytes;
}

static bool find_func(bhi_instance *instance, const wasmtime_instance_t *owner, const char *name,
                      wasmtime_func_t *ret_func)
{
    wasmtime_extern_t found;
    if (!wasmtime_instance_export_get(instance->context, owner, name, strlen(name), &found))
        return false;
    bool is_func = found.kind == WASMTIME_EXTERN_FUNC;
    if (is_func)
        *ret_func = found.of.func;
    wasmtime_extern_delete(&found);
    return is_func;
}

static bool find_typed(bhi_instance *instance, const char *name, bhr_typed_func **ret_func)
{
    wasmtime_func_t func;
    if (!find_func(instance, &instance->driver_instance, name, &func))
        return false;
    *ret_func = bhr_typed_func_new(instance->context, &func);
    return *ret_func != NULL;
}

static bh_status instantiate_driver(bhi_instance *instance, bh_error *reterr)
{
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = NULL;
    wasmtime_call_future_t *future =
        wasmtime_instance_pre_instantiate_async(instance->code->engine->driver, instance->context,
                                                &instance->driver_instance, &trap, &error);
    bool is_done = wasmtime_call_future_poll(future); /* it has no start function: never pending */
    wasmtime_call_future_delete(future);
    if (error != NULL)
        return bhi_fail_engine(reterr, BH_E_BUILD, "instantiating the driver", error);
    if (trap != NULL)
        wasm_trap_delete(trap);
    return is_done && trap == NULL ? BH_OK
                                   : bhi_fail(reterr, BH_E_BUILD, "the driver did not start");
}

/* The host calls realloc unchecked: a function of another type would write over the host's stack.
 * The link check read our own view of the module; this asks the engine about the very handle. */
static bool is_realloc(bhi_instance *instance, const wasmtime_func_t *func)
{
    wasm_functype_t *type = wasmtime_func_type(instance->context, func);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    const wasm_valtype_vec_t *results = wasm_functype_results(type);
    bool is_right = params->size == 4 && results->size == 1;
    for (size_t i = 0; is_right && i < params->size; i++)
        is_right = wasm_valtype_kind(params->data[i]) == WASM_I32;
    is_right = is_right && wasm_valtype_kind(results->data[0]) == WASM_I32;
    wasm_functype_delete(type);
    return is_right;
}

static bh_status put_in_table(bhi_instance *instance, const wasmtime_table_t *table, uint32_t slot,
                              const char *export, bh_error *reterr)
{
    if (export == NULL)
        return BH_OK;
    wasmtime_val_t value = {.kind = WASMTIME_FUNCREF};
    if (!find_func(instance, &instance->guest_instance, export, &value.of.funcref))
        return bhi_fail(reterr, BH_E_BUILD, "export %s is not a function", export);
    if (slot == BHI_DRIVER_REALLOC && !is_realloc(instance, &value.of.funcref))
        return bhi_fail(reterr, BH_E_BUILD, "export %s is not a realloc", export);
    if (slot == BHI_DRIVER_REALLOC)
        instance->guest_realloc = value.of.funcref;
    wasmtime_error_t *error = wasmtime_table_set(instance->context, table, slot, &value);
    return error == NULL ? BH_OK : bhi_fail_engine(reterr, BH_E_BUILD, "filling the driver", error);
}

static bh_status fill_driver_table(bhi_instance *instance, const wasmtime_table_t *table,
                                   bh_error *reterr)
{
    const bhi_code_exports *exports = &instance->code->exports;
    const char *const names[BHI_DRIVER_SLOT_COUNT] = {
        [BHI_DRIVER_REALLOC] = exports->realloc,
        [BHI_DRIVER_HOOK] = exports->entries[BHI_ENTRY_HOOK],
        [BHI_DRIVER_POST_RETURN] = exports->post_return,
        [BHI_DRIVER_START] = exports->start,
        [BHI_DRIVER_INITIALIZE] = exports->initialize,
        [BHI_DRIVER_INSTALL] = exports->entries[BHI_ENTRY_INSTALL],
        [BHI_DRIVER_UPGRADE] = exports->entries[BHI_ENTRY_UPGRADE],
        [BHI_DRIVER_RUN] = exports->entries[BHI_ENTRY_RUN],
    };
    bh_status status = BH_OK;
    for (uint32_t slot = 0; slot < BHI_DRIVER_SLOT_COUNT && status == BH_OK; slot++)
        status = put_in_table(instance, table, slot, names[slot], reterr);
    return status;
}

static bh_status attach_driver(bhi_instance *instance, bh_error *reterr)
{
    bh_status status = instantiate_driver(instance, reterr);
    if (status != BH_OK)
        return status;
    const wasmtime_instance_t *driver = &instance->driver_instance;
    wasmtime_extern_t table;
    if (!find_typed(instance, "hook", &instance->driver_hook) ||
        !find_typed(instance, "entry", &instance->driver_entry) ||
        !find_typed(instance, "prime", &instance->driver_prime) ||
        !find_func(instance, driver, "wait", &instance->driver_wait) ||
        !find_func(instance, driver, "allocate", &instance->driver_allocate) ||
        !wasmtime_instance_export_get(instance->context, driver, "guest", 5, &table))
        return bhi_fail(reterr, BH_E_BUILD, "the driver lacks an export");
    status = fill_driver_table(instance, &table.of.table, reterr);
    wasmtime_extern_delete(&table);
    return status;
}

static bh_status find_memory(bhi_instance *instance, bh_error *reterr)
{
    wasmtime_extern_t item;
    if (!instance->code->state.has_memory)
        return BH_OK;
    if (!wasmtime_instance_export_get(instance->context, &instance->guest_instance,
                                      BHI_REWRITE_MEMORY, strlen(BHI_REWRITE_MEMORY), &item))
        return bhi_fail(reterr, BH_E_BUILD, "the rewritten module lacks its memory");
    instance->guest_memory = item.of.memory;
    wasmtime_extern_delete(&item);
    return BH_OK;
}

static void set_number(bhi_instance *instance, uint32_t index)
{
    const wasmtime_val_t *value = &instance->snapshot->globals[index];
    bhi_kept_global *kept = &instance->state.globals[index];
    if (value->kind == WASMTIME_FUNCREF)
        return; /* initialisation left it as it was, or runs again */
    wasmtime_error_t *error = wasmtime_global_set(instance->context, &kept->global, value);
    BHI_ASSERT(error == NULL); /* it is mutable and of this type */
    kept->value = *value;
}

static void set_numbers(bhi_instance *instance)
{
    for (uint32_t i = 0; i < instance->state.globals_count; i++)
        set_number(instance, i);
}

bh_status bhi_instance_attach(bhi_instance *instance, bh_error *reterr)
{
    bh_status status = attach_driver(instance, reterr);
    if (status == BH_OK)
        status = find_memory(instance, reterr);
    if (status == BH_OK)
        status = bhi_state_open(&instance->state, instance->code, instance->context,
                                &instance->guest_instance, reterr);
    if (status == BH_OK && instance->snapshot != NULL && !instance->snapshot->must_initialise)
        set_numbers(instance);
    return status;
}

bh_status bhi_instance_adopt_snapshot(bhi_instance *instance, bh_error *reterr)
{
    if (!instance->is_tracked)
        return BH_OK; /* it goes on from where its own initialisation ended */
    if (instance->code->state.has_memory &&
        !bhi_region_rebase(&instance->memory.region, instance->snapshot->image))
        return bhi_fail(reterr, BH_E_BUILD,
                        "initialisation changes a table, and its memory differs from one instance "
                        "to the next: set reuse = \"never\"");
    set_numbers(instance);
    return bhi_state_keep(&instance->state, instance->context, reterr);
}
