//! Operations with keys: against published values, and against each other.

mod common;

use common::{Identifier, World, hex, in_use, wrong_state};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, BlockCipherMode, CreateKeyPairRequest, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, Data, DateTime, DecryptRequest,
    EncryptRequest, HashRequest, HashingAlgorithm, MacRequest, MacVerifyRequest, PaddingMethod,
    ResultReason, RngRetrieveRequest, SignRequest, SignatureVerifyRequest, UsageLimits,
    UsageLimitsUnit, ValidityIndicator,
};

/// Versions from which on the operations exist, and those that changed them.
const VERSIONS: [ProtocolVersion; 5] = [
    ProtocolVersion::V1_2,
    ProtocolVersion::V1_3,
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
];

fn symmetric(
    world: &World,
    version: ProtocolVersion,
    algorithm: CryptographicAlgorithm,
    key: &[u8],
    usage: CryptographicUsageMask,
    more: impl IntoIterator<Item = Attribute<'static>>,
) -> Identifier {
    let mut attributes = in_use(usage);
    attributes.list.extend(more);
    world.register_key(version, algorithm, key, attributes)
}

fn both() -> CryptographicUsageMask {
    CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT
}

fn mode(mode: BlockCipherMode) -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        ..CryptographicParameters::default()
    }
}

fn data(bytes: &[u8]) -> Option<Data<'_>> {
    Some(Data::from(bytes))
}

fn bytes(data: Option<Data<'_>>) -> Vec<u8> {
    data.unwrap().as_bytes().unwrap().to_vec()
}

/// NIST SP 800-38A, F.1.1, F.2.1, F.5.1: AES-128 with the first block.
#[test]
fn modes_of_aes_give_the_published_values() {
    let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    let plain = hex("6bc1bee22e409f96e93d7e117393172a");
    let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    let iv = "000102030405060708090a0b0c0d0e0f";
    for version in VERSIONS {
        let world = World::new();
        let id = symmetric(
            &world,
            version,
            CryptographicAlgorithm::AES,
            &key,
            both(),
            [],
        );
        for (block_mode, iv, expected) in [
            (BlockCipherMode::ECB, "", "3ad77bb40d7a3660a89ecaf32466ef97"),
            (BlockCipherMode::CBC, iv, "7649abac8119b246cee98e9b12e9197d"),
            (
                BlockCipherMode::CTR,
                counter,
                "874d6191b620e3261bef6864990db6ce",
            ),
        ] {
            let iv = Some(hex(iv)).filter(|iv| !iv.is_empty());
            let request = EncryptRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: Some(mode(block_mode)),
                data: data(&plain),
                iv_counter_nonce: iv.clone().map(Into::into),
                ..EncryptRequest::default()
            };
            let cipher = bytes(world.call(version, request).unwrap().data);
            assert_eq!(cipher, hex(expected), "{block_mode:?}");
            let request = DecryptRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: Some(mode(block_mode)),
                data: data(&cipher),
                iv_counter_nonce: iv.map(Into::into),
                ..DecryptRequest::default()
            };
            assert_eq!(bytes(world.call(version, request).unwrap().data), plain);
        }
    }
}

