//! Decoding and encoding, beside a bare walk over the items of the message in TTLV.
//!
//! Groups are named for message and encoding, `a-json`. Decoding includes freeing the message.

mod common;

use std::hint::black_box;

use common::ThreadTime;
use criterion::measurement::Measurement;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use kmip::codec::Message;
use kmip::types::{IntoOwned, RequestMessage, ResponseMessage};
use kmip::{Encoding, json};
use kmip_benches::{Readers, Sample, name_of, samples, value_first, walk};

fn codecs(c: &mut Criterion<ThreadTime>) {
    for sample in &samples() {
        for encoding in Encoding::ALL {
            if sample.is_request {
                codec::<RequestMessage<'_>>(c, sample, encoding);
            } else {
                codec::<ResponseMessage<'_>>(c, sample, encoding);
            }
        }
    }
}

fn codec<'s, M: Message<'s> + IntoOwned + Clone>(
    c: &mut Criterion<ThreadTime>,
    sample: &'s Sample,
    encoding: Encoding,
) {
    let bytes = sample.bytes(encoding);
    let mut readers = Readers::default();
    let mut group = c.benchmark_group(format!("{}-{}", sample.letter, name_of(encoding)));
    group.bench_function("walk", |b| b.iter(|| walk(black_box(&sample.ttlv))));
    decode::<M>(&mut group, "decode", encoding, bytes);
    if let (Some(small), Encoding::Ttlv) = (&sample.small, encoding) {
        decode::<M>(&mut group, "decode_small", encoding, small);
    }
    group.bench_function("into_owned", |b| {
        b.iter(|| {
            let message = readers.decode::<M>(encoding, black_box(bytes));
            black_box(&message.map(IntoOwned::into_owned)).is_ok()
        });
    });
    let message: M = readers.decode(encoding, bytes).expect("a sample decodes");
    let mut buffer = Vec::with_capacity(bytes.len());
    group.bench_function("encode", |b| {
        b.iter(|| {
            buffer.clear();
            encoding.encode(black_box(&message), &mut buffer).is_ok()
        });
    });
    group.finish();
}

fn decode<'s, M: Message<'s>>(
    group: &mut BenchmarkGroup<'_, impl Measurement>,
    name: &str,
    encoding: Encoding,
    bytes: &'s [u8],
) {
    let mut readers = Readers::default();
    group.bench_function(name, |b| {
        b.iter(|| black_box(&readers.decode::<M>(encoding, black_box(bytes))).is_ok());
    });
}

/// JSON as others write it.
fn other_json(c: &mut Criterion<ThreadTime>) {
    let samples = samples();
    let sample = &samples[0];
    let message: RequestMessage<'_> = Readers::default()
        .decode(Encoding::Json, &sample.json)
        .expect("a sample decodes");
    let mut indented = Vec::new();
    json::encode_indented(&message, &mut indented).expect("a sample");
    let value_first = value_first(&sample.json);
    let mut group = c.benchmark_group("a-json-variants");
    group.bench_function("walk", |b| b.iter(|| walk(black_box(&sample.ttlv))));
    for (name, bytes) in [
        ("canonical", &sample.json),
        ("indented", &indented),
        ("value_first", &value_first),
    ] {
        decode::<RequestMessage<'_>>(&mut group, name, Encoding::Json, bytes);
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = common::criterion();
    targets = codecs, other_json
}
criterion_main!(benches);
