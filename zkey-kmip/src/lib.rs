//! See the package description.

pub mod abi;
pub mod config;
pub mod environment;
pub mod files;
pub mod host;
pub mod identity;
pub mod plugin;
pub mod profile;
pub mod properties;
pub mod secure_key;
