//! A guest file becomes a component, if it is not one already.
//!
//! A core module that follows the canonical ABI's names is wrapped here with the world of wit/,
//! which build.rs put into the program. That happens once, at the start.

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId, WorldKey};

static WIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wit.wasm"));

pub fn read(path: &str) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {path}"))?;
    if Parser::is_component(&bytes) {
        return Ok(bytes);
    }
    wrap(bytes).with_context(|| format!("cannot make a component of {path}"))
}

fn wrap(mut module: Vec<u8>) -> Result<Vec<u8>> {
    let (resolve, world) = world_of(&module)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// The encoder wants every export of the world, and a capsule has those that it needs: leave out
/// of the world what the module does not export. Imports that are not used go by themselves.
fn world_of(module: &[u8]) -> Result<(Resolve, WorldId)> {
    let DecodedWasm::WitPackage(mut resolve, package) = wit_component::decode(WIT)? else {
        bail!("the program's own copy of wit/ is no package");
    };
    let world = resolve.select_world(&[package], Some("capsule"))?;
    let names = export_names(module)?;
    resolve.worlds[world].exports.retain(|key, _| match key {
        WorldKey::Name(name) => names.contains(&name.as_str()),
        WorldKey::Interface(_) => true,
    });
    Ok((resolve, world))
}

fn export_names(module: &[u8]) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(section) = payload? {
            for export in section {
                names.push(export?.name);
            }
        }
    }
    Ok(names)
}
