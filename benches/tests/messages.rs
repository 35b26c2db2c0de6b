//! The messages of the benchmarks are what they are said to be.

use kmip::Encoding;
use kmip::codec::Message;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_benches::{Readers, Sample, samples, value_first, walk};
use serde_json::Value;

/// The messages as the goals of performance name them; `None` where they are not at hand.
fn reference() -> Option<Value> {
    let path = test_support::reference("perf/messages.json")?;
    let text = std::fs::read(path).expect("a file");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

#[test]
fn messages_have_the_sizes_and_items_of_the_reference() {
    let Some(reference) = reference() else {
        return;
    };
    let mut compared = 0;
    for sample in samples() {
        let Some(expected) = reference.get(sample.letter.to_string()) else {
            continue;
        };
        let letter = sample.letter;
        assert_eq!(expected["bytes"], sample.ttlv.len(), "bytes of {letter}");
        let items = walk(&sample.ttlv).expect("a sample is well-formed");
        assert_eq!(expected["items"], items, "items of {letter}");
        compared += 1;
    }
    assert_eq!(compared, 8);
}

#[test]
fn messages_of_the_reference_survive_a_round_trip() {
    let Some(reference) = reference() else {
        return;
    };
    for sample in samples() {
        let Some(expected) = reference.get(sample.letter.to_string()) else {
            continue;
        };
        let bytes = from_hex(expected["ttlv_hex"].as_str().expect("a text"));
        let again = decoded_and_encoded(&sample, Encoding::Ttlv, &bytes);
        assert_eq!(again, bytes, "{}", sample.letter);
    }
}

#[test]
fn messages_survive_a_round_trip_in_every_encoding() {
    for sample in samples() {
        for encoding in Encoding::ALL {
            let bytes = sample.bytes(encoding);
            let again = decoded_and_encoded(&sample, encoding, bytes);
            assert!(again == bytes, "{} in {encoding:?}", sample.letter);
        }
        if let Some(small) = &sample.small {
            let again = decoded_and_encoded(&sample, Encoding::Ttlv, small);
            assert_eq!(&again, small, "{}", sample.letter);
            assert_eq!(walk(small), walk(&sample.ttlv), "{}", sample.letter);
        }
    }
}

#[test]
fn the_order_of_json_members_does_not_matter() {
    let sample = &samples()[0];
    let other = value_first(&sample.json);
    assert!(other.starts_with(br#"{"value":[{"value":["#));
    let again = decoded_and_encoded(sample, Encoding::Json, &other);
    assert_eq!(again, sample.json);
}

#[test]
fn the_walk_finds_what_is_broken() {
    let message = samples().remove(0).ttlv;
    for length in 1..message.len() {
        assert_eq!(walk(&message[..length]), None, "{length} bytes");
    }
    let mut padding = message;
    *padding.last_mut().expect("bytes") = 1;
    assert_eq!(walk(&padding), None);
}

fn decoded_and_encoded(sample: &Sample, encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    if sample.is_request {
        again::<RequestMessage<'_>>(encoding, bytes)
    } else {
        again::<ResponseMessage<'_>>(encoding, bytes)
    }
}

fn again<'a, M: Message<'a>>(encoding: Encoding, bytes: &'a [u8]) -> Vec<u8> {
    let message: M = Readers::default().decode(encoding, bytes).expect("decodes");
    let mut again = Vec::new();
    encoding.encode(&message, &mut again).expect("encodes");
    again
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("two digits")
    };
    digits.map(byte).collect()
}
