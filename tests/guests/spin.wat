;; Takes time and fuel in proportion to the number in the payload.
(module
  (memory (export "memory") 1)
  (data (i32.const 64) "ok")

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

  ;; The decimal number that `text` is.
  (func $parse (param $text i32) (param $len i32) (result i64)
    (local $value i64)
    (block $done
      (loop $digit
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $value
          (i64.add
            (i64.mul (local.get $value) (i64.const 10))
            (i64.sub (i64.load8_u (local.get $text)) (i64.const 48))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $digit)))
    (local.get $value))

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
    (local $left i64)
    (local.set $left (call $parse (local.get $payload) (local.get $payload_len)))
    (block $done
      (loop $round
        (br_if $done (i64.eqz (local.get $left)))
        (local.set $left (i64.sub (local.get $left) (i64.const 1)))
        (br $round)))
    (call $answer (i32.const 64) (i32.const 2))))
