//! Compile the C sources under test into this program.

fn main() {
    let root = "../../..";
    let files = [
        "tests/wasm/peer/c/peer.c",
        "src/base/arena.c",
        "src/base/assert.c",
        "src/base/error.c",
        "src/wasm/code_scan.c",
        "src/wasm/module.c",
        "src/wasm/reader.c",
        "src/wasm/restorability.c",
        "src/wasm/rewrite.c",
        "src/wasm/segments.c",
        "src/wasm/types.c",
    ];
    for directory in ["tests/wasm/peer/c", "src/base", "src/wasm", "include"] {
        println!("cargo::rerun-if-changed={root}/{directory}");
    }
    cc::Build::new()
        .files(files.map(|file| format!("{root}/{file}")))
        .includes(["include", "src", "tests/wasm/peer/c"].map(|part| format!("{root}/{part}")))
        .define("_GNU_SOURCE", None)
        .std("gnu11")
        .warnings(false)
        .debug(true)
        .opt_level(2)
        .compile("bulkhead_wasm");
}
