;; Calls kv-set with pointers that are not its to give.
(module
  (import "astrid:kv/host@1.0.0" "kv-set" (func $kv_set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "ok\ff\fe")

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
    (local $key i32) (local $key_len i32) (local $value i32) (local $result i32)
    (local.set $key (i32.const 64))
    (local.set $key_len (i32.const 2))
    (local.set $value (i32.const 64))
    (local.set $result (i32.const 128))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 107))
      (then (local.set $key (i32.const 0xffff))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 108))
      (then (local.set $key_len (i32.const -1))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 119))
      (then (local.set $key (i32.const -1))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 117))
      (then (local.set $key (i32.const 66))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 118))
      (then (local.set $value (i32.const 0x7fffffff))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 114))
      (then (local.set $result (i32.const 0xfffc))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 109))
      (then (local.set $result (i32.const 129))))
    (call $kv_set
      (local.get $key) (local.get $key_len)
      (local.get $value) (i32.const 2)
      (local.get $result))
    (call $answer (i32.const 64) (i32.const 2))))
