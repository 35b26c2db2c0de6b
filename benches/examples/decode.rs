//! Decodes one of the messages many times, for a profiler:
//! `cargo run --release -p kmip-benches --example decode -- h 100000 [walk|encode]`

use std::hint::black_box;

use kmip::codec::Options;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_benches::{samples, walk};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let letter = arguments.first().map_or("a", String::as_str);
    let count: u32 = arguments
        .get(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000);
    let what = arguments.get(2).map_or("decode", String::as_str);
    let mut all = samples().into_iter();
    let Some(sample) = all.find(|sample| sample.letter.to_string() == letter) else {
        eprintln!("there is no message `{letter}`");
        std::process::exit(2);
    };
    let (bytes, options) = (sample.ttlv.as_slice(), Options::default());
    let mut buffer = Vec::new();
    for _ in 0..count {
        let bytes = black_box(bytes);
        match (what, sample.is_request) {
            ("walk", _) => drop(black_box(walk(bytes))),
            ("encode", true) => encode::<RequestMessage<'_>>(bytes, &options, &mut buffer),
            ("encode", false) => encode::<ResponseMessage<'_>>(bytes, &options, &mut buffer),
            (_, true) => drop(black_box(kmip::ttlv::decode::<RequestMessage<'_>>(
                bytes, &options,
            ))),
            (_, false) => drop(black_box(kmip::ttlv::decode::<ResponseMessage<'_>>(
                bytes, &options,
            ))),
        }
    }
}

/// Decodes and encodes: subtract the decode.
fn encode<'a, M: kmip::codec::Message<'a>>(
    bytes: &'a [u8],
    options: &Options,
    buffer: &mut Vec<u8>,
) {
    buffer.clear();
    if let Ok(message) = kmip::ttlv::decode::<M>(bytes, options) {
        black_box(kmip::ttlv::encode(&message, buffer)).ok();
    }
}
