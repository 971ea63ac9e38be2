;; Hides 16 bytes, or one bit of them, in what is not memory: hide-X with the payload, seek-X.
;;
;; X    where                               seek answers
;; i    an i32 global                       its 4 bytes, the last ones of the secret
;; l    an exported i64 global              its 8 bytes, the last ones
;; f    an f32 global                       its 4 bytes, the last ones
;; d    an f64 global                       its 8 bytes, the last ones
;; v    a v128 global                       all 16 bytes
;; r    a funcref global                    "changed" when it holds another function
;; t    a table, by table.set               "changed"
;; c    a table, by table.copy              "changed"
;; n    a table, by table.init              "changed"
;; z    a table, by table.fill with null    "changed"
;; g    the size of a table                 "changed"
;; m    the size of memory                  "changed"
;;
;; Every other answer is "nothing".
(module
  (memory (export "memory") 2)
  (type $number (func (result i32)))
  (table $functions 4 8 funcref)
  (table $others 2 4 funcref)
  (elem (table $functions) (i32.const 0) func $one $one $one $one)
  (elem (table $others) (i32.const 0) func $two $two)
  (elem $passive func $two)
  (elem declare func $one $two)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))

  (global $i (mut i32) (i32.const 0))
  (global $l (export "l") (mut i64) (i64.const 0))
  (global $f (mut f32) (f32.const 0))
  (global $d (mut f64) (f64.const 0))
  (global $v (mut v128) (v128.const i64x2 0 0))
  (global $r (mut funcref) (ref.func $one))

  (data (i32.const 64) "nothing")
  (data (i32.const 80) "changed")

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

  ;; `len` bytes at 128 if the first is one, else "nothing".
  (func $bytes (param $len i32) (result i32)
    (if (result i32) (i32.load8_u (i32.const 128))
      (then (call $answer (i32.const 128) (local.get $len)))
      (else (call $answer (i32.const 64) (i32.const 7)))))
  (func $bit (param $is_changed i32) (result i32)
    (if (result i32) (local.get $is_changed)
      (then (call $answer (i32.const 80) (i32.const 7)))
      (else (call $answer (i32.const 64) (i32.const 7)))))

  ;; What entry `index` of the table answers, 0 for none.
  (func $call (param $index i32) (result i32)
    (if (result i32) (ref.is_null (table.get $functions (local.get $index)))
      (then (i32.const 0))
      (else (call_indirect $functions (type $number) (local.get $index)))))

  (func $hide (param $where i32) (param $secret i32)
    (local $last i32)
    (local.set $last (i32.add (local.get $secret) (i32.const 8)))
    (if (i32.eq (local.get $where) (i32.const 0x69)) ;; i
      (then (global.set $i (i32.load offset=4 (local.get $last)))))
    (if (i32.eq (local.get $where) (i32.const 0x6c)) ;; l
      (then (global.set $l (i64.load (local.get $last)))))
    (if (i32.eq (local.get $where) (i32.const 0x66)) ;; f
      (then (global.set $f (f32.load offset=4 (local.get $last)))))
    (if (i32.eq (local.get $where) (i32.const 0x64)) ;; d
      (then (global.set $d (f64.load (local.get $last)))))
    (if (i32.eq (local.get $where) (i32.const 0x76)) ;; v
      (then (global.set $v (v128.load (local.get $secret)))))
    (if (i32.eq (local.get $where) (i32.const 0x72)) ;; r
      (then (global.set $r (ref.func $two))))
    (if (i32.eq (local.get $where) (i32.const 0x74)) ;; t
      (then (table.set $functions (i32.const 0) (ref.func $two))))
    (if (i32.eq (local.get $where) (i32.const 0x63)) ;; c
      (then (table.copy $functions $others (i32.const 1) (i32.const 0) (i32.const 1))))
    (if (i32.eq (local.get $where) (i32.const 0x6e)) ;; n
      (then (table.init $functions $passive (i32.const 2) (i32.const 0) (i32.const 1))))
    (if (i32.eq (local.get $where) (i32.const 0x7a)) ;; z
      (then (table.fill $functions (i32.const 3) (ref.null func) (i32.const 1))))
    (if (i32.eq (local.get $where) (i32.const 0x67)) ;; g
      (then (drop (table.grow $others (ref.func $two) (i32.const 1)))))
    (if (i32.eq (local.get $where) (i32.const 0x6d)) ;; m
      (then (drop (memory.grow (i32.const 1))))))

  (func $seek (param $where i32) (result i32)
    (if (i32.eq (local.get $where) (i32.const 0x69)) ;; i
      (then (i32.store (i32.const 128) (global.get $i))
        (return (call $bytes (i32.const 4)))))
    (if (i32.eq (local.get $where) (i32.const 0x6c)) ;; l
      (then (i64.store (i32.const 128) (global.get $l))
        (return (call $bytes (i32.const 8)))))
    (if (i32.eq (local.get $where) (i32.const 0x66)) ;; f
      (then (f32.store (i32.const 128) (global.get $f))
        (return (call $bytes (i32.const 4)))))
    (if (i32.eq (local.get $where) (i32.const 0x64)) ;; d
      (then (f64.store (i32.const 128) (global.get $d))
        (return (call $bytes (i32.const 8)))))
    (if (i32.eq (local.get $where) (i32.const 0x76)) ;; v
      (then (v128.store (i32.const 128) (global.get $v))
        (return (call $bytes (i32.const 16)))))
    (if (i32.eq (local.get $where) (i32.const 0x72)) ;; r
      (then
        (table.set $functions (i32.const 0) (global.get $r))
        (return (call $bit (i32.ne (call $call (i32.const 0)) (i32.const 1))))))
    (if (i32.eq (local.get $where) (i32.const 0x74)) ;; t
      (then (return (call $bit (i32.ne (call $call (i32.const 0)) (i32.const 1))))))
    (if (i32.eq (local.get $where) (i32.const 0x63)) ;; c
      (then (return (call $bit (i32.ne (call $call (i32.const 1)) (i32.const 1))))))
    (if (i32.eq (local.get $where) (i32.const 0x6e)) ;; n
      (then (return (call $bit (i32.ne (call $call (i32.const 2)) (i32.const 1))))))
    (if (i32.eq (local.get $where) (i32.const 0x7a)) ;; z
      (then (return (call $bit (i32.ne (call $call (i32.const 3)) (i32.const 1))))))
    (if (i32.eq (local.get $where) (i32.const 0x67)) ;; g
      (then (return (call $bit (i32.ne (table.size $others) (i32.const 2))))))
    (call $bit (i32.ne (memory.size) (i32.const 2))))

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 0x68)) ;; h
      (then
        (call $hide (i32.load8_u offset=5 (local.get $action)) (local.get $payload))
        (return (call $bit (i32.const 0)))))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 0x73)) ;; s
      (then (return (call $seek (i32.load8_u offset=5 (local.get $action))))))
    (call $bit (i32.const 0))))
