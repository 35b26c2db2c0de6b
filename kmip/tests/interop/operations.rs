//! The operations that PyKMIP has beside the life of a key, in each version that has them.

use kmip::client::Client;
use kmip::types::{
    Attribute, AttributeValue, Attributes, BlockCipherMode, Certificate, CertificateType,
    CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask, Data, DecryptRequest,
    DerivationMethod, DerivationParameters, DeriveKeyRequest, DigitalSignatureAlgorithm,
    EncryptRequest, HashingAlgorithm, KeyBlock, KeyFormatType, KeyValue, MacRequest, ManagedObject,
    ObjectType, OpaqueDataType, OpaqueObject, Operation, PaddingMethod, ProtocolVersion,
    QueryFunction, Secret, SecretData, SecretDataType, SetAttributeRequest, SignRequest,
    SignatureVerifyRequest, SymmetricKey, Tag, UniqueIdentifier, ValidityIndicator,
};
use test_support::Authority;

use ProtocolVersion as V;

use crate::{named, pykmip};

const ALL: [V; 6] = [V::V1_0, V::V1_1, V::V1_2, V::V1_3, V::V1_4, V::V2_0];
/// Those with cryptographic operations.
const CRYPTOGRAPHIC: [V; 4] = [V::V1_2, V::V1_3, V::V1_4, V::V2_0];

fn client(version: V) -> Client {
    pykmip().version(version).connect().unwrap()
}

