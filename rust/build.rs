//! Copies wasmtime's C headers, made for exactly this feature set, to where the caller asks
//! (environment variable `BULKHEAD_RUST_INCLUDE`), so that the archive and they are cached together.

use std::path::Path;
use std::{env, fs, io};

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() {
    println!("cargo:rerun-if-env-changed=BULKHEAD_RUST_INCLUDE");
    let Some(target) = env::var_os("BULKHEAD_RUST_INCLUDE") else { return };
    let source = env::var_os("DEP_WASMTIME_C_API_INCLUDE")
        .expect("wasmtime-c-api-impl tells where it installed its headers");
    copy_tree(Path::new(&source), Path::new(&target)).expect("the include directory is writable");
}
