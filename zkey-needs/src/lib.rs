//! What the KMIP plugin for zkey needs of a server, and in what servers differ. The plugin goes by it,
//! and so does `kmip doctor`, which examines servers for the plugin.

#![deny(missing_docs)]

mod announced;
pub mod server_traits;

pub use announced::{introduction, missing};
