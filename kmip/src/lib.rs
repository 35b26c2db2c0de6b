//! KMIP 1.0 to 2.1: message types generated from the tables of the specification, codecs that
//! borrow instead of copying, client and server.
//!
//! # One type for all versions
//! There is one type for each structure of the specification. The protocol version is a value;
//! which fields a version has is checked when a message is encoded. Nothing is dropped silently:
//! a field that the version does not have is an error.
//!
//! ```
//! use kmip::ProtocolVersion;
//! use kmip::codec::Options;
//! use kmip::types::{
//!     Attribute, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask, ObjectType,
//!     RequestMessage,
//! };
//!
//! let create = CreateRequest {
//!     object_type: ObjectType::SYMMETRIC_KEY,
//!     attributes: [
//!         Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
//!         Attribute::cryptographic_length(256),
//!         Attribute::cryptographic_usage_mask(
//!             CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
//!         ),
//!     ]
//!     .into(),
//!     ..CreateRequest::default()
//! };
//! // The same request in the form of KMIP 1.2 (Template-Attribute) and 2.1 (Attributes).
//! for version in [ProtocolVersion::V1_2, ProtocolVersion::V2_1] {
//!     let request = RequestMessage::single(version, create.clone());
//!     let mut bytes = Vec::new();
//!     kmip::ttlv::encode(&request, &mut bytes)?;
//!     let decoded: RequestMessage<'_> = kmip::ttlv::decode(&bytes, &Options::default())?;
//!     assert_eq!(decoded, request);
//! }
//! # Ok::<(), kmip::codec::Error>(())
//! ```

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod client;
pub mod codec;
pub mod conformance;
mod encoding;
pub mod json;
pub mod server;
mod text;
pub mod transport;
pub mod ttlv;
pub mod types;
mod version;
pub mod xml;

pub use encoding::Encoding;
pub use version::{Edition, ParseVersionError, ProtocolVersion};
