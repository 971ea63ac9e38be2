//! The peer "reference pool": a pool of typed component instances that are reused as they are.
//!
//! It is what a careful embedder builds on the engine's component API today: a linked component,
//! one store per instance, asynchronous calls of a typed function with post-return, fuel and an
//! epoch deadline set for each call, a semaphore and a stack of idle instances (src/pool.rs). Where
//! it leaves something out, that is in its favour: it has no host state, queues, deadlines of its
//! own or counters.
//!
//! Its calls never wait, so one task of tokio's current-thread runtime makes all calls of a
//! request. That costs the same as polling without a runtime; a task per call, or a runtime with
//! several threads, would only add to each call.

mod guest;
mod host;
mod pool;

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::runtime::{self, Runtime};

use crate::pool::{Builder, CapsuleResult, Pool};

const HELP: &str = "\
usage: reference-pool [--tuned] GUEST.wasm

GUEST.wasm is a capsule: a component, or a core module with the names of the canonical ABI.
The engine is configured as it comes, but for fuel, epochs and stacks; --tuned gives it the pooling
allocator and takes away the support for concurrent calls, which costs each call a microsecond.
One request per line of standard input, one answer per line of standard output:

  invoke BYTES CALLS [ACTION]       mean ns of an invocation, over CALLS of them one after the
                                    other, with a payload of BYTES times \"x\" (action: bench)
  invoke-json BYTES CALLS [ACTION]  the same with a JSON string of BYTES bytes, quotes included
  build COUNT                       mean ns to build an instance; dropping it is not counted
  rebuild COUNT                     mean ns to build an instance and drop it
  fill COUNT                        mean ns to build an instance, when all of them are kept
  version                           the engine and its version

On a failure the answer is \"error: TEXT\" and the exit code 1. End of input: exit code 0.
";

const BYTES_MAX: u32 = 16 << 20;
const COUNT_MAX: u32 = 1_000_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.as_slice() {
        [flag] if flag == "--help" || flag == "-h" => answer(HELP.trim_end()),
        [flag, guest] if flag == "--tuned" => serve(guest, true),
        [guest] => serve(guest, false),
        _ => Err(anyhow!("expected one guest; see --help")),
    };
    if let Err(error) = ended {
        let text = format!("{error:#}").replace('\n', " ");
        let _ = answer(&format!("error: {text}"));
        std::process::exit(1);
    }
}

fn answer(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn serve(guest: &str, is_tuned: bool) -> Result<()> {
    let pool = Pool::new(Builder::new(&guest::read(guest)?, is_tuned)?);
    let runtime = runtime::Builder::new_current_thread().build()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let handled = handle(&pool, &runtime, &words);
        answer(&handled.with_context(|| format!("request \"{line}\""))?)?;
    }
    Ok(())
}

fn handle(pool: &Pool, runtime: &Runtime, words: &[&str]) -> Result<String> {
    let mean_ns = match *words {
        ["version"] => return Ok(format!("wasmtime {} components", env!("WASMTIME_VERSION"))),
        [kind @ ("invoke" | "invoke-json"), bytes, calls, ref rest @ ..] if rest.len() < 2 => {
            let payload = payload(kind, number(bytes, 0, BYTES_MAX)?)?;
            let action = rest.first().unwrap_or(&"bench");
            let calls = number(calls, 1, COUNT_MAX)?;
            let _ticker = pool.tick();
            runtime.block_on(invoke(pool, action, &payload, calls))?
        }
        [kind @ ("build" | "rebuild"), count] => {
            let count = number(count, 1, COUNT_MAX)?;
            let _ticker = pool.tick();
            runtime.block_on(build(pool, count, kind == "rebuild"))?
        }
        ["fill", count] => {
            let count = number(count, 1, COUNT_MAX)?;
            let _ticker = pool.tick();
            runtime.block_on(fill(pool, count))?
        }
        _ => bail!("not a request; see --help"),
    };
    Ok(format!("{mean_ns:.1}"))
}

fn number(word: &str, min: u32, max: u32) -> Result<u32> {
    let value = word.parse().with_context(|| format!("\"{word}\""))?;
    ensure!((min..=max).contains(&value), "expected {min} to {max}, found {value}");
    Ok(value)
}

fn payload(kind: &str, bytes: u32) -> Result<Vec<u8>> {
    let mut payload = vec![b'x'; bytes as usize];
    if kind == "invoke-json" {
        let [first, .., last] = payload.as_mut_slice() else {
            bail!("expected at least 2 bytes, found {bytes}");
        };
        (*first, *last) = (b'"', b'"');
    }
    Ok(payload)
}

async fn invoke(pool: &Pool, action: &str, payload: &[u8], calls: u32) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..calls {
        let mut lease = pool.checkout().await?;
        let result = lease.call(action, payload).await?;
        drop(lease);
        check(&result)?;
    }
    Ok(mean_ns(began.elapsed(), calls))
}

fn check(result: &CapsuleResult) -> Result<()> {
    let data = result.data.as_deref().unwrap_or("");
    ensure!(result.action == "continue", "the guest answered {}: {data}", result.action);
    ensure!(!data.is_empty(), "the guest answered nothing");
    Ok(())
}

async fn build(pool: &Pool, count: u32, is_drop_timed: bool) -> Result<f64> {
    let mut took = Duration::ZERO;
    for _ in 0..count {
        let began = Instant::now();
        let instance = pool.builder.build().await?;
        if is_drop_timed {
            drop(instance);
        }
        took += began.elapsed();
    }
    Ok(mean_ns(took, count))
}

async fn fill(pool: &Pool, count: u32) -> Result<f64> {
    let mut kept = Vec::with_capacity(count as usize);
    let began = Instant::now();
    for _ in 0..count {
        kept.push(pool.builder.build().await?);
    }
    Ok(mean_ns(began.elapsed(), count))
}

fn mean_ns(took: Duration, count: u32) -> f64 {
    took.as_nanos() as f64 / f64::from(count)
}
