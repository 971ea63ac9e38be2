;; Waits in a host call for ever, in portions the host allows.
(module
  (import "astrid:sys/host@1.0.0" "sleep-ns" (func $sleep_ns (param i64 i32)))
  (memory (export "memory") 1)

  ;; Never frees; the hook starts over with every call.
  (global $heap (mut i32) (i32.const 1024))
  (func $realloc (export "cabi_realloc")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits
        (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (br_if $fits
        (i32.ne (i32.const -1)
          (memory.grow (i32.add (i32.const 1)
            (i32.shr_u (local.get $size) (i32.const 16))))))
      unreachable)
    (local.get $at))

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (loop $again
      (call $sleep_ns (i64.const 60_000_000_000) (i32.const 128))
      (br $again))
    unreachable))
