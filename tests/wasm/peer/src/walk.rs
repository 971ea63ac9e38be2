//! Every opcode, alone in a body: known or not, and how long it is.

use std::collections::BTreeSet;

use crate::ours;
use crate::theirs::{STRICT, is_enabled, proposal_of};
use wasmparser::{BinaryReader, Operator, OperatorsReader};

const SUB_OPCODES: u32 = 0x200;

/// Operands of several shapes: small, padded, of full length, types, vectors of one and two.
const OPERANDS: &[&[u8]] = &[
    &[],
    &[0, 0],
    &[0],
    &[1],
    &[1, 0],
    &[2, 0, 0, 0],
    &[1, 0x81, 0, 0],
    &[0x40],
    &[0x7f],
    &[0x7b],
    &[0x70],
    &[0x63, 0x70],
    &[1, 0x7f],
    &[2, 0x7f, 0x70],
    &[0x80, 0x00, 0x80, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x80, 0x78],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
    &[2, 0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1],
    &[3, 0x80, 0x01, 7],
    &[0x0b; 4],
    &[0x0b; 8],
    &[0x0b; 16],
    &[0xff; 16],
];
const NOPS: usize = 24; // behind the operands: shorter operands leave them as instructions

/// One function () -> () of these instructions; no table, no memory: only decoding is asked for.
fn module(code: &[u8]) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0".to_vec();
    let body = code.len() as u8 + 1;
    wasm.extend([10, body + 2, 1, body, 0]);
    wasm.extend(code);
    wasm
}

fn instructions(description: &str) -> u64 {
    let line = description
        .lines()
        .find_map(|line| line.strip_prefix("instructions "));
    line.expect("a count of instructions").parse().unwrap()
}

fn opcode_bytes(prefix: Option<u8>, code: u32) -> Vec<u8> {
    let Some(prefix) = prefix else {
        return vec![code as u8];
    };
    let mut bytes = vec![prefix];
    let mut rest = code;
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// The length of the instruction, and whether it opens or closes a block.
fn their_length(bytes: &[u8]) -> Option<(usize, i32, bool, &'static str)> {
    let mut reader = OperatorsReader::new(BinaryReader::new_features(bytes, 0, STRICT));
    let operator = reader.read().ok()?;
    let (proposal, name) = proposal_of(&operator);
    let depth = match operator {
        Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => 1,
        Operator::End => -1,
        _ => 0,
    };
    Some((
        reader.original_position(),
        depth,
        is_enabled(proposal),
        name,
    ))
}

/// An opcode with one choice of operands: whether each parser knows it. Lengths must agree.
fn compare(opcode: &[u8], operands: &[u8]) -> Result<(bool, bool, &'static str), String> {
    let mut bytes = [opcode, operands].concat();
    bytes.resize(bytes.len() + NOPS, 0x01);
    let theirs = their_length(&bytes);
    let mut enabled = theirs.filter(|found| found.2);
    let mut code = bytes.clone();
    if opcode == [0x05] {
        // `else` is read inside `if` only
        enabled = Some((1, 0, true, "Else"));
    }
    let (len, depth) = enabled.map_or((0, 0), |found| (found.0, found.1));
    match depth {
        1 => code.extend([0x0b, 0x0b]),
        0 => code.push(0x0b),
        _ => code.truncate(len),
    }
    let ours = ours::describe(&module(&code));
    let is_known = !matches!(&ours, Err(why) if why.contains("at byte 23: unknown or disabled"));
    if let Some((len, depth, _, name)) = enabled {
        // What follows the instruction is read as further instructions: leave the nops alone.
        let mut rest = bytes[..len].to_vec();
        rest.extend(match depth {
            1 => vec![0x01, 0x01, 0x0b, 0x0b],
            0 => vec![0x01, 0x01, 0x0b],
            _ => vec![],
        });
        let expected = 1 + if depth >= 0 { 3 + depth as u64 } else { 0 };
        match ours::describe(&module(&rest)) {
            Ok(text) if instructions(&text) == expected => {}
            Ok(text) => {
                let found = instructions(&text);
                return Err(format!(
                    "{name} {rest:02x?}: {found} instructions, not {expected}"
                ));
            }
            Err(why) => return Err(format!("{name} {rest:02x?}: {why}")),
        }
    }
    Ok((
        is_known,
        enabled.is_some(),
        enabled.map_or("", |found| found.3),
    ))
}

/// How many instructions both know, and how many shapes of them were compared.
pub fn walk() -> Result<(usize, usize), String> {
    let one_byte = (0..=0xff).map(|code| (None, code));
    let prefixed = [0xfb, 0xfc, 0xfd, 0xfe]
        .into_iter()
        .flat_map(|prefix| (0..=SUB_OPCODES).map(move |code| (Some(prefix), code)));
    let (mut names, mut shapes) = (BTreeSet::new(), 0);
    for (prefix, code) in one_byte.chain(prefixed) {
        if prefix.is_none() && (0xfb..=0xfe).contains(&code) {
            continue;
        }
        let opcode = opcode_bytes(prefix, code);
        let (mut ours, mut theirs) = (false, false);
        for operands in OPERANDS {
            let (is_ours, is_theirs, name) = compare(&opcode, operands)?;
            ours |= is_ours;
            theirs |= is_theirs;
            if is_theirs {
                names.insert(name);
                shapes += 1;
            }
        }
        if ours != theirs {
            let who = if ours { "the scan" } else { "wasmparser" };
            return Err(format!("{opcode:02x?} is known to {who} only"));
        }
    }
    Ok((names.len(), shapes))
}
