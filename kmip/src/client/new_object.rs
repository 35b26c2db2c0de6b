//! Objects that exist already and are to be stored.

use std::borrow::Cow;

use openssl::pkey::PKey;

use crate::types::{
    Attribute, Attributes, Certificate, CertificateType, CryptographicAlgorithm,
    CryptographicUsageMask, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject,
    ObjectType, OpaqueDataType, OpaqueObject, PrivateKey, PublicKey, RegisterRequest, Secret,
    SecretData, SecretDataType, SymmetricKey,
};

use super::new_key::{default_usage, described};
use crate::keys::{Pem, PemError, kind_of};

/// An object to be stored (Register), with a usage that suits its algorithm unless another is
/// given.
///
/// ```no_run
/// use kmip::client::NewObject;
///
/// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
/// let key = client.store(NewObject::aes_key(vec![7; 32]).name("disk 7").active())?;
/// let secret = client.store(NewObject::password(b"open sesame".to_vec()))?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject<'a> {
    object: ManagedObject<'a>,
    usage: Option<CryptographicUsageMask>,
    attributes: Attributes<'a>,
}

impl<'a> NewObject<'a> {
    /// Any object, without further attributes.
    pub fn new(object: impl Into<ManagedObject<'a>>) -> Self {
        NewObject {
            object: object.into(),
            usage: None,
            attributes: Attributes::default(),
        }
    }

    /// A symmetric key from its bytes.
    pub fn symmetric_key(algorithm: CryptographicAlgorithm, key: Vec<u8>) -> Self {
        let bits = i32::try_from(key.len().saturating_mul(8)).unwrap_or(i32::MAX);
        let key_block = key_block(KeyFormatType::RAW, key, Some((algorithm, bits)));
        let key = SymmetricKey {
            key_block,
            ..SymmetricKey::default()
        };
        NewObject::new(key)
            .of_algorithm(algorithm, bits)
            .usage(default_usage(algorithm).0)
    }

    /// An AES key from its bytes.
    pub fn aes_key(key: Vec<u8>) -> Self {
        NewObject::symmetric_key(CryptographicAlgorithm::AES, key)
    }

    /// A private key from its encoding by PKCS #8. Algorithm and length are taken from it if
    /// OpenSSL knows the algorithm.
    pub fn private_key(pkcs8: Vec<u8>) -> Self {
        let kind = PKey::private_key_from_der(&pkcs8).ok();
        let kind = kind.and_then(|key| kind_of(&key));
        private_key(KeyFormatType::PKCS_8, pkcs8, kind)
    }

    /// A public key from its SubjectPublicKeyInfo. Algorithm and length are taken from it if
    /// OpenSSL knows the algorithm.
    pub fn public_key(subject_public_key_info: Vec<u8>) -> Self {
        let kind = PKey::public_key_from_der(&subject_public_key_info).ok();
        let kind = kind.and_then(|key| kind_of(&key));
        public_key(KeyFormatType::X_509, subject_public_key_info, kind)
    }

    /// The first key or certificate in PEM, in the format that it has there: a certificate, a public key
    /// (of RSA also by PKCS #1), or a private key (by PKCS #8, of RSA also by PKCS #1, of a curve also
    /// ECPrivateKey), which is not encrypted.
    ///
    /// ```no_run
    /// use kmip::client::NewObject;
    ///
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let key = NewObject::from_pem(&std::fs::read("server.key")?)?.name("server");
    /// let key = client.store(key)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If there is none, or something else, or it is damaged.
    pub fn from_pem(text: &[u8]) -> Result<Self, PemError> {
        let pem = Pem::read(text)?;
        let kind = pem.kind();
        let der = pem.der.expose().to_vec();
        Ok(match (pem.object_type, pem.format) {
            (ObjectType::PRIVATE_KEY, Some(format)) => private_key(format, der, kind),
            (ObjectType::PUBLIC_KEY, Some(format)) => public_key(format, der, kind),
            _ => NewObject::certificate(der),
        })
    }

    /// An X.509 certificate in DER.
    pub fn certificate(der: impl Into<Cow<'a, [u8]>>) -> Self {
        NewObject::new(Certificate {
            certificate_type: CertificateType::X_509,
            certificate_value: der.into(),
            ..Certificate::default()
        })
    }

    /// A password.
    pub fn password(password: Vec<u8>) -> Self {
        // Servers have been met that want a usage even here; none applies.
        NewObject::new(SecretData {
            secret_data_type: SecretDataType::PASSWORD,
            key_block: key_block(KeyFormatType::OPAQUE, password, None),
            ..SecretData::default()
        })
        .usage(CryptographicUsageMask::default())
    }

    /// Bytes of which the server knows nothing.
    pub fn opaque(data: Vec<u8>) -> Self {
        NewObject::new(OpaqueObject {
            // An extension: the specification defines no value.
            opaque_data_type: OpaqueDataType(0x8000_0001),
            opaque_data_value: Secret::owned(data),
            ..OpaqueObject::default()
        })
    }

    fn of_algorithm(self, algorithm: CryptographicAlgorithm, bits: i32) -> Self {
        self.attribute(Attribute::cryptographic_algorithm(algorithm))
            .attribute(Attribute::cryptographic_length(bits))
    }

    fn of_kind(
        self,
        kind: Option<Kind>,
        choose: impl Fn((CryptographicUsageMask, CryptographicUsageMask)) -> CryptographicUsageMask,
    ) -> Self {
        match kind {
            Some((algorithm, bits)) => self
                .of_algorithm(algorithm, bits)
                .usage(choose(default_usage(algorithm))),
            None => self,
        }
    }
}

described!(NewObject);

impl<'a> From<NewObject<'a>> for RegisterRequest<'a> {
    fn from(new: NewObject<'a>) -> Self {
        let mut attributes = new.attributes;
        if let Some(usage) = new.usage {
            attributes.push(Attribute::cryptographic_usage_mask(usage));
        }
        RegisterRequest {
            object_type: new.object.object_type(),
            attributes,
            managed_object: Some(new.object),
            ..RegisterRequest::default()
        }
    }
}

/// Algorithm and length of a key.
type Kind = (CryptographicAlgorithm, i32);

fn private_key<'a>(format: KeyFormatType, der: Vec<u8>, kind: Option<Kind>) -> NewObject<'a> {
    let key = PrivateKey {
        key_block: key_block(format, der, kind),
        ..PrivateKey::default()
    };
    NewObject::new(key).of_kind(kind, |usages| usages.0)
}

fn public_key<'a>(format: KeyFormatType, der: Vec<u8>, kind: Option<Kind>) -> NewObject<'a> {
    let key = PublicKey {
        key_block: key_block(format, der, kind),
        ..PublicKey::default()
    };
    NewObject::new(key).of_kind(kind, |usages| usages.1)
}

fn key_block(
    key_format_type: KeyFormatType,
    key: Vec<u8>,
    kind: Option<Kind>,
) -> KeyBlock<'static> {
    KeyBlock {
        key_format_type,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(key)))),
        cryptographic_algorithm: kind.map(|(algorithm, _)| algorithm),
        cryptographic_length: kind.map(|(_, bits)| bits),
        ..KeyBlock::default()
    }
}
