//! Every Block Cipher Mode and Padding Method. Published values are in the tests of `cryptography`.

use crate::common::{Identifier, World};
use crate::{
    VERSION, VERSIONS, codes, decrypt, encrypt, hex, mode, pair, register, signs, unsupported,
    values,
};
use kmip::types::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, HashingAlgorithm,
    PaddingMethod, ResultReason,
};

#[test]
fn every_block_cipher_mode_is_done_with_aes_or_refused() {
    let world = World::new();
    let key = register(
        &world,
        CryptographicAlgorithm::AES,
        &hex("000102030405060708090a0b0c0d0e0f"),
    );
    let xts: Vec<u8> = (0..32).collect();
    let xts = register(&world, CryptographicAlgorithm::AES, &xts);
    let data = [9; 48];
    for block_mode in values::<BlockCipherMode>(VERSION) {
        let parameters = CryptographicParameters {
            random_iv: Some(true),
            ..mode(block_mode)
        };
        let key = match block_mode {
            BlockCipherMode::XTS => &xts,
            _ => &key,
        };
        match block_mode {
            BlockCipherMode::CMAC | BlockCipherMode::CBC_MAC => {
                codes(&world, key, &mode(block_mode), &data).unwrap();
            }
            BlockCipherMode::PCBC
            | BlockCipherMode::AEAD
            | BlockCipherMode::X9_102_AESKW
            | BlockCipherMode::X9_102_TDKW
            | BlockCipherMode::X9_102_AKW1
            | BlockCipherMode::X9_102_AKW2 => {
                for version in VERSIONS {
                    let refused = encrypt(&world, version, key, &parameters, None, &data);
                    assert_eq!(refused.unwrap_err(), unsupported(version), "{block_mode:?}");
                }
            }
            _ => {
                let done = encrypt(&world, VERSION, key, &parameters, None, &data).unwrap();
                assert_ne!(done.0, data, "{block_mode:?}");
                let iv = done.1.clone();
                let back = decrypt(&world, key, &parameters, iv.as_deref(), &done);
                assert_eq!(back.unwrap(), data, "{block_mode:?}");
            }
        }
    }
    // A CBC-MAC is the last block of the data in CBC mode.
    let cbc = encrypt(
        &world,
        VERSION,
        &key,
        &mode(BlockCipherMode::CBC),
        Some(&[0; 16]),
        &data,
    );
    let code = codes(&world, &key, &mode(BlockCipherMode::CBC_MAC), &data).unwrap();
    assert_eq!(code, cbc.unwrap().0[32..]);
}

#[test]
fn every_padding_is_added_and_removed_or_refused() {
    let world = World::new();
    let aes = register(&world, CryptographicAlgorithm::AES, &[3; 16]);
    let (private, public) = pair(&world, CryptographicAlgorithm::RSA, Some(2048), None).unwrap();
    for padding in values::<PaddingMethod>(VERSION) {
        let parameters = CryptographicParameters {
            padding_method: Some(padding),
            ..mode(BlockCipherMode::CBC)
        };
        match padding {
            PaddingMethod::NONE => {
                let whole = encrypt(&world, VERSION, &aes, &parameters, Some(&[0; 16]), &[1; 16]);
                assert_eq!(whole.unwrap().0.len(), 16);
                let odd = encrypt(&world, VERSION, &aes, &parameters, Some(&[0; 16]), &[1; 17]);
                assert_eq!(odd.unwrap_err(), ResultReason::CRYPTOGRAPHIC_FAILURE);
            }
            PaddingMethod::PKCS5
            | PaddingMethod::SSL3
            | PaddingMethod::ZEROS
            | PaddingMethod::ANSI_X9_23
            | PaddingMethod::ISO_10126 => {
                for length in [0, 1, 15, 16, 17, 32, 100] {
                    let data = vec![0xA5; length];
                    pads(&world, &aes, &parameters, &data);
                }
            }
            PaddingMethod::OAEP | PaddingMethod::PKCS1_V1_5 => {
                let parameters = CryptographicParameters {
                    block_cipher_mode: None,
                    ..parameters
                };
                let done = encrypt(&world, VERSION, &public, &parameters, None, b"secret").unwrap();
                let back = decrypt(&world, &private, &parameters, None, &done).unwrap();
                assert_eq!(back, b"secret");
            }
            PaddingMethod::X9_31 | PaddingMethod::PSS => {
                let parameters = CryptographicParameters {
                    block_cipher_mode: None,
                    hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                    ..parameters
                };
                signs(&world, &private, &public, &parameters).unwrap();
            }
            other => panic!("what becomes of {other:?}?"),
        }
        // What is for the other kind of key is refused.
        let refused = match padding {
            PaddingMethod::OAEP
            | PaddingMethod::PKCS1_V1_5
            | PaddingMethod::X9_31
            | PaddingMethod::PSS => {
                let parameters = CryptographicParameters {
                    padding_method: Some(padding),
                    ..mode(BlockCipherMode::CBC)
                };
                encrypt(&world, VERSION, &aes, &parameters, Some(&[0; 16]), &[1; 16])
            }
            PaddingMethod::NONE => continue,
            _ => {
                let parameters = CryptographicParameters {
                    padding_method: Some(padding),
                    ..CryptographicParameters::default()
                };
                encrypt(&world, VERSION, &public, &parameters, None, b"secret")
            }
        };
        assert_eq!(refused.unwrap_err(), unsupported(VERSION), "{padding:?}");
    }
}

fn pads(
    world: &World,
    key: &Identifier,
    parameters: &CryptographicParameters<'static>,
    data: &[u8],
) {
    let padding = parameters.padding_method.unwrap();
    let iv = Some(&[0; 16][..]);
    let done = encrypt(world, VERSION, key, parameters, iv, data).unwrap();
    let zeros = padding == PaddingMethod::ZEROS;
    let padded = match zeros {
        true => data.len().next_multiple_of(16),
        false => (data.len() / 16 + 1) * 16,
    };
    assert_eq!(done.0.len(), padded, "{padding:?}, {} bytes", data.len());
    // The padding itself, as it was before it was encrypted.
    let bare = CryptographicParameters {
        padding_method: Some(PaddingMethod::NONE),
        ..parameters.clone()
    };
    if padded > 0 {
        let seen = decrypt(world, key, &bare, iv, &done).unwrap();
        let end = &seen[data.len()..];
        match padding {
            PaddingMethod::ZEROS => assert!(end.iter().all(|byte| *byte == 0)),
            PaddingMethod::SSL3 => assert_eq!(usize::from(end[end.len() - 1]), end.len() - 1),
            _ => assert_eq!(usize::from(end[end.len() - 1]), end.len()),
        }
        let mut back = decrypt(world, key, parameters, iv, &done).unwrap();
        if zeros {
            // Nobody can tell them from data.
            back.truncate(data.len());
        }
        assert_eq!(back, data, "{padding:?}");
    }
    // What was never padded is not cut.
    if !zeros {
        let unpadded = encrypt(world, VERSION, key, &bare, iv, &[0xEE; 32]).unwrap();
        let refused = decrypt(world, key, parameters, iv, &unpadded).unwrap_err();
        assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE, "{padding:?}");
    }
}
