//! The memory that messages are received into.

use bytes::BytesMut;
use zeroize::Zeroize;

/// What the buffer holds at first, and keeps between messages.
pub(super) const INITIAL_CAPACITY: usize = 8 << 10;
/// A buffer that has grown beyond this is given back after its message.
const KEPT_CAPACITY: usize = 256 << 10;

/// Bytes from a stream, as yet unconsumed. Reused between messages, and wiped wherever bytes were,
/// since messages carry key material.
pub(super) struct ReceiveBuffer {
    /// Initialized over its whole length; `filled` bytes of it are data.
    memory: BytesMut,
    filled: usize,
}

impl ReceiveBuffer {
    pub(super) fn new() -> Self {
        ReceiveBuffer {
            memory: BytesMut::zeroed(INITIAL_CAPACITY),
            filled: 0,
        }
    }

    /// Where the next bytes go; never empty. Memory grows with the bytes that have arrived, not with
    /// what a header promises.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        if self.filled == self.memory.len() {
            self.resize((self.memory.len() * 2).max(INITIAL_CAPACITY));
        }
        &mut self.memory[self.filled..]
    }

    /// Reports that `count` bytes were put into [`spare`](Self::spare).
    pub(super) fn advance(&mut self, count: usize) {
        assert!(count <= self.memory.len() - self.filled, "more than room");
        self.filled += count;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[..self.filled]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.filled]
    }

    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Wipes the first `count` bytes and moves the rest to the front.
    pub(super) fn consume(&mut self, count: usize) {
        self.memory.copy_within(count..self.filled, 0);
        let rest = self.filled - count;
        self.memory[rest..self.filled].zeroize();
        self.filled = rest;
        if self.memory.len() > KEPT_CAPACITY && rest <= INITIAL_CAPACITY {
            self.resize(INITIAL_CAPACITY);
        }
    }

    /// Gives the memory back while nothing is in it. What was there is wiped already.
    pub(super) fn rest(&mut self) {
        if self.filled == 0 {
            self.memory = BytesMut::new();
        }
    }

    fn resize(&mut self, length: usize) {
        let mut memory = BytesMut::zeroed(length);
        memory[..self.filled].copy_from_slice(&self.memory[..self.filled]);
        self.memory.zeroize();
        self.memory = memory;
    }
}

impl Drop for ReceiveBuffer {
    fn drop(&mut self) {
        self.memory[..self.filled].zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut ReceiveBuffer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = buffer.spare();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            buffer.advance(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn consumed_bytes_are_wiped_and_the_rest_stays() {
        let mut buffer = ReceiveBuffer::new();
        fill(&mut buffer, &[1; 100]);
        fill(&mut buffer, &[2; 50]);
        buffer.consume(100);
        assert_eq!(buffer.bytes(), [2; 50]);
        assert!(buffer.memory[50..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_resting_buffer_has_no_memory_but_what_it_holds() {
        let mut buffer = ReceiveBuffer::new();
        fill(&mut buffer, &[1; 10]);
        buffer.rest();
        assert_eq!(buffer.bytes(), [1; 10]);
        buffer.consume(10);
        buffer.rest();
        assert_eq!(buffer.memory.capacity(), 0);
        fill(&mut buffer, &[2; 50]);
        assert_eq!(buffer.bytes(), [2; 50]);
    }

    #[test]
    fn a_large_message_does_not_keep_its_memory() {
        let mut buffer = ReceiveBuffer::new();
        fill(&mut buffer, &vec![1; 1 << 20]);
        buffer.consume(1 << 20);
        assert_eq!(buffer.memory.len(), INITIAL_CAPACITY);
    }
}
