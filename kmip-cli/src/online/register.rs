//! `kmip register`.

use kmip::client::default_usage;
use kmip::keys::{Pem, PemError};
use kmip::types::{
    Attribute, Certificate, CertificateType, CryptographicAlgorithm, CryptographicUsageMask,
    KeyBlock, KeyFormatType, KeyValue, ManagedObject, ObjectType, OpaqueDataType, OpaqueObject,
    PrivateKey, PublicKey, Secret, SecretData, SymmetricKey,
};
use zeroize::Zeroizing;

use super::create;
use crate::arguments::Register;
use crate::connect::connect;
use crate::failure::Failure;
use crate::files;

pub(super) fn run(options: &Register) -> Result<(), Failure> {
    let content = files::read(&options.file)?;
    let wrong = |what: String| Failure::Content {
        path: options.file.clone(),
        what,
    };
    let material = material(options, content).map_err(wrong)?;
    let object_type = material.object_type;
    let algorithm = material.algorithm;
    let length = material.length;
    let object = object(options, material).map_err(wrong)?;
    let mut attributes = Vec::new();
    attributes.extend(algorithm.map(Attribute::cryptographic_algorithm));
    attributes.extend(length.map(Attribute::cryptographic_length));
    if object_type != ObjectType::OPAQUE_OBJECT {
        let usage = options.object.usage;
        let usage = usage.unwrap_or_else(|| usual_usage(object_type, algorithm));
        attributes.push(Attribute::cryptographic_usage_mask(usage));
    }
    attributes.extend(create::attributes(&options.object));
    let mut client = connect(&options.online)?;
    let attributes: kmip::types::Attributes<'_> = attributes.into_iter().collect();
    let registered = client.register(object_type, object, attributes)?;
    create::made(
        &mut client,
        &registered,
        options.object.activate,
        &options.online,
    )
}

/// What a file holds.
struct Material {
    object_type: ObjectType,
    format: Option<KeyFormatType>,
    algorithm: Option<CryptographicAlgorithm>,
    length: Option<i32>,
    bytes: Zeroizing<Vec<u8>>,
}

fn material(options: &Register, content: Zeroizing<Vec<u8>>) -> Result<Material, String> {
    let wanted = options.object_type;
    let is_text = [ObjectType::SECRET_DATA, ObjectType::OPAQUE_OBJECT];
    let block = match wanted {
        Some(wanted) if is_text.contains(&wanted) => None,
        _ => match Pem::read(&content) {
            Err(PemError::Missing) => None,
            pem => Some(pem.map_err(|error| error.to_string())?),
        },
    };
    if let Some(block) = block {
        if wanted.is_some_and(|wanted| wanted != block.object_type) {
            return Err(format!("it holds a {:?}", block.object_type));
        }
        let found = block.kind();
        let found = found.ok_or("OpenSSL does not understand the key in it")?;
        let certificate = block.object_type == ObjectType::CERTIFICATE;
        return Ok(Material {
            object_type: block.object_type,
            format: options.format.or(block.format),
            algorithm: options.algorithm.or(Some(found.0)).filter(|_| !certificate),
            length: Some(found.1).filter(|_| !certificate),
            bytes: Zeroizing::new(block.der.expose().to_vec()),
        });
    }
    let object_type = wanted.unwrap_or(ObjectType::SYMMETRIC_KEY);
    let symmetric = object_type == ObjectType::SYMMETRIC_KEY;
    let algorithm = options.algorithm;
    let algorithm = algorithm.or(symmetric.then_some(CryptographicAlgorithm::AES));
    let bytes = match object_type == ObjectType::SECRET_DATA {
        true => without_line_end(content),
        false => content,
    };
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let bits = i32::try_from(bytes.len() * 8).map_err(|_| "it is too long for a key")?;
    Ok(Material {
        object_type,
        format: options.format,
        algorithm,
        length: symmetric.then_some(bits),
        bytes,
    })
}

/// A password as editors save it.
fn without_line_end(mut content: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    while matches!(content.last(), Some(b'\n' | b'\r')) {
        content.pop();
    }
    content
}

fn object(options: &Register, material: Material) -> Result<ManagedObject<'static>, String> {
    let bytes = material.bytes.to_vec();
    let key_block = |bytes: Vec<u8>, format| KeyBlock {
        key_format_type: material.format.unwrap_or(format),
        key_value: Some(KeyValue::new(Secret::owned(bytes))),
        cryptographic_algorithm: material.algorithm,
        cryptographic_length: material.length,
        ..KeyBlock::default()
    };
    Ok(match material.object_type {
        ObjectType::SYMMETRIC_KEY => ManagedObject::SymmetricKey(SymmetricKey {
            key_block: key_block(bytes, KeyFormatType::RAW),
            ..SymmetricKey::default()
        }),
        ObjectType::PUBLIC_KEY => ManagedObject::PublicKey(PublicKey {
            key_block: key_block(bytes, KeyFormatType::X_509),
            ..PublicKey::default()
        }),
        ObjectType::PRIVATE_KEY => ManagedObject::PrivateKey(PrivateKey {
            key_block: key_block(bytes, KeyFormatType::PKCS_8),
            ..PrivateKey::default()
        }),
        ObjectType::SECRET_DATA => ManagedObject::SecretData(SecretData {
            secret_data_type: options.secret_type,
            key_block: key_block(bytes, KeyFormatType::OPAQUE),
            ..SecretData::default()
        }),
        ObjectType::CERTIFICATE => ManagedObject::Certificate(Certificate {
            certificate_type: CertificateType::X_509,
            certificate_value: bytes.into(),
            ..Certificate::default()
        }),
        ObjectType::OPAQUE_OBJECT => ManagedObject::OpaqueObject(OpaqueObject {
            // A value for vendors: the specification names none.
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Secret::owned(bytes),
            ..OpaqueObject::default()
        }),
        other => return Err(format!("a {other:?} cannot be registered from a file")),
    })
}

fn usual_usage(
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
) -> CryptographicUsageMask {
    let usual = algorithm.map(default_usage);
    match object_type {
        ObjectType::PRIVATE_KEY => usual.map_or(CryptographicUsageMask::SIGN, |usual| usual.0),
        ObjectType::PUBLIC_KEY => usual.map_or(CryptographicUsageMask::VERIFY, |usual| usual.1),
        ObjectType::CERTIFICATE => CryptographicUsageMask::VERIFY,
        ObjectType::SECRET_DATA => CryptographicUsageMask::DERIVE_KEY,
        _ => default_usage(algorithm.unwrap_or_default()).0,
    }
}
