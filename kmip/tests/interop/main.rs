//! Our client with PyKMIP's server, which `scripts/pykmip.sh` starts.

mod operations;

use std::path::Path;

use kmip::client::{Client, ClientBuilder};
use kmip::transport::tls::{ClientTls, Identity};
use kmip::types::{
    ActivateRequest, Attribute, BlockCipherMode, CreateRequest, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, DateTime, EncodingOption,
    EncryptionKeyInformation, KeyBlock, KeyFormatType, KeyValue, KeyWrappingSpecification,
    ManagedObject, Name, NameType, ObjectType, ProtocolVersion, PublicKey, QueryFunction,
    ResultReason, RevocationReasonCode, Secret, State, Tag, UniqueIdentifier, WrappingMethod,
};
use openssl::aes::{self, AesKey};
use openssl::rsa::Rsa;

use ProtocolVersion as V;

/// A client of the server.
fn pykmip() -> ClientBuilder {
    let (certificate, key) = (test_support::pykmip("CERT"), test_support::pykmip("KEY"));
    let identity = Identity::from_pem_files(Path::new(&certificate), Path::new(&key), None);
    let tls = ClientTls::new()
        .ca_file(test_support::pykmip("CA"))
        .identity(identity.unwrap());
    Client::builder(test_support::pykmip("ADDRESS").parse().unwrap()).tls(tls)
}

