//! Generator of the KMIP message types: from the tables of `kmip-spec` to Rust.
//!
//! Three layers: the tables' model ([`kmip_spec::model`]); shapes, which say what Rust field a group
//! of rows becomes; and emitters, which write one kind of item each.

mod arbitrary;
mod attributes;
mod choices;
mod enumerations;
mod error;
mod name_hash;
mod name_index;
mod names;
mod payloads;
#[cfg(feature = "cli")]
mod print;
mod shapes;
mod structures;
mod support;
mod tags;

use kmip_spec::Spec;
use proc_macro2::TokenStream;

pub use error::GenerateError;
#[cfg(feature = "cli")]
pub use print::{formatted, print};
pub use support::operations_table;

/// One file of generated code.
#[derive(Debug)]
pub struct GeneratedFile {
    /// Its name.
    pub name: &'static str,
    /// Its items.
    pub tokens: TokenStream,
}

/// Generates all types.
///
/// # Errors
/// The tables hold something that the generator has no shape for.
pub fn generate(spec: &Spec) -> Result<Vec<GeneratedFile>, GenerateError> {
    let file = |name, tokens| GeneratedFile { name, tokens };
    Ok(vec![
        file("tags.rs", tags::emit(spec)),
        file("enumerations.rs", enumerations::emit(spec)?),
        file("structures.rs", structures::emit(spec)?),
        file("payloads.rs", payloads::emit(spec)?),
        file("attributes.rs", attributes::emit(spec)?),
    ])
}
