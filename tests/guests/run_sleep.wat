;; A run loop that waits for ever.
(module
  (import "astrid:sys/host@1.0.0" "sleep-ns" (func $sleep_ns (param i64 i32)))
  (memory (export "memory") 1)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 1024))
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    unreachable)
  (func (export "run")
    (loop $again
      (call $sleep_ns (i64.const 60_000_000_000) (i32.const 128))
      (br $again))))
