//! Why an operation of the client failed.

mod failure;

use std::fmt;

use crate::codec;
use crate::keys::KeyError;
use crate::transport::{self, tls};
use crate::types::{Operation, ProtocolVersion, ResultReason, ResultStatus};

use super::negotiation::Attempt;
use super::repeat::is_repeatable;
use crate::with_causes;
pub use failure::{OperationFailure, ResponseFault};

/// An operation failed: with which server, at which operation, and why.
///
/// `Display` tells all of it, and whether the operation can be tried again or may have been performed.
/// Causes in other layers are the [`source`](std::error::Error::source); of several servers, `Display`
/// tells those of each.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    server: String,
    operation: Option<Operation>,
    problem: Problem,
    /// Whether nothing happens twice if the request is sent twice.
    repeatable: bool,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The message could not be carried to the server or back.
    #[error("the exchange with the server failed")]
    Transport(#[source] transport::Error),
    /// The address of the server is wrong.
    #[error("the server's address cannot be used")]
    Address(#[source] transport::AddressError),
    /// The TLS options are wrong, or a file that they name.
    #[error("the TLS options cannot be used")]
    Tls(#[source] tls::Error),
    /// The request cannot be expressed in the version that the server speaks.
    #[error("the request cannot be encoded")]
    Encode(#[source] codec::Error),
    /// The server's response is malformed.
    #[error("the response cannot be decoded")]
    Decode(#[source] codec::Error),
    /// The server's response does not belong to the request.
    #[error("the response does not fit the request: {0}")]
    Response(ResponseFault),
    /// The server reports a failure.
    #[error("{0}")]
    Failed(OperationFailure),
    /// The server did not come to this item of a batch, since an earlier one failed.
    #[error("not processed, since an earlier item of the batch failed")]
    NotProcessed,
    /// Server and client have no protocol version in common, or it could not be found out.
    #[error("no common protocol version: {}", list_attempts(.attempts, .offered))]
    NoCommonVersion {
        /// What was tried, in this order.
        attempts: Vec<Attempt>,
        /// The versions that the server says it has.
        offered: Vec<ProtocolVersion>,
    },
    /// The credential or attestation of this client could not be made.
    #[error("no attestation could be given to the server")]
    Attestation(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the server has given out cannot be used with OpenSSL.
    #[error("the key or certificate cannot be used")]
    Key(#[source] KeyError),
    /// What is to be signed is no certificate, request or revocation list that was signed with the
    /// algorithm of the key.
    #[error("what is to be signed is not of X.509, or for another signature algorithm")]
    NotX509,
    /// The version that is spoken does not have what is asked for.
    #[error("{feature} needs KMIP {since}, and {version} is spoken")]
    Version {
        /// What is asked for.
        feature: &'static str,
        /// The first version that has it.
        since: ProtocolVersion,
        /// The version that is spoken with this server.
        version: ProtocolVersion,
    },
    /// The way to the server that was given works for the other kind of client only.
    #[error("the given way to connect is for {0} clients only")]
    OtherKind(&'static str),
    /// None of several servers could be reached. Each has its own error with its cause; all of them
    /// are told, so that there is no single cause.
    #[error("none of the servers can be used: {}", list(.0))]
    NoServer(Vec<Error>),
}

impl Error {
    /// An error of `operation` on `server` (as shown to people).
    pub fn new(
        server: impl Into<String>,
        operation: impl Into<Option<Operation>>,
        problem: Problem,
    ) -> Self {
        let operation = operation.into();
        Error(Box::new(Inner {
            server: server.into(),
            repeatable: operation.is_some_and(is_repeatable),
            operation,
            problem,
        }))
    }

    /// The server, as shown to people: usually host and port.
    pub fn server(&self) -> &str {
        &self.0.server
    }

    /// The operation, unless the error arose outside of any.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Why it failed.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// What the server reports, if it is the server that reports a failure.
    pub fn failure(&self) -> Option<&OperationFailure> {
        match &self.0.problem {
            Problem::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Result Status that the server reports.
    pub fn result_status(&self) -> Option<ResultStatus> {
        self.failure().map(|failure| failure.status)
    }

    /// Result Reason that the server reports.
    pub fn result_reason(&self) -> Option<ResultReason> {
        self.failure().and_then(|failure| failure.reason)
    }

    /// Result Message that the server reports.
    pub fn result_message(&self) -> Option<&str> {
        self.failure()
            .and_then(|failure| failure.message.as_deref())
    }

    /// Whether the server does not have the object.
    pub fn is_not_found(&self) -> bool {
        self.has_reason(&[ResultReason::ITEM_NOT_FOUND, ResultReason::OBJECT_NOT_FOUND])
    }

    /// Whether the server does not know the operation.
    pub fn is_operation_not_supported(&self) -> bool {
        self.has_reason(&[ResultReason::OPERATION_NOT_SUPPORTED])
    }

    /// Whether the server does not let this client do it.
    pub fn is_permission_denied(&self) -> bool {
        self.has_reason(&[
            ResultReason::PERMISSION_DENIED,
            ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
        ])
    }

    /// Whether a time limit was exceeded.
    pub fn is_timeout(&self) -> bool {
        matches!(&self.0.problem, Problem::Transport(error) if error.is_timeout())
    }

    /// Asynchronous Correlation Value of an operation that the server has begun and not finished;
    /// to be polled for, see [`Client::poll`](super::Client::poll).
    pub fn asynchronous_correlation_value(&self) -> Option<&[u8]> {
        self.failure()
            .filter(|failure| failure.status == ResultStatus::OPERATION_PENDING)
            .and_then(|failure| failure.asynchronous_correlation_value.as_deref())
    }

    /// Whether it makes sense to try the same again, and nothing can happen twice by it: the server
    /// could not be reached or the exchange broke off, and either the server cannot have begun with
    /// the request, or all its operations [change nothing](super::is_repeatable). Not if settings or
    /// certificates have to be changed first.
    pub fn is_retryable(&self) -> bool {
        match &self.0.problem {
            Problem::NoServer(errors) => {
                errors.is_empty() || errors.iter().any(Error::is_retryable)
            }
            Problem::Transport(error) if error.is_lasting() => false,
            Problem::Transport(error) => {
                error.is_before_sending() || is_incomplete(error) || self.0.repeatable
            }
            _ => false,
        }
    }

    /// Whether the server may have performed the operation, although there is no answer that can be
    /// used: the exchange broke off after the request was sent, or the answer is not understood. Then
    /// the server has to be asked what there is before it is tried again. Never for operations that
    /// [change nothing](super::is_repeatable).
    pub fn may_have_been_performed(&self) -> bool {
        let sent = match &self.0.problem {
            Problem::Transport(error) => !error.is_before_sending() && !is_incomplete(error),
            Problem::Decode(_) | Problem::Response(_) => true,
            _ => false,
        };
        sent && !self.0.repeatable
    }

    /// Whether the operation may succeed if it is tried again later. Whether it may be tried
    /// again is another question, see [`is_retryable`](Self::is_retryable).
    pub fn is_transient(&self) -> bool {
        matches!(self.0.problem, Problem::Transport(_) | Problem::NoServer(_))
    }

    /// The same error, at this operation unless it has one.
    pub(super) fn during(mut self, operation: Option<Operation>) -> Self {
        self.0.operation = self.0.operation.or(operation);
        self
    }

    /// The same error of a request that may be sent twice, or may not.
    pub(super) fn of_request(mut self, repeatable: bool) -> Self {
        self.0.repeatable = repeatable;
        self
    }

    pub(super) fn has_reason(&self, reasons: &[ResultReason]) -> bool {
        self.result_reason()
            .is_some_and(|reason| reasons.contains(&reason))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KMIP server {}", self.0.server)?;
        if let Some(operation) = self.0.operation {
            write!(f, ", operation {operation:?}")?;
        }
        write!(f, ": {}", self.0.problem)?;
        if self.is_retryable() {
            return f.write_str(" (can be tried again)");
        }
        match self.may_have_been_performed() {
            true => f.write_str(" (may have been performed)"),
            false => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.problem)
    }
}

/// Whether the request was cut off while it was sent: half a message is not performed.
pub(super) fn is_incomplete(error: &transport::Error) -> bool {
    matches!(
        (error.phase(), error.cause()),
        (transport::Phase::Send, transport::Cause::Closed { .. })
    )
}

fn list_attempts(attempts: &[Attempt], offered: &[ProtocolVersion]) -> String {
    let mut parts: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    if !offered.is_empty() {
        let offered: Vec<String> = offered.iter().map(ToString::to_string).collect();
        parts.push(format!("the server has {}", offered.join(", ")));
    }
    parts.join("; ")
}

/// Each server, and why it cannot be used.
fn list(errors: &[Error]) -> String {
    let reason = |error: &Error| {
        let cause: &dyn std::error::Error = match error.problem() {
            // It names the server once more.
            Problem::Transport(error) => error.cause(),
            other => other,
        };
        format!("{}: {}", error.server(), with_causes(cause))
    };
    let reasons: Vec<String> = errors.iter().map(reason).collect();
    reasons.join("; ")
}
