//! See the package description.

pub mod abi;
pub mod files;
pub mod plugin;
pub mod properties;
