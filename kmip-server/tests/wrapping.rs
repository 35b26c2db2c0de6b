//! Getting keys: plain, in other formats, and wrapped so that the owner of the wrapping key can
//! unwrap them.

mod common;

use common::{Identifier, World, is_2x, not_found};
use kmip::codec::Options;
use kmip::types::{
    Attribute, Attributes, BigInteger, BlockCipherMode, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, EncodingOption, EncryptionKeyInformation,
    GetRequest, HashingAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyRoleType, KeyValue,
    KeyWrapType, KeyWrappingData, KeyWrappingSpecification, ManagedObject, MaskGenerator,
    ObjectType, PaddingMethod, PublicKey, RegisterRequest, ResultReason, RevocationReasonCode,
    Secret, SymmetricKey, Tag, TransparentRsaPublicKey, WrappingMethod,
};
use kmip::{ProtocolVersion, ttlv};
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};

const KEY: [u8; 32] = *b"an AES-256 key, but widely known";

fn wrapping_pair() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

/// The ways in which clients give an RSA public key.
#[derive(Clone, Copy, Debug)]
enum Format {
    Pkcs1,
    /// X.509 SubjectPublicKeyInfo under the name of PKCS#8, as zkey does.
    Pkcs8,
    X509,
    Transparent,
    /// Without the sign byte, as s390-tools up to now do: the modulus looks negative.
    Unsigned,
}

const FORMATS: [Format; 5] = [
    Format::Pkcs1,
    Format::Pkcs8,
    Format::X509,
    Format::Transparent,
    Format::Unsigned,
];

impl Format {
    fn key(self, pair: &PKey<Private>) -> (KeyFormatType, KeyMaterial<'static>) {
        let rsa = pair.rsa().unwrap();
        let spki = || KeyMaterial::Bytes(Secret::owned(pair.public_key_to_der().unwrap()));
        let transparent = |modulus| {
            KeyMaterial::from(TransparentRsaPublicKey {
                modulus,
                public_exponent: BigInteger::from_unsigned(&rsa.e().to_vec()),
                ..TransparentRsaPublicKey::default()
            })
        };
        match self {
            Format::Pkcs1 => {
                let der = rsa.public_key_to_der_pkcs1().unwrap();
                (
                    KeyFormatType::PKCS_1,
                    KeyMaterial::Bytes(Secret::owned(der)),
                )
            }
            Format::Pkcs8 => (KeyFormatType::PKCS_8, spki()),
            Format::X509 => (KeyFormatType::X_509, spki()),
            Format::Transparent => {
                let modulus = BigInteger::from_unsigned(&rsa.n().to_vec());
                (
                    KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
                    transparent(modulus),
                )
            }
            Format::Unsigned => {
                let modulus = BigInteger(rsa.n().to_vec().into());
                (
                    KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
                    transparent(modulus),
                )
            }
        }
    }
}

fn register_public(
    world: &World,
    version: ProtocolVersion,
    pair: &PKey<Private>,
    format: Format,
    usage: CryptographicUsageMask,
) -> Identifier {
    let (key_format_type, material) = format.key(pair);
    let request = RegisterRequest {
        object_type: ObjectType::PUBLIC_KEY,
        attributes: [Attribute::cryptographic_usage_mask(usage)].into(),
        managed_object: Some(ManagedObject::PublicKey(PublicKey {
            key_block: KeyBlock {
                key_format_type,
                key_value: Some(KeyValue::new(material)),
                cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
                cryptographic_length: Some(2048),
                ..KeyBlock::default()
            },
            ..PublicKey::default()
        })),
        ..RegisterRequest::default()
    };
    world.call(version, request).unwrap().unique_identifier
}

fn wrapping_key(
    world: &World,
    version: ProtocolVersion,
    pair: &PKey<Private>,
    format: Format,
) -> Identifier {
    let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::WRAP_KEY;
    let key = register_public(world, version, pair, format, usage);
    world.activate(version, &key).unwrap();
    key
}

fn register_symmetric(
    world: &World,
    version: ProtocolVersion,
    key: &[u8],
    attributes: impl Into<Attributes<'static>>,
) -> Identifier {
    world.register_key(version, CryptographicAlgorithm::AES, key, attributes)
}

fn usage_of_key() -> Attribute<'static> {
    Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT)
}

