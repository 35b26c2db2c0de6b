//! Checks of the codecs against published messages.
//!
//! The official test cases are XML documents that hold conversations. [`Document`] takes one apart
//! and replaces the placeholders in its messages; [`check_message`] sends a message through all
//! three encodings and compares what comes out. [`check_bytes`] does so for a message in TTLV.
//!
//! ```
//! use kmip::conformance::{Document, check_message};
//!
//! let document = Document::parse(
//!     r#"<KMIP>
//!       # TIME 0
//!       <RequestMessage>
//!         <RequestHeader>
//!           <ProtocolVersion>
//!             <ProtocolVersionMajor type="Integer" value="1"/>
//!             <ProtocolVersionMinor type="Integer" value="2"/>
//!           </ProtocolVersion>
//!           <BatchCount type="Integer" value="1"/>
//!         </RequestHeader>
//!         <BatchItem>
//!           <Operation type="Enumeration" value="Get"/>
//!           <RequestPayload>
//!             <UniqueIdentifier type="TextString" value="$UNIQUE_IDENTIFIER_0"/>
//!           </RequestPayload>
//!         </BatchItem>
//!       </RequestMessage>
//!     </KMIP>"#,
//! );
//! let message = &document.messages[0];
//! assert_eq!(message.line, 3);
//! let passed = check_message(&message.filled()?)?;
//! assert_eq!((passed.ttlv.len() % 8, passed.departure), (0, None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod round_trip;
mod tree;

pub use document::{Document, DocumentError, Filled, Message, Placeholder};
pub use round_trip::{Fault, Passed, check_bytes, check_item, check_json, check_message};
pub use tree::{Difference, Element, Tree, TreeError};