fn named(text: &str) -> Attribute<'static> {
    Attribute::name(Name {
        name_value: text.to_owned().into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    })
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn the_newest_version_is_negotiated() {
    let mut client = pykmip().connect().unwrap();
    assert_eq!(client.version(), V::V2_0);
    assert_eq!(client.discover_versions().unwrap().len(), 6);
    let answer = client
        .query([QueryFunction::QUERY_SERVER_INFORMATION])
        .unwrap();
    assert!(answer.vendor_identification.unwrap().contains("PyKMIP"));
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_lives_and_dies_in_every_version() {
    for version in [V::V1_0, V::V1_1, V::V1_2, V::V1_3, V::V1_4, V::V2_0] {
        let mut client = pykmip().version(version).connect().unwrap();
        let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
        let label = format!("interop {version} {}", std::process::id());
        let key = client
            .create_symmetric_key(256, usage, [named(&label)])
            .unwrap();
        assert_eq!(
            client.locate([named(&label)], None).unwrap(),
            std::slice::from_ref(&key)
        );
        client.activate(&key).unwrap();
        let got = client.get(&key).unwrap();
        let ManagedObject::SymmetricKey(object) = &got.managed_object else {
            panic!("{got:?}");
        };
        assert_eq!(object.key_block.cryptographic_length, Some(256));
        let bytes = object
            .key_block
            .key_value
            .as_ref()
            .and_then(|value| value.as_bytes());
        assert_eq!(bytes.map(<[u8]>::len), Some(32));
        let attributes = client.get_attributes(&key, [Tag::STATE.into()]).unwrap();
        assert_eq!(attributes.state(), Some(&State::ACTIVE), "{version}");
        assert!(
            client.destroy(&key).unwrap_err().is_permission_denied(),
            "{version}"
        );
        let reason = RevocationReasonCode::KEY_COMPROMISE;
        client.revoke(&key, reason, DateTime::now()).unwrap();
        client.destroy(&key).unwrap();
        assert!(client.get(&key).unwrap_err().is_not_found(), "{version}");
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_is_registered_and_comes_back() {
    for version in [V::V1_0, V::V1_4, V::V2_0] {
        let mut client = pykmip().version(version).connect().unwrap();
        let template = client
            .create_symmetric_key(128, CryptographicUsageMask::ENCRYPT, [])
            .unwrap();
        let object = client.get(&template).unwrap().managed_object;
        let attributes = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(128),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ];
        let copy = client
            .register(ObjectType::SYMMETRIC_KEY, object.clone(), attributes)
            .unwrap();
        assert_ne!(copy, template);
        assert_eq!(
            client.get(&copy).unwrap().managed_object,
            object,
            "{version}"
        );
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_public_key_is_registered_and_cannot_wrap() {
    let rsa = Rsa::generate(2048).unwrap();
    let public = rsa.public_key_to_der_pkcs1().unwrap();
    for version in [V::V1_1, V::V1_4, V::V2_0] {
        let mut client = pykmip().version(version).connect().unwrap();
        let object = PublicKey {
            key_block: KeyBlock {
                key_format_type: KeyFormatType::PKCS_1,
                key_value: Some(KeyValue::new(Secret::from(public.clone()))),
                cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
                cryptographic_length: Some(2048),
                ..KeyBlock::default()
            },
            ..PublicKey::default()
        };
        let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::WRAP_KEY;
        let attributes = [Attribute::cryptographic_usage_mask(usage)];
        let wrapping = client
            .register(ObjectType::PUBLIC_KEY, object.clone(), attributes)
            .unwrap();
        client.activate(&wrapping).unwrap();
        let got = client.get(&wrapping).unwrap().managed_object;
        assert_eq!(got, ManagedObject::PublicKey(object), "{version}");

        let key = client
            .create_symmetric_key(256, CryptographicUsageMask::ENCRYPT, [])
            .unwrap();
        let refused = client
            .get_wrapped(&key, wrapped_with(&wrapping, BlockCipherMode::NISTKEYWRAP))
            .unwrap_err();
        assert_eq!(
            refused.result_reason(),
            Some(ResultReason::ILLEGAL_OPERATION),
            "{version}: {refused}"
        );
    }
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_comes_wrapped_with_another_key() {
    // 1.0 has no Encoding Option, and PyKMIP insists on No Encoding.
    for version in [V::V1_1, V::V1_2, V::V1_3, V::V1_4, V::V2_0] {
        let mut client = pykmip().version(version).connect().unwrap();
        let wrapping = client
            .create_symmetric_key(256, CryptographicUsageMask::WRAP_KEY, [])
            .unwrap();
        client.activate(&wrapping).unwrap();
        let key = client
            .create_symmetric_key(256, CryptographicUsageMask::ENCRYPT, [])
            .unwrap();
        let specification = wrapped_with(&wrapping, BlockCipherMode::NISTKEYWRAP);
        let wrapped = client.get_wrapped(&key, specification).unwrap();
        let wrapped = key_bytes(&wrapped.managed_object);

        let wrapping = key_bytes(&client.get(&wrapping).unwrap().managed_object);
        let mut unwrapped = vec![0; wrapped.len() - 8];
        let wrapping = AesKey::new_decrypt(&wrapping).unwrap();
        aes::unwrap_key(&wrapping, None, &mut unwrapped, &wrapped).unwrap();
        let clear = key_bytes(&client.get(&key).unwrap().managed_object);
        assert_eq!(unwrapped, clear, "{version}");
    }
}

fn wrapped_with<'a>(
    key: &UniqueIdentifier<'a>,
    mode: BlockCipherMode,
) -> KeyWrappingSpecification<'a> {
    KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: key.clone(),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(mode),
                ..CryptographicParameters::default()
            }),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: Some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}

fn key_bytes(object: &ManagedObject<'_>) -> Vec<u8> {
    let ManagedObject::SymmetricKey(key) = object else {
        panic!("no symmetric key: {object:?}");
    };
    let value = key.key_block.key_value.as_ref();
    value.and_then(KeyValue::as_bytes).unwrap().to_vec()
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_batch_that_the_server_cannot_chain_fails_as_a_whole() {
    let mut client = pykmip().version(V::V1_4).connect().unwrap();
    let create = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
        ]
        .into(),
        ..CreateRequest::default()
    };
    let (created, activated) = client
        .call_batch((create, ActivateRequest::default()))
        .unwrap();
    assert!(created.is_err() && activated.is_err());
    // The connection is as good as before.
    client.query([QueryFunction::QUERY_OPERATIONS]).unwrap();
}