/// Before 1.4 the tag follows the data, later it has a field of its own.
#[test]
fn what_gcm_protects_cannot_be_changed_unnoticed() {
    let key = hex("feffe9928665731c6d6a8f9467308308");
    for version in VERSIONS {
        let world = World::new();
        let id = symmetric(
            &world,
            version,
            CryptographicAlgorithm::AES,
            &key,
            both(),
            [],
        );
        let own_field = version >= ProtocolVersion::V1_4;
        let additional = own_field.then(|| b"header".to_vec().into());
        let request = EncryptRequest {
            unique_identifier: Some(id.clone()),
            cryptographic_parameters: Some(mode(BlockCipherMode::GCM)),
            data: data(b"attack at dawn"),
            iv_counter_nonce: Some(vec![7; 12].into()),
            authenticated_encryption_additional_data: additional.clone(),
            ..EncryptRequest::default()
        };
        let answer = world.call(version, request).unwrap();
        let cipher = bytes(answer.data);
        assert_eq!(cipher.len(), if own_field { 14 } else { 30 });
        let decrypt = |cipher: &[u8]| {
            let request = DecryptRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: Some(mode(BlockCipherMode::GCM)),
                data: data(cipher),
                iv_counter_nonce: Some(vec![7; 12].into()),
                authenticated_encryption_additional_data: additional.clone(),
                authenticated_encryption_tag: answer.authenticated_encryption_tag.clone(),
                ..DecryptRequest::default()
            };
            world
                .call(version, request)
                .map(|answer| bytes(answer.data))
        };
        assert_eq!(decrypt(&cipher).unwrap(), b"attack at dawn");
        let mut changed = cipher.clone();
        changed[0] ^= 1;
        assert_eq!(decrypt(&changed), Err(ResultReason::CRYPTOGRAPHIC_FAILURE));
    }
}

#[test]
fn data_in_pieces_gives_the_same_as_data_in_one() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = [9; 32];
    let id = symmetric(
        &world,
        version,
        CryptographicAlgorithm::AES,
        &key,
        both(),
        [],
    );
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::PKCS5),
        ..mode(BlockCipherMode::CBC)
    };
    let request = |piece: &'static [u8], correlation: Option<Vec<u8>>, init, last| EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: data(piece),
        iv_counter_nonce: Some(vec![1; 16].into()),
        correlation_value: correlation.map(Into::into),
        init_indicator: init,
        final_indicator: last,
        ..EncryptRequest::default()
    };
    let whole = world.call(version, request(b"0123456789abcdefXYZ", None, None, None));
    let whole = bytes(whole.unwrap().data);
    let mut pieces = Vec::new();
    let first = world
        .call(version, request(b"0123456", None, Some(true), None))
        .unwrap();
    pieces.extend(bytes(first.data));
    let correlation = first.correlation_value.unwrap().into_owned();
    let next = request(b"789abcdef", Some(correlation.clone()), None, None);
    let next = world.call(version, next).unwrap();
    pieces.extend(bytes(next.data));
    // A value that was used is spent.
    let spent = request(b"", Some(correlation), None, Some(true));
    let refused = world.call(version, spent).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_CORRELATION_VALUE);
    let correlation = next.correlation_value.unwrap().into_owned();
    let last = world.call(
        version,
        request(b"XYZ", Some(correlation), None, Some(true)),
    );
    pieces.extend(bytes(last.unwrap().data));
    assert_eq!(pieces, whole);
}

#[test]
fn a_random_iv_is_made_and_told() {
    let version = ProtocolVersion::V1_4;
    let world = World::new();
    let id = symmetric(
        &world,
        version,
        CryptographicAlgorithm::AES,
        &[1; 16],
        both(),
        [],
    );
    let parameters = CryptographicParameters {
        random_iv: Some(true),
        ..mode(BlockCipherMode::CBC)
    };
    let request = EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(parameters),
        data: data(&[3; 32]),
        ..EncryptRequest::default()
    };
    let first = world.call(version, request.clone()).unwrap();
    let second = world.call(version, request).unwrap();
    assert_eq!(first.iv_counter_nonce.as_ref().unwrap().len(), 16);
    assert_ne!(first.iv_counter_nonce, second.iv_counter_nonce);
    let request = DecryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(mode(BlockCipherMode::CBC)),
        data: first.data.clone(),
        ..DecryptRequest::default()
    };
    let refused = world.call(version, request.clone()).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_MESSAGE);
    let request = DecryptRequest {
        iv_counter_nonce: first.iv_counter_nonce,
        ..request
    };
    assert_eq!(bytes(world.call(version, request).unwrap().data), [3; 32]);
}

