//! Framing: however the bytes of a stream are cut into reads, the same messages come out.

#![no_main]

use kmip::transport::{FrameDecoder, FrameError, MessageDirection};
use libfuzzer_sys::fuzz_target;

const MAXIMUM: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let Some((&chunk, stream)) = input.split_first() else {
        return;
    };
    for direction in [MessageDirection::Requests, MessageDirection::Responses] {
        let at_once = messages(stream, direction, stream.len().max(1));
        let in_pieces = messages(stream, direction, usize::from(chunk).max(1));
        assert_eq!(at_once, in_pieces);
    }
});

fn messages(
    mut stream: &[u8],
    direction: MessageDirection,
    chunk: usize,
) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut decoder = FrameDecoder::new(direction, MAXIMUM);
    let mut messages = Vec::new();
    loop {
        match decoder.poll() {
            Err(error) => return (messages, Some(error)),
            Ok(Some(length)) => {
                assert!(length <= MAXIMUM && length % 8 == 0);
                assert_eq!(decoder.message().len(), length);
                messages.push(decoder.message().to_vec());
                decoder.release();
            }
            Ok(None) if stream.is_empty() => return (messages, None),
            Ok(None) => {
                let room = decoder.spare();
                let count = room.len().min(stream.len()).min(chunk);
                room[..count].copy_from_slice(&stream[..count]);
                decoder.advance(count);
                stream = &stream[count..];
            }
        }
    }
}
