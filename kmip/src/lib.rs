//! KMIP 1.0 to 2.1: message types generated from the tables of the specification, codecs that
//! borrow instead of copying, client and server.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use kmip::client::{Client, NewKey};
//! use kmip::transport::tls::{ClientTls, Identity};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity::from_pem_files(Path::new("me.crt"), Path::new("me.key"), None)?;
//! let tls = ClientTls::new().ca_file("ca.pem").identity(identity);
//! let mut client = Client::builder("keys.example.com".parse()?).tls(tls).connect()?;
//! let key = client.create(NewKey::aes(256).name("disk 7").active())?;
//! println!("{} bytes", client.get_key(&key, None)?.len());
//! # Ok(()) }
//! ```
//!
//! | for | see |
//! |---|---|
//! | an example of each frequent task | [`guide`] |
//! | a client | [`client`] |
//! | a server in a program | [`server`], [the guide](guide#a-server-in-a-program) |
//! | messages as types, and their encodings | below; [`types`], [`ttlv`], [`json`], [`xml`] |
//! | keys and certificates in PEM and for OpenSSL | [`keys`] |
//! | connections, TLS, HTTPS | [`transport`] |
//!
//! | feature | adds |
//! |---|---|
//! | `tokio` | the asynchronous client |
//! | `deadpool` | a pool of asynchronous clients |
//! | `tracing` | spans for requests and their items |
//! | `arbitrary` | random messages, for property tests |
//!
//! The system's OpenSSL 3 and its headers are needed (`libssl-dev`, `openssl-devel`).
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
//!
//! # Decoding borrows
//! Texts and byte strings of a decoded message point into its encoding;
//! [`into_owned`](types::IntoOwned::into_owned) makes it independent.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use kmip::codec::Options;
//! use kmip::types::{IntoOwned, RequestMessage, RequestPayload, UniqueIdentifier};
//! # use kmip::types::GetRequest;
//! # let get = GetRequest { unique_identifier: Some("a key".into()), ..GetRequest::default() };
//! # let message = RequestMessage::single(kmip::ProtocolVersion::V1_4, get);
//! # let mut received = Vec::new();
//! # kmip::ttlv::encode(&message, &mut received)?;
//!
//! let message: RequestMessage<'_> = kmip::ttlv::decode(&received, &Options::default())?;
//! let RequestPayload::Get(get) = &message.batch_item[0].request_payload else {
//!     panic!("not a Get");
//! };
//! let Some(UniqueIdentifier::Text(Cow::Borrowed(name))) = &get.unique_identifier else {
//!     panic!("not borrowed");
//! };
//! assert_eq!(*name, "a key");
//! let owned: RequestMessage<'static> = message.into_owned();
//! drop(received);
//! assert_eq!(owned.batch_item.len(), 1);
//! # Ok::<(), kmip::codec::Error>(())
//! ```
//!
//! # Without types
//! [`ttlv::Reader`] walks the items of any TTLV and allocates nothing.
//!
//! ```
//! use kmip::ttlv::Reader;
//! use kmip::types::{ItemType, Tag};
//!
//! /// Finds the first item with a tag, at any depth; returns its bytes.
//! fn find<'a>(reader: &mut Reader<'a>, wanted: Tag) -> kmip::codec::Result<Option<&'a [u8]>> {
//!     while let Some(tag) = reader.tag() {
//!         if tag == wanted {
//!             return Ok(Some(reader.item_bytes()));
//!         }
//!         if reader.item_type() == ItemType::STRUCTURE {
//!             let outer = reader.enter()?;
//!             if let Some(found) = find(reader, wanted)? {
//!                 return Ok(Some(found));
//!             }
//!             reader.leave(outer)?;
//!         } else {
//!             reader.skip()?;
//!         }
//!     }
//!     Ok(None)
//! }
//! # let message = kmip::types::RequestMessage::single(
//! #     kmip::ProtocolVersion::V1_4, kmip::types::QueryRequest {
//! #         query_function: vec![kmip::types::QueryFunction::QUERY_OPERATIONS],
//! #         ..Default::default()
//! #     });
//! # let mut received = Vec::new();
//! # kmip::ttlv::encode(&message, &mut received)?;
//!
//! let operation = find(&mut Reader::new(&received)?, Tag::OPERATION)?;
//! assert_eq!(operation.map(<[u8]>::len), Some(16));
//! # Ok::<(), kmip::codec::Error>(())
//! ```
//!
//! # What the specification does not have
//! Lenient decoding, the default, keeps unknown items beside the fields, in `extra`, and encodes
//! them where they stood. Vendor extensions can be added in the same way.
//!
//! ```
//! use kmip::codec::{Options, RawItem, RawValue};
//! use kmip::types::{GetRequest, RequestMessage, Tag};
//!
//! let mut get = GetRequest::default();
//! let vendor = RawItem { tag: Tag(0x54_0001), value: RawValue::from("a vendor's hint") };
//! get.extra.push(vendor.clone());
//! let message = RequestMessage::single(kmip::ProtocolVersion::V1_4, get);
//! let mut bytes = Vec::new();
//! kmip::ttlv::encode(&message, &mut bytes)?;
//!
//! let decoded: RequestMessage<'_> = kmip::ttlv::decode(&bytes, &Options::default())?;
//! assert_eq!(decoded, message);
//! // The strict mode, for conformance, takes nothing that the tables do not have.
//! assert!(kmip::ttlv::decode::<RequestMessage<'_>>(&bytes, &Options::strict()).is_err());
//! # Ok::<(), kmip::codec::Error>(())
//! ```
//!
//! # Operations, versions, encodings
//! T: TTLV, J: JSON, X: XML; request and response.
//!
#![doc = include_str!(concat!(env!("OUT_DIR"), "/operations.md"))]
#![deny(missing_docs)]
#![deny(unsafe_code)]

// For what tests inside and outside of the crate share.
#[cfg(test)]
extern crate self as kmip;

mod causes;
pub mod client;
pub mod codec;
pub mod conformance;
mod encoding;
#[doc = include_str!("guide.md")]
pub mod guide {}
pub mod json;
pub mod keys;
pub mod server;
mod text;
pub mod transport;
pub mod ttlv;
pub mod types;
mod version;
pub mod xml;

pub use causes::with_causes;
pub use encoding::Encoding;
pub use version::{Edition, ParseVersionError, ProtocolVersion};
