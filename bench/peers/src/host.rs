//! What a guest may import: the parts of astrid:sys that the bench guests call, answered at once,
//! and traps for all the rest. The log is lifted and dropped.

use std::time::{Instant, SystemTime};

use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower};
use wasmtime::{Engine, Result, StoreLimits, StoreLimitsBuilder};

const MEMORY_BYTES_MAX: usize = 64 << 20;

pub struct Host {
    pub limits: StoreLimits,
}

impl Host {
    pub fn new() -> Host {
        Host { limits: StoreLimitsBuilder::new().memory_size(MEMORY_BYTES_MAX).build() }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "guests make them")]
enum LogLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "the type of answers that are never given")]
enum SysError {
    #[component(name = "capability-denied")]
    CapabilityDenied,
    #[component(name = "config-key-reserved")]
    ConfigKeyReserved,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "registry-unavailable")]
    RegistryUnavailable,
    #[component(name = "cancelled")]
    Cancelled,
    #[component(name = "unknown")]
    Unknown(String),
}

pub fn link(engine: &Engine, component: &Component) -> Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    let mut sys = linker.instance("astrid:sys/host@1.0.0")?;
    sys.func_wrap("log", |_, (_level, _message): (LogLevel, String)| Ok(()))?;
    sys.func_wrap("get-config", |_, (_key,): (String,)| {
        Ok((Ok::<Option<String>, SysError>(None),))
    })?;
    sys.func_wrap("clock-ms", |_, (): ()| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok((now.as_millis() as u64,))
    })?;
    let start = Instant::now();
    sys.func_wrap("clock-monotonic-ns", move |_, (): ()| Ok((start.elapsed().as_nanos() as u64,)))?;
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}
