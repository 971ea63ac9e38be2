//! What wasm/rewrite.h promises of a rewritten module, checked with wasmparser.

use crate::ours::{self, RESTORABLES, Restorable};
use crate::theirs::{self, Module};
use wasmparser::*;

const PREFIX: &str = "bulkhead:";
const OPERANDS_MAX: usize = 32; // the rewriter's own stack, src/wasm/rewrite.c
const CHANGED: [u8; 3] = [7, 8, 11]; // exports, start, data

#[derive(PartialEq, Debug)]
enum Segment {
    Passive(Vec<u8>),
    Active {
        memory: u32,
        offset_code: Vec<u8>,
        offset: Option<u32>,
        bytes: Vec<u8>,
    },
}

/// None when it is no arithmetic on i32 constants, or one that needs too deep a stack.
fn evaluate(code: &ConstExpr) -> Result<Option<u32>> {
    let mut stack: Vec<u32> = Vec::new();
    for operator in code.get_operators_reader() {
        let combine: fn(u32, u32) -> u32 = match operator? {
            Operator::I32Const { value } if stack.len() < OPERANDS_MAX => {
                stack.push(value as u32);
                continue;
            }
            Operator::End => continue,
            Operator::I32Add => u32::wrapping_add,
            Operator::I32Sub => u32::wrapping_sub,
            Operator::I32Mul => u32::wrapping_mul,
            _ => return Ok(None),
        };
        let (Some(right), Some(left)) = (stack.pop(), stack.pop()) else {
            return Ok(None);
        };
        stack.push(combine(left, right));
    }
    Ok(stack.pop())
}

fn segments(wasm: &[u8], features: WasmFeatures) -> Result<Vec<Segment>> {
    let mut found = Vec::new();
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(wasm) {
        let Payload::DataSection(reader) = payload? else {
            continue;
        };
        for data in reader {
            let data = data?;
            found.push(match data.kind {
                DataKind::Passive => Segment::Passive(data.data.to_vec()),
                DataKind::Active {
                    memory_index,
                    offset_expr,
                } => Segment::Active {
                    memory: memory_index,
                    offset_code: wasm[offset_expr.get_binary_reader().range()].to_vec(),
                    offset: evaluate(&offset_expr)?,
                    bytes: data.data.to_vec(),
                },
            });
        }
    }
    Ok(found)
}

fn unchanged<'a>(wasm: &'a [u8], module: &Module) -> Vec<(u8, &'a [u8])> {
    let kept = module
        .sections
        .iter()
        .filter(|section| !CHANGED.contains(&section.0));
    kept.map(|(id, range)| (*id, &wasm[range.clone()]))
        .collect()
}

type Exports = Vec<(String, u8, u32)>;

fn promised_exports(module: &Module, restorable: Restorable) -> Exports {
    let mut exports = module.exports.clone();
    if module.imported[2] == 0 && !module.memories.is_empty() {
        exports.push((format!("{PREFIX}memory"), 2, 0));
    }
    if let Some(start) = module.start {
        exports.push((format!("{PREFIX}start"), 0, start));
    }
    if restorable != Restorable::No {
        for index in module.globals_mutable() {
            exports.push((format!("{PREFIX}global:{index}"), 3, index));
        }
    }
    if restorable == Restorable::Tables {
        for index in module.imported[1]..module.imported[1] + module.tables.len() as u32 {
            exports.push((format!("{PREFIX}table:{index}"), 1, index));
        }
    }
    exports
}

/// Why the rewriter has to refuse it.
fn reason_to_refuse(module: &Module, segments: &[Segment]) -> Option<&'static str> {
    if module
        .exports
        .iter()
        .any(|export| export.0.starts_with(PREFIX))
    {
        return Some("a reserved name");
    }
    let is_strange = |segment: &Segment| {
        matches!(segment, Segment::Active { memory, offset, .. }
            if *memory != 0 || offset.is_none())
    };
    segments
        .iter()
        .any(is_strange)
        .then_some("an offset that is no constant")
}

fn check_data(old: &[Segment], new: &[Segment], told: &[(u32, Vec<u8>)]) -> Result<(), String> {
    let mut expected = Vec::new();
    let mut expected_told = Vec::new();
    for segment in old {
        expected.push(match segment {
            Segment::Passive(bytes) => Segment::Passive(bytes.clone()),
            Segment::Active {
                memory,
                offset_code,
                offset,
                bytes,
            } => {
                expected_told.push((offset.unwrap(), bytes.clone()));
                Segment::Active {
                    memory: *memory,
                    offset_code: offset_code.clone(),
                    offset: *offset,
                    bytes: Vec::new(),
                }
            }
        });
    }
    if new != expected {
        return Err(format!(
            "data segments: expected {expected:?}, found {new:?}"
        ));
    }
    if told != expected_told {
        return Err(format!(
            "segments to apply: expected {expected_told:?}, found {told:?}"
        ));
    }
    Ok(())
}

fn check_one(
    wasm: &[u8],
    module: &Module,
    restorable: Restorable,
    features: WasmFeatures,
) -> Result<bool, String> {
    let old_segments = segments(wasm, features).map_err(|e| e.to_string())?;
    let refusal = reason_to_refuse(module, &old_segments);
    let rewritten = match (ours::rewrite(wasm, restorable), refusal) {
        (Ok(rewritten), None) => rewritten,
        (Err(_), Some(_)) => return Ok(false),
        (Err(why), None) => return Err(format!("refused: {why}")),
        (Ok(_), Some(why)) => return Err(format!("not refused, although {why}")),
    };
    theirs::is_valid(&rewritten.wasm, features).map_err(|e| format!("not valid: {e}"))?;
    let new = Module::read(&rewritten.wasm, features).map_err(|e| e.to_string())?;
    if unchanged(wasm, module) != unchanged(&rewritten.wasm, &new) {
        return Err("a section differs that should not".into());
    }
    if new.start.is_some() {
        return Err("the start section is still there".into());
    }
    let exports = promised_exports(module, restorable);
    if new.exports != exports {
        return Err(format!(
            "exports: expected {exports:?}, found {:?}",
            new.exports
        ));
    }
    let told = &exports[module.exports.len()..];
    let indices = |kind: u8| {
        told.iter()
            .filter(|e| e.1 == kind)
            .map(|e| e.2)
            .collect::<Vec<u32>>()
    };
    if rewritten.globals != indices(3)
        || rewritten.tables != indices(1)
        || rewritten.has_memory != !indices(2).is_empty()
        || rewritten.has_start != module.start.is_some()
    {
        return Err("what it says of its exports is not what it exports".into());
    }
    let new_segments = segments(&rewritten.wasm, features).map_err(|e| e.to_string())?;
    check_data(&old_segments, &new_segments, &rewritten.segments)?;
    let read = ours::describe(&rewritten.wasm).map_err(|why| format!("read again: {why}"))?;
    if read != new.describe() {
        return Err("the parsers differ over the rewritten module".into());
    }
    Ok(true)
}

/// Whether it was rewritten, or refused as it should be.
pub fn check(wasm: &[u8], module: &Module, features: WasmFeatures) -> Result<bool, String> {
    let mut was_rewritten = false;
    for restorable in RESTORABLES {
        was_rewritten = check_one(wasm, module, restorable, features)
            .map_err(|why| format!("rewritten for {restorable:?}: {why}"))?;
    }
    Ok(was_rewritten)
}
