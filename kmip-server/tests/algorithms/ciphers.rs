//! Cryptographic Algorithm: published values, and what becomes of each value.

use crate::common::{self, Identifier, World};
use crate::{
    VERSION, VERSIONS, agrees, codes, decrypt, encrypt, has_legacy, hex, mode, pair, register,
    register_in, signs, unsupported, values,
};
use kmip::types::{
    Attribute, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, GetRequest, ManagedObject, ResultReason,
};

/// FIPS 81; RFC 2144, B.1; RFC 2268, 5; RFC 3713, A; RFC 4269, B.1; RFC 5794, A.1; GB/T 32907; Blowfish and
/// RC4 as their authors give them.
#[test]
fn ciphers_give_the_published_values() {
    use CryptographicAlgorithm as Algorithm;
    let world = World::new();
    let ecb = mode(BlockCipherMode::ECB);
    let none = CryptographicParameters::default();
    let legacy = has_legacy();
    for (algorithm, old, parameters, key, plain, cipher) in [
        (
            Algorithm::DES,
            true,
            &ecb,
            "0123456789abcdef",
            "4e6f772069732074",
            "3fa40e8a984d4815",
        ),
        (
            Algorithm::BLOWFISH,
            true,
            &ecb,
            "0000000000000000",
            "0000000000000000",
            "4ef997456198dd78",
        ),
        (
            Algorithm::CAST5,
            true,
            &ecb,
            "0123456712345678234567893456789a",
            "0123456789abcdef",
            "238b4fe5847e44b2",
        ),
        (
            Algorithm::CAST5,
            true,
            &ecb,
            "01234567123456782345",
            "0123456789abcdef",
            "eb6a711a2c02271b",
        ),
        (
            Algorithm::RC2,
            true,
            &ecb,
            "88bca90e90875a7f0f79c384627bafb2",
            "0000000000000000",
            "2269552ab0f85ca6",
        ),
        (
            Algorithm::RC4,
            true,
            &none,
            "0102030405",
            "0000000000000000",
            "b2396305f03dc027",
        ),
        (
            Algorithm::SEED,
            true,
            &ecb,
            "00000000000000000000000000000000",
            "000102030405060708090a0b0c0d0e0f",
            "5ebac6e0054e166819aff1cc6d346cdb",
        ),
        (
            Algorithm::CAMELLIA,
            false,
            &ecb,
            "0123456789abcdeffedcba9876543210",
            "0123456789abcdeffedcba9876543210",
            "67673138549669730857065648eabe43",
        ),
        (
            Algorithm::ARIA,
            false,
            &ecb,
            "000102030405060708090a0b0c0d0e0f",
            "00112233445566778899aabbccddeeff",
            "d718fbd6ab644c739da95f3be6451778",
        ),
        (
            Algorithm::SM4,
            false,
            &ecb,
            "0123456789abcdeffedcba9876543210",
            "0123456789abcdeffedcba9876543210",
            "681edf34d206965e86b3e94f536e4246",
        ),
    ] {
        if old && !legacy {
            continue;
        }
        let id = register(&world, algorithm, &hex(key));
        let done = encrypt(&world, VERSION, &id, parameters, None, &hex(plain)).unwrap();
        assert_eq!(done.0, hex(cipher), "{algorithm:?}");
        let back = decrypt(&world, &id, parameters, None, &done).unwrap();
        assert_eq!(back, hex(plain), "{algorithm:?}");
    }
}

/// What the server does with an algorithm.
enum Does {
    /// It encrypts, with a key of so many bytes, in CBC mode or the only one.
    Encrypts(usize),
    /// As that, where the system has it.
    EncryptsIfThere(usize),
    /// It makes codes, with a key of so many bytes.
    Authenticates(usize),
    /// It makes key pairs of so many bits that sign.
    Signs(i32),
    /// It makes key pairs that agree on a secret.
    Agrees(i32),
    /// Keys are kept for clients that can use them. No pairs are made.
    Keeps,
}

fn does(algorithm: CryptographicAlgorithm) -> Does {
    use CryptographicAlgorithm as Algorithm;
    match algorithm {
        Algorithm::AES | Algorithm::CAMELLIA | Algorithm::ARIA => Does::Encrypts(32),
        Algorithm::DES3 => Does::Encrypts(24),
        Algorithm::CHACHA20 | Algorithm::CHACHA20POLY1305 => Does::Encrypts(32),
        Algorithm::SM4 => Does::Encrypts(16),
        Algorithm::ONE_TIME_PAD => Does::Encrypts(64),
        Algorithm::DES => Does::EncryptsIfThere(8),
        Algorithm::BLOWFISH => Does::EncryptsIfThere(56),
        Algorithm::CAST5 | Algorithm::RC2 | Algorithm::RC4 | Algorithm::SEED | Algorithm::IDEA => {
            Does::EncryptsIfThere(16)
        }
        Algorithm::HMAC_SHA1
        | Algorithm::HMAC_SHA224
        | Algorithm::HMAC_SHA256
        | Algorithm::HMAC_SHA384
        | Algorithm::HMAC_SHA512
        | Algorithm::HMAC_MD5
        | Algorithm::HMAC_SHA3_224
        | Algorithm::HMAC_SHA3_256
        | Algorithm::HMAC_SHA3_384
        | Algorithm::HMAC_SHA3_512
        | Algorithm::POLY1305 => Does::Authenticates(32),
        Algorithm::RSA => Does::Signs(2048),
        Algorithm::DSA => Does::Signs(1024),
        Algorithm::EC | Algorithm::ECDSA => Does::Signs(256),
        Algorithm::ED25519 => Does::Signs(256),
        Algorithm::ED448 => Does::Signs(456),
        Algorithm::ECDH | Algorithm::ECMQV => Does::Agrees(256),
        Algorithm::DH => Does::Agrees(2048),
        _ => Does::Keeps,
    }
}

