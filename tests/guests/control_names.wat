;; Imports from a module whose name would forge a line of a log and colour a terminal.
(module
  (import "\n2026-01-01T00:00:00.000Z error forged \1b[31m" "f" (func))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
