//! Why a message could not be carried.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{FrameError, tls};

/// A message could not be carried: with whom, at what, and why.
///
/// `Display` names peer and phase; the [`Cause`] is the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[error("{phase} {peer}{}", if *phase == Phase::Handshake { " failed" } else { "" })]
pub struct Error {
    peer: String,
    phase: Phase,
    #[source]
    cause: Box<Cause>,
}

impl Error {
    /// An error with `peer` (as shown to people) during `phase`.
    pub fn new(peer: impl Into<String>, phase: Phase, cause: Cause) -> Self {
        Error {
            peer: peer.into(),
            phase,
            cause: Box::new(cause),
        }
    }

    /// The peer, as shown to people: usually host and port.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// What was being done.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Why it failed.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Takes the error apart.
    pub fn into_cause(self) -> Cause {
        *self.cause
    }

    /// Whether a time limit was exceeded.
    pub fn is_timeout(&self) -> bool {
        matches!(*self.cause, Cause::Timeout(_))
    }

    /// Whether the peer ended the connection in an orderly way or by a reset.
    pub fn is_closed(&self) -> bool {
        matches!(*self.cause, Cause::Closed { .. })
    }

    /// Whether the same would happen again until settings or certificates are changed.
    pub fn is_lasting(&self) -> bool {
        matches!(&*self.cause, Cause::Tls(error) if error.is_lasting())
    }

    /// Whether no byte of the message can have reached the peer.
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self.phase,
            Phase::Resolve | Phase::Connect | Phase::Handshake
        )
    }
}

/// What was being done when an [`Error`] arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the address.
    Resolve,
    /// Establishing the TCP connection.
    Connect,
    /// Negotiating TLS and checking certificates.
    Handshake,
    /// Sending a message.
    Send,
    /// Waiting for a message and receiving it.
    Receive,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "cannot find the address of",
            Phase::Connect => "cannot connect to",
            Phase::Handshake => "the TLS handshake with",
            Phase::Send => "cannot send to",
            Phase::Receive => "cannot receive from",
        })
    }
}

/// Why an [`Error`] arose.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The resolver failed or does not know the name.
    #[error("the host name could not be resolved")]
    Resolve(#[source] io::Error),
    /// None of the host's addresses could be reached.
    #[error("{}", attempts(.0))]
    Unreachable(Vec<Attempt>),
    /// A time limit was exceeded.
    #[error("{0}")]
    Timeout(Timeout),
    /// The peer ended the connection.
    #[error("{}", closed(*.received, *.expected))]
    Closed {
        /// Bytes of the unfinished message that had arrived.
        received: usize,
        /// Length of that message, if its header had arrived.
        expected: Option<usize>,
    },
    /// The operating system or a custom stream reported an error.
    #[error("the connection failed")]
    Io(#[source] io::Error),
    /// What arrived is not a KMIP message, or too long.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// One address that was tried in vain.
#[derive(Debug)]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// Why it did not answer.
    pub error: io::Error,
}

/// A time limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Timeout {
    /// The limit for connecting.
    #[error("no connection within {}", seconds(.0))]
    Connect(Duration),
    /// The limit for waiting for the next bytes.
    #[error("nothing arrived for {}", seconds(.0))]
    Read(Duration),
    /// The limit for waiting until bytes can be sent.
    #[error("nothing could be sent for {}", seconds(.0))]
    Write(Duration),
    /// The limit of the whole operation.
    #[error("the time for the whole operation is over{}", part(*.received))]
    Operation {
        /// Bytes of the unfinished message that had arrived.
        received: usize,
    },
}

fn seconds(duration: &Duration) -> String {
    // What is left of a deadline is never round.
    format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

fn part(received: usize) -> String {
    match received {
        0 => String::new(),
        received => format!(" after {received} bytes of the message"),
    }
}

fn closed(received: usize, expected: Option<usize>) -> String {
    match (received, expected) {
        (0, _) => "the peer closed the connection without an answer".to_owned(),
        (received, None) => {
            format!("the peer closed the connection after {received} bytes of a message")
        }
        (received, Some(expected)) => {
            format!("the peer closed the connection after {received} of {expected} bytes")
        }
    }
}

fn attempts(attempts: &[Attempt]) -> String {
    let mut text = String::from(if attempts.is_empty() {
        "the host has no address"
    } else {
        "no address could be reached:"
    });
    for (index, attempt) in attempts.iter().enumerate() {
        let separator = if index == 0 { ' ' } else { ';' };
        let space = if index == 0 { "" } else { " " };
        text.push(separator);
        text.push_str(space);
        text.push_str(&format!("{}: {}", attempt.address, attempt.error));
    }
    text
}
