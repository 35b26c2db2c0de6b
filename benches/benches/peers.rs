//! Another KMIP library, `kmip-protocol`, on the same messages; each beside this one.
//!
//! It has no certificates, opaque objects or KMIP 1.4 and 2.1, which leaves messages a, b and d.

mod common;

use std::hint::black_box;

use common::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use kmip::Encoding;
use kmip::types::{RequestMessage, ResponseMessage};
use kmip_benches::{Readers, samples};
use kmip_protocol::types::common::{
    CryptographicAlgorithm, CryptographicUsageMask, ObjectType, Operation,
};
use kmip_protocol::types::{request, response};

fn decode(c: &mut Criterion<ThreadTime>) {
    for sample in samples() {
        if !matches!(sample.letter, 'b' | 'd') {
            continue;
        }
        let bytes = sample.ttlv.as_slice();
        let theirs = kmip_ttlv::from_slice::<response::ResponseMessage>(bytes);
        assert_eq!(theirs.expect("it decodes").batch_items.len(), 1);
        let mut group = c.benchmark_group(format!("{}-peers", sample.letter));
        let mut readers = Readers::default();
        group.bench_function("kmip", |b| {
            b.iter(|| {
                let bytes = black_box(bytes);
                black_box(&readers.decode::<ResponseMessage<'_>>(Encoding::Ttlv, bytes)).is_ok()
            });
        });
        group.bench_function("kmip-protocol", |b| {
            b.iter(|| {
                let bytes = black_box(bytes);
                black_box(&kmip_ttlv::from_slice::<response::ResponseMessage>(bytes)).is_ok()
            });
        });
        group.finish();
    }
}

fn encode(c: &mut Criterion<ThreadTime>) {
    let theirs = create();
    let bytes = kmip_ttlv::to_vec(&theirs).expect("it encodes");
    let ours: RequestMessage<'_> = Readers::default()
        .decode(Encoding::Ttlv, &bytes)
        .expect("what it writes is KMIP");
    assert_eq!(bytes, samples()[0].ttlv, "not the same message");
    let mut group = c.benchmark_group("a-peers");
    let mut buffer = Vec::new();
    group.bench_function("kmip", |b| {
        b.iter(|| {
            buffer.clear();
            kmip::ttlv::encode(black_box(&ours), &mut buffer).is_ok()
        });
    });
    group.bench_function("kmip-protocol", |b| {
        b.iter(|| black_box(&kmip_ttlv::to_vec(black_box(&theirs))).is_ok());
    });
    group.finish();
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
    name = benches;
    config = common::criterion();
    targets = decode, encode
}
criterion_main!(benches);
