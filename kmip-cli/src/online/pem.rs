//! Keys and certificates in PEM.

use kmip::types::{CryptographicAlgorithm, KeyFormatType, ObjectType};
use openssl::base64;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef};
use zeroize::Zeroizing;

/// A PEM block: what the object is, and its DER.
pub(super) struct Block {
    pub(super) object_type: ObjectType,
    pub(super) format: Option<KeyFormatType>,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Labels of PEM.
const LABELS: [(&str, ObjectType, Option<KeyFormatType>); 6] = [
    ("CERTIFICATE", ObjectType::CERTIFICATE, None),
    (
        "RSA PUBLIC KEY",
        ObjectType::PUBLIC_KEY,
        Some(KeyFormatType::PKCS_1),
    ),
    (
        "PUBLIC KEY",
        ObjectType::PUBLIC_KEY,
        Some(KeyFormatType::X_509),
    ),
    (
        "RSA PRIVATE KEY",
        ObjectType::PRIVATE_KEY,
        Some(KeyFormatType::PKCS_1),
    ),
    (
        "EC PRIVATE KEY",
        ObjectType::PRIVATE_KEY,
        Some(KeyFormatType::ECPRIVATEKEY),
    ),
    (
        "PRIVATE KEY",
        ObjectType::PRIVATE_KEY,
        Some(KeyFormatType::PKCS_8),
    ),
];

/// The first block of a PEM file; `None` if it is none. An unknown label is an error.
pub(super) fn read(content: &[u8]) -> Option<Result<Block, String>> {
    const BEGIN: &str = "-----BEGIN ";
    let text = std::str::from_utf8(content).ok()?;
    let begin = text.find(BEGIN)?;
    let rest = &text[begin + BEGIN.len()..];
    let (label, rest) = rest.split_once("-----")?;
    let known = LABELS.iter().find(|(known, _, _)| *known == label);
    let Some((_, object_type, format)) = known else {
        return Some(Err(format!("PEM of a `{label}` cannot be registered")));
    };
    let body = rest.split("-----END").next().unwrap_or_default();
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let der = base64::decode_block(&body).map(Zeroizing::new);
    let der = der.map_err(|_| "its base64 is damaged".to_owned());
    Some(der.map(|der| Block {
        object_type: *object_type,
        format: *format,
        der,
    }))
}

/// DER in PEM; `None` where PEM has no label for it.
pub(super) fn write(
    object_type: ObjectType,
    format: Option<KeyFormatType>,
    der: &[u8],
) -> Option<Zeroizing<String>> {
    let mut labels = LABELS.iter();
    let (label, _, _) =
        labels.find(|(_, object, known)| *object == object_type && *known == format)?;
    let body = Zeroizing::new(base64::encode_block(der));
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    Some(text)
}

/// Algorithm and length of a key that OpenSSL understands.
pub(super) fn describe(block: &Block) -> Option<(CryptographicAlgorithm, i32)> {
    if block.object_type == ObjectType::CERTIFICATE {
        let certificate = openssl::x509::X509::from_der(&block.der).ok()?;
        return of_key(&*certificate.public_key().ok()?);
    }
    if block.object_type == ObjectType::PRIVATE_KEY {
        return of_key(&*PKey::private_key_from_der(&block.der).ok()?);
    }
    if block.format == Some(KeyFormatType::PKCS_1) {
        let rsa = openssl::rsa::Rsa::public_key_from_der_pkcs1(&block.der).ok()?;
        return of_key(&*PKey::from_rsa(rsa).ok()?);
    }
    of_key(&*PKey::public_key_from_der(&block.der).ok()?)
}

fn of_key<T: HasPublic>(key: &PKeyRef<T>) -> Option<(CryptographicAlgorithm, i32)> {
    let algorithm = match key.id() {
        Id::RSA => CryptographicAlgorithm::RSA,
        Id::EC => CryptographicAlgorithm::EC,
        Id::DSA => CryptographicAlgorithm::DSA,
        Id::DH => CryptographicAlgorithm::DH,
        _ => return None,
    };
    Some((algorithm, i32::try_from(key.bits()).ok()?))
}
