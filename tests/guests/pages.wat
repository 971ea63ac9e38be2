;; Looks whether its memory is as initialisation left it, answers "clean" or "stale", and changes it:
;; "touch N" writes N pages of 4 KiB, "grow N" grows by N pages of 64 KiB and writes into each.
(module
  (memory (export "memory") 24)
  (global $heap (mut i32) (i32.const 1024))
  (global $grown (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap
      (i32.add (global.get $heap) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
    (local.get $at))

  ;; Every page holds its number.
  (func (export "_initialize")
    (local $page i32)
    (loop $pages
      (i32.store offset=2048 (i32.shl (local.get $page) (i32.const 12)) (local.get $page))
      (br_if $pages
        (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 1))) (i32.const 384)))))

  (func $is_clean (result i32)
    (local $page i32)
    (if (i32.or (global.get $grown) (i32.ne (memory.size) (i32.const 24)))
      (then (return (i32.const 0))))
    (loop $pages
      (if (i32.ne (i32.load offset=2048 (i32.shl (local.get $page) (i32.const 12)))
                  (local.get $page))
        (then (return (i32.const 0))))
      (br_if $pages
        (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 1))) (i32.const 384))))
    (i32.const 1))

  (func $number (param $at i32) (param $len i32) (result i32)
    (local $value i32)
    (loop $digits
      (if (local.get $len)
        (then
          (local.set $value
            (i32.add (i32.mul (local.get $value) (i32.const 10))
                     (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $len (i32.sub (local.get $len) (i32.const 1)))
          (br $digits))))
    (local.get $value))

  (func $touch (param $pages i32)
    (loop $each
      (if (local.get $pages)
        (then
          (local.set $pages (i32.sub (local.get $pages) (i32.const 1)))
          (i32.store offset=2048 (i32.shl (local.get $pages) (i32.const 12)) (i32.const -1))
          (br $each)))))

  ;; True when the new pages were zeros.
  (func $grow (param $pages i32) (result i32)
    (local $at i32) (local $is_zero i32)
    (local.set $is_zero (i32.const 1))
    (local.set $at (memory.grow (local.get $pages)))
    (if (i32.eq (local.get $at) (i32.const -1)) (then (unreachable)))
    (global.set $grown (i32.const 1))
    (local.set $at (i32.shl (local.get $at) (i32.const 16)))
    (loop $each
      (if (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))
        (then
          (if (i64.ne (i64.load offset=8 (local.get $at)) (i64.const 0))
            (then (local.set $is_zero (i32.const 0))))
          (i64.store offset=8 (local.get $at) (i64.const -1))
          (local.set $at (i32.add (local.get $at) (i32.const 4096)))
          (br $each))))
    (local.get $is_zero))

  (data (i32.const 8) "continuecleanstale")
  (func $answer (param $is_clean i32) (result i32)
    (i32.store (i32.const 512) (i32.const 8))
    (i32.store (i32.const 516) (i32.const 8))
    (i32.store8 (i32.const 520) (i32.const 1))
    (i32.store (i32.const 524)
      (select (i32.const 16) (i32.const 21) (local.get $is_clean)))
    (i32.store (i32.const 528) (i32.const 5))
    (i32.const 512))

  (func (export "astrid-hook-trigger")
    (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
    (result i32)
    (local $is_clean i32) (local $count i32)
    (local.set $is_clean (call $is_clean))
    (local.set $count (call $number (local.get $payload) (local.get $payload_len)))
    (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 103)) ;; g
      (then (local.set $is_clean
        (i32.and (local.get $is_clean) (call $grow (local.get $count)))))
      (else (call $touch (local.get $count))))
    (call $answer (local.get $is_clean))))
