//! The XML encoding (Additional Message Encodings 1.0, section 6; 5.4 of the Profiles in 2.x).
//!
//! ```
//! use kmip::codec::Options;
//! use kmip::types::{QueryFunction, QueryRequest, RequestMessage};
//! use kmip::{ProtocolVersion, xml};
//!
//! let query = QueryRequest {
//!     query_function: vec![QueryFunction::QUERY_OPERATIONS],
//!     ..QueryRequest::default()
//! };
//! let request = RequestMessage::single(ProtocolVersion::V1_4, query);
//! let mut text = Vec::new();
//! xml::encode(&request, &mut text)?;
//! assert!(text.starts_with(b"<RequestMessage><RequestHeader><ProtocolVersion>"));
//! assert_eq!(xml::decode::<RequestMessage<'_>>(&text, &Options::default())?, request);
//! # Ok::<(), kmip::codec::Error>(())
//! ```

mod escape;
mod parser;
mod writer;

pub use writer::Writer;

crate::text::encoding!(json: false);
