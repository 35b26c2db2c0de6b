//! An embeddable KMIP server.
//!
//! [`Engine`] turns the bytes of a request into the bytes of the response and does no I/O: it
//! checks the header, takes batches apart, keeps the ID Placeholder, and calls a [`Handler`] for
//! each operation. [`serve`] listens with TLS and runs an engine for each connection.

mod engine;
mod failure;
mod handler;
mod identifiers;
mod listener;
mod peer;
mod response;

pub use engine::Engine;
pub use failure::Failure;
pub use handler::{Call, Handler};
pub use listener::{ServeOptions, Server, Stopper, serve, serve_connection};
pub use peer::Peer;
