//! Decoding and encoding, beside a bare walk over the items of the message in TTLV.
//!
//! Groups are named for message and encoding, `a-json`; those of the multiples of the walk end
//! with `-ratio`. Decoding includes freeing the message.

mod common;

use std::hint::black_box;

use common::{Ratio, ThreadTime};
use criterion::measurement::Measurement;
use criterion::{Bencher, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use kmip::codec::Message;
use kmip::types::{IntoOwned, RequestMessage, ResponseMessage};
use kmip::{Encoding, json};
use kmip_benches::{Readers, Sample, name_of, samples, value_first, walk};

/// A way to measure work on a message.
trait Measure: Measurement + Sized {
    /// What its groups end with.
    const SUFFIX: &'static str;

    fn measure<T>(b: &mut Bencher<'_, Self>, ttlv: &[u8], work: impl FnMut() -> T);
}

impl Measure for ThreadTime {
    const SUFFIX: &'static str = "";

    fn measure<T>(b: &mut Bencher<'_, Self>, _: &[u8], work: impl FnMut() -> T) {
        b.iter(work);
    }
}

/// In multiples of the walk.
impl Measure for Ratio {
    const SUFFIX: &'static str = "-ratio";

    fn measure<T>(b: &mut Bencher<'_, Self>, ttlv: &[u8], mut work: impl FnMut() -> T) {
        b.iter_custom(|count| Ratio::of(count, &mut work, || walk(black_box(ttlv))));
    }
}

fn codecs<X: Measure>(c: &mut Criterion<X>) {
    for sample in &samples() {
        for encoding in Encoding::ALL {
            if sample.is_request {
                codec::<RequestMessage<'_>, X>(c, sample, encoding);
            } else {
                codec::<ResponseMessage<'_>, X>(c, sample, encoding);
            }
        }
    }
}

fn codec<'s, M: Message<'s> + IntoOwned + Clone, X: Measure>(
    c: &mut Criterion<X>,
    sample: &'s Sample,
    encoding: Encoding,
) {
    let (bytes, ttlv) = (sample.bytes(encoding), sample.ttlv.as_slice());
    let mut readers = Readers::default();
    let name = name_of(encoding);
    let mut group = c.benchmark_group(format!("{}-{name}{}", sample.letter, X::SUFFIX));
    group.bench_function("walk", |b| X::measure(b, ttlv, || walk(black_box(ttlv))));
    decode::<M, X>(&mut group, "decode", encoding, bytes, ttlv);
    if let (Some(small), Encoding::Ttlv) = (&sample.small, encoding) {
        decode::<M, X>(&mut group, "decode_small", encoding, small, ttlv);
    }
    group.bench_function("into_owned", |b| {
        X::measure(b, ttlv, || {
            let message = readers.decode::<M>(encoding, black_box(bytes));
            black_box(&message.map(IntoOwned::into_owned)).is_ok()
        });
    });
    let message: M = readers.decode(encoding, bytes).expect("a sample decodes");
    let mut buffer = Vec::with_capacity(bytes.len());
    group.bench_function("encode", |b| {
        X::measure(b, ttlv, || {
            buffer.clear();
            encoding.encode(black_box(&message), &mut buffer).is_ok()
        });
    });
    if let (Some(_), Encoding::Ttlv) = (&sample.small, encoding) {
        group.bench_function("copy", |b| {
            X::measure(b, ttlv, || {
                buffer.clear();
                buffer.extend_from_slice(black_box(bytes));
            });
        });
    }
    group.finish();
}

fn decode<'s, M: Message<'s>, X: Measure>(
    group: &mut BenchmarkGroup<'_, X>,
    name: &str,
    encoding: Encoding,
    bytes: &'s [u8],
    ttlv: &[u8],
) {
    let mut readers = Readers::default();
    group.bench_function(name, |b| {
        X::measure(b, ttlv, || {
            black_box(&readers.decode::<M>(encoding, black_box(bytes))).is_ok()
        });
    });
}

/// JSON as others write it.
fn other_json(c: &mut Criterion<Ratio>) {
    let samples = samples();
    let sample = &samples[0];
    let message: RequestMessage<'_> = Readers::default()
        .decode(Encoding::Json, &sample.json)
        .expect("a sample decodes");
    let mut indented = Vec::new();
    json::encode_indented(&message, &mut indented).expect("a sample");
    let value_first = value_first(&sample.json);
    let mut group = c.benchmark_group("a-json-variants");
    for (name, bytes) in [
        ("canonical", &sample.json),
        ("indented", &indented),
        ("value_first", &value_first),
    ] {
        let ttlv = &sample.ttlv;
        decode::<RequestMessage<'_>, Ratio>(&mut group, name, Encoding::Json, bytes, ttlv);
    }
    group.finish();
}

criterion_group! {
    name = times;
    config = common::criterion(ThreadTime);
    targets = codecs::<ThreadTime>
}
criterion_group! {
    name = ratios;
    config = common::criterion(Ratio);
    targets = codecs::<Ratio>, other_json
}
criterion_main!(times, ratios);
