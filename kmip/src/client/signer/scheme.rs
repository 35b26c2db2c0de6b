//! The algorithms that remote keys sign with.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use crate::types::{
    CryptographicAlgorithm, CryptographicParameters, DigitalSignatureAlgorithm, HashingAlgorithm,
    MaskGenerator, PaddingMethod, ProtocolVersion,
};

use super::der::{element, sequence};

/// How a [`RemoteKey`](super::RemoteKey) signs: the algorithms of certificates that servers have in
/// common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSA with SHA-256 and the padding of PKCS #1 version 1.5.
    RsaSha256,
    /// RSA with SHA-384 and the padding of PKCS #1 version 1.5.
    RsaSha384,
    /// RSA with SHA-512 and the padding of PKCS #1 version 1.5.
    RsaSha512,
    /// RSASSA-PSS with SHA-256, also as the hash of MGF1, and a salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, also as the hash of MGF1, and a salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, also as the hash of MGF1, and a salt of 64 bytes.
    RsaPssSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
}

/// How the hash is turned into a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pkcs1,
    Pss,
    Ecdsa,
}

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy)]
enum Sha2 {
    Sha256,
    Sha384,
    Sha512,
}

impl Sha2 {
    fn digest(self) -> MessageDigest {
        match self {
            Sha2::Sha256 => MessageDigest::sha256(),
            Sha2::Sha384 => MessageDigest::sha384(),
            Sha2::Sha512 => MessageDigest::sha512(),
        }
    }

    fn algorithm(self) -> HashingAlgorithm {
        match self {
            Sha2::Sha256 => HashingAlgorithm::SHA_256,
            Sha2::Sha384 => HashingAlgorithm::SHA_384,
            Sha2::Sha512 => HashingAlgorithm::SHA_512,
        }
    }

    /// Length of a hash in bytes.
    fn length(self) -> u8 {
        match self {
            Sha2::Sha256 => 32,
            Sha2::Sha384 => 48,
            Sha2::Sha512 => 64,
        }
    }

    /// The AlgorithmIdentifier in DER (RFC 4055, 2.1).
    fn algorithm_identifier(self) -> Vec<u8> {
        let last = match self {
            Sha2::Sha256 => 1,
            Sha2::Sha384 => 2,
            Sha2::Sha512 => 3,
        };
        let oid = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
        sequence(&[&element(OID, &oid), &element(NULL, &[])])
    }
}

const INTEGER: u8 = 0x02;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
/// 1.2.840.113549.1.1, to which one number is added.
const PKCS1: [u8; 8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
/// 1.2.840.10045.4.3, to which one number is added.
const ECDSA_WITH_SHA2: [u8; 7] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03];

impl SignatureScheme {
    /// What suits a public key: for elliptic curves the hash is as long as the curve, for RSA it is
    /// SHA-256, with the padding of PKCS #1 version 1.5 unless the key is for RSASSA-PSS only.
    /// `None` for other keys.
    pub fn for_key(key: &PKey<Public>) -> Option<Self> {
        match (key.id(), key.bits()) {
            (Id::RSA, _) => Some(SignatureScheme::RsaSha256),
            (Id::RSA_PSS, _) => Some(SignatureScheme::RsaPssSha256),
            (Id::EC, ..=256) => Some(SignatureScheme::EcdsaSha256),
            (Id::EC, ..=384) => Some(SignatureScheme::EcdsaSha384),
            (Id::EC, _) => Some(SignatureScheme::EcdsaSha512),
            _ => None,
        }
    }

    fn parts(self) -> (Kind, Sha2) {
        match self {
            SignatureScheme::RsaSha256 => (Kind::Pkcs1, Sha2::Sha256),
            SignatureScheme::RsaSha384 => (Kind::Pkcs1, Sha2::Sha384),
            SignatureScheme::RsaSha512 => (Kind::Pkcs1, Sha2::Sha512),
            SignatureScheme::RsaPssSha256 => (Kind::Pss, Sha2::Sha256),
            SignatureScheme::RsaPssSha384 => (Kind::Pss, Sha2::Sha384),
            SignatureScheme::RsaPssSha512 => (Kind::Pss, Sha2::Sha512),
            SignatureScheme::EcdsaSha256 => (Kind::Ecdsa, Sha2::Sha256),
            SignatureScheme::EcdsaSha384 => (Kind::Ecdsa, Sha2::Sha384),
            SignatureScheme::EcdsaSha512 => (Kind::Ecdsa, Sha2::Sha512),
        }
    }

