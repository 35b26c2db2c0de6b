//! What keys are derived from, and by which function.

use crate::common::{Identifier, World, in_use};
use crate::{VERSION, hex, mode, register};
use kmip::types::{
    Attribute, Attributes, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, DerivationMethod, DerivationParameters, DeriveKeyRequest, GetRequest,
    HashingAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject, ObjectType,
    RegisterRequest, ResultReason, Secret, SecretData, SecretDataType,
};

/// Derives so many bits.
fn derive(
    world: &World,
    bases: &[&Identifier],
    method: DerivationMethod,
    parameters: DerivationParameters<'static>,
    bits: i32,
) -> Result<Vec<u8>, ResultReason> {
    let request = DeriveKeyRequest {
        object_type: ObjectType::SECRET_DATA,
        unique_identifier: bases.iter().map(|base| (*base).clone()).collect(),
        derivation_method: method,
        derivation_parameters: parameters,
        attributes: Attributes::from([Attribute::cryptographic_length(bits)]),
        ..DeriveKeyRequest::default()
    };
    let derived = world.call(VERSION, request)?;
    let get = GetRequest {
        unique_identifier: Some(derived.unique_identifier),
        ..GetRequest::default()
    };
    match world.call(VERSION, get)?.managed_object {
        ManagedObject::SecretData(secret) => {
            let value = secret.key_block.key_value.unwrap();
            Ok(value.as_bytes().unwrap().to_vec())
        }
        other => panic!("{other:?}"),
    }
}

fn from_data(data: &[&[u8]]) -> DerivationParameters<'static> {
    DerivationParameters {
        derivation_data: data
            .iter()
            .map(|data| Secret::owned(data.to_vec()))
            .collect(),
        ..DerivationParameters::default()
    }
}

fn secret(world: &World, bytes: &[u8]) -> Identifier {
    let request = RegisterRequest {
        object_type: ObjectType::SECRET_DATA,
        attributes: in_use(CryptographicUsageMask::DERIVE_KEY),
        managed_object: Some(ManagedObject::SecretData(SecretData {
            secret_data_type: SecretDataType::SEED,
            key_block: KeyBlock {
                key_format_type: KeyFormatType::RAW,
                key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
                    bytes.to_vec(),
                )))),
                ..KeyBlock::default()
            },
            ..SecretData::default()
        })),
        ..RegisterRequest::default()
    };
    world.call(VERSION, request).unwrap().unique_identifier
}

/// The example in the documentation of AWS Signature Version 4.
#[test]
fn the_signing_key_of_aws_is_the_published_one() {
    let world = World::new();
    let base = secret(&world, b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let aws = DerivationMethod::AWS_SIGNATURE_VERSION_4;
    let data = from_data(&[b"20120215", b"us-east-1", b"iam"]);
    let derived = derive(&world, &[&base], aws, data, 256).unwrap();
    let expected = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d";
    assert_eq!(derived, hex(expected));
    let incomplete = from_data(&[b"20120215", b"us-east-1"]);
    let refused = derive(&world, &[&base], aws, incomplete, 256);
    assert_eq!(refused, Err(ResultReason::INVALID_FIELD));
}

#[test]
fn an_hmac_key_says_itself_what_is_derived_with_it() {
    let world = World::new();
    let base = register(&world, CryptographicAlgorithm::HMAC_SHA512, &[5; 64]);
    let hmac = DerivationMethod::HMAC;
    let mut parameters = from_data(&[b"data"]);
    let derived = derive(&world, &[&base], hmac, parameters.clone(), 512).unwrap();
    parameters.cryptographic_parameters = Some(CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    });
    let ignored = derive(&world, &[&base], hmac, parameters, 512);
    assert_eq!(ignored, Ok(derived));
}

#[test]
fn secret_data_stands_for_derivation_data() {
    let world = World::new();
    let base = register(&world, CryptographicAlgorithm::AES, &[5; 32]);
    let data = secret(&world, b"data");
    for method in [DerivationMethod::HMAC, DerivationMethod::HASH] {
        let explicit = derive(&world, &[&base], method, from_data(&[b"data"]), 256);
        for bases in [[&base, &data], [&data, &base]] {
            let implicit = derive(&world, &bases, method, from_data(&[]), 256);
            assert_eq!(implicit, explicit, "{method:?}");
            assert_eq!(
                derive(&world, &bases, method, from_data(&[b"data"]), 256),
                Err(ResultReason::INVALID_MESSAGE)
            );
        }
    }
}

#[test]
fn encryption_begins_with_an_empty_iv() {
    let world = World::new();
    let base = register(&world, CryptographicAlgorithm::AES, &[5; 16]);
    let encrypt = DerivationMethod::ENCRYPT;
    let with = |iv: Option<Vec<u8>>| DerivationParameters {
        cryptographic_parameters: Some(mode(BlockCipherMode::CBC)),
        initialization_vector: iv.map(Into::into),
        ..from_data(&[&[1; 32]])
    };
    let empty = derive(&world, &[&base], encrypt, with(None), 256).unwrap();
    let zeros = derive(&world, &[&base], encrypt, with(Some(vec![0; 16])), 256);
    assert_eq!(zeros, Ok(empty.clone()));
    let other = derive(&world, &[&base], encrypt, with(Some(vec![1; 16])), 256);
    assert_ne!(other, Ok(empty));
}
