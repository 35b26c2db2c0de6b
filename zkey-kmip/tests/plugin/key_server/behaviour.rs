//! What tests make of the server.

use kmip::ProtocolVersion;
use kmip::types::{Operation, ResultReason, UniqueIdentifier};

/// What a test makes of the server.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    pub(crate) versions: Vec<ProtocolVersion>,
    pub(crate) vendor: String,
    /// Operations that fail, and why.
    pub(crate) refused: Vec<(Operation, ResultReason)>,
    /// Operations that Query does not tell.
    pub(crate) hidden: Vec<Operation>,
    /// Most identifiers that one Locate returns.
    pub(crate) locate_limit: usize,
    /// Locate tells how many identifiers it returns, not how many there are, and knows no offset.
    pub(crate) counts_answer: bool,
    /// Custom attributes must stand together.
    pub(crate) demands_runs: bool,
    /// What Get hands out is damaged.
    pub(crate) corrupts: bool,
    /// Get leaves out what it may.
    pub(crate) terse: bool,
    /// Messages with an operation that needs the ID Placeholder are refused as a whole.
    pub(crate) no_placeholder: bool,
    /// Messages with several items are refused.
    pub(crate) no_batches: bool,
    /// Get with both a key format and wrapping is refused for this reason.
    pub(crate) no_format: Option<ResultReason>,
    /// The wrapped key is in a structure.
    pub(crate) structured: bool,
    /// Delete Attribute by reference answers with success.
    pub(crate) lying_delete: bool,
    /// Locate ignores custom attributes, or refuses them.
    pub(crate) custom_locate: CustomLocate,
    /// Objects whose attributes are not told, and why not.
    pub(crate) unreadable: Vec<(String, ResultReason)>,
    /// Characters that each identifier is longer.
    pub(crate) long_ids: usize,
    /// A text that is blank is told as an empty one.
    pub(crate) trims: bool,
    /// Get hands out only so many bytes of a key.
    pub(crate) cut_to: Option<usize>,
    /// What Get says of the length of a key, in bits.
    pub(crate) told_bits: Option<i32>,
    /// Create names another object than the one that it made.
    pub(crate) tells_id: Option<UniqueIdentifier<'static>>,
    /// What describes a public key is not kept.
    pub(crate) forgets_descriptions: bool,
    /// User name and password that each request must have.
    pub(crate) credential: Option<(&'static str, &'static str)>,
    /// Clients are not asked for a certificate.
    pub(crate) wants_no_certificate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CustomLocate {
    Known,
    Ignored,
    Refused,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            versions: ProtocolVersion::ALL.to_vec(),
            vendor: "Test Server 1.0".to_owned(),
            refused: Vec::new(),
            hidden: Vec::new(),
            locate_limit: usize::MAX,
            counts_answer: false,
            demands_runs: false,
            corrupts: false,
            terse: false,
            no_placeholder: false,
            no_batches: false,
            no_format: None,
            structured: false,
            lying_delete: false,
            custom_locate: CustomLocate::Known,
            unreadable: Vec::new(),
            long_ids: 0,
            trims: false,
            cut_to: None,
            told_bits: None,
            tells_id: None,
            forgets_descriptions: false,
            credential: None,
            wants_no_certificate: false,
        }
    }
}
