;; Calls a host function while the host allocates the result of another one, when no guest may
;; leave.
(module
  (import "astrid:sys/host@1.0.0" "log" (func $log (param i32 i32 i32)))
  (import "astrid:sys/host@1.0.0" "sleep-ns" (func $sleep_ns (param i64 i32)))
  (import "astrid:sys/host@1.0.0" "random-bytes" (func $random_bytes (param i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "ok")
  (global $mode (mut i32) (i32.const 0)) ;; a letter, while the host lowers the bytes
  (global $heap (mut i32) (i32.const 1024))
  (func $leaving_realloc (export "cabi_realloc")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (if (i32.eq (global.get $mode) (i32.const 108)) ;; l
      (then (call $log (i32.const 2) (i32.const 64) (i32.const 2))))
    (if (i32.eq (global.get $mode) (i32.const 115)) ;; s
      (then (call $sleep_ns (i64.const 1) (i32.const 128))))
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

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (global.set $mode (i32.load8_u (local.get $action)))
    (call $random_bytes (i64.const 16) (i32.const 144))
    (global.set $mode (i32.const 0))
    (call $answer (i32.const 64) (i32.const 2))))