fn wrapped(
    version: ProtocolVersion,
    object: &Identifier,
    wrapping_key: &Identifier,
    parameters: Option<CryptographicParameters<'static>>,
) -> GetRequest<'static> {
    GetRequest {
        unique_identifier: Some(object.clone()),
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::ENCRYPT,
            encryption_key_information: Some(EncryptionKeyInformation {
                unique_identifier: wrapping_key.clone(),
                cryptographic_parameters: parameters,
                ..EncryptionKeyInformation::default()
            }),
            encoding_option: (version >= ProtocolVersion::V1_1)
                .then_some(EncodingOption::NO_ENCODING),
            ..KeyWrappingSpecification::default()
        }),
        ..GetRequest::default()
    }
}

/// RSA padding as a request says it in each version, and as OpenSSL undoes it.
#[derive(Clone, Copy, Debug)]
enum Wrapping {
    Pkcs1,
    OaepSha1,
    OaepSha256,
    /// Different hash functions, which can be said since 1.4.
    OaepSha256MgfSha1,
}

impl Wrapping {
    fn parameters(self, version: ProtocolVersion) -> CryptographicParameters<'static> {
        let (label, mask) = match self {
            Wrapping::Pkcs1 => (None, None),
            Wrapping::OaepSha1 => (Some(HashingAlgorithm::SHA_1), Some(HashingAlgorithm::SHA_1)),
            Wrapping::OaepSha256 => (
                Some(HashingAlgorithm::SHA_256),
                Some(HashingAlgorithm::SHA_256),
            ),
            Wrapping::OaepSha256MgfSha1 => (
                Some(HashingAlgorithm::SHA_256),
                Some(HashingAlgorithm::SHA_1),
            ),
        };
        let mask = mask.filter(|_| version >= ProtocolVersion::V1_4);
        CryptographicParameters {
            padding_method: Some(match label {
                None => PaddingMethod::PKCS1_V1_5,
                Some(_) => PaddingMethod::OAEP,
            }),
            hashing_algorithm: label,
            key_role_type: Some(KeyRoleType::KEK),
            cryptographic_algorithm: (version >= ProtocolVersion::V1_2)
                .then_some(CryptographicAlgorithm::RSA),
            mask_generator: mask.map(|_| MaskGenerator::MGF1),
            mask_generator_hashing_algorithm: mask,
            ..CryptographicParameters::default()
        }
    }

    fn unwrap(self, pair: &PKey<Private>, wrapped: &[u8]) -> Vec<u8> {
        let mut decrypter = Decrypter::new(pair).unwrap();
        let hashes = match self {
            Wrapping::Pkcs1 => None,
            Wrapping::OaepSha1 => Some((MessageDigest::sha1(), MessageDigest::sha1())),
            Wrapping::OaepSha256 => Some((MessageDigest::sha256(), MessageDigest::sha256())),
            Wrapping::OaepSha256MgfSha1 => Some((MessageDigest::sha256(), MessageDigest::sha1())),
        };
        match hashes {
            None => decrypter.set_rsa_padding(Padding::PKCS1).unwrap(),
            Some((label, mask)) => {
                decrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
                decrypter.set_rsa_oaep_md(label).unwrap();
                decrypter.set_rsa_mgf1_md(mask).unwrap();
            }
        }
        let mut plain = vec![0; decrypter.decrypt_len(wrapped).unwrap()];
        let length = decrypter.decrypt(wrapped, &mut plain).unwrap();
        plain.truncate(length);
        plain
    }
}

