//! Modules by wasm-smith: of the engine's features, or with more of them.

use crate::random::Random;
use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

fn engine_config(random: &mut Random) -> Config {
    let mut config = Config::default();
    let mostly = |random: &mut Random| !random.one_in(8);
    config.bulk_memory_enabled = mostly(random);
    config.reference_types_enabled = mostly(random);
    config.multi_value_enabled = mostly(random);
    config.simd_enabled = mostly(random);
    config.saturating_float_to_int_enabled = mostly(random);
    config.sign_extension_ops_enabled = mostly(random);
    config.tail_call_enabled = mostly(random);
    config.extended_const_enabled = mostly(random);
    config.threads_enabled = false;
    config.memory64_enabled = false;
    config.gc_enabled = false;
    config.exceptions_enabled = false;
    config.relaxed_simd_enabled = false;
    config.max_memories = 1;
    config.max_tables = 1 + random.below(4);
    config.max_imports = *random.pick(&[0, 0, 10]);
    config.min_funcs = random.below(4);
    config.min_data_segments = random.below(3);
    config.max_data_segments = 8;
    config.min_element_segments = random.below(3);
    config.max_element_segments = 8;
    config.max_instructions = *random.pick(&[20, 200, 1000]);
    config.const_expr_fuel = *random.pick(&[5, 20, 50]);
    config.min_uleb_size = *random.pick(&[1, 1, 1, 2, 5]);
    config.export_everything = random.one_in(4);
    config.generate_custom_sections = random.one_in(3);
    config
}

fn add_features(config: &mut Config, random: &mut Random) {
    let mut maybe = || random.one_in(3);
    config.threads_enabled = maybe();
    config.memory64_enabled = maybe();
    config.gc_enabled = maybe();
    config.exceptions_enabled = maybe();
    config.relaxed_simd_enabled = maybe();
    config.custom_page_sizes_enabled = maybe();
    config.wide_arithmetic_enabled = maybe();
    config.shared_everything_threads_enabled = config.threads_enabled && maybe();
    if maybe() {
        config.max_memories = 3;
    }
}

/// None when the random bytes make no module.
pub fn generate(random: &mut Random, with_more_features: bool) -> Option<Vec<u8>> {
    let mut config = engine_config(random);
    if with_more_features {
        add_features(&mut config, random);
    }
    let len = *random.pick(&[200, 1000, 4000, 16000]);
    let bytes = random.bytes(len);
    let module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    Some(module.to_bytes())
}
