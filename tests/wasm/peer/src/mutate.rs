//! Small changes of a module's bytes. Those that know the structure keep the sizes around them
//! right, so that many of the results are valid.

use std::ops::Range;

use crate::random::Random;
use crate::theirs::Module;

fn read_leb(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= ((byte & 0x7f) as usize) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_leb(to: &mut Vec<u8>, mut value: usize, padding: usize) {
    for left in (0..5).rev() {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 && left <= 4usize.saturating_sub(padding) {
            to.push(byte);
            return;
        }
        to.push(byte | 0x80);
    }
}

fn index(to: &mut Vec<u8>, value: usize, random: &mut Random) {
    let padding = if random.one_in(6) { random.below(5) } else { 0 };
    put_leb(to, value, padding);
}

pub fn sections(wasm: &[u8]) -> Option<Vec<(u8, Range<usize>)>> {
    let mut at = 8;
    let mut found = Vec::new();
    while at < wasm.len() {
        let id = wasm[at];
        at += 1;
        let size = read_leb(wasm, &mut at)?;
        let end = at.checked_add(size).filter(|&end| end <= wasm.len())?;
        found.push((id, at..end));
        at = end;
    }
    Some(found)
}

fn assemble(preamble: &[u8], parts: &[(u8, Vec<u8>)], random: &mut Random) -> Vec<u8> {
    let mut wasm = preamble.to_vec();
    for (id, body) in parts {
        wasm.push(*id);
        let padding = if random.one_in(8) { 5 } else { 0 };
        put_leb(&mut wasm, body.len(), padding);
        wasm.extend_from_slice(body);
    }
    wasm
}

fn parts(wasm: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    Some(
        sections(wasm)?
            .into_iter()
            .map(|(id, at)| (id, wasm[at].to_vec()))
            .collect(),
    )
}

/// Instructions that take and leave nothing; indices up to 2.
fn snippet(random: &mut Random) -> Vec<u8> {
    let mut s = Vec::new();
    let (a, b) = (random.below(3), random.below(3));
    let zero = [0x41u8, 0];
    let null = [0xd0u8, 0x70];
    let fc = |s: &mut Vec<u8>, code: usize, random: &mut Random| {
        s.push(0xfc);
        index(s, code, random);
    };
    match random.below(22) {
        0 => s.push(0x01),
        1 => {
            s.extend([
                0x41,
                0x80 | random.next() as u8,
                0x80,
                0x80,
                0x80,
                *random.pick(&[0, 7]),
            ]);
            s.push(0x1a);
        }
        2 => {
            s.push(0x42);
            let bytes = random.bytes(9);
            s.extend(bytes.iter().map(|byte| byte | 0x80));
            s.extend([*random.pick(&[0, 0x7f]), 0x1a]);
        }
        3 => {
            s.push(0x43);
            s.extend(random.bytes(4));
            s.push(0x1a);
        }
        4 => {
            s.push(0x44);
            s.extend(random.bytes(8));
            s.push(0x1a);
        }
        5 => {
            s.extend([0xfd, 12]);
            s.extend(random.bytes(16));
            s.push(0x1a);
        }
        6 => {
            s.extend(zero);
            s.extend(null);
            s.push(0x26);
            index(&mut s, a, random);
        }
        7 => {
            s.extend(zero);
            s.push(0x25);
            index(&mut s, a, random);
            s.push(0x1a);
        }
        8 => {
            s.extend(null);
            s.extend(zero);
            fc(&mut s, 15, random);
            index(&mut s, a, random);
            s.push(0x1a);
        }
        9 => {
            s.extend(zero);
            s.extend(null);
            s.extend(zero);
            fc(&mut s, 17, random);
            index(&mut s, a, random);
        }
        10 | 11 => {
            let code = *random.pick(&[12, 14]);
            s.extend(zero.repeat(3));
            fc(&mut s, code, random);
            index(&mut s, a, random);
            index(&mut s, b, random);
        }
        12 | 13 => {
            let code = *random.pick(&[9, 13]);
            fc(&mut s, code, random);
            index(&mut s, a, random);
        }
        14 => {
            s.extend(zero.repeat(3));
            fc(&mut s, 8, random);
            index(&mut s, a, random);
            s.push(0);
        }
        15 => {
            s.extend(zero.repeat(3));
            fc(&mut s, 10, random);
            s.extend([0, 0]);
        }
        16 => {
            s.extend(zero);
            s.push(0x2d);
            s.push(0);
            index(&mut s, random.next() as u32 as usize, random);
            s.push(0x1a);
        }
        17 => {
            s.extend([0x02, 0x40, 0x41, 0, 0x0e]);
            index(&mut s, 2, random);
            index(&mut s, 0, random);
            index(&mut s, 0, random);
            index(&mut s, 0, random);
            s.push(0x0b);
        }
        18 => s.extend([0x41, 0, 0x04, 0x40, 0x01, 0x05, 0x01, 0x0b]),
        19 => s.extend([0xd0, 0x70, 0xd0, 0x70, 0x41, 0, 0x1c, 1, 0x70, 0x1a]),
        20 => s.extend([0x02, 0x63, 0x70, 0xd0, 0x70, 0x0b, 0x1a]),
        _ => {
            s.extend(zero);
            s.extend([0xfd, 15, 0xfd]);
            index(&mut s, *random.pick(&[0x15, 0x16]), random);
            s.extend([random.below(18) as u8, 0x1a]);
        }
    }
    s
}

/// Opcodes of one signature each; an opcode is replaced by another of its class.
const CLASSES: [Range<u8>; 18] = [
    0x46..0x50,
    0x51..0x5b,
    0x5b..0x61,
    0x61..0x67,
    0x67..0x6a,
    0x6a..0x79,
    0x79..0x7c,
    0x7c..0x8b,
    0x8b..0x92,
    0x92..0x99,
    0x99..0xa0,
    0xa0..0xa7,
    0xa8..0xaa,
    0xae..0xb0,
    0xc0..0xc2,
    0xc2..0xc5,
    0x2c..0x30,
    0x30..0x36,
];

fn replace_opcode(wasm: &mut [u8], module: &Module, random: &mut Random) {
    if module.operator_places.is_empty() {
        return;
    }
    let at = random.pick(&module.operator_places).start;
    let opcode = wasm[at];
    if opcode == 0xfd || opcode == 0xfc {
        wasm[at + 1] = if random.one_in(2) {
            wasm[at + 1] ^ (1 << random.below(3))
        } else {
            (wasm[at + 1] & 0x80) | random.below(0x80) as u8
        };
        return;
    }
    match CLASSES.iter().find(|class| class.contains(&opcode)) {
        Some(class) => wasm[at] = class.start + random.below(class.len()) as u8,
        None => wasm[at] = random.next() as u8,
    }
}

/// Put instructions into a body, or take one out, with all sizes right.
fn edit_body(wasm: &[u8], module: &Module, random: &mut Random) -> Option<Vec<u8>> {
    if module.operator_places.is_empty() {
        return None;
    }
    let place = random.pick(&module.operator_places).clone();
    let (remove, insert) = match random.below(5) {
        0 => (place.clone(), Vec::new()),
        1 => (
            place.start..place.start,
            wasm[random.pick(&module.operator_places).clone()].to_vec(),
        ),
        _ => (place.start..place.start, snippet(random)),
    };
    let mut code = Vec::new();
    put_leb(&mut code, module.bodies.len(), 0);
    for body in &module.bodies {
        let mut new = Vec::new();
        if body.contains(&remove.start) {
            new.extend_from_slice(&wasm[body.start..remove.start]);
            new.extend_from_slice(&insert);
            new.extend_from_slice(&wasm[remove.end..body.end]);
        } else {
            new.extend_from_slice(&wasm[body.clone()]);
        }
        index(&mut code, new.len(), random);
        code.extend(new);
    }
    let mut parts = parts(wasm)?;
    parts.iter_mut().find(|part| part.0 == 10)?.1 = code;
    Some(assemble(&wasm[..8], &parts, random))
}

/// Arithmetic before what may be the end of a constant expression, of a data segment above all; or
/// the longer form of a segment.
fn add_arithmetic(parts: &mut [(u8, Vec<u8>)], random: &mut Random) {
    let id = *random.pick(&[11, 11, 11, 6, 9]);
    let Some((_, body)) = parts.iter_mut().find(|part| part.0 == id) else {
        return;
    };
    if id == 11 && random.one_in(4) {
        // A segment may name memory 0.
        let zeros: Vec<_> = (1..body.len()).filter(|&at| body[at] == 0).collect();
        if !zeros.is_empty() {
            body.insert(*random.pick(&zeros), 2);
        }
        return;
    }
    let ends: Vec<_> = (0..body.len()).filter(|&at| body[at] == 0x0b).collect();
    if !ends.is_empty() {
        let at = *random.pick(&ends);
        let depth = *random.pick(&[1, 1, 2, 5, 31, 32]);
        let operands = (0..depth).flat_map(|_| [0x41, random.next() as u8 & 0x7f]);
        let mut code: Vec<u8> = operands.collect();
        code.extend((0..depth).map(|_| *random.pick(&[0x6a, 0x6b, 0x6c])));
        body.splice(at..at, code);
    }
}

/// funcref or externref as (ref null func) or (ref null extern), in a section that declares.
fn spell_reference_out(parts: &mut [(u8, Vec<u8>)], random: &mut Random) {
    let mut places = Vec::new();
    for (number, (id, body)) in parts.iter().enumerate() {
        if [1, 2, 4, 6].contains(id) {
            let found = (0..body.len()).filter(|&at| matches!(body[at], 0x6f | 0x70));
            places.extend(found.map(|at| (number, at)));
        }
    }
    if !places.is_empty() {
        let &(number, at) = random.pick(&places);
        parts[number].1.insert(at, 0x63);
    }
}

/// Leave a section out, or add a custom one.
fn edit_sections(wasm: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut parts = parts(wasm)?;
    let at = random.below(parts.len() + 1);
    match random.below(7) {
        0 => {
            let mut custom = vec![4];
            custom.extend(random.pick(&[b"name", b"nome", b"note"]).iter());
            custom.extend(random.bytes(12));
            parts.insert(at, (0, custom));
        }
        1 => parts.retain(|part| part.0 != 7), // exports
        2 if at < parts.len() => {
            parts.remove(at);
        }
        3 => spell_reference_out(&mut parts, random),
        4 | 5 => add_arithmetic(&mut parts, random),
        _ => {} // only the sizes are written anew
    }
    Some(assemble(&wasm[..8], &parts, random))
}

/// Change bytes inside one section, in place.
fn edit_in_section(wasm: &mut [u8], random: &mut Random) {
    let Some(sections) = sections(wasm) else {
        return;
    };
    let few: Vec<_> = sections
        .into_iter()
        .filter(|(_, at)| !at.is_empty())
        .collect();
    if few.is_empty() {
        return;
    }
    let (_, range) = random.pick(&few).clone();
    let at = range.start + random.below(range.len());
    wasm[at] = if random.one_in(2) {
        wasm[at] ^ (1 << random.below(8))
    } else {
        random.next() as u8
    };
}

fn edit_bytes(wasm: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if wasm.len() < 9 {
        return;
    }
    let at = 8 + random.below(wasm.len() - 8);
    let len = random.below(16) + 1;
    match random.below(4) {
        0 => {
            let bytes = random.bytes(len);
            wasm.splice(at..at, bytes);
        }
        1 => drop(wasm.drain(at..wasm.len().min(at + len))),
        2 if other.len() > 8 => {
            let from = random.below(other.len());
            let piece = other[from..other.len().min(from + len)].to_vec();
            wasm.splice(at..wasm.len().min(at + len), piece);
        }
        _ => wasm.truncate(at),
    }
}

/// Mutate `wasm`, which `module` describes, with pieces of `other`.
pub fn mutate(wasm: &[u8], module: &Module, other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut mutant = wasm.to_vec();
    for step in 0..random.below(3) + 1 {
        let choice = random.below(10);
        match choice {
            // The places in `module` hold for the first step only.
            0..=2 if step == 0 => replace_opcode(&mut mutant, module, random),
            3..=5 if step == 0 => mutant = edit_body(wasm, module, random).unwrap_or(mutant),
            6 => mutant = edit_sections(&mutant, random).unwrap_or(mutant),
            9 => edit_bytes(&mut mutant, other, random),
            _ => edit_in_section(&mut mutant, random),
        }
    }
    mutant
}
