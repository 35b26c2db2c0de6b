//! What a server tells about an operation that failed.

use std::borrow::Cow;

use crate::types::{AttestationType, Enumeration, Nonce, Operation, ProtocolVersion, ResultReason};

/// A failed operation, in the words that the client gets to see: nothing internal belongs here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason:?}: {message}")]
pub struct Failure {
    reason: ResultReason,
    message: Cow<'static, str>,
    challenge: Option<Box<Challenge>>,
}

/// What a client needs to attest in what state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) nonce: Nonce<'static>,
    pub(super) attestation_types: Vec<AttestationType>,
}

impl Failure {
    /// A failure for `reason`, with a message for people.
    pub fn new(reason: ResultReason, message: impl Into<Cow<'static, str>>) -> Self {
        Failure {
            reason,
            message: message.into(),
            challenge: None,
        }
    }

    /// The client has to attest first: it sends the request again with an Attestation Credential of one
    /// of these types about this nonce (KMIP 1.4, 2.1.14; 2.1, 9.11). The header of the response has
    /// both.
    pub fn attestation_required(
        nonce: Nonce<'static>,
        attestation_types: Vec<AttestationType>,
    ) -> Self {
        let message = "send the request again with an attestation about the nonce";
        Failure {
            challenge: Some(Box::new(Challenge {
                nonce,
                attestation_types,
            })),
            ..Failure::new(ResultReason::ATTESTATION_REQUIRED, message)
        }
    }

    /// What the client is challenged with.
    pub(super) fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_deref()
    }

    /// The server does not have this operation.
    pub fn operation_not_supported(operation: Operation) -> Self {
        let message = format!("this server does not support {operation:?}");
        Failure::new(ResultReason::OPERATION_NOT_SUPPORTED, message)
    }

    /// Something went wrong that is not the client's fault and none of its business.
    pub fn internal() -> Self {
        Failure::new(
            ResultReason::GENERAL_FAILURE,
            "internal error of the server",
        )
    }

    /// Result Reason.
    pub fn reason(&self) -> ResultReason {
        self.reason
    }

    /// Result Message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Result Reason for a client of `version`, which may not know the exact one.
    pub(super) fn reason_in(&self, version: ProtocolVersion) -> ResultReason {
        let defined = |reason: ResultReason| {
            let table = ResultReason::TABLE.by_value(reason.value());
            table.is_none_or(|value| value.is_defined_in(version))
        };
        let older = |(newer, older): &(ResultReason, ResultReason)| {
            (*newer == self.reason && defined(*older)).then_some(*older)
        };
        match defined(self.reason) {
            true => self.reason,
            false => OLDER
                .iter()
                .find_map(older)
                .unwrap_or(ResultReason::GENERAL_FAILURE),
        }
    }
}

/// Reasons that came with 2.0 or later, and what expresses them before (tables of KMIP 1.4, 11).
const OLDER: [(ResultReason, ResultReason); 18] = [
    (ResultReason::OBJECT_NOT_FOUND, ResultReason::ITEM_NOT_FOUND),
    (ResultReason::OBJECT_DESTROYED, ResultReason::ITEM_NOT_FOUND),
    (
        ResultReason::ATTRIBUTE_NOT_FOUND,
        ResultReason::ITEM_NOT_FOUND,
    ),
    (
        ResultReason::ATTRIBUTE_READ_ONLY,
        ResultReason::PERMISSION_DENIED,
    ),
    (
        ResultReason::READ_ONLY_ATTRIBUTE,
        ResultReason::PERMISSION_DENIED,
    ),
    (ResultReason::INVALID_CSR, ResultReason::INVALID_FIELD),
    (ResultReason::BAD_PASSWORD, ResultReason::INVALID_FIELD),
    (
        ResultReason::WRONG_KEY_LIFECYCLE_STATE,
        ResultReason::PERMISSION_DENIED,
    ),
    (
        ResultReason::NON_UNIQUE_NAME_ATTRIBUTE,
        ResultReason::INVALID_FIELD,
    ),
    (ResultReason::INVALID_ATTRIBUTE, ResultReason::INVALID_FIELD),
    (
        ResultReason::INVALID_ATTRIBUTE_VALUE,
        ResultReason::INVALID_FIELD,
    ),
    (
        ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS,
        ResultReason::CRYPTOGRAPHIC_FAILURE,
    ),
    (
        ResultReason::INVALID_CORRELATION_VALUE,
        ResultReason::ITEM_NOT_FOUND,
    ),
    (
        ResultReason::USAGE_LIMIT_EXCEEDED,
        ResultReason::PERMISSION_DENIED,
    ),
    (
        ResultReason::CONSTRAINT_VIOLATION,
        ResultReason::PERMISSION_DENIED,
    ),
    (
        ResultReason::KEY_WRAP_TYPE_NOT_SUPPORTED,
        ResultReason::FEATURE_NOT_SUPPORTED,
    ),
    (
        ResultReason::INVALID_OBJECT_TYPE,
        ResultReason::INVALID_FIELD,
    ),
    (
        ResultReason::UNSUPPORTED_PROTOCOL_VERSION,
        ResultReason::INVALID_MESSAGE,
    ),
];
