//! What the tests and demos of the workspace share. Everything panics on failure, as tests do.
//!
//! [`Authority`] makes certificates, so that none need be kept in files that expire.
//! [`ScriptedServer`] is a TCP server that does what a test says. [`Browser`] shows pages.
//! [`command`] runs programs of the workspace, [`skip`] tells what cannot be tested here.

mod browser;
mod pki;
mod refusal;
mod requirements;
mod revocation;
mod runner;
mod scripted;

pub use browser::Browser;
pub use pki::{Authority, Certified, Request, restrict_to_pss};
pub use refusal::json_refusal;
pub use requirements::{pykmip, reference, skip};
pub use runner::{command, is_emulated, runner};
pub use scripted::ScriptedServer;
