;; The main module of ../../fuzz/corpus/fuzz_wasm_capsule/toolchain.wasm, made from it with
;;   wasm-tools component embed wit main.wat -o embedded.wasm
;;   wasm-tools component new embedded.wasm -o toolchain.wasm
(module
  (import "demo:caps/net" "[constructor]sock" (func (param i32 i32) (result i32)))
  (import "demo:caps/net" "[method]sock.read" (func (param i32 i32 i32)))
  (import "demo:caps/net" "[method]sock.wait" (func (param i32) (result i32)))
  (import "demo:caps/net" "[static]sock.pick" (func (param i32 i32) (result i32)))
  (import "demo:caps/net" "[resource-drop]sock" (func (param i32)))
  (import "demo:caps/net" "ping" (func (param i64) (result i64)))
  (import "demo:caps/io" "[resource-drop]pollable" (func (param i32)))
  (import "demo:caps/io" "[method]pollable.ready" (func (param i32) (result i32)))
  (import "demo:caps/kv" "get" (func (param i32 i32 i32 i32)))
  (import "$root" "lone" (func (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "_initialize"))
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "cabi_post_astrid-hook-trigger") (param i32))
  (func (export "run")))
