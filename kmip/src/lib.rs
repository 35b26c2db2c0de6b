//! See the package description.

pub mod transport;