#[test]
fn every_algorithm_is_done_or_refused() {
    let world = World::new();
    let legacy = has_legacy();
    let data = [7; 32];
    for algorithm in values::<CryptographicAlgorithm>(VERSION) {
        match does(algorithm) {
            Does::Encrypts(length) => {
                let id = register(&world, algorithm, &vec![0x5B; length]);
                round_trip(&world, &id, algorithm, &data).unwrap();
            }
            Does::EncryptsIfThere(length) => {
                let id = register(&world, algorithm, &vec![0x5B; length]);
                match round_trip(&world, &id, algorithm, &data) {
                    Ok(()) => {}
                    // Debian builds OpenSSL without IDEA.
                    Err(reason) => {
                        assert!(
                            algorithm == CryptographicAlgorithm::IDEA || !legacy,
                            "{algorithm:?}"
                        );
                        assert_eq!(reason, unsupported(VERSION), "{algorithm:?}");
                    }
                }
            }
            Does::Authenticates(length) => {
                let id = register(&world, algorithm, &vec![0x5B; length]);
                codes(&world, &id, &CryptographicParameters::default(), &data).unwrap();
            }
            Does::Signs(bits) => {
                let (private, public) = pair(&world, algorithm, Some(bits), None).unwrap();
                let none = CryptographicParameters::default();
                signs(&world, &private, &public, &none).unwrap();
            }
            Does::Agrees(bits) => agrees(&world, algorithm, Some(bits), None),
            Does::Keeps => {
                for version in VERSIONS {
                    let id = register_in(&world, version, algorithm, &[0x5B; 16]);
                    let get = GetRequest {
                        unique_identifier: Some(id.clone()),
                        ..GetRequest::default()
                    };
                    assert!(world.call(version, get).is_ok(), "{algorithm:?}");
                    let cbc = mode(BlockCipherMode::CBC);
                    let refused = encrypt(&world, version, &id, &cbc, Some(&[0; 16]), &data);
                    assert_eq!(refused.unwrap_err(), unsupported(version), "{algorithm:?}");
                }
                let refused = pair(&world, algorithm, Some(256), None).unwrap_err();
                assert_eq!(
                    refused,
                    ResultReason::FEATURE_NOT_SUPPORTED,
                    "{algorithm:?}"
                );
            }
        }
    }
}

fn round_trip(
    world: &World,
    key: &Identifier,
    algorithm: CryptographicAlgorithm,
    data: &[u8],
) -> Result<(), ResultReason> {
    use CryptographicAlgorithm as Algorithm;
    let stream = [
        Algorithm::CHACHA20,
        Algorithm::CHACHA20POLY1305,
        Algorithm::RC4,
        Algorithm::ONE_TIME_PAD,
    ];
    let without_iv = [Algorithm::RC4, Algorithm::ONE_TIME_PAD].contains(&algorithm);
    let parameters = CryptographicParameters {
        random_iv: Some(!without_iv),
        ..match stream.contains(&algorithm) {
            true => CryptographicParameters::default(),
            false => mode(BlockCipherMode::CBC),
        }
    };
    let done = encrypt(world, VERSION, key, &parameters, None, data)?;
    assert_ne!(done.0, data, "{algorithm:?}");
    let iv = done.1.clone();
    let back = decrypt(world, key, &parameters, iv.as_deref(), &done)?;
    assert_eq!(back, data, "{algorithm:?}");
    Ok(())
}

/// Triple-DES keys have parity bits, which some lengths do not count.
#[test]
fn keys_of_des_have_whole_bytes_with_odd_parity() {
    let world = World::new();
    for (algorithm, bits, bytes) in [
        (CryptographicAlgorithm::DES, 56, 8),
        (CryptographicAlgorithm::DES, 64, 8),
        (CryptographicAlgorithm::DES3, 112, 16),
        (CryptographicAlgorithm::DES3, 128, 16),
        (CryptographicAlgorithm::DES3, 168, 24),
        (CryptographicAlgorithm::DES3, 192, 24),
    ] {
        let mut request = common::create([]);
        request.attributes = [
            Attribute::cryptographic_algorithm(algorithm),
            Attribute::cryptographic_length(bits),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ]
        .into();
        let id = world.call(VERSION, request).unwrap().unique_identifier;
        let get = GetRequest {
            unique_identifier: Some(id),
            ..GetRequest::default()
        };
        let ManagedObject::SymmetricKey(key) = world.call(VERSION, get).unwrap().managed_object
        else {
            panic!("no key");
        };
        assert_eq!(key.key_block.cryptographic_length, Some(bits));
        let value = key.key_block.key_value.unwrap();
        let value = value.as_bytes().unwrap();
        assert_eq!(value.len(), bytes, "{bits}");
        assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1));
    }
}