fn block(object: ManagedObject<'static>) -> KeyBlock<'static> {
    match object {
        ManagedObject::SymmetricKey(key) => key.key_block,
        ManagedObject::PublicKey(key) => key.key_block,
        other => panic!("no key: {other:?}"),
    }
}

fn wrapped_bytes(block: &KeyBlock<'_>) -> Vec<u8> {
    match &block.key_value {
        Some(KeyValue::Wrapped(bytes)) => bytes.expose().to_vec(),
        other => panic!("not wrapped: {other:?}"),
    }
}

#[test]
fn a_key_wrapped_with_rsa_comes_out_of_it_again() {
    let pair = wrapping_pair();
    for version in ProtocolVersion::ALL {
        for format in FORMATS {
            let world = World::configured(|configuration| {
                configuration.default_encoding_option = EncodingOption::NO_ENCODING;
            });
            let kek = wrapping_key(&world, version, &pair, format);
            let key = register_symmetric(&world, version, &KEY, [usage_of_key()]);
            for wrapping in [
                Wrapping::Pkcs1,
                Wrapping::OaepSha1,
                Wrapping::OaepSha256,
                Wrapping::OaepSha256MgfSha1,
            ] {
                if matches!(wrapping, Wrapping::OaepSha256MgfSha1)
                    && version < ProtocolVersion::V1_4
                {
                    continue;
                }
                let parameters = wrapping.parameters(version);
                let request = wrapped(version, &key, &kek, Some(parameters.clone()));
                let answer = world.call(version, request).unwrap();
                let block = block(answer.managed_object);
                assert_eq!(block.key_format_type, KeyFormatType::RAW);
                assert_eq!(block.cryptographic_length, Some(256));
                let data = block.key_wrapping_data.clone().unwrap();
                assert_eq!(data.wrapping_method, WrappingMethod::ENCRYPT);
                let information = data.encryption_key_information.unwrap();
                assert_eq!(information.unique_identifier, kek);
                assert_eq!(information.cryptographic_parameters, Some(parameters));
                let encoding = Some(EncodingOption::NO_ENCODING);
                let encoding = encoding.filter(|_| version >= ProtocolVersion::V1_1);
                assert_eq!(data.encoding_option, encoding);
                let plain = wrapping.unwrap(&pair, &wrapped_bytes(&block));
                assert_eq!(plain, KEY, "{version} {format:?} {wrapping:?}");
            }
        }
    }
}

#[test]
fn without_an_encoding_option_the_encoded_key_value_is_wrapped() {
    let pair = wrapping_pair();
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let kek = wrapping_key(&world, version, &pair, Format::Pkcs1);
        let key = register_symmetric(&world, version, &KEY, [usage_of_key()]);
        let parameters = Wrapping::Pkcs1.parameters(version);
        let mut request = wrapped(version, &key, &kek, Some(parameters));
        request
            .key_wrapping_specification
            .as_mut()
            .unwrap()
            .encoding_option = None;
        let block = block(world.call(version, request).unwrap().managed_object);
        let plain = Wrapping::Pkcs1.unwrap(&pair, &wrapped_bytes(&block));
        let value: KeyValue<'_> =
            ttlv::decode_item(&plain, Tag::KEY_VALUE, version, &Options::strict()).unwrap();
        assert_eq!(value.as_bytes(), Some(&KEY[..]), "{version}");
    }
}

#[test]
fn the_parameters_of_the_wrapping_key_are_the_default() {
    let version = ProtocolVersion::V2_1;
    let (world, pair) = (World::new(), wrapping_pair());
    let kek = wrapping_key(&world, version, &pair, Format::X509);
    let parameters = Wrapping::OaepSha256.parameters(version);
    let request = kmip::types::AddAttributeRequest {
        unique_identifier: Some(kek.clone()),
        new_attribute: Some(Attribute::cryptographic_parameters(parameters)),
        ..kmip::types::AddAttributeRequest::default()
    };
    world.call(version, request).unwrap();
    let key = register_symmetric(&world, version, &KEY, [usage_of_key()]);
    let answer = world
        .call(version, wrapped(version, &key, &kek, None))
        .unwrap();
    let block = block(answer.managed_object);
    let plain = Wrapping::OaepSha256.unwrap(&pair, &wrapped_bytes(&block));
    assert_eq!(plain, KEY);
}

#[test]
fn sensitive_keys_leave_the_server_only_wrapped() {
    let pair = wrapping_pair();
    for version in [
        ProtocolVersion::V1_4,
        ProtocolVersion::V2_0,
        ProtocolVersion::V2_1,
    ] {
        let world = World::new();
        let kek = wrapping_key(&world, version, &pair, Format::Pkcs1);
        let key = register_symmetric(
            &world,
            version,
            &KEY,
            [usage_of_key(), Attribute::sensitive(true)],
        );
        let plain = GetRequest {
            unique_identifier: Some(key.clone()),
            ..GetRequest::default()
        };
        let refused = world.call(version, plain.clone()).unwrap_err();
        assert_eq!(refused, ResultReason::SENSITIVE);
        // Not for clients of versions that have no such attribute either.
        let refused = world.call(ProtocolVersion::V1_2, plain.clone());
        assert_eq!(refused.unwrap_err(), ResultReason::PERMISSION_DENIED);
        let request = wrapped(
            version,
            &key,
            &kek,
            Some(Wrapping::Pkcs1.parameters(version)),
        );
        world.call(version, request).unwrap();

        // The protection cannot be taken back.
        let modify = kmip::types::ModifyAttributeRequest {
            unique_identifier: Some(key.clone()),
            new_attribute: Attribute::sensitive(false),
            ..kmip::types::ModifyAttributeRequest::default()
        };
        world.call(version, modify).unwrap_err();
        assert_eq!(
            world.call(version, plain).unwrap_err(),
            ResultReason::SENSITIVE
        );

        let attributes = [usage_of_key(), Attribute::extractable(false)];
        let key = register_symmetric(&world, version, &KEY, attributes);
        let request = wrapped(
            version,
            &key,
            &kek,
            Some(Wrapping::Pkcs1.parameters(version)),
        );
        let refused = world.call(version, request).unwrap_err();
        assert_eq!(refused, ResultReason::NOT_EXTRACTABLE);
    }
}

