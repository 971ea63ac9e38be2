;; `_initialize` changes a table and asks for randomness.
(module
  (import "astrid:sys/host@1.0.0" "random-bytes" (func $random_bytes (param i64 i32)))
  (memory (export "memory") 1)
  (table $functions 1 funcref)
  (elem declare func $one)
  (func $one (result i32) (i32.const 1))

  ;; Never frees; the hook starts over with every call.
  (global $heap (mut i32) (i32.const 1024))
  (func $realloc (export "cabi_realloc")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  ;; The result area, at 16: action "continue" and some text.
  (data (i32.const 8) "continue")
  (func $answer (param $text i32) (param $len i32) (result i32)
    (global.set $heap (i32.const 1024))
    (i32.store (i32.const 16) (i32.const 8))
    (i32.store (i32.const 20) (i32.const 8))
    (i32.store8 (i32.const 24) (i32.const 1))
    (i32.store (i32.const 28) (local.get $text))
    (i32.store (i32.const 32) (local.get $len))
    (i32.const 16))

  (data (i32.const 64) "ok")
  (func (export "_initialize")
    (table.set $functions (i32.const 0) (ref.func $one))
    (call $random_bytes (i64.const 8) (i32.const 128)))

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (call $answer (i32.const 64) (i32.const 2))))
