;; Recurses as deep as the payload says in decimal, then asks for random bytes, for whose result
;; cabi_realloc recurses without end: two stacks' worth on one fiber.
(module
  (import "astrid:sys/host@1.0.0" "random-bytes" (func $random_bytes (param i64 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "ok")
  (data (i32.const 96) "continue")
  (global $is_armed (mut i32) (i32.const 0))

  (func $endless (param $n i32) (result i32)
    (i32.add (i32.const 1) (call $endless (i32.add (local.get $n) (i32.const 1)))))

  (func (export "cabi_realloc")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (if (global.get $is_armed)
      (then (return (call $endless (i32.const 0)))))
    (i32.const 1024))

  (func $dig (param $left i32) (result i32)
    (if (i32.eqz (local.get $left))
      (then
        (global.set $is_armed (i32.const 1))
        (call $random_bytes (i64.const 8) (i32.const 512))
        (return (i32.const 0))))
    (i32.add (i32.const 1) (call $dig (i32.sub (local.get $left) (i32.const 1)))))

  (func $number (param $at i32) (param $len i32) (result i32)
    (local $value i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (local.set $value
          (i32.add (i32.mul (local.get $value) (i32.const 10))
                   (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (local.get $value))

  (func (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (drop (call $dig (call $number (local.get $payload) (local.get $payload_len))))
    (unreachable)))
