//! Time limits of operations.

use std::time::{Duration, Instant};

/// The time by which something has to be done, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No limit.
    pub const NEVER: Deadline = Deadline(None);

    /// `timeout` from now; none, or one too far away for the clock, is [`Deadline::NEVER`].
    pub fn after(timeout: impl Into<Option<Duration>>) -> Self {
        let timeout: Option<Duration> = timeout.into();
        timeout.map_or(Deadline::NEVER, |timeout| {
            Deadline::after_instant(Instant::now(), timeout)
        })
    }

    /// As [`after`](Self::after) for somebody who has read the clock at `now`.
    pub(crate) fn after_instant(now: Instant, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout: Option<Duration> = timeout.into();
        Deadline(timeout.and_then(|timeout| now.checked_add(timeout)))
    }

    /// The earlier of both.
    #[must_use]
    pub fn or_earlier(self, other: Deadline) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Deadline(Some(a.min(b))),
            (a, b) => Deadline(a.or(b)),
        }
    }

    /// The time that is left, zero if the deadline has passed, `None` if there is no limit.
    pub fn remaining(self) -> Option<Duration> {
        self.0
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether the time is over.
    pub fn has_passed(self) -> bool {
        self.remaining() == Some(Duration::ZERO)
    }
}

/// How long a client or server waits for what. `None` is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For connecting to one server, over all its addresses, including the TLS handshake.
    pub connect: Option<Duration>,
    /// For the next piece of a message, while nothing arrives.
    pub read: Option<Duration>,
    /// For the next piece of a message to be taken by the network.
    pub write: Option<Duration>,
    /// For one operation from the first byte sent to the last one received, reconnecting included.
    pub operation: Option<Duration>,
}

impl Timeouts {
    /// No limits at all.
    pub const NONE: Timeouts = Timeouts {
        connect: None,
        read: None,
        write: None,
        operation: None,
    };

    /// The same limits with another one for connecting.
    #[must_use]
    pub fn with_connect(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connect = timeout.into();
        self
    }

    /// The same limits with another one for reading.
    #[must_use]
    pub fn with_read(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.read = timeout.into();
        self
    }

    /// The same limits with another one for writing.
    #[must_use]
    pub fn with_write(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.write = timeout.into();
        self
    }

    /// The same limits with another one for the whole operation.
    #[must_use]
    pub fn with_operation(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.operation = timeout.into();
        self
    }
}

/// 20 seconds to connect (a handshake may need signatures of a hardware module), 30 to read and to
/// write, 60 for an operation.
impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Some(Duration::from_secs(20)),
            read: Some(Duration::from_secs(30)),
            write: Some(Duration::from_secs(30)),
            operation: Some(Duration::from_secs(60)),
        }
    }
}

/// The limits that a [`Stream`](super::Stream) observes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoLimits {
    /// For each single read.
    pub read: Option<Duration>,
    /// For each single write.
    pub write: Option<Duration>,
    /// For all reads and writes together.
    pub deadline: Deadline,
    /// Whether a read that exceeds a limit can be repeated: it fails with
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) then, and the stream is as good as before.
    pub resumable: bool,
}

impl IoLimits {
    /// No limits at all.
    pub const NONE: IoLimits = IoLimits {
        read: None,
        write: None,
        deadline: Deadline::NEVER,
        resumable: false,
    };

    /// How long the next read may take.
    pub fn next_read(&self) -> Option<Duration> {
        sooner(self.read, self.deadline.remaining())
    }

    /// How long the next write may take.
    pub fn next_write(&self) -> Option<Duration> {
        sooner(self.write, self.deadline.remaining())
    }
}

fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
