;; The start function asks for random bytes, whose result needs cabi_realloc.
(module
  (import "astrid:sys/host@1.0.0" "random-bytes" (func $random_bytes (param i64 i32)))
  (memory (export "memory") 1)
  (func $start (call $random_bytes (i64.const 8) (i32.const 512)))
  (start $start)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32) (unreachable)))
