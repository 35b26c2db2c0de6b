//! Generates the message types from the tables of `kmip-spec`.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    // The tables are part of the build dependency `kmip-spec`: cargo sees their changes.
    println!("cargo::rerun-if-changed=build.rs");
    let directory = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let spec = kmip_spec::Spec::load()?;
    std::fs::write(
        directory.join("operations.md"),
        codegen::operations_table(&spec),
    )?;
    for file in codegen::generate(&spec)? {
        std::fs::write(directory.join(file.name), file.tokens.to_string())?;
    }
    Ok(())
}