#[test]
fn keys_are_used_only_for_what_they_are_and_when_they_may_be() {
    for version in VERSIONS {
        let world = World::new();
        let aes = CryptographicAlgorithm::AES;
        let encrypt = |id: &Identifier| {
            let request = EncryptRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: Some(mode(BlockCipherMode::ECB)),
                data: data(&[0; 16]),
                ..EncryptRequest::default()
            };
            world.call(version, request).map(drop)
        };
        let other = symmetric(
            &world,
            version,
            aes,
            &[1; 16],
            CryptographicUsageMask::DECRYPT,
            [],
        );
        assert_eq!(
            encrypt(&other).unwrap_err(),
            match version {
                ProtocolVersion::V2_0 | ProtocolVersion::V2_1 => {
                    ResultReason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK
                }
                _ => ResultReason::PERMISSION_DENIED,
            }
        );
        let stop = Attribute::protect_stop_date(DateTime(common::NOW.0 + 10));
        let key = symmetric(&world, version, aes, &[1; 16], both(), [stop]);
        encrypt(&key).unwrap();
        world.clock.advance(10);
        assert_eq!(encrypt(&key), Err(wrong_state(version)));
        let limits = Attribute::usage_limits(UsageLimits {
            usage_limits_total: 32,
            usage_limits_unit: UsageLimitsUnit::BYTE,
            usage_limits_count: None,
            ..UsageLimits::default()
        });
        // Written without the count, as clients do.
        let key = world.create(version, [limits]);
        world.activate(version, &key).unwrap();
        encrypt(&key).unwrap();
        encrypt(&key).unwrap();
        assert_eq!(encrypt(&key), Err(ResultReason::PERMISSION_DENIED));
    }
}

/// Usage Limits are about all that protects data; what was protected is processed further on.
#[test]
fn signatures_and_codes_count_for_usage_limits() {
    let limits = |unit| {
        Attribute::usage_limits(UsageLimits {
            usage_limits_total: 1,
            usage_limits_unit: unit,
            ..UsageLimits::default()
        })
    };
    for version in VERSIONS {
        let world = World::new();
        let usage = CryptographicUsageMask::MAC_GENERATE | CryptographicUsageMask::MAC_VERIFY;
        let hmac = CryptographicAlgorithm::HMAC_SHA256;
        let limit = limits(UsageLimitsUnit::OBJECT);
        let key = symmetric(&world, version, hmac, &[1; 32], usage, [limit]);
        let request = MacRequest {
            unique_identifier: Some(key.clone()),
            data: data(b"data"),
            ..MacRequest::default()
        };
        let code = world.call(version, request.clone()).unwrap().mac_data;
        let refused = world.call(version, request).unwrap_err();
        assert_eq!(refused, ResultReason::PERMISSION_DENIED, "{version}");
        for _ in 0..2 {
            let request = MacVerifyRequest {
                unique_identifier: Some(key.clone()),
                data: data(b"data"),
                mac_data: code.clone(),
                ..MacVerifyRequest::default()
            };
            let verified = world.call(version, request).unwrap().validity_indicator;
            assert_eq!(verified, Some(ValidityIndicator::VALID), "{version}");
        }
    }
}

/// RFC 4231, test case 2, and RFC 4493, example 2.
#[test]
fn macs_give_the_published_values() {
    let usage = CryptographicUsageMask::MAC_GENERATE | CryptographicUsageMask::MAC_VERIFY;
    for version in VERSIONS {
        let world = World::new();
        let cases = [
            (
                CryptographicAlgorithm::HMAC_SHA256,
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                CryptographicAlgorithm::AES,
                hex("2b7e151628aed2a6abf7158809cf4f3c"),
                hex("6bc1bee22e409f96e93d7e117393172a"),
                "070a16b46b4d4144f79bdd9dd04a287c",
            ),
        ];
        for (algorithm, key, text, expected) in cases {
            let id = symmetric(&world, version, algorithm, &key, usage, []);
            let request = MacRequest {
                unique_identifier: Some(id.clone()),
                data: data(&text),
                ..MacRequest::default()
            };
            let code = world.call(version, request).unwrap().mac_data.unwrap();
            assert_eq!(*code, hex(expected), "{algorithm:?}");
            let verify = |code: Vec<u8>| {
                let request = MacVerifyRequest {
                    unique_identifier: Some(id.clone()),
                    data: data(&text),
                    mac_data: Some(code.into()),
                    ..MacVerifyRequest::default()
                };
                world.call(version, request).unwrap().validity_indicator
            };
            assert_eq!(verify(code.to_vec()), Some(ValidityIndicator::VALID));
            let mut wrong = code.to_vec();
            wrong[0] ^= 0x80;
            assert_eq!(verify(wrong), Some(ValidityIndicator::INVALID));
            assert_eq!(verify(Vec::new()), Some(ValidityIndicator::INVALID));
        }
    }
}

