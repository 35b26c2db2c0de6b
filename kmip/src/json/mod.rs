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

/// Any JSON text with those control characters escaped that JSON allows but terminals obey: U+007F to
/// U+009F. They are nowhere but in strings, so that it means the same.
pub fn for_terminal(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text
}
