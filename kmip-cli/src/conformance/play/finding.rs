//! How a response departs from the expected one.

use std::fmt;

/// A departure, with the path of tags to it.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) actual: String,
}

/// What kind of departure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No response, or none that can be read.
    NoResponse,
    /// The request of the document cannot be sent.
    NoRequest,
    /// The response has something that its version does not have, or not in this place.
    Malformed,
    WrongStatus,
    WrongReason,
    WrongValue,
    MissingField,
    ExtraField,
}

impl Kind {
    /// The word for reports.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::NoResponse => "no response",
            Kind::NoRequest => "no request",
            Kind::Malformed => "malformed",
            Kind::WrongStatus => "wrong status",
            Kind::WrongReason => "wrong reason",
            Kind::WrongValue => "wrong value",
            Kind::MissingField => "missing field",
            Kind::ExtraField => "extra field",
        }
    }
}

impl Finding {
    pub(super) fn new(
        kind: Kind,
        path: &str,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Finding {
            kind,
            path: path.to_owned(),
            expected: expected.into(),
            actual: actual.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            kind,
            path,
            expected,
            actual,
        } = self;
        write!(f, "{}", kind.word())?;
        if !path.is_empty() {
            write!(f, " at {path}")?;
        }
        match (expected.is_empty(), actual.is_empty()) {
            (true, _) => write!(f, ": {actual}"),
            (false, true) => write!(f, ": expected {expected}"),
            (false, false) => write!(f, ": expected {expected}, got {actual}"),
        }
    }
}
