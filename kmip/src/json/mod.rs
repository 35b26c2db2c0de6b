//! The JSON encoding (Additional Message Encodings 1.0, section 4; 5.5 of the Profiles in 2.x).
//!
//! ```
//! use kmip::codec::Options;
//! use kmip::types::{QueryFunction, QueryRequest, RequestMessage};
//! use kmip::{ProtocolVersion, json};
//!
//! let query = QueryRequest {
//!     query_function: vec![QueryFunction::QUERY_OPERATIONS],
//!     ..QueryRequest::default()
//! };
//! let request = RequestMessage::single(ProtocolVersion::V1_4, query);
//! let mut text = Vec::new();
//! json::encode(&request, &mut text)?;
//! assert!(text.starts_with(br#"{"tag":"RequestMessage","value":[{"tag":"RequestHeader","#));
//! assert_eq!(json::decode::<RequestMessage<'_>>(&text, &Options::default())?, request);
//! # Ok::<(), kmip::codec::Error>(())
//! ```

mod parser;
mod writer;

pub use writer::Writer;

crate::text::encoding!(json: true);
