//! See the package description.

pub mod abi;
pub mod config;
pub mod environment;
pub mod files;
pub mod host;
pub mod identity;
#[allow(unsafe_code)]
mod pattern;
pub mod plugin;
pub mod profile;
pub mod properties;
pub mod secure_key;
