//! wasmtime's `TypedFunc::call_async` behind a C ABI, for functions of two i32 without results.
//!
//! The C API's own asynchronous call checks and converts dynamic values at every call, and takes
//! and drops references in a registry that all threads share; a typed function has its type
//! checked once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasmtime::{Func, Trap, TypedFunc};
use wasmtime_c_api::{WasmtimeStoreContextMut, wasmtime_error_t};

pub struct BhrTypedFunc(TypedFunc<(i32, i32), ()>);

pub struct BhrCall<'a>(Pin<Box<dyn Future<Output = ()> + 'a>>);

/// How a call ended: `error` is null when it returned; `trap_code` is the engine's trap code, or
/// -1 when the error is not a trap.
#[repr(C)]
pub struct BhrCallEnd {
    pub error: *mut wasmtime_error_t,
    pub trap_code: i32,
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
    ret_end: &'a mut BhrCallEnd,
) -> Box<BhrCall<'a>> {
    Box::new(BhrCall(Box::pin(async move {
        if let Err(error) = func.0.call_async(store, (first, second)).await {
            ret_end.trap_code = error.downcast_ref::<Trap>().map_or(-1, |trap| *trap as i32);
            ret_end.error = Box::into_raw(Box::new(wasmtime_error_t::from(error)));
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
