//! Backends of secure keys.
//!
//! `suite` is what every backend must do; `software` is about the one for machines without
//! coprocessors.

mod software;
mod suite;
