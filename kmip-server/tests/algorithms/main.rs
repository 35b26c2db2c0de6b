//! Every value of the enumerations of cryptography: either the server does it, and the result is proved,
//! or it is refused with the reason of the version.

mod ciphers;
#[path = "../common/mod.rs"]
mod common;
mod derivations;
mod functions;
mod modes;

use common::{Identifier, World, hex, in_use, is_2x};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, BlockCipherMode, CreateKeyPairRequest, CryptographicAlgorithm,
    CryptographicDomainParameters, CryptographicParameters, CryptographicUsageMask, Data, DateTime,
    DecryptRequest, DerivationMethod, DeriveKeyRequest, EncryptRequest, Enumeration,
    EnumerationTable, GetRequest, MacRequest, MacVerifyRequest, ManagedObject, ObjectType,
    RecommendedCurve, ResultReason, SignRequest, SignatureVerifyRequest, ValidityIndicator,
};

pub(crate) const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// The first and the last version that has these operations, and the two between which reasons changed.
pub(crate) const VERSIONS: [ProtocolVersion; 3] = [
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
];

/// All values of an enumeration that a version has.
pub(crate) fn values<E: Enumeration>(version: ProtocolVersion) -> Vec<E> {
    let table: &EnumerationTable = E::TABLE;
    let defined = table.values.iter();
    let defined = defined.filter(|value| value.is_defined_in(version));
    defined.map(|value| E::new(value.value)).collect()
}

/// What cannot be computed, as the versions tell it.
pub(crate) fn unsupported(version: ProtocolVersion) -> ResultReason {
    match is_2x(version) {
        true => ResultReason::UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS,
        false => ResultReason::CRYPTOGRAPHIC_FAILURE,
    }
}

/// Whether this system has the old algorithms. A system without them refuses them, which is right.
pub(crate) fn has_legacy() -> bool {
    let context = openssl::lib_ctx::LibCtx::new().unwrap();
    let loaded = openssl::provider::Provider::load(Some(&context), "legacy").is_ok();
    if !loaded {
        test_support::skip("old algorithms, since there is no legacy provider of OpenSSL");
    }
    loaded
}

pub(crate) fn register(world: &World, algorithm: CryptographicAlgorithm, key: &[u8]) -> Identifier {
    register_in(world, VERSION, algorithm, key)
}

pub(crate) fn register_in(
    world: &World,
    version: ProtocolVersion,
    algorithm: CryptographicAlgorithm,
    key: &[u8],
) -> Identifier {
    let usage = CryptographicUsageMask::ENCRYPT
        | CryptographicUsageMask::DECRYPT
        | CryptographicUsageMask::MAC_GENERATE
        | CryptographicUsageMask::MAC_VERIFY
        | CryptographicUsageMask::DERIVE_KEY;
    world.register_key(version, algorithm, key, in_use(usage))
}

/// What was encrypted: cipher text, IV that was made, tag.
pub(crate) type Encrypted = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

pub(crate) fn encrypt(
    world: &World,
    version: ProtocolVersion,
    key: &Identifier,
    parameters: &CryptographicParameters<'static>,
    iv: Option<&[u8]>,
    data: &[u8],
) -> Result<Encrypted, ResultReason> {
    let request = EncryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        iv_counter_nonce: iv.map(Into::into),
        data: Some(Data::from(data)),
        ..EncryptRequest::default()
    };
    let done = world.call(version, request)?;
    Ok((
        done.data.unwrap().as_bytes().unwrap().to_vec(),
        done.iv_counter_nonce.map(|iv| iv.into_owned()),
        done.authenticated_encryption_tag
            .map(|tag| tag.into_owned()),
    ))
}

pub(crate) fn decrypt(
    world: &World,
    key: &Identifier,
    parameters: &CryptographicParameters<'static>,
    iv: Option<&[u8]>,
    (data, _, tag): &Encrypted,
) -> Result<Vec<u8>, ResultReason> {
    let request = DecryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        iv_counter_nonce: iv.map(Into::into),
        data: Some(Data::from(&data[..])),
        authenticated_encryption_tag: tag.as_deref().map(Into::into),
        ..DecryptRequest::default()
    };
    let done = world.call(VERSION, request)?;
    Ok(done.data.unwrap().as_bytes().unwrap().to_vec())
}

pub(crate) fn mode(mode: BlockCipherMode) -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        ..CryptographicParameters::default()
    }
}

