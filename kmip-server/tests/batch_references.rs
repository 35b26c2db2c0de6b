//! What an item of a batch may take from earlier ones: the object by the ID Placeholder, and data by its
//! operation or number.

mod common;

use common::{NOW, World, create, is_2x, name};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, BatchErrorContinuationOption, BlockCipherMode, CheckRequest,
    CryptographicParameters, CryptographicUsageMask, Data, DataEnumeration, DecryptRequest,
    EncryptRequest, GetRequest, HashRequest, HashingAlgorithm, LocateRequest, RequestBatchItem,
    RequestMessage, RequestPayload, ResponseBatchItem, ResponsePayload, ResultReason, ResultStatus,
};

/// Performs items, each of which may be ephemeral, and goes on after failures.
fn perform(
    world: &World,
    version: ProtocolVersion,
    items: Vec<(RequestPayload<'_>, bool)>,
) -> Vec<ResponseBatchItem<'static>> {
    let mut message = RequestMessage::default();
    let header = &mut message.request_header;
    header.protocol_version = version;
    header.batch_count = items.len() as i32;
    header.batch_error_continuation_option = Some(BatchErrorContinuationOption::CONTINUE);
    for (number, (request, ephemeral)) in items.into_iter().enumerate() {
        let mut item = RequestBatchItem::new(request);
        item.unique_batch_item_id = Some(vec![number as u8].into());
        item.ephemeral = ephemeral.then_some(true);
        message.batch_item.push(item);
    }
    world.exchange(&world.peer, &message).batch_item
}

#[test]
fn a_search_for_one_object_that_finds_none_or_several_leaves_no_placeholder() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        world.create(version, []);
        let nothing = LocateRequest {
            attributes: [name("nothing")].into(),
            ..LocateRequest::default()
        };
        for search in [LocateRequest::default(), nothing] {
            let items = perform(
                &world,
                version,
                vec![
                    (create([]).into(), false),
                    (search.into(), false),
                    (GetRequest::default().into(), false),
                ],
            );
            let results: Vec<_> = items.iter().map(|item| item.result_status).collect();
            let (good, bad) = (ResultStatus::SUCCESS, ResultStatus::OPERATION_FAILED);
            assert_eq!(results, [good, good, bad], "{version}");
            assert_eq!(items[2].result_reason, Some(ResultReason::ITEM_NOT_FOUND));
        }
    }
}

#[test]
fn a_check_that_says_no_leaves_no_placeholder() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let check = CheckRequest {
            cryptographic_usage_mask: Some(CryptographicUsageMask::SIGN),
            ..CheckRequest::default()
        };
        let items = perform(
            &world,
            version,
            vec![
                (create([]).into(), false),
                (check.into(), false),
                (GetRequest::default().into(), false),
            ],
        );
        assert_eq!(items[1].result_status, ResultStatus::OPERATION_FAILED);
        assert_eq!(items[2].result_reason, Some(ResultReason::ITEM_NOT_FOUND));
    }
}

#[test]
fn data_goes_from_item_to_item() {
    for version in ProtocolVersion::ALL.into_iter().filter(|v| is_2x(*v)) {
        let world = World::new();
        let key = world.create(version, [Attribute::activation_date(NOW)]);
        let ecb = || {
            Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::ECB),
                ..CryptographicParameters::default()
            })
        };
        let plain = b"sixteen bytes ok".to_vec();
        let encrypt = EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: ecb(),
            data: Some(Data::from(plain.clone())),
            ..EncryptRequest::default()
        };
        let decrypt = |data| DecryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: ecb(),
            data: Some(data),
            ..DecryptRequest::default()
        };
        let hash = |data| HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            data: Some(data),
            ..HashRequest::default()
        };
        let items = perform(
            &world,
            version,
            vec![
                (encrypt.into(), true),
                (
                    decrypt(Data::Enumeration(DataEnumeration::ENCRYPT)).into(),
                    false,
                ),
                (hash(Data::Integer(1)).into(), false),
                (hash(Data::Integer(-2)).into(), false),
                (hash(Data::Integer(9)).into(), false),
                (
                    hash(Data::Enumeration(DataEnumeration::SIGN_SIGNATURE_DATA)).into(),
                    false,
                ),
            ],
        );
        let payload = |at: usize| items[at].response_payload.as_ref().expect("a payload");
        // Nobody but the next item has seen it.
        let ResponsePayload::Encrypt(encrypted) = payload(0) else {
            panic!("{items:?}");
        };
        assert_eq!(encrypted.data, None);
        let ResponsePayload::Decrypt(decrypted) = payload(1) else {
            panic!("{items:?}");
        };
        let data = decrypted.data.as_ref().and_then(Data::as_bytes);
        assert_eq!(data, Some(&plain[..]));
        for at in [2, 3] {
            let ResponsePayload::Hash(hashed) = payload(at) else {
                panic!("{items:?}");
            };
            let digest = openssl::sha::sha256(&plain);
            let data = hashed.data.as_ref().and_then(Data::as_bytes);
            assert_eq!(data, Some(&digest[..]), "item {at}");
        }
        for at in [4, 5] {
            assert_eq!(items[at].result_reason, Some(ResultReason::INVALID_FIELD));
        }
    }
}

#[test]
fn references_do_not_multiply_large_data() {
    let world = World::new();
    let version = ProtocolVersion::V2_1;
    let key = world.create(version, [Attribute::activation_date(NOW)]);
    let encrypt = common::encrypt(&key, BlockCipherMode::ECB, 1 << 20);
    let hash = HashRequest {
        cryptographic_parameters: CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            ..CryptographicParameters::default()
        },
        data: Some(Data::Integer(0)),
        ..HashRequest::default()
    };
    let mut items = vec![(encrypt.into(), true)];
    items.extend((0..17).map(|_| (hash.clone().into(), false)));
    let answers = perform(&world, version, items);
    let (last, good) = answers.split_last().expect("answers");
    let is_good = |item: &ResponseBatchItem<'_>| item.result_status == ResultStatus::SUCCESS;
    assert!(good.iter().all(is_good), "16 MiB are not too much");
    assert_eq!(last.result_reason, Some(ResultReason::INVALID_FIELD));
}
