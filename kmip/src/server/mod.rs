//! An embeddable KMIP server.
//!
//! [`Engine`] turns the bytes of a request into the bytes of the response and does no I/O: it
//! checks the header, takes batches apart, keeps the ID Placeholder, and calls a [`Handler`] for
//! each operation. [`serve`] listens with TLS and runs an engine for each connection.

mod connection;
mod connections;
mod demands;
mod engine;
mod exchange;
mod failure;
mod handler;
mod identifiers;
mod idle;
mod listener;
mod options;
mod outputs;
mod peer;
mod response;

pub use connection::serve_connection;
pub use engine::Engine;
pub use exchange::{Delivery, Exchange};
pub use failure::Failure;
pub use handler::{Call, Handler, Polled};
pub use listener::{Server, Stopper, serve};
pub use options::ServeOptions;
pub use peer::Peer;
