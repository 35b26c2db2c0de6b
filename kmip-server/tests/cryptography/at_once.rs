//! Modes that take their data at once, against published values.

use std::ops::Range;

use kmip::ProtocolVersion;
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, Data, DecryptRequest,
    EncryptRequest, EncryptResponse, ResultReason,
};

use crate::common::{Identifier, World, hex};
use crate::{both, bytes, mode, symmetric};

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

fn aes(world: &World, key: Range<u8>) -> Identifier {
    let key: Vec<u8> = key.collect();
    let algorithm = CryptographicAlgorithm::AES;
    symmetric(world, VERSION, algorithm, &key, both(), [])
}

fn encrypt(
    key: &Identifier,
    parameters: CryptographicParameters<'static>,
    data: Range<u8>,
) -> EncryptRequest<'static> {
    EncryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(parameters),
        data: Some(Data::from(data.collect::<Vec<u8>>())),
        ..EncryptRequest::default()
    }
}

/// The request that takes back what was encrypted.
fn decrypt(
    request: &EncryptRequest<'static>,
    done: &EncryptResponse<'static>,
) -> DecryptRequest<'static> {
    DecryptRequest {
        unique_identifier: request.unique_identifier.clone(),
        cryptographic_parameters: request.cryptographic_parameters.clone(),
        data: done.data.clone(),
        iv_counter_nonce: request
            .iv_counter_nonce
            .clone()
            .or(done.iv_counter_nonce.clone()),
        authenticated_encryption_additional_data: request
            .authenticated_encryption_additional_data
            .clone(),
        authenticated_encryption_tag: done.authenticated_encryption_tag.clone(),
        ..DecryptRequest::default()
    }
}

/// NIST SP 800-38C, examples 1 and 3.
#[test]
fn ccm_gives_the_published_values() {
    let world = World::new();
    let key = aes(&world, 0x40..0x50);
    let examples = [
        (4, 0x10..0x17, 0..8, 0x20..0x24, "7162015b", "4dac255d"),
        (
            8,
            0x10..0x1c,
            0..0x14,
            0x20..0x38,
            "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5",
            "484392fbc1b09951",
        ),
    ];
    for (length, nonce, additional, data, cipher, tag) in examples {
        let additional: Vec<u8> = additional.collect();
        let parameters = CryptographicParameters {
            tag_length: Some(length),
            ..mode(BlockCipherMode::CCM)
        };
        let mut request = encrypt(&key, parameters, data.clone());
        request.iv_counter_nonce = Some(nonce.collect::<Vec<u8>>().into());
        request.authenticated_encryption_additional_data = Some(additional.into());
        let done = world.call(VERSION, request.clone()).unwrap();
        assert_eq!(bytes(done.data.clone()), hex(cipher));
        let made = done.authenticated_encryption_tag.as_deref().unwrap();
        assert_eq!(made, hex(tag));
        let back = world.call(VERSION, decrypt(&request, &done)).unwrap();
        assert_eq!(bytes(back.data), data.collect::<Vec<u8>>());
        // What was changed is not decrypted.
        let mut changed = decrypt(&request, &done);
        changed.authenticated_encryption_additional_data = Some(vec![9].into());
        let refused = world.call(VERSION, changed).unwrap_err();
        assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
        let mut short = decrypt(&request, &done);
        short.authenticated_encryption_tag = None;
        let refused = world.call(VERSION, short).unwrap_err();
        assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
    }
    let mut long = encrypt(&key, mode(BlockCipherMode::CCM), 0..4);
    long.iv_counter_nonce = Some(vec![0; 16].into());
    let refused = world.call(VERSION, long).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_FIELD);
}

#[test]
fn ccm_makes_a_nonce_if_it_is_asked_to() {
    let world = World::new();
    let key = aes(&world, 0..32);
    let random = CryptographicParameters {
        random_iv: Some(true),
        ..mode(BlockCipherMode::CCM)
    };
    let request = encrypt(&key, random, 0..100);
    let done = world.call(VERSION, request.clone()).unwrap();
    let back = world.call(VERSION, decrypt(&request, &done)).unwrap();
    assert_eq!(bytes(back.data), (0..100).collect::<Vec<u8>>());
}

/// RFC 3394, 4.1; the other values of AES Key Wrap are those of wrapped keys.
#[test]
fn key_wraps_encrypt_data() {
    let world = World::new();
    let key = aes(&world, 0..16);
    let mut request = encrypt(&key, mode(BlockCipherMode::NISTKEYWRAP), 0..0);
    let plain: Vec<u8> = (0..16).map(|n| n * 0x11).collect();
    request.data = Some(Data::from(plain.clone()));
    let done = world.call(VERSION, request.clone()).unwrap();
    assert_eq!(
        bytes(done.data.clone()),
        hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
    );
    let back = world.call(VERSION, decrypt(&request, &done)).unwrap();
    assert_eq!(bytes(back.data), plain);
    let mut changed = decrypt(&request, &done);
    changed.data = Some(Data::from(vec![1; 24]));
    let refused = world.call(VERSION, changed).unwrap_err();
    assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
    // Without padding it takes blocks of eight bytes only.
    let odd = encrypt(&key, mode(BlockCipherMode::NISTKEYWRAP), 0..9);
    let refused = world.call(VERSION, odd).unwrap_err();
    assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
    let request = encrypt(&key, mode(BlockCipherMode::AESKEYWRAPPADDING), 0..9);
    let done = world.call(VERSION, request.clone()).unwrap();
    let back = world.call(VERSION, decrypt(&request, &done)).unwrap();
    assert_eq!(bytes(back.data), (0..9).collect::<Vec<u8>>());
}