/// A key that can be used.
fn active(client: &mut Client, usage: CryptographicUsageMask) -> UniqueIdentifier<'static> {
    let key = client.create_symmetric_key(256, usage, []).unwrap();
    client.activate(&key).unwrap();
    key
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn the_server_tells_what_it_can_do() {
    for version in ALL {
        let functions = [
            QueryFunction::QUERY_OPERATIONS,
            QueryFunction::QUERY_SERVER_INFORMATION,
        ];
        let answer = client(version).query(functions).unwrap();
        assert!(answer.operation.contains(&Operation::REGISTER), "{version}");
        assert!(answer.vendor_identification.unwrap().contains("PyKMIP"));
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn attributes_are_listed_changed_and_removed() {
    for version in ALL {
        let mut client = client(version);
        let names =
            ["before", "after"].map(|name| format!("{name} {version} {}", std::process::id()));
        let attributes = [named(&names[0])];
        let usage = CryptographicUsageMask::ENCRYPT;
        let key = client.create_symmetric_key(128, usage, attributes).unwrap();
        let listed = client.get_attribute_list(&key).unwrap();
        assert!(listed.contains(&Tag::NAME.into()), "{version}: {listed:?}");
        let current = (version >= V::V2_0).then(|| named(&names[0]));
        let mut new = named(&names[1]);
        new.index = (version < V::V2_0).then_some(0);
        client.modify_attribute(&key, current, new).unwrap();
        assert_eq!(
            client.locate([named(&names[1])], None).unwrap(),
            std::slice::from_ref(&key)
        );
        assert_eq!(client.locate([named(&names[0])], None).unwrap(), []);
        // 2.0 refuses it: its Delete Attribute removes nothing there.
        if version < V::V2_0 {
            let mut old = named(&names[1]);
            old.index = Some(0);
            client.delete_attribute(&key, old).unwrap();
            assert_eq!(client.locate([named(&names[1])], None).unwrap(), []);
        }
        client.destroy(&key).unwrap();
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn an_attribute_is_set() {
    let mut client = client(V::V2_0);
    let usage = CryptographicUsageMask::ENCRYPT;
    let key = client.create_symmetric_key(128, usage, []).unwrap();
    client
        .call(SetAttributeRequest {
            unique_identifier: Some(key.clone()),
            new_attribute: Attribute::sensitive(true),
            ..SetAttributeRequest::default()
        })
        .unwrap();
    let found = client
        .get_attributes(&key, [Tag::SENSITIVE.into()])
        .unwrap();
    assert_eq!(found.list[0].value, AttributeValue::Sensitive(true));
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn objects_of_other_types_are_registered_and_come_back() {
    let certificate = Authority::new("interop").certificate().to_der().unwrap();
    let objects = [
        (
            ObjectType::SECRET_DATA,
            ManagedObject::SecretData(SecretData {
                secret_data_type: SecretDataType::PASSWORD,
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::OPAQUE,
                    key_value: Some(KeyValue::new(Secret::owned(b"secret".to_vec()))),
                    ..KeyBlock::default()
                },
                ..SecretData::default()
            }),
        ),
        (
            ObjectType::OPAQUE_OBJECT,
            ManagedObject::OpaqueObject(OpaqueObject {
                // The only one that PyKMIP knows, a name of its own.
                opaque_data_type: OpaqueDataType(0x8000_0000),
                opaque_data_value: Secret::owned(b"anything".to_vec()),
                ..OpaqueObject::default()
            }),
        ),
        (
            ObjectType::CERTIFICATE,
            ManagedObject::Certificate(Certificate {
                certificate_type: CertificateType::X_509,
                certificate_value: certificate.into(),
                ..Certificate::default()
            }),
        ),
    ];
    for version in ALL {
        let mut client = client(version);
        for (object_type, object) in &objects {
            let mut attributes = Attributes::new();
            if *object_type != ObjectType::OPAQUE_OBJECT {
                let usage = CryptographicUsageMask::VERIFY;
                attributes.push(Attribute::cryptographic_usage_mask(usage));
            }
            let registered = client.register(*object_type, object.clone(), attributes);
            let registered = registered.unwrap_or_else(|error| panic!("{version}: {error}"));
            let got = client.get(&registered).unwrap();
            assert_eq!(got.managed_object, *object, "{version}");
            client.destroy(&registered).unwrap();
        }
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn data_is_encrypted_and_decrypted() {
    for version in CRYPTOGRAPHIC {
        let mut client = client(version);
        let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
        let key = active(&mut client, usage);
        let parameters = CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::CBC),
            padding_method: Some(PaddingMethod::PKCS5),
            cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
            ..CryptographicParameters::default()
        };
        let iv = [7_u8; 16];
        let encrypted = client.call(EncryptRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(Data::from(&b"attack at dawn"[..])),
            iv_counter_nonce: Some(iv[..].into()),
            ..EncryptRequest::default()
        });
        let encrypted = encrypted.unwrap_or_else(|error| panic!("{version}: {error}"));
        let data = encrypted.data.unwrap();
        assert_eq!(data.as_bytes().map(<[u8]>::len), Some(16), "{version}");
        let decrypted = client.call(DecryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(parameters),
            data: Some(data),
            iv_counter_nonce: Some(iv[..].into()),
            ..DecryptRequest::default()
        });
        let data = decrypted.unwrap().data.unwrap();
        assert_eq!(data.as_bytes(), Some(&b"attack at dawn"[..]), "{version}");
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn data_is_signed_and_verified() {
    for version in CRYPTOGRAPHIC {
        let mut client = client(version);
        let common = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::RSA),
            Attribute::cryptographic_length(2048),
        ];
        let private = Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN);
        let public = Attribute::cryptographic_usage_mask(CryptographicUsageMask::VERIFY);
        let (private, public) = client.create_key_pair(common, [private], [public]).unwrap();
        client.activate(&private).unwrap();
        client.activate(&public).unwrap();
        let parameters = CryptographicParameters {
            padding_method: Some(PaddingMethod::PKCS1_V1_5),
            digital_signature_algorithm: Some(
                DigitalSignatureAlgorithm::SHA_256_WITH_RSA_ENCRYPTION,
            ),
            ..CryptographicParameters::default()
        };
        let signed = client.call(SignRequest {
            unique_identifier: Some(private),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(Data::from(&b"a contract"[..])),
            ..SignRequest::default()
        });
        let signed = signed.unwrap_or_else(|error| panic!("{version}: {error}"));
        for (data, expected) in [
            (&b"a contract"[..], ValidityIndicator::VALID),
            (&b"a contrast"[..], ValidityIndicator::INVALID),
        ] {
            let verified = client.call(SignatureVerifyRequest {
                unique_identifier: Some(public.clone()),
                cryptographic_parameters: Some(parameters.clone()),
                data: Some(Data::from(data)),
                signature_data: signed.signature_data.clone(),
                ..SignatureVerifyRequest::default()
            });
            assert_eq!(
                verified.unwrap().validity_indicator,
                Some(expected),
                "{version}"
            );
        }
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_mac_is_the_one_that_openssl_makes() {
    let bytes = [0x42; 32];
    for version in CRYPTOGRAPHIC {
        let mut client = client(version);
        let algorithm = CryptographicAlgorithm::HMAC_SHA256;
        let object = SymmetricKey {
            key_block: KeyBlock {
                key_format_type: KeyFormatType::RAW,
                key_value: Some(KeyValue::new(Secret::owned(bytes.to_vec()))),
                cryptographic_algorithm: Some(algorithm),
                cryptographic_length: Some(256),
                ..KeyBlock::default()
            },
            ..SymmetricKey::default()
        };
        let attributes = [
            Attribute::cryptographic_algorithm(algorithm),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::MAC_GENERATE),
        ];
        let key = client.register(ObjectType::SYMMETRIC_KEY, object, attributes);
        let key = key.unwrap_or_else(|error| panic!("{version}: {error}"));
        client.activate(&key).unwrap();
        let answer = client.call(MacRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(CryptographicParameters {
                cryptographic_algorithm: Some(algorithm),
                ..CryptographicParameters::default()
            }),
            data: Some(Data::from(&b"a message"[..])),
            ..MacRequest::default()
        });
        let answer = answer.unwrap_or_else(|error| panic!("{version}: {error}"));
        let key = openssl::pkey::PKey::hmac(&bytes).unwrap();
        let digest = openssl::hash::MessageDigest::sha256();
        let mut signer = openssl::sign::Signer::new(digest, &key).unwrap();
        let expected = signer.sign_oneshot_to_vec(b"a message").unwrap();
        assert_eq!(answer.mac_data.as_deref(), Some(&expected[..]), "{version}");
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_is_derived() {
    for version in ALL {
        let mut client = client(version);
        let base = active(&mut client, CryptographicUsageMask::DERIVE_KEY);
        let derived = client.call(DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![base],
            derivation_method: DerivationMethod::HMAC,
            derivation_parameters: DerivationParameters {
                cryptographic_parameters: Some(CryptographicParameters {
                    hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                    ..CryptographicParameters::default()
                }),
                derivation_data: vec![Secret::owned(b"for disks".to_vec())],
                ..DerivationParameters::default()
            },
            attributes: [
                Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
                Attribute::cryptographic_length(128),
                Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
            ]
            .into(),
            ..DeriveKeyRequest::default()
        });
        let derived = derived.unwrap_or_else(|error| panic!("{version}: {error}"));
        let got = client
            .get(&derived.unique_identifier)
            .unwrap()
            .managed_object;
        let ManagedObject::SymmetricKey(key) = got else {
            panic!("{version}: no symmetric key");
        };
        let bytes = key
            .key_block
            .key_value
            .as_ref()
            .and_then(KeyValue::as_bytes);
        assert_eq!(bytes.map(<[u8]>::len), Some(16), "{version}");
    }
}
