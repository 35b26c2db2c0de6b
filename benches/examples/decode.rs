//! Decodes one of the messages many times, for a profiler:
//! `cargo run --release -p kmip-benches --example decode -- h 100000 [WHAT]`, where WHAT is `walk`,
//! `decode`, `encode`, `decode-json`, `encode-json`, `decode-xml` or `encode-xml`.

use std::hint::black_box;

use kmip::Encoding;
use kmip::codec::Message;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_benches::{Readers, Sample, samples, walk};

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
    let (what, encoding) = match what.split_once('-') {
        Some((what, "json")) => (what, Encoding::Json),
        Some((what, "xml")) => (what, Encoding::Xml),
        _ => (what, Encoding::Ttlv),
    };
    if sample.is_request {
        run::<RequestMessage<'_>>(&sample, what, encoding, count);
    } else {
        run::<ResponseMessage<'_>>(&sample, what, encoding, count);
    }
}

fn run<'s, M: Message<'s>>(sample: &'s Sample, what: &str, encoding: Encoding, count: u32) {
    let bytes = sample.bytes(encoding);
    let mut readers = Readers::default();
    let message: M = readers.decode(encoding, bytes).expect("a sample decodes");
    let mut buffer = Vec::new();
    for _ in 0..count {
        match what {
            "walk" => drop(black_box(walk(black_box(&sample.ttlv)))),
            "encode" => {
                buffer.clear();
                drop(black_box(encoding.encode(black_box(&message), &mut buffer)));
            }
            _ => drop(black_box(readers.decode::<M>(encoding, black_box(bytes)))),
        }
    }
}