#[test]
fn wrapping_keys_must_be_fit_for_it() {
    let pair = wrapping_pair();
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = register_symmetric(&world, version, &KEY, [usage_of_key()]);
        let attempt = |kek: &Identifier| {
            let parameters = Some(Wrapping::Pkcs1.parameters(version));
            let request = wrapped(version, &key, kek, parameters);
            world.call(version, request).map(drop).unwrap_err()
        };
        let missing = attempt(&Identifier::from("no such key"));
        assert_eq!(
            missing,
            match is_2x(version) {
                true => ResultReason::WRAPPING_OBJECT_NOT_FOUND,
                false => not_found(version),
            }
        );
        let usage = CryptographicUsageMask::WRAP_KEY;
        let inactive = register_public(&world, version, &pair, Format::Pkcs1, usage);
        assert_eq!(attempt(&inactive), common::wrong_state(version));
        let usage = CryptographicUsageMask::ENCRYPT;
        let other_use = register_public(&world, version, &pair, Format::Pkcs1, usage);
        world.activate(version, &other_use).unwrap();
        assert_eq!(
            attempt(&other_use),
            match version {
                ProtocolVersion::V2_0 | ProtocolVersion::V2_1 => {
                    ResultReason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK
                }
                _ => ResultReason::PERMISSION_DENIED,
            }
        );
        let revoked = wrapping_key(&world, version, &pair, Format::Pkcs1);
        world
            .revoke(version, &revoked, RevocationReasonCode::SUPERSEDED)
            .unwrap();
        assert_eq!(attempt(&revoked), common::wrong_state(version));
    }
}

#[test]
fn aes_wraps_as_rfc_3394_and_rfc_5649_say() {
    use openssl::aes::{AesKey, unwrap_key};
    let version = ProtocolVersion::V1_4;
    let world = World::new();
    let usage = CryptographicUsageMask::WRAP_KEY;
    let kek_bytes = [0x42; 32];
    let kek = register_symmetric(
        &world,
        version,
        &kek_bytes,
        [Attribute::cryptographic_usage_mask(usage)],
    );
    world.activate(version, &kek).unwrap();
    let key = register_symmetric(&world, version, &KEY, [usage_of_key()]);
    let with_mode = |mode| {
        let parameters = CryptographicParameters {
            block_cipher_mode: Some(mode),
            ..CryptographicParameters::default()
        };
        let request = wrapped(version, &key, &kek, Some(parameters));
        let answer = world.call(version, request).unwrap();
        wrapped_bytes(&block(answer.managed_object))
    };
    let bytes = with_mode(BlockCipherMode::NISTKEYWRAP);
    let mut plain = [0; 32];
    let unwrapping = AesKey::new_decrypt(&kek_bytes).unwrap();
    unwrap_key(&unwrapping, None, &mut plain, &bytes).unwrap();
    assert_eq!(plain, KEY);
    let padded = with_mode(BlockCipherMode::AESKEYWRAPPADDING);
    assert_eq!(padded.len(), 40);
    assert_ne!(padded, bytes);
}

