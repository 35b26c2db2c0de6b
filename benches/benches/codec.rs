//! Decoding and encoding, beside a bare walk over the items.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use kmip::codec::{Message, Options};
use kmip::types::{IntoOwned, RequestMessage, ResponseMessage};
use kmip_benches::{Sample, samples, walk};

fn codecs(c: &mut Criterion) {
    for sample in samples() {
        if sample.is_request {
            bench::<RequestMessage<'_>>(c, &sample);
        } else {
            bench::<ResponseMessage<'_>>(c, &sample);
        }
    }
}

fn bench<'s, M: Message<'s> + IntoOwned + Clone>(c: &mut Criterion, sample: &'s Sample) {
    let options = Options::default();
    let bytes = sample.ttlv.as_slice();
    let mut group = c.benchmark_group(sample.letter.to_string());
    group.bench_function("walk", |b| b.iter(|| walk(black_box(bytes))));
    group.bench_function("ttlv/decode", |b| {
        b.iter(|| {
            kmip::ttlv::decode::<M>(black_box(bytes), &options)
                .map(black_box)
                .is_ok()
        });
    });
    group.bench_function("ttlv/into_owned", |b| {
        b.iter(|| {
            let message = kmip::ttlv::decode::<M>(black_box(bytes), &options);
            message
                .map(|message| black_box(message.into_owned()))
                .is_ok()
        });
    });
    let message: M = kmip::ttlv::decode(bytes, &options).expect("a sample decodes");
    let mut buffer = Vec::with_capacity(bytes.len());
    group.bench_function("ttlv/encode", |b| {
        b.iter(|| {
            buffer.clear();
            kmip::ttlv::encode(black_box(&message), &mut buffer).is_ok()
        });
    });
    bench_text::<M>(&mut group, sample, &message);
    group.finish();
}

/// The encodings in text, with readers that keep their memory.
fn bench_text<'s, M: Message<'s>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    sample: &'s Sample,
    message: &M,
) {
    let options = Options::default();
    let (json, xml) = (sample.json.as_slice(), sample.xml.as_slice());
    let mut reader = kmip::json::Reader::new();
    group.bench_function("json/decode", |b| {
        b.iter(|| {
            let message = reader.decode::<M>(black_box(json), &options);
            message.map(black_box).is_ok()
        });
    });
    let mut reader = kmip::xml::Reader::new();
    group.bench_function("xml/decode", |b| {
        b.iter(|| {
            let message = reader.decode::<M>(black_box(xml), &options);
            message.map(black_box).is_ok()
        });
    });
    let mut buffer = Vec::with_capacity(json.len());
    group.bench_function("json/encode", |b| {
        b.iter(|| {
            buffer.clear();
            kmip::json::encode(black_box(message), &mut buffer).is_ok()
        });
    });
    group.bench_function("xml/encode", |b| {
        b.iter(|| {
            buffer.clear();
            kmip::xml::encode(black_box(message), &mut buffer).is_ok()
        });
    });
}

criterion_group!(benches, codecs);
criterion_main!(benches);