    /// The AlgorithmIdentifier in DER (RFC 4055, 3.1 and 5; RFC 5758, 3.2).
    pub fn algorithm_identifier(self) -> Vec<u8> {
        let (kind, hash) = self.parts();
        let pkcs1 = |last: u8| element(OID, &[&PKCS1[..], &[last]].concat());
        match kind {
            Kind::Pkcs1 => {
                let last = match hash {
                    Sha2::Sha256 => 11,
                    Sha2::Sha384 => 12,
                    Sha2::Sha512 => 13,
                };
                sequence(&[&pkcs1(last), &element(NULL, &[])])
            }
            Kind::Pss => {
                let digest = hash.algorithm_identifier();
                let mask = sequence(&[&pkcs1(8), &digest]);
                let salt = element(INTEGER, &[hash.length()]);
                let parameters = sequence(&[
                    &element(0xA0, &digest),
                    &element(0xA1, &mask),
                    &element(0xA2, &salt),
                ]);
                sequence(&[&pkcs1(10), &parameters])
            }
            Kind::Ecdsa => {
                let last = match hash {
                    Sha2::Sha256 => 2,
                    Sha2::Sha384 => 3,
                    Sha2::Sha512 => 4,
                };
                sequence(&[&element(OID, &[&ECDSA_WITH_SHA2[..], &[last]].concat())])
            }
        }
    }

    pub(super) fn is_ecdsa(self) -> bool {
        self.parts().0 == Kind::Ecdsa
    }

    /// What a request to sign says in a version. Before KMIP 1.4 nothing can be said of the salt and
    /// the mask of RSASSA-PSS; what the server takes shows when its signature is checked.
    pub(super) fn parameters(self, version: ProtocolVersion) -> CryptographicParameters<'static> {
        use DigitalSignatureAlgorithm as Signature;

        let (kind, hash) = self.parts();
        let signature = match (kind, hash) {
            (Kind::Pkcs1, Sha2::Sha256) => Signature::SHA_256_WITH_RSA_ENCRYPTION,
            (Kind::Pkcs1, Sha2::Sha384) => Signature::SHA_384_WITH_RSA_ENCRYPTION,
            (Kind::Pkcs1, Sha2::Sha512) => Signature::SHA_512_WITH_RSA_ENCRYPTION,
            (Kind::Pss, _) => Signature::RSASSA_PSS,
            (Kind::Ecdsa, Sha2::Sha256) => Signature::ECDSA_WITH_SHA256,
            (Kind::Ecdsa, Sha2::Sha384) => Signature::ECDSA_WITH_SHA384,
            (Kind::Ecdsa, Sha2::Sha512) => Signature::ECDSA_WITH_SHA512,
        };
        let pss = kind == Kind::Pss && version >= ProtocolVersion::V1_4;
        CryptographicParameters {
            hashing_algorithm: Some(hash.algorithm()),
            digital_signature_algorithm: Some(signature),
            cryptographic_algorithm: Some(match kind {
                Kind::Ecdsa => CryptographicAlgorithm::ECDSA,
                _ => CryptographicAlgorithm::RSA,
            }),
            padding_method: match kind {
                Kind::Pkcs1 => Some(PaddingMethod::PKCS1_V1_5),
                Kind::Pss => Some(PaddingMethod::PSS),
                Kind::Ecdsa => None,
            },
            salt_length: pss.then_some(i32::from(hash.length())),
            mask_generator: pss.then_some(MaskGenerator::MGF1),
            mask_generator_hashing_algorithm: pss.then_some(hash.algorithm()),
            ..CryptographicParameters::default()
        }
    }

    /// Whether a signature is right: exactly as the
    /// [algorithm identifier](Self::algorithm_identifier) says.
    pub(super) fn verify(
        self,
        key: &PKey<Public>,
        data: &[u8],
        signature: &[u8],
    ) -> Result<bool, ErrorStack> {
        let (kind, hash) = self.parts();
        let mut verifier = Verifier::new(hash.digest(), key)?;
        if kind == Kind::Pss {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_mgf1_md(hash.digest())?;
            let salt = i32::from(hash.length());
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt))?;
        }
        verifier.verify_oneshot(signature, data)
    }
}
