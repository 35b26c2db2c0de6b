//! A KMIP client.
//!
//! ```no_run
//! use kmip::client::{Client, NewKey};
//! use kmip::transport::tls::{ClientTls, Identity};
//! use kmip::types::Attribute;
//! # use std::path::Path;
//!
//! let identity = Identity::from_pem_files(Path::new("me.crt"), Path::new("me.key"), None)?;
//! let tls = ClientTls::new().ca_file("ca.pem").identity(identity);
//! let mut client = Client::builder("keys.example.com".parse()?).tls(tls).connect()?;
//!
//! let key = client.create(NewKey::aes(256).attribute(Attribute::object_group("disks")))?;
//! client.activate(&key)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Every operation can be called with its request type through [`Client::call`]; the frequent ones
//! have methods of their own, and [`NewKey`], [`NewKeyPair`], [`NewObject`] and [`Search`] make
//! their requests. Requests are written once and sent in the version that was negotiated with the
//! server; what that version does not have (operations, fields, attributes, values of enumerations) is
//! refused before anything is sent. The [`guide`](crate::guide) has examples.
//!
//! | for | see |
//! |---|---|
//! | several operations in one message | [`Client::call_batch`], [`Client::send_batch`], [`Client::call_all`] |
//! | data in several parts | [`Client::stream`] |
//! | authenticated encryption | [`Client::seal`], [`Client::open`] |
//! | keys and certificates for use with OpenSSL | [`Client::get_private_key`], [`NewObject::from_pem`] |
//! | certificates for keys on the server | [`Signer`] |
//! | credentials | [`Credential`](crate::types::Credential), [`Client::login`], [`Client::login_with`], [`Attest`] |
//! | several servers | [`ClientBuilder::fallback_server`] |
//! | what is sent again after a failure | [`is_repeatable`], [`Error::may_have_been_performed`] |
//! | operations that take long | [`Client::call_asynchronously`], [`Client::poll`], [`ClientBuilder::asynchronous`] |
//! | logs and traces | [`Hook`], [`MessageLog`], feature `tracing` |
//! | asynchronous programs | `AsyncClient` (feature `tokio`), `Pool` (feature `deadpool`) |
//!
//! With the feature `tracing`, each request has a span `kmip.request` (peer, version, correlation
//! values, sizes, duration, result) and in it a span `kmip.item` for each of its items (operation,
//! result, reason). Neither holds anything of the content of messages but identifiers.
//!
//! # Without I/O
//! [`Session`] and [`Negotiation`] do no I/O: they turn requests into bytes and bytes into results,
//! and decide which version to try next. What is around them (connecting, repeating, failing over)
//! is written once, as asynchronous code over a small driver; [`Client`] and `AsyncClient` are its
//! two faces.

#[cfg(feature = "tokio")]
mod asynchronous;
mod attestation;
mod attributes;
mod batch;
mod blocking;
mod builder;
mod calls;
mod connect;
mod core;
mod credentials;
mod cryptography;
mod driver;
mod error;
mod exclusive;
mod keys;
mod lifecycle;
mod message_log;
mod methods;
mod negotiation;
mod new_key;
mod new_object;
mod objects;
mod observe;
mod on_message;
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
pub use builder::ClientBuilder;
pub use connect::Connect;
#[cfg(feature = "tokio")]
pub use connect::asynchronous::{AsyncConnect, Connecting};
pub use error::{Error, OperationFailure, Problem, ResponseFault};
pub use message_log::{MessageLog, Redacted};
pub use negotiation::{Attempt, Negotiation, Step};
pub use new_key::{NewKey, NewKeyPair, default_usage};
pub use new_object::NewObject;
pub use objects::KeyPair;
pub use observe::{FailureEvent, Hook, RequestEvent, ResponseEvent};
pub use on_message::Message;
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
