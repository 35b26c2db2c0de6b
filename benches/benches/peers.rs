//! Another KMIP library, `kmip-protocol`, on the same messages; each beside this one.
//!
//! It has no certificates, opaque objects or KMIP 1.4 and 2.1, which leaves messages a, b and d.

mod common;

use std::hint::black_box;

use common::{Ratio, ThreadTime};
use criterion::{Criterion, criterion_group, criterion_main};
use kmip::Encoding;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_benches::{Readers, samples};
use kmip_protocol::types::common::{
    CryptographicAlgorithm, CryptographicUsageMask, ObjectType, Operation,
};
use kmip_protocol::types::{request, response};

fn decode(c: &mut Criterion<ThreadTime>) {
    for (letter, bytes) in responses() {
        let mut group = c.benchmark_group(format!("{letter}-peers"));
        let mut readers = Readers::default();
        group.bench_function("kmip", |b| b.iter(|| decode_ours(&mut readers, &bytes)));
        group.bench_function("kmip-protocol", |b| b.iter(|| decode_theirs(&bytes)));
        group.finish();
    }
}

fn decode_ratio(c: &mut Criterion<Ratio>) {
    for (letter, bytes) in responses() {
        let mut group = c.benchmark_group(format!("{letter}-peers-ratio"));
        let mut readers = Readers::default();
        group.bench_function("kmip-protocol", |b| {
            b.iter_custom(|count| {
                let theirs = || decode_theirs(&bytes);
                Ratio::of(count, theirs, || decode_ours(&mut readers, &bytes))
            });
        });
        group.finish();
    }
}

/// Messages b and d.
fn responses() -> impl Iterator<Item = (char, Vec<u8>)> {
    let samples = samples().into_iter();
    let samples = samples.filter(|sample| matches!(sample.letter, 'b' | 'd'));
    samples.map(|sample| {
        assert!(decode_theirs(&sample.ttlv), "they do not decode it");
        (sample.letter, sample.ttlv)
    })
}

fn decode_ours(readers: &mut Readers, bytes: &[u8]) -> bool {
    let bytes = black_box(bytes);
    black_box(&readers.decode::<ResponseMessage<'_>>(Encoding::Ttlv, bytes)).is_ok()
}

fn decode_theirs(bytes: &[u8]) -> bool {
    let bytes = black_box(bytes);
    black_box(&kmip_ttlv::from_slice::<response::ResponseMessage>(bytes)).is_ok()
}

fn encode(c: &mut Criterion<ThreadTime>) {
    let (theirs, bytes) = encoded();
    let ours = decoded(&bytes);
    let mut group = c.benchmark_group("a-peers");
    let mut buffer = Vec::new();
    group.bench_function("kmip", |b| b.iter(|| encode_ours(&ours, &mut buffer)));
    group.bench_function("kmip-protocol", |b| b.iter(|| encode_theirs(&theirs)));
    group.finish();
}

fn encode_ratio(c: &mut Criterion<Ratio>) {
    let (theirs, bytes) = encoded();
    let ours = decoded(&bytes);
    let mut group = c.benchmark_group("a-peers-ratio");
    let mut buffer = Vec::new();
    group.bench_function("kmip-protocol", |b| {
        b.iter_custom(|count| {
            let theirs = || encode_theirs(&theirs);
            Ratio::of(count, theirs, || encode_ours(&ours, &mut buffer))
        });
    });
    group.finish();
}

/// Message a, and how they encode it.
fn encoded() -> (request::RequestMessage, Vec<u8>) {
    let theirs = create();
    let bytes = kmip_ttlv::to_vec(&theirs).expect("it encodes");
    assert_eq!(bytes, samples()[0].ttlv, "not the same message");
    (theirs, bytes)
}

fn decoded(bytes: &[u8]) -> RequestMessage<'_> {
    let message = Readers::default().decode(Encoding::Ttlv, bytes);
    message.expect("what they write is KMIP")
}

fn encode_ours(message: &RequestMessage<'_>, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    kmip::ttlv::encode(black_box(message), buffer).is_ok()
}

fn encode_theirs(message: &request::RequestMessage) -> bool {
    black_box(&kmip_ttlv::to_vec(black_box(message))).is_ok()
}

/// Message a.
fn create() -> request::RequestMessage {
    let version = request::ProtocolVersion(
        request::ProtocolVersionMajor(1),
        request::ProtocolVersionMinor(2),
    );
    let attributes = request::TemplateAttribute::unnamed(vec![
        request::Attribute::CryptographicAlgorithm(CryptographicAlgorithm::AES),
        request::Attribute::CryptographicLength(256),
        request::Attribute::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ),
        request::Attribute::Name("my-aes-256-key".to_owned()),
    ]);
    request::RequestMessage(
        request::RequestHeader(version, None, None, request::BatchCount(1)),
        vec![request::BatchItem(
            Operation::Create,
            None,
            request::RequestPayload::Create(ObjectType::SymmetricKey, attributes),
        )],
    )
}

criterion_group! {
    name = times;
    config = common::criterion(ThreadTime);
    targets = decode, encode
}
criterion_group! {
    name = ratios;
    config = common::criterion(Ratio);
    targets = decode_ratio, encode_ratio
}
criterion_main!(times, ratios);
