//! What decoding and encoding take from the heap.

use std::fmt::Debug;

use kmip::codec::Message;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip::{Encoding, ProtocolVersion};
use kmip_benches::{Counting, Readers, Sample, allocations_of, samples};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many repeated fields of each message have something in them: batch items, attributes,
/// unique identifiers.
const REPEATED: [(char, u64); 9] = [
    ('a', 2),
    ('b', 1),
    ('c', 1),
    ('d', 2),
    ('e', 1),
    ('f', 2),
    ('g', 2),
    ('h', 2),
    ('i', 1),
];

/// Allocations of one decode and one encode, after the memory that is kept has its size.
fn counted(sample: &Sample, encoding: Encoding) -> (u64, u64) {
    if sample.is_request {
        counted_as::<RequestMessage<'_>>(encoding, sample.bytes(encoding))
    } else {
        counted_as::<ResponseMessage<'_>>(encoding, sample.bytes(encoding))
    }
}

fn counted_as<'a, M: Message<'a> + Debug>(encoding: Encoding, bytes: &'a [u8]) -> (u64, u64) {
    let mut readers = Readers::default();
    readers.decode::<M>(encoding, bytes).expect("decodes");
    let (message, decode) = allocations_of(|| readers.decode::<M>(encoding, bytes));
    let message = message.expect("decodes");
    let mut buffer = Vec::new();
    encoding.encode(&message, &mut buffer).expect("encodes");
    buffer.clear();
    let (written, encode) = allocations_of(|| encoding.encode(&message, &mut buffer));
    written.expect("encodes");
    (decode, encode)
}

#[test]
fn the_allocator_counts() {
    let (list, count) = allocations_of(|| vec![1_u8, 2, 3]);
    assert_eq!((list.len(), count), (3, 1));
    assert_eq!(allocations_of(|| ()).1, 0);
}

#[test]
fn ttlv_allocates_once_for_each_repeated_field() {
    for (sample, (letter, repeated)) in samples().iter().zip(REPEATED) {
        assert_eq!(sample.letter, letter);
        let (decode, _) = counted(sample, Encoding::Ttlv);
        assert_eq!(decode, repeated, "message {letter}");
    }
}

/// What the XML parser itself takes for the names of open elements, however long the message is.
const XML_PARSER: u64 = 8;

#[test]
fn text_allocates_also_for_each_byte_string() {
    for (sample, (letter, repeated)) in samples().iter().zip(REPEATED) {
        for (encoding, bytes, mark, parser) in [
            (Encoding::Json, &sample.json, r#""type":"ByteString""#, 0),
            (
                Encoding::Xml,
                &sample.xml,
                r#"type="ByteString""#,
                XML_PARSER,
            ),
        ] {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let expected = repeated + text.matches(mark).count() as u64;
            let (decode, _) = counted(sample, encoding);
            assert!(
                (expected..=expected + parser).contains(&decode),
                "{letter} in {encoding:?}: {decode}, expected {expected}"
            );
        }
    }
}

#[test]
fn text_with_escapes_is_allocated() {
    let named = |name: &'static str| {
        let query = kmip::types::LocateRequest {
            attributes: [kmip::types::Attribute::contact_information(name)].into(),
            ..Default::default()
        };
        RequestMessage::single(ProtocolVersion::V1_4, query)
    };
    for encoding in [Encoding::Json, Encoding::Xml] {
        let [plain, escaped] = ["a plain name", "a \"name\" <with> \\escapes & more"].map(|name| {
            let mut text = Vec::new();
            encoding.encode(&named(name), &mut text).expect("encodes");
            counted_as::<RequestMessage<'_>>(encoding, &text).0
        });
        // The text itself, and in JSON the memory, as it grows, that the parser unescapes in.
        let parser = if encoding == Encoding::Json { 4 } else { 0 };
        assert!(
            (plain + 1..=plain + 1 + parser).contains(&escaped),
            "{encoding:?}: {escaped} instead of {plain}"
        );
    }
}

#[test]
fn encoding_into_a_reused_buffer_allocates_nothing() {
    for sample in samples() {
        for encoding in Encoding::ALL {
            let (_, encode) = counted(&sample, encoding);
            assert_eq!(encode, 0, "{} in {encoding:?}", sample.letter);
        }
    }
}
