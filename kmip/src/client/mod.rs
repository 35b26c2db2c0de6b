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

#[cfg(feature = "tokio")]
mod asynchronous;
mod attestation;
mod attributes;
mod batch;
mod blocking;
mod builder;
mod calls;
mod core;
mod credentials;
mod cryptography;
mod driver;
mod error;
mod exclusive;
mod lifecycle;
mod message_log;
mod methods;
mod negotiation;
mod new_key;
mod new_object;
mod objects;
mod observe;
#[cfg(feature = "deadpool")]
mod pool;
mod repeat;
mod sealing;
mod search;
mod server;
mod servers;
mod session;
mod signer;
mod stream;
mod versions;
mod wrapping;

#[cfg(feature = "tokio")]
pub use asynchronous::{Answer, AsyncClient};
pub use attestation::Attest;
pub use batch::{Batch, BatchRequests, ItemResult};
pub use blocking::Client;
#[cfg(feature = "tokio")]
pub use builder::{AsyncConnect, Connecting};
pub use builder::{ClientBuilder, Connect, Message};
pub use error::{Error, OperationFailure, Problem, ResponseFault};
pub use message_log::{MessageLog, Redacted};
pub use negotiation::{Attempt, Negotiation, Step};
pub use new_key::{NewKey, NewKeyPair, default_usage};
pub use new_object::NewObject;
pub use objects::KeyPair;
pub use observe::{FailureEvent, Hook, RequestEvent, ResponseEvent};
#[cfg(feature = "deadpool")]
pub use pool::{Manager, Pool};
pub use repeat::is_repeatable;
pub use sealing::Sealed;
#[cfg(feature = "tokio")]
pub use search::asynchronous::AsyncObjects;
pub use search::{Objects, Search};
pub use server::Pending;
pub use session::{Challenge, Expected, Session};
pub use signer::{RemoteKey, SignatureScheme, Signer};
#[cfg(feature = "tokio")]
pub use stream::asynchronous::AsyncStream;
pub use stream::{Stream, Streamable};
pub use versions::VersionCache;
