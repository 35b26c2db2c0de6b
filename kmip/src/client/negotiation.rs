//! Which protocol version to speak with a server.
//!
//! Discover Versions tells it (KMIP 1.1, 4.26; 2.1, 6.1.18), but its request needs a version, too. Servers
//! differ in what they do with one that they do not know: they answer Invalid Message (PyKMIP,
//! SafeNet) or General Failure, or close the connection. A KMIP 1.0 server answers Operation Not
//! Supported. So versions are tried until one is understood.

use std::fmt;

use crate::types::{ProtocolVersion, ResultReason};

use super::error::{Error, Problem};

/// The state of a negotiation. Does no I/O: the caller sends Discover Versions as
/// [`Step::Try`] says (in version 1.0, which does not have it, any Query), and reports what came of
/// it.
#[derive(Debug)]
pub struct Negotiation {
    /// What the client would speak, newest first.
    acceptable: Vec<ProtocolVersion>,
    /// What is still to be tried, the next one last.
    pending: Vec<ProtocolVersion>,
    current: ProtocolVersion,
    attempts: Vec<Attempt>,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send Discover Versions in this version. With `reconnect`, over a new connection.
    Try {
        /// The version of the request.
        version: ProtocolVersion,
        /// Whether the connection is of no use any more.
        reconnect: bool,
    },
    /// Speak this version.
    Speak(ProtocolVersion),
    /// Give up.
    Fail(Error),
}

/// A version that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The version of the request.
    pub version: ProtocolVersion,
    /// What the server did.
    pub outcome: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.version, self.outcome)
    }
}

/// After the newest version, 1.2 is tried: practically every server understands it, and tells all
/// its versions then.
const ORDER: [ProtocolVersion; 7] = [
    ProtocolVersion::V1_2,
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
    ProtocolVersion::V1_3,
    ProtocolVersion::V1_1,
    ProtocolVersion::V1_0,
];

impl Negotiation {
    /// A negotiation for one of the versions from `oldest` to `newest`.
    pub fn new(oldest: ProtocolVersion, newest: ProtocolVersion) -> Self {
        let wanted = |version: &ProtocolVersion| (oldest..=newest).contains(version);
        let mut acceptable: Vec<_> = ProtocolVersion::ALL.into_iter().filter(wanted).collect();
        acceptable.reverse();
        let first = acceptable.first().copied().unwrap_or(newest);
        let later = ORDER
            .into_iter()
            .filter(wanted)
            .filter(|version| *version != first);
        let mut pending: Vec<_> = later.collect();
        pending.reverse();
        Negotiation {
            acceptable,
            pending,
            current: first,
            attempts: Vec::new(),
        }
    }

    /// The version of the first request.
    pub fn first(&self) -> ProtocolVersion {
        self.current
    }

    /// What the request offers to the server, newest first.
    pub fn acceptable(&self) -> &[ProtocolVersion] {
        &self.acceptable
    }

    /// The server has answered with its versions.
    pub fn answered(&mut self, server: &str, offered: &[ProtocolVersion]) -> Step {
        let common = self
            .acceptable
            .iter()
            .find(|version| offered.contains(version));
        match common {
            Some(&version) => Step::Speak(version),
            None => {
                self.note("understood".to_owned());
                let attempts = std::mem::take(&mut self.attempts);
                let offered = offered.to_vec();
                Step::Fail(Error::new(
                    server,
                    None,
                    Problem::NoCommonVersion { attempts, offered },
                ))
            }
        }
    }

    /// The request has failed.
    pub fn failed(&mut self, error: Error) -> Step {
        if error.is_operation_not_supported() {
            // All servers since 1.1 know the operation.
            return match self.acceptable.last() {
                Some(&ProtocolVersion::V1_0) => Step::Speak(ProtocolVersion::V1_0),
                _ => Step::Speak(self.current),
            };
        }
        let reconnect = match error.problem() {
            Problem::Failed(failure) if !is_about_message(failure.reason) => {
                return Step::Fail(error);
            }
            Problem::Failed(_) => false,
            Problem::Transport(cause) if cause.is_closed() && !cause.is_before_sending() => true,
            Problem::Decode(_) | Problem::Response(_) => true,
            _ => return Step::Fail(error),
        };
        self.note(outcome(&error));
        match self.pending.pop() {
            Some(version) => {
                self.current = version;
                Step::Try { version, reconnect }
            }
            // One attempt: the error itself tells more.
            None if self.attempts.len() == 1 => Step::Fail(error),
            None => {
                let attempts = std::mem::take(&mut self.attempts);
                let offered = Vec::new();
                Step::Fail(Error::new(
                    error.server(),
                    error.operation(),
                    Problem::NoCommonVersion { attempts, offered },
                ))
            }
        }
    }

    fn note(&mut self, outcome: String) {
        self.attempts.push(Attempt {
            version: self.current,
            outcome,
        });
    }
}

/// Whether the failure can mean that the server does not understand the version. Others, such as
/// a refused credential, would only repeat.
fn is_about_message(reason: Option<ResultReason>) -> bool {
    !matches!(
        reason,
        Some(
            ResultReason::AUTHENTICATION_NOT_SUCCESSFUL
                | ResultReason::PERMISSION_DENIED
                | ResultReason::RESPONSE_TOO_LARGE
        )
    )
}

fn outcome(error: &Error) -> String {
    match error.problem() {
        Problem::Failed(failure) => failure.to_string(),
        Problem::Transport(_) => "the server closes the connection".to_owned(),
        problem => problem.to_string(),
    }
}
