//! How keys are wrapped on their way from the server (behaviour reference 8.1), and whether they are.

use kmip::ProtocolVersion;
use kmip::types::{
    CryptographicAlgorithm, CryptographicParameters, EncodingOption, EncryptionKeyInformation,
    GetResponse, HashingAlgorithm, KeyFormatType, KeyRoleType, KeyWrappingSpecification,
    ManagedObject, MaskGenerator, PaddingMethod, WrappingMethod,
};

use super::server::Server;
use crate::secure_key::{DigestAlgorithm, WrapPadding};

/// Lengths of AES keys.
pub(super) const AES_BITS: [i32; 3] = [128, 192, 256];
/// Those of each key of a pair for XTS.
pub(super) const XTS_BITS: [i32; 2] = [128, 256];

/// What Get is asked to do with a key.
pub(super) fn wrapping_specification(server: &Server) -> KeyWrappingSpecification<'static> {
    let version = server.peer.client.version();
    KeyWrappingSpecification {
        wrapping_method: WrappingMethod::ENCRYPT,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: server.wrapping_key_id.clone().into(),
            cryptographic_parameters: Some(wrapping_parameters(
                server.peer.profile.wrap_padding,
                version,
            )),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: (version >= ProtocolVersion::V1_2).then_some(EncodingOption::NO_ENCODING),
        ..KeyWrappingSpecification::default()
    }
}

/// How keys are wrapped, for the registration of the wrapping key and for Get (8.1).
pub(super) fn wrapping_parameters(
    padding: WrapPadding,
    version: ProtocolVersion,
) -> CryptographicParameters<'static> {
    let mut parameters = CryptographicParameters {
        padding_method: Some(padding_method(padding)),
        hashing_algorithm: hash(padding),
        key_role_type: Some(KeyRoleType::KEK),
        ..CryptographicParameters::default()
    };
    if version >= ProtocolVersion::V1_2 {
        parameters.cryptographic_algorithm = Some(CryptographicAlgorithm::RSA);
    }
    if version >= ProtocolVersion::V1_4 {
        let hash = hash(padding);
        parameters.mask_generator = hash.map(|_| MaskGenerator::MGF1);
        parameters.mask_generator_hashing_algorithm = hash;
    }
    parameters
}

fn padding_method(padding: WrapPadding) -> PaddingMethod {
    match padding {
        WrapPadding::Pkcs1V15 => PaddingMethod::PKCS1_V1_5,
        WrapPadding::Oaep(_) => PaddingMethod::OAEP,
    }
}

fn hash(padding: WrapPadding) -> Option<HashingAlgorithm> {
    match padding {
        WrapPadding::Pkcs1V15 => None,
        WrapPadding::Oaep(digest) => Some(match digest {
            DigestAlgorithm::Sha1 => HashingAlgorithm::SHA_1,
            DigestAlgorithm::Sha224 => HashingAlgorithm::SHA_224,
            DigestAlgorithm::Sha256 => HashingAlgorithm::SHA_256,
            DigestAlgorithm::Sha384 => HashingAlgorithm::SHA_384,
            DigestAlgorithm::Sha512 => HashingAlgorithm::SHA_512,
        }),
    }
}

/// The wrapped key, if the response is what was asked for. What servers may leave out counts as
/// right; a wrong padding would be found when the key is unwrapped.
pub(super) fn check_wrapped<'r>(
    response: &'r GetResponse<'_>,
    server: &Server,
) -> Result<&'r [u8], String> {
    let ManagedObject::SymmetricKey(key) = &response.managed_object else {
        return Err(format!("it is of type {:?}", response.object_type));
    };
    let block = &key.key_block;
    let expect = |what: &str, found: Option<String>, expected: &str| match found {
        Some(found) if found != expected => Err(format!("its {what} is {found}, not {expected}")),
        _ => Ok(()),
    };
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    // Without encoding, the wrapped bytes are those of the key in both formats.
    if block.key_format_type != KeyFormatType::TRANSPARENT_SYMMETRIC_KEY {
        let format = text(&block.key_format_type);
        expect("key format", Some(format), &text(&KeyFormatType::RAW))?;
    }
    let algorithm = block.cryptographic_algorithm;
    expect(
        "algorithm",
        algorithm.map(|one| text(&one)),
        &text(&CryptographicAlgorithm::AES),
    )?;
    if let Some(bits) = block.cryptographic_length {
        if !AES_BITS.contains(&bits) {
            return Err(format!("its length is {bits}, which no AES key has"));
        }
    }
    let wrapping = block
        .key_wrapping_data
        .as_ref()
        .ok_or("the server did not wrap it")?;
    let method = wrapping.wrapping_method;
    expect(
        "wrapping method",
        Some(text(&method)),
        &text(&WrappingMethod::ENCRYPT),
    )?;
    if server.peer.client.version() >= ProtocolVersion::V1_2 {
        let encoding = wrapping.encoding_option;
        let none = text(&EncodingOption::NO_ENCODING);
        expect("encoding", encoding.map(|one| text(&one)), &none)?;
    }
    if let Some(information) = &wrapping.encryption_key_information {
        if let Some(parameters) = &information.cryptographic_parameters {
            let padding = server.peer.profile.wrap_padding;
            let found = parameters.padding_method.map(|one| text(&one));
            expect("padding", found, &text(&padding_method(padding)))?;
            if let Some(hash) = hash(padding) {
                let found = parameters.hashing_algorithm.map(|one| text(&one));
                expect("hash", found, &text(&hash))?;
                let mask_hash = parameters.mask_generator_hashing_algorithm;
                expect("mask hash", mask_hash.map(|one| text(&one)), &text(&hash))?;
            }
        }
    }
    let value = block.key_value.as_ref().and_then(|value| value.as_bytes());
    value.ok_or_else(|| "the server did not send it".to_owned())
}

/// How long the key is that the response is said to hold, if that is said.
pub(super) fn told_bits(response: &GetResponse<'_>) -> Option<i32> {
    match &response.managed_object {
        ManagedObject::SymmetricKey(key) => key.key_block.cryptographic_length,
        _ => None,
    }
}
