//! Wrapped keys with a MAC or a signature: what protects what, in which order, and that nothing that was
//! changed is accepted.

mod common;

use common::wrapping::specification;
use common::{Identifier, World, pair};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, CryptographicAlgorithm, CryptographicParameters, CryptographicUsageMask,
    GetRequest, HashingAlgorithm, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, KeyWrapType,
    KeyWrappingSpecification, MacSignatureKeyInformation, ManagedObject, ObjectType,
    RegisterRequest, ResultReason, Secret, SymmetricKey, WrappingMethod,
};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;
const KEY: [u8; 32] = *b"an AES-256 key, but widely known";
const MAC_KEY: [u8; 32] = [0x4D; 32];

fn register(
    world: &World,
    key_block: KeyBlock<'static>,
    usage: CryptographicUsageMask,
    more: impl IntoIterator<Item = Attribute<'static>>,
) -> Identifier {
    let mut attributes = Attributes::from([Attribute::cryptographic_usage_mask(usage)]);
    attributes.list.extend(more);
    let request = RegisterRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes,
        managed_object: Some(ManagedObject::SymmetricKey(SymmetricKey {
            key_block,
            ..SymmetricKey::default()
        })),
        ..RegisterRequest::default()
    };
    world.call(VERSION, request).unwrap().unique_identifier
}

fn raw(algorithm: CryptographicAlgorithm, key: &[u8]) -> KeyBlock<'static> {
    KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
            key.to_vec(),
        )))),
        cryptographic_algorithm: Some(algorithm),
        cryptographic_length: Some(key.len() as i32 * 8),
        ..KeyBlock::default()
    }
}

struct Keys {
    world: World,
    key: Identifier,
    kek: Identifier,
    mac: Identifier,
}

impl Keys {
    fn new() -> Self {
        let world = World::new();
        let aes = CryptographicAlgorithm::AES;
        let wraps = CryptographicUsageMask::WRAP_KEY | CryptographicUsageMask::UNWRAP_KEY;
        let macs = CryptographicUsageMask::MAC_GENERATE | CryptographicUsageMask::MAC_VERIFY;
        let kek = register(&world, raw(aes, &[1; 32]), wraps, []);
        let hmac = raw(CryptographicAlgorithm::HMAC_SHA256, &MAC_KEY);
        let mac = register(&world, hmac, macs, []);
        let key = register(&world, raw(aes, &KEY), CryptographicUsageMask::ENCRYPT, []);
        for active in [&kek, &mac] {
            world.activate(VERSION, active).unwrap();
        }
        Keys {
            world,
            key,
            kek,
            mac,
        }
    }

    fn specification(&self, method: WrappingMethod) -> KeyWrappingSpecification<'static> {
        specification(method, &self.kek, &self.mac)
    }

    fn get(
        &self,
        object: &Identifier,
        specification: Option<KeyWrappingSpecification<'static>>,
        wrap_type: Option<KeyWrapType>,
    ) -> Result<KeyBlock<'static>, ResultReason> {
        let request = GetRequest {
            unique_identifier: Some(object.clone()),
            key_wrapping_specification: specification,
            key_wrap_type: wrap_type,
            ..GetRequest::default()
        };
        match self.world.call(VERSION, request)?.managed_object {
            ManagedObject::SymmetricKey(key) => Ok(key.key_block),
            other => panic!("{other:?}"),
        }
    }

    /// Registers a key as it was got, and gets it unwrapped.
    fn take_back(&self, block: KeyBlock<'static>) -> Result<Vec<u8>, ResultReason> {
        let usage = CryptographicUsageMask::ENCRYPT;
        let object = register(&self.world, block, usage, []);
        let block = self.get(&object, None, Some(KeyWrapType::NOT_WRAPPED))?;
        assert_eq!(block.key_wrapping_data, None);
        Ok(block.key_value.unwrap().as_bytes().unwrap().to_vec())
    }
}

fn hmac(data: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(&MAC_KEY).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    signer.sign_oneshot_to_vec(data).unwrap()
}

const METHODS: [WrappingMethod; 3] = [
    WrappingMethod::MAC_SIGN,
    WrappingMethod::ENCRYPT_THEN_MAC_SIGN,
    WrappingMethod::MAC_SIGN_THEN_ENCRYPT,
];

#[test]
fn the_mac_is_of_what_the_method_says() {
    let keys = Keys::new();
    for method in METHODS {
        let specification = keys.specification(method);
        let block = keys.get(&keys.key, Some(specification), None).unwrap();
        let bytes = block.key_value.as_ref().unwrap().as_bytes().unwrap();
        let data = block.key_wrapping_data.as_ref().unwrap();
        assert_eq!(data.wrapping_method, method);
        assert_eq!(bytes == KEY, method == WrappingMethod::MAC_SIGN);
        let expected = match method {
            WrappingMethod::ENCRYPT_THEN_MAC_SIGN => hmac(bytes),
            _ => hmac(&KEY),
        };
        assert_eq!(
            data.mac_signature.as_deref(),
            Some(&expected[..]),
            "{method:?}"
        );
        let named = data.mac_signature_key_information.as_ref().unwrap();
        assert_eq!(named.unique_identifier, keys.mac);
        assert_eq!(keys.take_back(block), Ok(KEY.to_vec()), "{method:?}");
    }
}

