//! A reference KMIP key server on the engine of the `kmip` crate.
//!
//! [`KeyServer`] performs the operations; [`kmip::server::Engine`] turns bytes into calls of it,
//! and [`serve`] listens with TLS. Objects live in a [`Store`]: in memory, in a SQLite file that
//! survives crashes without losing what was acknowledged, or, with the feature `postgres`, in a
//! database that several servers share.
//!
//! It is made for tests, demonstrations and development. It is **no hardware security module**:
//! keys stand in the SQLite file as they are, protected by the file mode alone, unless a
//! [`SealedStore`] encrypts them with a master key. In memory they are wiped when they are no longer
//! needed.
//!
//! ```
//! use std::sync::Arc;
//! use kmip::server::{Engine, Peer};
//! use kmip::types::{QueryFunction, QueryRequest, RequestMessage};
//! use kmip::ProtocolVersion;
//! use kmip_server::{Configuration, KeyServer, MemoryStore};
//!
//! let server = KeyServer::new(Configuration::default(), Arc::new(MemoryStore::new()));
//! let engine = Engine::new(server);
//! let query = QueryRequest {
//!     query_function: vec![QueryFunction::QUERY_OPERATIONS],
//!     ..QueryRequest::default()
//! };
//! let mut request = Vec::new();
//! kmip::ttlv::encode(&RequestMessage::single(ProtocolVersion::V2_1, query), &mut request)?;
//! let mut response = Vec::new();
//! engine.respond(&Peer::local(), &request, &mut response);
//! assert!(!response.is_empty());
//! # Ok::<(), kmip::codec::Error>(())
//! ```

#![deny(missing_docs)]

mod admin;
mod applications;
mod attestation;
mod attributes;
mod audit;
mod clock;
pub mod command;
mod configuration;
mod context;
mod credentials;
mod crypto;
mod deferred;
mod groups;
mod interfere;
mod journal;
mod kept;
mod logins;
mod named;
mod names;
mod notices;
mod object;
mod operations;
mod password;
mod policy;
mod recent;
mod refusal;
mod remembered;
mod repeat;
mod server;
mod settings;
mod store;
mod streams;
pub mod testing;
mod tickets;
pub mod trial;
mod usage_limits;
mod volatile;

pub use attestation::AttestationVerifier;
pub use attributes::AttributeSet;
pub use audit::AuditLog;
pub use clock::{Clock, ManualClock, SystemClock};
pub use configuration::{Configuration, Report, SeedPolicy, TokenInformation, User};
pub use interfere::{Fault, FaultError, Interference, Personality, Print};
pub use notices::{NetworkNotices, NoticeError, Notices, Recipient};
pub use object::StoredObject;
pub use password::{Password, PasswordHashError};
pub use policy::{Policies, PolicyError};
pub use recent::RecentMessages;
pub use server::{KeyServer, serve};
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
pub use store::{
    Added, Addition, Found, MasterKey, MasterKeyError, MemoryStore, SealedStore, Search,
    SqliteStore, Store, StoreError, Transaction,
};
