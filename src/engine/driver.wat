;; The driver: instantiated beside every guest, it makes a whole call in one entry from the host
;; and holds the one place where a guest can be suspended.
;;
;; The table is filled by the host after instantiation with functions of the guest, which live in
;; the same store: 0 realloc, 1 hook, 2 post-return, 3.. functions without parameters and results.
(module
  (type $realloc (func (param i32 i32 i32 i32) (result i32)))
  (type $hook (func (param i32 i32 i32 i32) (result i32)))
  (type $post_return (func (param i32)))
  (type $entry (func))

  ;; Copies action and payload to the two allocated addresses; from here on the guest may leave.
  (import "host" "lower" (func $lower (param $action i32) (param $payload i32)))
  ;; Copies the result out; from here on the guest may not leave. Says whether post-return is due.
  (import "host" "lift" (func $lift (param $result i32) (result i32)))
  ;; The only asynchronous import of a store: pending until the host resumes the guest.
  (import "host" "wait" (func $wait))

  (table (export "guest") 9 9 funcref)

  ;; Lets the guest's allocator get its first memory before the snapshot; what it gave stays taken.
  (func (export "prime") (param $size i32) (param $unused i32)
    (drop
      (call_indirect (type $realloc)
        (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size) (i32.const 0))))

  ;; Sixteen texts of a host call's result in one entry; a negative size is none.
  (func $allocate_text (param $size i32) (result i32)
    (if (result i32) (i32.ge_s (local.get $size) (i32.const 0))
      (then
        (call_indirect (type $realloc)
          (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size) (i32.const 0)))
      (else (i32.const 0))))
  (func (export "allocate")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (call $allocate_text (local.get 0))
    (call $allocate_text (local.get 1))
    (call $allocate_text (local.get 2))
    (call $allocate_text (local.get 3))
    (call $allocate_text (local.get 4))
    (call $allocate_text (local.get 5))
    (call $allocate_text (local.get 6))
    (call $allocate_text (local.get 7))
    (call $allocate_text (local.get 8))
    (call $allocate_text (local.get 9))
    (call $allocate_text (local.get 10))
    (call $allocate_text (local.get 11))
    (call $allocate_text (local.get 12))
    (call $allocate_text (local.get 13))
    (call $allocate_text (local.get 14))
    (call $allocate_text (local.get 15)))

  (func (export "hook") (param $action_len i32) (param $payload_len i32)
    (local $action i32) (local $payload i32) (local $result i32)
    (local.set $action
      (call_indirect (type $realloc)
        (i32.const 0) (i32.const 0) (i32.const 1) (local.get $action_len) (i32.const 0)))
    (local.set $payload
      (call_indirect (type $realloc)
        (i32.const 0) (i32.const 0) (i32.const 1) (local.get $payload_len) (i32.const 0)))
    (call $lower (local.get $action) (local.get $payload))
    (local.set $result
      (call_indirect (type $hook)
        (local.get $action) (local.get $action_len)
        (local.get $payload) (local.get $payload_len) (i32.const 1)))
    (if (call $lift (local.get $result))
      (then (call_indirect (type $post_return) (local.get $result) (i32.const 2)))))

  ;; The second parameter makes both ways in one type for the host.
  (func (export "entry") (param $slot i32) (param $unused i32)
    (call_indirect (type $entry) (local.get $slot)))

  (func (export "wait") (call $wait)))
