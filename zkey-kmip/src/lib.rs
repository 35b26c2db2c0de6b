//! See the package description.

pub mod abi;
pub mod config;
#[allow(unsafe_code)]
pub mod environment;
pub mod files;
pub mod host;
pub mod plugin;
pub mod profile;
pub mod properties;
pub mod secure_key;
