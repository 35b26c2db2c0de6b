//! The memory that messages are written into.

use zeroize::{Zeroize, Zeroizing};

/// What the buffer holds at first, so that few messages make it grow.
const INITIAL_CAPACITY: usize = 16 << 10;
/// A buffer that has grown beyond this is given back after its message.
const KEPT_CAPACITY: usize = 256 << 10;

/// A message to be sent. Reused for the next one; wiped after each, since messages carry key material.
///
/// Only what was written is wiped, not all that there is room for: encoders leave nothing behind it.
#[derive(Debug)]
pub(crate) struct OutgoingBuffer(Zeroizing<Vec<u8>>);

impl OutgoingBuffer {
    pub(crate) fn new() -> Self {
        OutgoingBuffer(Zeroizing::new(Vec::with_capacity(INITIAL_CAPACITY)))
    }

    /// Where an encoder appends its message.
    pub(crate) fn writer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Wipes the message and makes room for the next.
    pub(crate) fn wipe(&mut self) {
        if self.0.capacity() > KEPT_CAPACITY {
            *self = OutgoingBuffer::new();
        } else {
            self.0.as_mut_slice().zeroize();
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_buffer_is_empty_and_keeps_only_little_memory() {
        let mut buffer = OutgoingBuffer::new();
        for length in [10, INITIAL_CAPACITY + 1, KEPT_CAPACITY + 1] {
            buffer.writer().resize(length, 0x5A);
            assert_eq!(buffer.bytes().len(), length);
            buffer.wipe();
            assert!(buffer.bytes().is_empty());
            assert!(buffer.writer().capacity() <= KEPT_CAPACITY);
        }
    }
}
