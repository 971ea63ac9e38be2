//! A C ABI for the third-party Rust libraries that Bulkhead links. No logic of ours lives here:
//! every function converts arguments, calls one library function and converts the result.
//! The C declarations are in `include/bulkhead_rust.h`.

use std::ffi::c_char;

// Links wasmtime's own C API into the archive.
pub use wasmtime_c_api;

mod toml_json;
mod typed_call;

pub use typed_call::*;

/// A heap buffer handed to C. C gives it back with `bhr_bytes_free`.
#[repr(C)]
pub struct BhrBytes {
    pub data: *mut u8,
    pub len: usize,
}

impl BhrBytes {
    fn from_vec(bytes: Vec<u8>) -> Self {
        let boxed = bytes.into_boxed_slice();
        let len = boxed.len();
        BhrBytes { data: Box::into_raw(boxed).cast(), len }
    }
}

/// # Safety
/// `bytes` came from this library and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_bytes_free(bytes: BhrBytes) {
    if !bytes.data.is_null() {
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(bytes.data, bytes.len)) });
    }
}

/// Where and why a TOML text was refused. Line and column count from 1, columns in bytes.
#[repr(C)]
pub struct BhrTomlError {
    pub line: u32,
    pub column: u32,
    pub text: [c_char; 200],
}

/// # Safety
/// `text` points to `len` readable bytes; `ret_json` and `reterr` are writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_toml_to_json(
    text: *const u8,
    len: usize,
    ret_json: *mut BhrBytes,
    reterr: *mut BhrTomlError,
) -> bool {
    let bytes = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(text, len) } };
    match toml_json::annotated_json(bytes) {
        Ok(json) => {
            unsafe { ret_json.write(BhrBytes::from_vec(json)) };
            true
        }
        Err(refusal) => {
            let mut error = BhrTomlError { line: refusal.line, column: refusal.column, text: [0; 200] };
            let shown = refusal.text.bytes().filter(|b| *b != 0).take(error.text.len() - 1);
            for (slot, byte) in error.text.iter_mut().zip(shown) {
                *slot = byte as c_char;
            }
            unsafe { reterr.write(error) };
            false
        }
    }
}

/// # Safety
/// `data` points to `len` readable bytes and `ret_hash` to 32 writable ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_blake3(data: *const u8, len: usize, ret_hash: *mut [u8; 32]) {
    let bytes = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(data, len) } };
    unsafe { ret_hash.write(*blake3::hash(bytes).as_bytes()) };
}

/// # Safety
/// `key` points to 32 readable bytes, `data` to `len`, and `ret_mac` to 32 writable ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_blake3_keyed(
    key: *const [u8; 32],
    data: *const u8,
    len: usize,
    ret_mac: *mut [u8; 32],
) {
    let bytes = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(data, len) } };
    unsafe { ret_mac.write(*blake3::keyed_hash(&*key, bytes).as_bytes()) };
}

/// Whether the bytes are one JSON text (RFC 8259); nothing is kept of it.
///
/// # Safety
/// `text` points to `len` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_json_is_valid(text: *const u8, len: usize) -> bool {
    let bytes = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(text, len) } };
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// The size of the engine's value as this archive was built, for C to compare with its headers.
#[unsafe(no_mangle)]
pub extern "C" fn bhr_wasmtime_val_bytes() -> usize {
    size_of::<wasmtime_c_api::wasmtime_val_t>()
}
