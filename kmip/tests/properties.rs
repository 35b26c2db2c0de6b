//! What holds for every message of every version, shown on random ones.
//!
//! The messages come from a fixed sequence of random numbers: a failure happens again.

#![cfg(feature = "arbitrary")]

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use kmip::ProtocolVersion;
use kmip::codec::Options;
use kmip::types::{Enumeration, IntoOwned, Operation, RequestMessage, ResponseMessage};

/// Messages of each kind and version.
const ROUNDS: u64 = 120;

/// Random bytes; most messages need less.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..6000).map(next).collect()
}

/// Through all three encodings and back: the same message each time.
macro_rules! check {
    ($message:expr, $kind:ident, $place:expr) => {{
        let (message, place) = (&$message, &$place);
        let strict = Options::strict();
        let mut buffer = Vec::new();
        macro_rules! good {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(fault) => panic!("{place}: {fault}\n{message:?}"),
                }
            };
        }

        good!(kmip::ttlv::encode(message, &mut buffer));
        let decoded: $kind<'_> = good!(kmip::ttlv::decode(&buffer, &strict));
        assert_eq!(&decoded, message, "{place}, TTLV");
        let mut again = Vec::new();
        good!(kmip::ttlv::encode(&decoded, &mut again));
        assert_eq!(again, buffer, "{place}, TTLV is not stable");
        assert_eq!(&decoded.clone().into_owned(), message, "{place}, owned");

        let mut text = Vec::new();
        good!(kmip::json::encode(message, &mut text));
        let decoded: $kind<'_> = good!(kmip::json::decode(&text, &strict));
        assert_eq!(&decoded, message, "{place}, JSON");

        let mut text = Vec::new();
        good!(kmip::xml::encode(message, &mut text));
        let decoded: $kind<'_> = good!(kmip::xml::decode(&text, &strict));
        assert_eq!(&decoded, message, "{place}, XML");
    }};
}

#[test]
fn every_encoding_gives_back_what_was_encoded() {
    let mut requests = BTreeSet::new();
    let mut responses = BTreeSet::new();
    for version in ProtocolVersion::ALL {
        for round in 0..ROUNDS {
            let noise = noise(round);
            let mut u = Unstructured::new(&noise);
            let request = RequestMessage::arbitrary_of(&mut u, version).expect("enough noise");
            requests.extend(request.batch_item.iter().map(|item| item.operation));
            check!(
                request,
                RequestMessage,
                format!("request {round} of {version}")
            );
            let response = ResponseMessage::arbitrary_of(&mut u, version).expect("enough noise");
            responses.extend(response.batch_item.iter().filter_map(|item| item.operation));
            check!(
                response,
                ResponseMessage,
                format!("response {round} of {version}")
            );
        }
    }
    // The messages are worth the test only if they have everything in them.
    for value in Operation::TABLE.values {
        let operation = Operation(value.value);
        assert!(requests.contains(&operation), "no request of {operation:?}");
        assert!(
            responses.contains(&operation),
            "no response of {operation:?}"
        );
    }
}

#[test]
fn a_decoded_message_survives_any_damage() {
    for round in 0..ROUNDS {
        let noise = noise(round);
        let mut u = Unstructured::new(&noise);
        let request: RequestMessage<'_> = u.arbitrary().expect("enough noise");
        let mut buffer = Vec::new();
        kmip::ttlv::encode(&request, &mut buffer).expect("a valid message");
        for _ in 0..20 {
            let mut damaged = buffer.clone();
            let at = u.choose_index(damaged.len()).expect("noise");
            damaged[at] ^= u.int_in_range(1..=255_u8).expect("noise");
            for options in [Options::default(), Options::strict()] {
                let Ok(message) = kmip::ttlv::decode::<RequestMessage<'_>>(&damaged, &options)
                else {
                    continue;
                };
                let mut again = Vec::new();
                if kmip::ttlv::encode(&message, &mut again).is_ok() {
                    let decoded = kmip::ttlv::decode::<RequestMessage<'_>>(&again, &options);
                    assert_eq!(decoded.as_ref(), Ok(&message), "round {round}, byte {at}");
                }
            }
        }
    }
}
