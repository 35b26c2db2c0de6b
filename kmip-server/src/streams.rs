//! Data that comes in pieces (streaming, KMIP 1.3 and later): what was begun and awaits its next
//! piece.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kmip::server::Failure;
use kmip::types::{CryptographicParameters, Operation, ResultReason};
use zeroize::Zeroizing;

use crate::crypto::{CipherRun, random};

/// How many may be begun at a time, of all clients together. The oldest give way.
const MOST: usize = 1024;
/// The longest data that is collected, in bytes.
const LONGEST: usize = 64 << 20;

/// Everything that was begun.
#[derive(Default)]
pub(crate) struct Streams {
    begun: Mutex<VecDeque<(Vec<u8>, Stream)>>,
}

/// Data in pieces.
pub(crate) struct Stream {
    pub(crate) owner: String,
    pub(crate) operation: Operation,
    /// The key, if the operation needs one.
    pub(crate) object: Option<String>,
    pub(crate) parameters: CryptographicParameters<'static>,
    pub(crate) work: Work,
}

/// What was done so far.
pub(crate) enum Work {
    /// The data is collected until it is complete.
    Collected(Zeroizing<Vec<u8>>),
    /// The cipher takes the data as it comes.
    Cipher(Box<CipherRun>),
}

impl Streams {
    /// Keeps a stream until its next piece comes, and gives it a Correlation Value.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub(crate) fn keep(&self, stream: Stream) -> Result<Vec<u8>, Failure> {
        let correlation = random(16)?.to_vec();
        let mut begun = self.lock();
        if begun.len() >= MOST {
            begun.pop_front();
        }
        begun.push_back((correlation.clone(), stream));
        Ok(correlation)
    }

    /// Takes the stream with a Correlation Value back.
    ///
    /// # Errors
    /// If the client has begun none of this operation with it.
    pub(crate) fn take(
        &self,
        correlation: &[u8],
        owner: &str,
        operation: Operation,
    ) -> Result<Stream, Failure> {
        let mut begun = self.lock();
        let same = |(value, stream): &(Vec<u8>, Stream)| {
            value == correlation && stream.owner == owner && stream.operation == operation
        };
        let found = begun.iter().position(same);
        let stream = found.and_then(|position| begun.remove(position));
        stream.map(|(_, stream)| stream).ok_or_else(|| {
            let message = "nothing was begun with this Correlation Value";
            Failure::new(ResultReason::INVALID_CORRELATION_VALUE, message)
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Vec<u8>, Stream)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a piece to what was collected.
///
/// # Errors
/// If it becomes too long.
pub(crate) fn collect(collected: &mut Zeroizing<Vec<u8>>, piece: &[u8]) -> Result<(), Failure> {
    if collected.len() + piece.len() > LONGEST {
        let message = format!("more than {LONGEST} bytes are not collected");
        return Err(Failure::new(ResultReason::INVALID_FIELD, message));
    }
    // Grown by hand: the vector would leave the old bytes behind.
    if collected.capacity() < collected.len() + piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((collected.len() + piece.len()) * 2));
        larger.extend_from_slice(collected);
        *collected = larger;
    }
    collected.extend_from_slice(piece);
    Ok(())
}
