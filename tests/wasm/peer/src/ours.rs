//! The C side: see c/peer.h.

use std::ffi::{CStr, c_char};

#[repr(C)]
pub struct Segment {
    pub offset: u32,
    pub place: usize,
    pub len: usize,
}

#[repr(C)]
struct RawRewritten {
    status: i32,
    error: [c_char; 256],
    wasm: *mut u8,
    wasm_len: usize,
    segments: *mut Segment,
    segments_count: usize,
    globals: *mut u32,
    globals_count: usize,
    tables: *mut u32,
    tables_count: usize,
    has_memory: u8,
    has_start: u8,
}

unsafe extern "C" {
    fn peer_describe(
        wasm: *const u8,
        len: usize,
        ret_len: *mut usize,
        ret_error: *mut *mut c_char,
    ) -> *mut c_char;
    fn peer_rewrite(wasm: *const u8, len: usize, restorable: u32, ret: *mut RawRewritten);
    fn peer_rewritten_deinit(rewritten: *mut RawRewritten);
    fn peer_free(memory: *mut std::ffi::c_void);
}

/// An allocation of exactly these bytes: a read past its end does not hit a neighbour unnoticed
/// under a checking allocator.
fn exact(wasm: &[u8]) -> Box<[u8]> {
    wasm.to_vec().into_boxed_slice()
}

/// What the C reader and scan report, or why they refuse.
pub fn describe(wasm: &[u8]) -> Result<String, String> {
    let wasm = exact(wasm);
    let (mut len, mut error) = (0, std::ptr::null_mut());
    unsafe {
        let text = peer_describe(wasm.as_ptr(), wasm.len(), &mut len, &mut error);
        if text.is_null() {
            let why = CStr::from_ptr(error).to_string_lossy().into_owned();
            peer_free(error.cast());
            return Err(why);
        }
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec();
        peer_free(text.cast());
        Ok(String::from_utf8(bytes).expect("descriptions are ASCII"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Restorable {
    Yes,
    Tables,
    No,
}

pub const RESTORABLES: [Restorable; 3] = [Restorable::Yes, Restorable::Tables, Restorable::No];

pub struct Rewritten {
    pub wasm: Vec<u8>,
    pub segments: Vec<(u32, Vec<u8>)>,
    pub globals: Vec<u32>,
    pub tables: Vec<u32>,
    pub has_memory: bool,
    pub has_start: bool,
}

pub fn rewrite(wasm: &[u8], restorable: Restorable) -> Result<Rewritten, String> {
    let wasm = exact(wasm);
    unsafe {
        let mut raw: RawRewritten = std::mem::zeroed();
        peer_rewrite(wasm.as_ptr(), wasm.len(), restorable as u32, &mut raw);
        let result = if raw.status != 0 {
            Err(CStr::from_ptr(raw.error.as_ptr())
                .to_string_lossy()
                .into_owned())
        } else {
            let slice = |at: *mut u32, count| std::slice::from_raw_parts(at, count).to_vec();
            Ok(Rewritten {
                wasm: std::slice::from_raw_parts(raw.wasm, raw.wasm_len).to_vec(),
                segments: std::slice::from_raw_parts(raw.segments, raw.segments_count)
                    .iter()
                    .map(|s| (s.offset, wasm[s.place..s.place + s.len].to_vec()))
                    .collect(),
                globals: slice(raw.globals, raw.globals_count),
                tables: slice(raw.tables, raw.tables_count),
                has_memory: raw.has_memory != 0,
                has_start: raw.has_start != 0,
            })
        };
        peer_rewritten_deinit(&mut raw);
        result
    }
}
