//! What the server remembers only until it ends.

use crate::applications::Applications;
use crate::attestation::Nonces;
use crate::deferred::Deferred;
use crate::groups::Groups;
use crate::remembered::Remembered;
use crate::streams::Streams;

/// Everything of the kind.
#[derive(Default)]
pub(crate) struct Volatile {
    pub(crate) applications: Applications,
    pub(crate) streams: Streams,
    pub(crate) groups: Groups,
    pub(crate) deferred: Deferred,
    pub(crate) remembered: Remembered,
    pub(crate) nonces: Nonces,
}
