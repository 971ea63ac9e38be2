//! wasmtime's `TypedFunc::call_async` behind a C ABI, for functions of two i32 without results.
//!
//! The C API's own asynchronous call checks and converts dynamic values at every call, and takes
//! and drops references in a registry that all threads share; a typed function has its type
//! checked once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasmtime::{Func, Trap, TypedFunc, WasmBacktrace};
use wasmtime_c_api::WasmtimeStoreContextMut;

pub struct BhrTypedFunc(TypedFunc<(i32, i32), ()>);

pub struct BhrCall<'a>(Pin<Box<dyn Future<Output = ()> + 'a>>);

/// Why a call ended without returning.
pub struct BhrError(wasmtime::Error);

/// One wasm frame. `name` is borrowed from the error, null when the module names it not.
#[repr(C)]
pub struct BhrFrame {
    pub name: *const u8,
    pub name_len: usize,
    pub func_index: u32,
    pub module_offset: usize,
}

/// Copy as much of `text` as fits before a NUL.
unsafe fn copy_text(text: &str, to: *mut u8, size: usize) {
    if size > 0 {
        let len = text.len().min(size - 1);
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), to, len);
            to.add(len).write(0);
        }
    }
}

/// The engine's trap code, -1 when the error is not a trap.
#[unsafe(no_mangle)]
pub extern "C" fn bhr_error_trap_code(error: &BhrError) -> i32 {
    error.0.downcast_ref::<Trap>().map_or(-1, |trap| *trap as i32)
}

/// The innermost cause; never the backtrace, whose names a guest chooses.
///
/// # Safety
/// `ret_text` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_error_text(error: &BhrError, ret_text: *mut u8, size: usize) {
    let text = match error.0.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.0.root_cause().to_string(),
    };
    unsafe { copy_text(&text, ret_text, size) };
}

/// # Safety
/// `ret_frame` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_error_frame(
    error: &BhrError,
    index: usize,
    ret_frame: *mut BhrFrame,
) -> bool {
    let frames = error.0.downcast_ref::<WasmBacktrace>().map_or(&[][..], |trace| trace.frames());
    let Some(frame) = frames.get(index) else { return false };
    let name = frame.func_name();
    unsafe {
        ret_frame.write(BhrFrame {
            name: name.map_or(std::ptr::null(), |name| name.as_ptr()),
            name_len: name.map_or(0, str::len),
            func_index: frame.func_index(),
            module_offset: frame.module_offset().unwrap_or(0),
        });
    }
    true
}

#[unsafe(no_mangle)]
pub extern "C" fn bhr_error_delete(_error: Option<Box<BhrError>>) {}

/// The engine's words for a trap code; empty for an unknown one.
///
/// # Safety
/// `ret_text` points to `size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bhr_trap_text(code: u8, ret_text: *mut u8, size: usize) {
    let text = Trap::from_u8(code).map_or(String::new(), |trap| trap.to_string());
    unsafe { copy_text(&text, ret_text, size) };
}

/// None when the function has another type.
#[unsafe(no_mangle)]
pub extern "C" fn bhr_typed_func_new(
    store: WasmtimeStoreContextMut<'_>,
    func: &Func,
) -> Option<Box<BhrTypedFunc>> {
    func.typed(store).ok().map(|typed| Box::new(BhrTypedFunc(typed)))
}

#[unsafe(no_mangle)]
pub extern "C" fn bhr_typed_func_delete(_func: Option<Box<BhrTypedFunc>>) {}

#[unsafe(no_mangle)]
pub extern "C" fn bhr_typed_func_call_async<'a>(
    store: WasmtimeStoreContextMut<'a>,
    func: &'a BhrTypedFunc,
    first: i32,
    second: i32,
    ret_error: &'a mut Option<Box<BhrError>>,
) -> Box<BhrCall<'a>> {
    Box::new(BhrCall(Box::pin(async move {
        if let Err(error) = func.0.call_async(store, (first, second)).await {
            *ret_error = Some(Box::new(BhrError(error)));
        }
    })))
}

#[unsafe(no_mangle)]
pub extern "C" fn bhr_call_poll(call: &mut BhrCall<'_>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(call.0.as_mut().poll(&mut context), Poll::Ready(()))
}

#[unsafe(no_mangle)]
pub extern "C" fn bhr_call_delete(_call: Box<BhrCall<'_>>) {}
