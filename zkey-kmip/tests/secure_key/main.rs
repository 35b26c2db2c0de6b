//! Backends of secure keys.
//!
//! `suite` is what every backend must do, on a `bench`; `software` is about the one for machines without
//! coprocessors.

mod bench;
mod software;
mod suite;
