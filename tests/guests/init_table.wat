;; `_initialize` puts $two into a table. The hook answers what the table's entry answers and how
;; large the table is, e.g. "2 1"; then "t" puts $three there, and "g" grows the table.
(module
  (memory (export "memory") 1)
  (type $number (func (result i32)))
  (table $functions 1 4 funcref)
  (elem (i32.const 0) func $one)
  (elem declare func $two $three)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (func $three (result i32) (i32.const 3))

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

  (func (export "_initialize")
    (table.set $functions (i32.const 0) (ref.func $two))
    (i32.store (i32.const 512) (i32.const 7)))

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (i32.store8 (i32.const 64)
      (i32.add (i32.const 48) (call_indirect $functions (type $number) (i32.const 0))))
    (i32.store8 (i32.const 65) (i32.const 32))
    (i32.store8 (i32.const 66) (i32.add (i32.const 48) (table.size $functions)))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 0x74)) ;; t
      (then (table.set $functions (i32.const 0) (ref.func $three))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 0x67)) ;; g
      (then (drop (table.grow $functions (ref.null func) (i32.const 1)))))
    (call $answer (i32.const 64) (i32.const 3))))
