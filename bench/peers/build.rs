//! Encodes wit/ as one binary package, so that the program carries the world it needs, and reads
//! the engine's version from the lock file, so that it can tell.

use anyhow::Context;
use std::path::{Path, PathBuf};

fn main() -> anyhow::Result<()> {
    let wit = Path::new("../../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("wit.wasm");
    std::fs::write(out, wit_component::encode(&resolve, package)?)?;
    println!("cargo::rustc-env=WASMTIME_VERSION={}", locked_version("wasmtime")?);
    Ok(())
}

fn locked_version(name: &str) -> anyhow::Result<String> {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock")?;
    lock.split_once(&format!("name = \"{name}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version.to_string())
        .with_context(|| format!("Cargo.lock does not name {name}"))
}
