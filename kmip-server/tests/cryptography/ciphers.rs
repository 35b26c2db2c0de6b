//! Encrypt and Decrypt; the modes that take their data at once are in `at_once`.

use kmip::ProtocolVersion;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, DecryptRequest,
    EncryptRequest, PaddingMethod, ResultReason,
};

use crate::common::{Identifier, World, hex};
use crate::{VERSIONS, both, bytes, data, mode, symmetric};

/// Encrypts and decrypts.
fn aes(world: &World, version: ProtocolVersion, key: &[u8]) -> Identifier {
    symmetric(world, version, CryptographicAlgorithm::AES, key, both(), [])
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
        let id = aes(&world, version, &key);
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
        let id = aes(&world, version, &key);
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
    let id = aes(&world, version, &key);
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
    let id = aes(&world, version, &[1; 16]);
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
