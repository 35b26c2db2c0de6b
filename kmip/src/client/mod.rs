//! A KMIP client.
//!
//! ```no_run
//! use kmip::client::Client;
//! use kmip::transport::tls::{ClientTls, Identity};
//! use kmip::types::{Attribute, CryptographicUsageMask};
//! # use std::path::Path;
//!
//! let identity = Identity::from_pem_files(Path::new("me.crt"), Path::new("me.key"), None)?;
//! let tls = ClientTls::new().ca_file("ca.pem").identity(identity);
//! let mut client = Client::builder("keys.example.com".parse()?).tls(tls).connect()?;
//!
//! let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
//! let key = client.create_symmetric_key(256, usage, [Attribute::object_group("disks")])?;
//! client.activate(&key)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every operation can be called with its request type through [`Client::call`]; the frequent ones
//! have methods of their own. Requests are written once and sent in the version that was negotiated
//! with the server.
//!
//! [`Session`] and [`Negotiation`] do no I/O: they turn requests into bytes and bytes into results,
//! and decide which version to try next. [`Client`] is the blocking shell around them.

mod attributes;
mod batch;
mod blocking;
mod builder;
mod error;
mod negotiation;
mod objects;
mod repeat;
mod server;
mod session;

pub use batch::{Batch, BatchRequests, ItemResult};
pub use blocking::Client;
pub use builder::{ClientBuilder, Connect, Message};
pub use error::{Error, OperationFailure, Problem, ResponseFault};
pub use negotiation::{Attempt, Negotiation, Step};
pub use repeat::is_repeatable;
pub use session::{Expected, Session};
