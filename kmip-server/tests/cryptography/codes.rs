//! MAC, Sign, and their verification.

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, CreateKeyPairRequest, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, HashingAlgorithm, MacRequest, MacVerifyRequest, PaddingMethod,
    ResultReason, SignRequest, SignatureVerifyRequest, UsageLimits, UsageLimitsUnit,
    ValidityIndicator,
};

use crate::common::{NOW, World, hex};
use crate::{VERSIONS, data, symmetric};

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
        let active = || Attribute::activation_date(NOW);
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