/// The code of data, which is good for that data only.
pub(crate) fn codes(
    world: &World,
    key: &Identifier,
    parameters: &CryptographicParameters<'static>,
    data: &[u8],
) -> Result<Vec<u8>, ResultReason> {
    let request = MacRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: Some(Data::from(data)),
        ..MacRequest::default()
    };
    let code = world.call(VERSION, request)?.mac_data.unwrap();
    let mut other = data.to_vec();
    other[0] ^= 1;
    for (data, expected) in [
        (data, ValidityIndicator::VALID),
        (&other, ValidityIndicator::INVALID),
    ] {
        let request = MacVerifyRequest {
            unique_identifier: Some(key.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(Data::from(data)),
            mac_data: Some(code.clone()),
            ..MacVerifyRequest::default()
        };
        let verified = world.call(VERSION, request)?.validity_indicator;
        assert_eq!(verified, Some(expected), "{parameters:?}");
    }
    Ok(code.into_owned())
}

/// A new key pair, active: private and public key.
pub(crate) fn pair(
    world: &World,
    algorithm: CryptographicAlgorithm,
    bits: Option<i32>,
    curve: Option<RecommendedCurve>,
) -> Result<(Identifier, Identifier), ResultReason> {
    let attributes = |usage| {
        let mut attributes: Attributes<'static> = [
            Attribute::cryptographic_algorithm(algorithm),
            Attribute::cryptographic_usage_mask(usage),
            Attribute::activation_date(DateTime(common::NOW.0 - 3600)),
        ]
        .into();
        if let Some(bits) = bits {
            attributes.push(Attribute::cryptographic_length(bits));
        }
        if let Some(curve) = curve {
            attributes.push(Attribute::cryptographic_domain_parameters(
                CryptographicDomainParameters {
                    recommended_curve: Some(curve),
                    ..CryptographicDomainParameters::default()
                },
            ));
        }
        attributes
    };
    let derive = CryptographicUsageMask::DERIVE_KEY;
    let encrypts = CryptographicUsageMask::ENCRYPT;
    let decrypts = CryptographicUsageMask::DECRYPT;
    let request = CreateKeyPairRequest {
        private_key_attributes: Some(attributes(CryptographicUsageMask::SIGN | derive | decrypts)),
        public_key_attributes: Some(attributes(
            CryptographicUsageMask::VERIFY | derive | encrypts,
        )),
        ..CreateKeyPairRequest::default()
    };
    let made = world.call(VERSION, request)?;
    Ok((
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ))
}

/// Signs, and verifies that it holds for what was signed only.
pub(crate) fn signs(
    world: &World,
    private: &Identifier,
    public: &Identifier,
    parameters: &CryptographicParameters<'static>,
) -> Result<(), ResultReason> {
    let request = SignRequest {
        unique_identifier: Some(private.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: Some(Data::from(b"what is signed".to_vec())),
        ..SignRequest::default()
    };
    let signature = world.call(VERSION, request)?.signature_data.unwrap();
    for (data, expected) in [
        (b"what is signed", ValidityIndicator::VALID),
        (b"what is forged", ValidityIndicator::INVALID),
    ] {
        let request = SignatureVerifyRequest {
            unique_identifier: Some(public.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(Data::from(data.to_vec())),
            signature_data: Some(signature.clone()),
            ..SignatureVerifyRequest::default()
        };
        let verified = world.call(VERSION, request)?.validity_indicator;
        assert_eq!(verified, Some(expected), "{parameters:?}");
    }
    Ok(())
}

/// Two pairs agree on a secret, whichever of them brings the private key.
pub(crate) fn agrees(
    world: &World,
    algorithm: CryptographicAlgorithm,
    bits: Option<i32>,
    curve: Option<RecommendedCurve>,
) {
    let [one, other] = [0, 1].map(|_| pair(world, algorithm, bits, curve).unwrap());
    let secret = |private: &Identifier, public: &Identifier| {
        let request = DeriveKeyRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            unique_identifier: vec![private.clone(), public.clone()],
            derivation_method: DerivationMethod::ASYMMETRIC_KEY,
            attributes: Attributes::from([
                Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
                Attribute::cryptographic_length(128),
                Attribute::cryptographic_usage_mask(CryptographicUsageMask::ENCRYPT),
            ]),
            ..DeriveKeyRequest::default()
        };
        let derived = world.call(VERSION, request).unwrap();
        let get = GetRequest {
            unique_identifier: Some(derived.unique_identifier),
            ..GetRequest::default()
        };
        match world.call(VERSION, get).unwrap().managed_object {
            ManagedObject::SymmetricKey(key) => {
                let value = key.key_block.key_value.unwrap();
                value.as_bytes().unwrap().to_vec()
            }
            other => panic!("{other:?}"),
        }
    };
    let (here, there) = (secret(&one.0, &other.1), secret(&other.0, &one.1));
    assert_eq!(here, there, "{algorithm:?} {curve:?}");
    assert_ne!(here, secret(&one.0, &one.1), "{algorithm:?} {curve:?}");
}
