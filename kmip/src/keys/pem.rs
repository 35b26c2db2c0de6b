//! Keys and certificates in PEM (RFC 7468).

use openssl::base64;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::types::{CryptographicAlgorithm, KeyFormatType, ObjectType, Secret};

/// A key or certificate in PEM: what it is in KMIP, and its DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// Certificate, Public Key or Private Key.
    pub object_type: ObjectType,
    /// The format of a key.
    pub format: Option<KeyFormatType>,
    /// What is between the lines.
    pub der: Secret<'static>,
}

/// A text holds no key or certificate in PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// There is no PEM in it.
    #[error("there is no PEM in it")]
    Missing,
    /// It is something else, such as an encrypted key, with what of its label is surely none of a key.
    #[error("PEM of a `{0}` is no key or certificate that KMIP has")]
    Label(String),
    /// Its base64 is damaged.
    #[error("its base64 is damaged")]
    Base64,
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

impl Pem {
    /// The first key or certificate of a text; parameters of elliptic curves before it are passed over.
    ///
    /// # Errors
    /// If there is none, or something else, or it is damaged.
    pub fn read(text: &[u8]) -> Result<Self, PemError> {
        const BEGIN: &str = "-----BEGIN ";
        const PARAMETERS: &str = "EC PARAMETERS";
        let text = std::str::from_utf8(text).map_err(|_| PemError::Missing)?;
        let mut blocks = text.split(BEGIN).skip(1);
        let labelled = blocks.find_map(|block| {
            block
                .split_once("-----")
                .filter(|(label, _)| *label != PARAMETERS)
        });
        let (label, rest) = labelled.ok_or(PemError::Missing)?;
        let known = LABELS.iter().find(|(known, _, _)| *known == label);
        let Some((_, object_type, format)) = known else {
            return Err(PemError::Label(shown(label)));
        };
        let body = rest.split("-----END").next().unwrap_or_default();
        // In its final length, so that no part of it is left behind.
        let mut joined = Zeroizing::new(String::with_capacity(body.len()));
        joined.extend(body.split_whitespace());
        let body = joined;
        let der = base64::decode_block(&body).map_err(|_| PemError::Base64)?;
        Ok(Pem {
            object_type: *object_type,
            format: *format,
            der: Secret::owned(der),
        })
    }

    /// The text; `None` where PEM has no label for the format.
    pub fn write(&self) -> Option<Zeroizing<String>> {
        let (label, _, _) = LABELS
            .iter()
            .find(|(_, object, known)| *object == self.object_type && *known == self.format)?;
        let body = Zeroizing::new(base64::encode_block(self.der.expose()));
        let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
        // In its final length, so that no part of it is left behind.
        text.reserve(body.len() + body.len() / 64 + 2 * label.len() + 64);
        for line in body.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str(&format!("-----END {label}-----\n"));
        Some(text)
    }

    /// Algorithm and length in bits of the key, or that of the certificate, if OpenSSL knows it.
    pub fn kind(&self) -> Option<(CryptographicAlgorithm, i32)> {
        let der = self.der.expose();
        match (self.object_type, self.format) {
            (ObjectType::CERTIFICATE, _) => kind_of(&*X509::from_der(der).ok()?.public_key().ok()?),
            (ObjectType::PRIVATE_KEY, _) => kind_of(&*PKey::private_key_from_der(der).ok()?),
            (_, Some(KeyFormatType::PKCS_1)) => {
                let rsa = Rsa::public_key_from_der_pkcs1(der).ok()?;
                kind_of(&*PKey::from_rsa(rsa).ok()?)
            }
            _ => kind_of(&*PKey::public_key_from_der(der).ok()?),
        }
    }
}

/// What of a label can be shown: behind a damaged header, it goes on with the key itself.
fn shown(label: &str) -> String {
    let is_of_label =
        |c: &char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '#');
    let shown: String = label.chars().take_while(is_of_label).take(40).collect();
    shown.trim_end().to_owned()
}

/// Algorithm and length in bits of a key.
pub(crate) fn kind_of<T: HasPublic>(key: &PKeyRef<T>) -> Option<(CryptographicAlgorithm, i32)> {
    let algorithm = match key.id() {
        Id::RSA | Id::RSA_PSS => CryptographicAlgorithm::RSA,
        Id::EC => CryptographicAlgorithm::ECDSA,
        Id::DSA => CryptographicAlgorithm::DSA,
        Id::DH => CryptographicAlgorithm::DH,
        Id::ED25519 => CryptographicAlgorithm::ED25519,
        Id::ED448 => CryptographicAlgorithm::ED448,
        _ => return None,
    };
    Some((algorithm, i32::try_from(key.bits()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_damaged_header_the_key_is_not_shown() {
        let key = PKey::generate_ed25519().unwrap();
        let whole = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let base64 = whole.lines().nth(1).unwrap();
        for (header, label) in [
            ("-----BEGIN PRIVATE KEY----\n", "PRIVATE KEY"),
            ("-----BEGIN PRIVATE KEY\n", "PRIVATE KEY"),
            ("-----BEGIN \n", ""),
        ] {
            let damaged = whole.replace("-----BEGIN PRIVATE KEY-----\n", header);
            let error = Pem::read(damaged.as_bytes()).unwrap_err();
            assert_eq!(error, PemError::Label(label.to_owned()));
            for shown in [error.to_string(), format!("{error:?}")] {
                let parts = base64.as_bytes().chunks(8);
                let parts = parts.map(|part| std::str::from_utf8(part).unwrap());
                assert!(
                    !parts.into_iter().any(|part| shown.contains(part)),
                    "{shown}"
                );
            }
        }
        // Whatever is in its place: at most a short text of capitals.
        let long = format!("-----BEGIN {}-----\n", "A".repeat(1000));
        let error = Pem::read(long.as_bytes()).unwrap_err();
        assert_eq!(error, PemError::Label("A".repeat(40)));
    }
}