#[test]
fn signatures_are_valid_for_what_was_signed_only() {
    let version = ProtocolVersion::V1_4;
    let world = World::new();
    let pss = CryptographicParameters {
        padding_method: Some(PaddingMethod::PSS),
        hashing_algorithm: Some(HashingAlgorithm::SHA_384),
        ..CryptographicParameters::default()
    };
    let pkcs1 = CryptographicParameters {
        padding_method: Some(PaddingMethod::PKCS1_V1_5),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let ecdsa = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    for (algorithm, length, parameters) in [
        (CryptographicAlgorithm::RSA, 2048, pss),
        (CryptographicAlgorithm::RSA, 2048, pkcs1),
        (CryptographicAlgorithm::EC, 256, ecdsa),
        (
            CryptographicAlgorithm::ED25519,
            256,
            CryptographicParameters::default(),
        ),
    ] {
        let active = || Attribute::activation_date(common::NOW);
        let usage = Attribute::cryptographic_usage_mask;
        let mut common: Attributes<'static> =
            [Attribute::cryptographic_algorithm(algorithm), active()].into();
        if algorithm != CryptographicAlgorithm::ED25519 {
            common.push(Attribute::cryptographic_length(length));
        }
        let request = CreateKeyPairRequest {
            common_attributes: Some(common),
            private_key_attributes: Some([usage(CryptographicUsageMask::SIGN)].into()),
            public_key_attributes: Some([usage(CryptographicUsageMask::VERIFY)].into()),
            ..CreateKeyPairRequest::default()
        };
        let pair = world.call(version, request).unwrap();
        let request = SignRequest {
            unique_identifier: Some(pair.private_key_unique_identifier),
            cryptographic_parameters: Some(parameters.clone()),
            data: data(b"contract"),
            ..SignRequest::default()
        };
        let signature = world
            .call(version, request)
            .unwrap()
            .signature_data
            .unwrap();
        let verify = |text: &'static [u8], signature: Vec<u8>| {
            let request = SignatureVerifyRequest {
                unique_identifier: Some(pair.public_key_unique_identifier.clone()),
                cryptographic_parameters: Some(parameters.clone()),
                data: data(text),
                signature_data: Some(signature.into()),
                ..SignatureVerifyRequest::default()
            };
            world.call(version, request).unwrap().validity_indicator
        };
        let valid = verify(b"contract", signature.to_vec());
        assert_eq!(valid, Some(ValidityIndicator::VALID), "{algorithm:?}");
        let other = verify(b"contracts", signature.to_vec());
        assert_eq!(other, Some(ValidityIndicator::INVALID));
        assert_eq!(
            verify(b"contract", vec![0; 3]),
            Some(ValidityIndicator::INVALID)
        );
    }
}

#[test]
fn hashes_and_random_numbers_are_given_without_a_key() {
    for version in VERSIONS {
        let world = World::new();
        let request = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            data: data(b"abc"),
            ..HashRequest::default()
        };
        let digest = bytes(world.call(version, request).unwrap().data);
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest, hex(expected));
        let random = |length| {
            let request = RngRetrieveRequest {
                data_length: length,
                ..RngRetrieveRequest::default()
            };
            world.call(version, request).map(|answer| answer.data)
        };
        assert_eq!(random(32).unwrap().as_bytes().unwrap().len(), 32);
        assert_ne!(random(32).unwrap(), random(32).unwrap());
        for length in [0, -1, i32::MAX] {
            assert_eq!(random(length).unwrap_err(), ResultReason::INVALID_FIELD);
        }
    }
}
