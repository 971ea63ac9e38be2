;; Traps in a function whose name, demangled, would fill any memory: each substitution doubles it.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func $_Z1f1AIiiiiiiiiiiES_IS0_S0_S0_S0_S0_S0_S0_S0_S0_S0_ES_IS1_S1_S1_S1_S1_S1_S1_S1_S1_S1_ES_IS2_S2_S2_S2_S2_S2_S2_S2_S2_S2_ES_IS3_S3_S3_S3_S3_S3_S3_S3_S3_S3_ES_IS4_S4_S4_S4_S4_S4_S4_S4_S4_S4_ES_IS5_S5_S5_S5_S5_S5_S5_S5_S5_S5_ES_IS6_S6_S6_S6_S6_S6_S6_S6_S6_S6_ES_IS7_S7_S7_S7_S7_S7_S7_S7_S7_S7_E
    (unreachable))
  (func (export "astrid-hook-trigger") (param i32 i32 i32 i32) (result i32)
    (call $_Z1f1AIiiiiiiiiiiES_IS0_S0_S0_S0_S0_S0_S0_S0_S0_S0_ES_IS1_S1_S1_S1_S1_S1_S1_S1_S1_S1_ES_IS2_S2_S2_S2_S2_S2_S2_S2_S2_S2_ES_IS3_S3_S3_S3_S3_S3_S3_S3_S3_S3_ES_IS4_S4_S4_S4_S4_S4_S4_S4_S4_S4_ES_IS5_S5_S5_S5_S5_S5_S5_S5_S5_S5_ES_IS6_S6_S6_S6_S6_S6_S6_S6_S6_S6_ES_IS7_S7_S7_S7_S7_S7_S7_S7_S7_S7_E)
    (i32.const 0)))
