//! The pool: permits of a semaphore, and a stack of instances, last returned first lent.
//!
//! An instance is a store with the component in it. It goes back as it is: nothing resets its
//! memory, and no state of the host is set or cleared around a call. An instance whose call fails
//! is dropped. Building and calling are asynchronous, with fuel and epochs on.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, Func, InstancePre, Lift, TypedFunc,
};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};

use crate::host::{self, Host};

const LIVE_MAX: usize = 8;
const FUEL: u64 = 10_000_000_000;
const TICK: Duration = Duration::from_millis(1);
const DEADLINE_TICKS: u64 = 30_000;
const WASM_STACK_BYTES: usize = 1 << 20;

type Params<'a> = (&'a str, &'a [u8]);
type Answer = (CapsuleResult,);

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct CapsuleResult {
    pub action: String,
    pub data: Option<String>,
}

/// Tuned: the pooling allocator builds instances five times faster; it keeps no pages resident,
/// since zeroing them costs more than giving them back. Calls are made one at a time per store, so
/// support for concurrent ones, which is on by default, is not needed.
fn create_engine(is_tuned: bool) -> Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(2 * WASM_STACK_BYTES);
    if is_tuned {
        let mut pooling = PoolingAllocationConfig::new();
        pooling
            .total_component_instances(64)
            .total_core_instances(256)
            .total_memories(64)
            .total_tables(256)
            .total_stacks(64);
        config.allocation_strategy(pooling).concurrency_support(false);
    }
    Ok(Engine::new(&config)?)
}

pub struct Instance {
    store: Store<Host>,
    hook: Func,
}

impl Instance {
    async fn call(&mut self, action: &str, payload: &[u8]) -> Result<CapsuleResult> {
        self.store.set_fuel(FUEL)?;
        self.store.set_epoch_deadline(DEADLINE_TICKS);
        // SAFETY: Builder::build checked the type. This is how the engine's own bindgen keeps
        // functions whose parameters borrow.
        let hook = unsafe { TypedFunc::<Params, Answer>::new_unchecked(self.hook) };
        let (result,) = hook.call_async(&mut self.store, (action, payload)).await?;
        Ok(result)
    }
}

pub struct Builder {
    engine: Engine,
    pre: InstancePre<Host>,
    hook: ComponentExportIndex,
}

impl Builder {
    pub fn new(component: &[u8], is_tuned: bool) -> Result<Builder> {
        let engine = create_engine(is_tuned)?;
        let component = Component::new(&engine, component)?;
        let hook = component
            .get_export_index(None, "astrid-hook-trigger")
            .context("the guest does not export astrid-hook-trigger")?;
        let pre = host::link(&engine, &component)?.instantiate_pre(&component)?;
        Ok(Builder { engine, pre, hook })
    }

    pub async fn build(&self) -> Result<Instance> {
        let mut store = Store::new(&self.engine, Host::new());
        store.limiter(|host| &mut host.limits);
        store.set_fuel(FUEL)?;
        store.set_epoch_deadline(DEADLINE_TICKS);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let hook = instance.get_typed_func::<Params, Answer>(&mut store, &self.hook)?;
        let hook = *hook.func();
        Ok(Instance { store, hook })
    }
}

pub struct Pool {
    pub builder: Builder,
    permits: Semaphore,
    idle: Mutex<Vec<Instance>>,
}

impl Pool {
    pub fn new(builder: Builder) -> Pool {
        let idle = Mutex::new(Vec::with_capacity(LIVE_MAX));
        Pool { builder, permits: Semaphore::new(LIVE_MAX), idle }
    }

    /// A permit says that fewer than LIVE_MAX instances are out, so building is allowed when none
    /// is idle.
    pub async fn checkout(&self) -> Result<Lease<'_>> {
        let permit = self.permits.acquire().await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => self.builder.build().await?,
        };
        Ok(Lease { pool: self, instance: Some(instance), _permit: permit })
    }

    /// Advance epochs until the ticker is dropped.
    pub fn tick(&self) -> Ticker {
        Ticker::start(self.builder.engine.clone())
    }
}

/// Returns its instance to the pool when it is dropped, before the permit.
pub struct Lease<'a> {
    pool: &'a Pool,
    instance: Option<Instance>,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    pub async fn call(&mut self, action: &str, payload: &[u8]) -> Result<CapsuleResult> {
        let mut instance = self.instance.take().context("the instance is gone")?;
        let result = instance.call(action, payload).await?;
        self.instance = Some(instance);
        Ok(result)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
    }
}

/// A thread that advances the engine's epoch. It lives while a request is answered: between
/// requests this process must not disturb the one that asks.
pub struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: Engine) -> Ticker {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        Ticker { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