/// RFC 3394, 4.1.
#[test]
fn a_key_that_was_registered_wrapped_is_unwrapped() {
    let version = ProtocolVersion::V1_4;
    let world = World::new();
    let kek: Vec<u8> = (0..16).collect();
    let usage = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::UNWRAP_KEY;
    let attributes = [Attribute::cryptographic_usage_mask(usage)];
    let kek = register_symmetric(&world, version, &kek, attributes);
    world.activate(version, &kek).unwrap();
    static WRAPPED: [u8; 24] = [
        0x1F, 0xA6, 0x8B, 0x0A, 0x81, 0x12, 0xB4, 0x47, 0xAE, 0xF3, 0x4B, 0xD8, 0xFB, 0x5A, 0x7B,
        0x82, 0x9D, 0x3E, 0x86, 0x23, 0x71, 0xD2, 0xCF, 0xE5,
    ];
    let key: Vec<u8> = (0..16).map(|digit| digit * 0x11).collect();
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::NISTKEYWRAP),
        ..CryptographicParameters::default()
    };
    let register = |bytes: &'static [u8], attributes: Attributes<'static>| {
        let request = RegisterRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            attributes,
            managed_object: Some(ManagedObject::SymmetricKey(SymmetricKey {
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::RAW,
                    key_value: Some(KeyValue::Wrapped(Secret::borrowed(bytes))),
                    cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
                    cryptographic_length: Some(128),
                    key_wrapping_data: Some(KeyWrappingData {
                        wrapping_method: WrappingMethod::ENCRYPT,
                        encryption_key_information: Some(EncryptionKeyInformation {
                            unique_identifier: kek.clone(),
                            cryptographic_parameters: Some(parameters.clone()),
                            ..EncryptionKeyInformation::default()
                        }),
                        encoding_option: Some(EncodingOption::NO_ENCODING),
                        ..KeyWrappingData::default()
                    }),
                    ..KeyBlock::default()
                },
                ..SymmetricKey::default()
            })),
            ..RegisterRequest::default()
        };
        world.call(version, request).unwrap().unique_identifier
    };
    let get = |object: &Identifier, wrap_type| {
        let request = GetRequest {
            unique_identifier: Some(object.clone()),
            key_wrap_type: wrap_type,
            ..GetRequest::default()
        };
        world
            .call(version, request)
            .map(|answer| block(answer.managed_object))
    };
    let object = register(&WRAPPED, [usage_of_key()].into());
    let as_registered = get(&object, None).unwrap();
    assert_eq!(wrapped_bytes(&as_registered), WRAPPED);
    assert!(as_registered.key_wrapping_data.is_some());
    let plain = get(&object, Some(KeyWrapType::NOT_WRAPPED)).unwrap();
    assert_eq!(plain.key_value.unwrap().as_bytes(), Some(&key[..]));
    assert_eq!(plain.key_wrapping_data, None);

    let sensitive = register(
        &WRAPPED,
        [usage_of_key(), Attribute::sensitive(true)].into(),
    );
    get(&sensitive, None).unwrap();
    let refused = get(&sensitive, Some(KeyWrapType::NOT_WRAPPED)).unwrap_err();
    assert_eq!(refused, ResultReason::SENSITIVE);

    let other: &'static [u8] = &[7; 24];
    let object = register(other, [usage_of_key()].into());
    let refused = get(&object, Some(KeyWrapType::NOT_WRAPPED)).unwrap_err();
    assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
}

#[test]
fn rsa_public_keys_are_given_in_any_format() {
    let version = ProtocolVersion::V1_4;
    let (world, pair) = (World::new(), wrapping_pair());
    for registered in FORMATS {
        let usage = CryptographicUsageMask::VERIFY;
        let key = register_public(&world, version, &pair, registered, usage);
        for wanted in [Format::Pkcs1, Format::X509, Format::Transparent] {
            let (format, material) = wanted.key(&pair);
            let request = GetRequest {
                unique_identifier: Some(key.clone()),
                key_format_type: Some(format),
                ..GetRequest::default()
            };
            let block = block(world.call(version, request).unwrap().managed_object);
            assert_eq!(block.key_format_type, format);
            let same_form = format == registered.key(&pair).0;
            if !same_form {
                assert_eq!(block.key_value, Some(KeyValue::new(material)));
            }
        }
        let request = GetRequest {
            unique_identifier: Some(key.clone()),
            key_format_type: Some(KeyFormatType::ECPRIVATEKEY),
            ..GetRequest::default()
        };
        let refused = world.call(version, request).unwrap_err();
        assert_eq!(refused, ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED);
    }
}

#[test]
fn a_key_that_is_too_long_for_its_wrapping_key_is_not_cut() {
    let version = ProtocolVersion::V1_4;
    let (world, pair) = (World::new(), wrapping_pair());
    let kek = wrapping_key(&world, version, &pair, Format::Pkcs1);
    let key = register_symmetric(&world, version, &[7; 512], [usage_of_key()]);
    let request = wrapped(
        version,
        &key,
        &kek,
        Some(Wrapping::Pkcs1.parameters(version)),
    );
    let refused = world.call(version, request).unwrap_err();
    assert_eq!(refused, ResultReason::CRYPTOGRAPHIC_FAILURE);
}
