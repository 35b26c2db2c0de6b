//! What the tests and demos of the workspace share. Everything panics on failure, as tests do.
//!
//! [`Authority`] makes certificates, so that none need be kept in files that expire.
//! [`ScriptedServer`] is a TCP server that does what a test says. [`Browser`] shows pages.

mod browser;
mod pki;
mod refusal;
mod revocation;
mod scripted;

pub use browser::Browser;
pub use pki::{Authority, Certified, Request, restrict_to_pss};
pub use refusal::json_refusal;
pub use scripted::ScriptedServer;
