//! See the package description.

pub mod abi;
pub mod plugin;
