;; A guest with a large heap that takes long to initialise: 16 MiB of words, mixed over and over for
;; some 50 ms. A call reads a word of the heap, writes a few and answers its payload.
(module
  (memory (export "memory") 258)
  (global $heap (mut i32) (i32.const 16842752)) ;; behind the words

  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap
      (i32.add (global.get $heap) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
    (local.get $at))

  (func (export "_initialize")
    (local $round i32) (local $at i32) (local $word i64)
    (local.set $word (i64.const 0x9e3779b97f4a7c15))
    (loop $rounds
      (local.set $at (i32.const 65536))
      (loop $words
        (local.set $word
          (i64.xor (i64.mul (local.get $word) (i64.const 6364136223846793005))
                   (i64.load (local.get $at))))
        (i64.store (local.get $at) (local.get $word))
        (br_if $words
          (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 16842752))))
      (br_if $rounds
        (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 10)))))

  ;; The result area, at 1024: action "continue" and the payload.
  (data (i32.const 8) "continue")
  (func (export "astrid-hook-trigger")
    (param $action i32) (param $action_len i32) (param $payload i32) (param $payload_len i32)
    (result i32)
    (i64.store (i32.const 8000000) (i64.load (i32.const 4000000)))
    (i64.store (i32.const 12000000) (i64.load (i32.const 4000008)))
    (i32.store (i32.const 1024) (i32.const 8))
    (i32.store (i32.const 1028) (i32.const 8))
    (i32.store8 (i32.const 1032) (i32.const 1))
    (i32.store (i32.const 1036) (local.get $payload))
    (i32.store (i32.const 1040) (local.get $payload_len))
    (i32.const 1024)))
