;; Hides a bit by dropping a passive segment: hide-d of data, hide-e of elements. Seek-d and seek-e
;; use it, which traps when it was dropped, and answer "nothing".
(module
  (memory (export "memory") 1)
  (table $functions 1 funcref)
  (func $one (result i32) (i32.const 1))
  (elem $functions_of_it func $one)
  (data (i32.const 64) "nothing")
  (data $bytes_of_it "bytes")

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

  (func $is (param $action i32) (param $verb i32) (param $where i32) (result i32)
    (i32.and
      (i32.eq (i32.load8_u (local.get $action)) (local.get $verb))
      (i32.eq (i32.load8_u offset=5 (local.get $action)) (local.get $where))))

  (func $trigger (export "astrid-hook-trigger")
      (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
      (result i32)
    (if (call $is (local.get $action) (i32.const 0x68) (i32.const 0x64)) ;; hide-d
      (then (data.drop $bytes_of_it)))
    (if (call $is (local.get $action) (i32.const 0x68) (i32.const 0x65)) ;; hide-e
      (then (elem.drop $functions_of_it)))
    (if (call $is (local.get $action) (i32.const 0x73) (i32.const 0x64)) ;; seek-d
      (then (memory.init $bytes_of_it (i32.const 256) (i32.const 0) (i32.const 5))))
    (if (call $is (local.get $action) (i32.const 0x73) (i32.const 0x65)) ;; seek-e
      (then (table.init $functions $functions_of_it (i32.const 0) (i32.const 0) (i32.const 1))))
    (call $answer (i32.const 64) (i32.const 7))))
