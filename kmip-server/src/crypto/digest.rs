//! Digests: of objects, and of identifiers.

use kmip::codec::Item;
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    Digest, HashingAlgorithm, IntoOwned, KeyFormatType, KeyMaterial, KeyValue, ManagedObject,
    ProtocolVersion, Tag,
};
use openssl::hash::{MessageDigest, hash};
use openssl::md_ctx::MdCtx;
use openssl::sha::sha256;
use zeroize::Zeroizing;

use super::{convert, failed, hash_function, legacy};
use crate::object::key_block;

/// The digests of an object (KMIP 1.4, 3.17; 2.1, 4.21): that of its format, and for a transparent RSA
/// key that of PKCS#1, in which clients usually have it.
pub(crate) fn digests_of(content: &ManagedObject<'_>) -> Vec<Digest<'static>> {
    let own = digest_of(content);
    let in_pkcs1 = match own.as_ref().and_then(|digest| digest.key_format_type) {
        Some(
            KeyFormatType::TRANSPARENT_RSA_PRIVATE_KEY | KeyFormatType::TRANSPARENT_RSA_PUBLIC_KEY,
        ) => {
            let mut other = content.clone().into_owned();
            let converted = convert(&mut other, KeyFormatType::PKCS_1);
            converted.ok().and_then(|()| digest_of(&other))
        }
        _ => None,
    };
    own.into_iter().chain(in_pkcs1).collect()
}

/// SHA-256 of the key material, of the certificate, or of the opaque value. A transparent key is hashed
/// in its TTLV encoding.
fn digest_of(content: &ManagedObject<'_>) -> Option<Digest<'static>> {
    let (value, format) = match content {
        ManagedObject::Certificate(certificate) => (
            sha256(&certificate.certificate_value),
            Some(KeyFormatType::X_509),
        ),
        ManagedObject::OpaqueObject(opaque) => {
            let format = Some(KeyFormatType::OPAQUE);
            (sha256(opaque.opaque_data_value.expose()), format)
        }
        ManagedObject::CertificateRequest(request) => {
            (sha256(&request.certificate_request_value), None)
        }
        other => {
            let block = key_block(other)?;
            let value = match block.key_value.as_ref()? {
                KeyValue::Wrapped(bytes) => sha256(bytes.expose()),
                KeyValue::Plain(plain) => digest_of_material(&plain.key_material)?,
            };
            (value, Some(block.key_format_type))
        }
    };
    Some(Digest {
        hashing_algorithm: HashingAlgorithm::SHA_256,
        digest_value: Some(value.to_vec().into()),
        key_format_type: format,
        ..Digest::default()
    })
}

fn digest_of_material(material: &KeyMaterial<'_>) -> Option<[u8; 32]> {
    if let KeyMaterial::Bytes(bytes) = material {
        return Some(sha256(bytes.expose()));
    }
    let mut encoded = Zeroizing::new(Vec::new());
    for version in [ProtocolVersion::V2_1, ProtocolVersion::V1_4] {
        if encode_material(material, version, &mut encoded).is_ok() {
            return Some(sha256(&encoded));
        }
    }
    None
}

fn encode_material<'a>(
    material: &impl Item<'a>,
    version: ProtocolVersion,
    bytes: &mut Vec<u8>,
) -> kmip::codec::Result<()> {
    ttlv::encode_item(material, Tag::KEY_MATERIAL, version, bytes)
}

/// Short Unique Identifier: SHA-256 of the Unique Identifier (2.1, 4.56).
pub(crate) fn short_identifier(identifier: &str) -> Vec<u8> {
    sha256(identifier.as_bytes()).to_vec()
}

/// The hash function in OpenSSL.
pub(crate) fn message_digest(algorithm: HashingAlgorithm) -> Option<MessageDigest> {
    Some(match algorithm {
        HashingAlgorithm::MD5 => MessageDigest::md5(),
        HashingAlgorithm::SHA_1 => MessageDigest::sha1(),
        HashingAlgorithm::SHA_224 => MessageDigest::sha224(),
        HashingAlgorithm::SHA_256 => MessageDigest::sha256(),
        HashingAlgorithm::SHA_384 => MessageDigest::sha384(),
        HashingAlgorithm::SHA_512 => MessageDigest::sha512(),
        HashingAlgorithm::SHA_512_224 => MessageDigest::from_name("SHA512-224")?,
        HashingAlgorithm::SHA_512_256 => MessageDigest::from_name("SHA512-256")?,
        HashingAlgorithm::SHA3_224 => MessageDigest::sha3_224(),
        HashingAlgorithm::SHA3_256 => MessageDigest::sha3_256(),
        HashingAlgorithm::SHA3_384 => MessageDigest::sha3_384(),
        HashingAlgorithm::SHA3_512 => MessageDigest::sha3_512(),
        HashingAlgorithm::RIPEMD_160 => MessageDigest::from_name("RIPEMD160")?,
        _ => return None,
    })
}

/// The hash of data, also by functions that serve for nothing else any more.
///
/// # Errors
/// If the server does not have the function.
pub(crate) fn digest(
    algorithm: HashingAlgorithm,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let old = match algorithm {
        HashingAlgorithm::MD2 => legacy::hash_function("MD2"),
        HashingAlgorithm::MD4 => legacy::hash_function("MD4"),
        HashingAlgorithm::WHIRLPOOL => legacy::hash_function("WHIRLPOOL"),
        HashingAlgorithm::RIPEMD_160 => legacy::hash_function("RIPEMD160"),
        _ => None,
    };
    let digest = match old {
        None => hash(hash_function(algorithm)?, data).map(|digest| digest.to_vec()),
        Some(function) => MdCtx::new().and_then(|mut context| {
            let mut digest = vec![0; function.size()];
            context.digest_init(&function)?;
            context.digest_update(data)?;
            context.digest_final(&mut digest)?;
            Ok(digest)
        }),
    };
    Ok(Zeroizing::new(digest.map_err(failed("the hash function"))?))
}