#[test]
fn what_was_changed_is_not_unwrapped() {
    let keys = Keys::new();
    for method in METHODS {
        let specification = keys.specification(method);
        let block = keys.get(&keys.key, Some(specification), None).unwrap();
        let mut forged = block.clone();
        let data = forged.key_wrapping_data.as_mut().unwrap();
        data.mac_signature.as_mut().unwrap().to_mut()[0] ^= 1;
        let refused = Err(ResultReason::CRYPTOGRAPHIC_FAILURE);
        assert_eq!(keys.take_back(forged), refused, "{method:?}");
        let mut without = block.clone();
        without.key_wrapping_data.as_mut().unwrap().mac_signature = None;
        assert_eq!(keys.take_back(without), refused, "{method:?}");
        let mut other = block;
        let mut bytes = other.key_value.unwrap().as_bytes().unwrap().to_vec();
        bytes[0] ^= 1;
        other.key_value = Some(match method {
            WrappingMethod::MAC_SIGN => KeyValue::new(KeyMaterial::Bytes(Secret::owned(bytes))),
            _ => KeyValue::Wrapped(Secret::owned(bytes)),
        });
        assert_eq!(keys.take_back(other), refused, "{method:?}");
    }
}

/// A MAC hides nothing: it is no way to get a sensitive key in clear.
#[test]
fn a_sensitive_key_does_not_leave_with_a_mac_alone() {
    let keys = Keys::new();
    let aes = raw(CryptographicAlgorithm::AES, &KEY);
    let usage = CryptographicUsageMask::ENCRYPT;
    let sensitive = register(&keys.world, aes, usage, [Attribute::sensitive(true)]);
    for method in METHODS {
        let got = keys.get(&sensitive, Some(keys.specification(method)), None);
        match method {
            WrappingMethod::MAC_SIGN => assert_eq!(got.unwrap_err(), ResultReason::SENSITIVE),
            _ => drop(got.unwrap()),
        }
    }
    // Nor by being registered with one.
    let specification = keys.specification(WrappingMethod::MAC_SIGN);
    let block = keys.get(&keys.key, Some(specification), None).unwrap();
    let sensitive = register(&keys.world, block, usage, [Attribute::sensitive(true)]);
    let refused = keys.get(&sensitive, None, None).unwrap_err();
    assert_eq!(refused, ResultReason::SENSITIVE);
}

#[test]
fn a_private_key_signs_and_its_public_key_verifies() {
    let keys = Keys::new();
    let (private, public) = pair(&keys.world, VERSION);
    for key in [&private, &public] {
        keys.world.activate(VERSION, key).unwrap();
    }
    let mut specification = keys.specification(WrappingMethod::ENCRYPT_THEN_MAC_SIGN);
    specification.mac_signature_key_information = Some(Box::new(MacSignatureKeyInformation {
        unique_identifier: private.clone(),
        cryptographic_parameters: Some(CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            ..CryptographicParameters::default()
        }),
        ..MacSignatureKeyInformation::default()
    }));
    let mut block = keys.get(&keys.key, Some(specification), None).unwrap();
    assert_eq!(keys.take_back(block.clone()), Ok(KEY.to_vec()));
    let data = block.key_wrapping_data.as_mut().unwrap();
    let named = data.mac_signature_key_information.as_mut().unwrap();
    named.unique_identifier = public;
    assert_eq!(keys.take_back(block.clone()), Ok(KEY.to_vec()));
    let data = block.key_wrapping_data.as_mut().unwrap();
    data.mac_signature.as_mut().unwrap().to_mut()[9] ^= 1;
    assert_eq!(
        keys.take_back(block),
        Err(ResultReason::CRYPTOGRAPHIC_FAILURE)
    );
}

#[test]
fn specifications_that_do_not_fit_are_refused() {
    let keys = Keys::new();
    let refused = |specification| keys.get(&keys.key, Some(specification), None).unwrap_err();
    for method in METHODS {
        let mut without = keys.specification(method);
        without.mac_signature_key_information = None;
        assert_eq!(refused(without), ResultReason::INVALID_FIELD);
    }
    // Whoever gives a key wants it used.
    let mut more = keys.specification(WrappingMethod::ENCRYPT_THEN_MAC_SIGN);
    more.wrapping_method = WrappingMethod::ENCRYPT;
    assert_eq!(refused(more), ResultReason::INVALID_FIELD);
    let mut tr_31 = keys.specification(WrappingMethod::ENCRYPT);
    tr_31.wrapping_method = WrappingMethod::TR_31;
    assert_eq!(refused(tr_31), ResultReason::FEATURE_NOT_SUPPORTED);
    // The key that wraps may make no MACs, and the other way round.
    let mut swapped = keys.specification(WrappingMethod::ENCRYPT_THEN_MAC_SIGN);
    let named = swapped.mac_signature_key_information.as_mut().unwrap();
    named.unique_identifier = keys.kek.clone();
    let usage = ResultReason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK;
    assert_eq!(refused(swapped), usage);
    let mut swapped = keys.specification(WrappingMethod::ENCRYPT_THEN_MAC_SIGN);
    let named = swapped.encryption_key_information.as_mut().unwrap();
    named.unique_identifier = keys.mac.clone();
    assert_eq!(refused(swapped), usage);
    let mut missing = keys.specification(WrappingMethod::MAC_SIGN);
    let named = missing.mac_signature_key_information.as_mut().unwrap();
    named.unique_identifier = "none".to_owned().into();
    assert_eq!(refused(missing), ResultReason::WRAPPING_OBJECT_NOT_FOUND);
}
