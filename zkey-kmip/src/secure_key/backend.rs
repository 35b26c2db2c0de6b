//! What the plugin needs of a coprocessor.

use std::ffi::CStr;
use std::fmt;

use openssl::hash::MessageDigest;
use openssl::md::{Md, MdRef};

use super::error::SecureKeyError;
use super::spec::{CardType, KeySpec};
use crate::abi::{Apqn, SecureKeyType};

/// A coprocessor, or what stands in for one.
///
/// No method takes or returns a clear key: what it calls a key is a token, a key enciphered and
/// authenticated under the coprocessor's master key, which may lie in a file. Tokens of another
/// coprocessor, damaged ones and such of the wrong [`KeyKind`] are refused.
///
/// All methods take `&self`, since the plugin is called in from within its own callbacks. A key in
/// the hands of OpenSSL can be used from any thread, so backends must cope with that.
pub trait SecureKeyBackend: Send + Sync {
    /// What this is.
    ///
    /// # Errors
    /// The coprocessor does not answer.
    fn info(&self) -> Result<BackendInfo, SecureKeyError>;

    /// Checks that each of these APQNs is online and of the right type, and that all have the
    /// same master keys.
    ///
    /// # Errors
    /// An APQN cannot be used.
    fn check_apqns(&self, apqns: &[Apqn]) -> Result<ApqnReport, SecureKeyError>;

    /// Works with the first of these APQNs that can be used, from now on.
    ///
    /// # Errors
    /// None can be used; the error is that of the first.
    fn select_apqn(&self, apqns: &[Apqn]) -> Result<Apqn, SecureKeyError>;

    /// Generates a key pair that can sign.
    ///
    /// # Errors
    /// The coprocessor knows no such keys, or has no master key.
    fn generate_identity_key(&self, spec: KeySpec) -> Result<Vec<u8>, SecureKeyError>;

    /// Generates an RSA key pair, with the public exponent 65537, that can unwrap keys.
    ///
    /// # Errors
    /// The coprocessor knows no such keys, or has no master key.
    fn generate_wrapping_key(&self, bits: u32) -> Result<Vec<u8>, SecureKeyError>;

    /// The public half of an identity or wrapping key, as DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// The token is none of a key pair.
    fn public_key(&self, key: &[u8]) -> Result<Vec<u8>, SecureKeyError>;

    /// Signs a digest with an identity key. The result is a DER ECDSA-Sig-Value, or an RSA
    /// signature; RSA-PSS takes the digest for the mask too, and a salt of its length.
    ///
    /// # Errors
    /// The token is none of an identity key, or the scheme does not suit it.
    fn sign(
        &self,
        key: &[u8],
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, SecureKeyError>;

    /// Whether [`SecureKeyBackend::unwrap_aes_key`] knows this padding, as far as that is certain
    /// without trying.
    fn knows_padding(&self, _padding: WrapPadding) -> bool {
        true
    }

    /// Unwraps an AES key, that the key server wrapped, into a secure key.
    ///
    /// # Errors
    /// [`SecureKeyError::Unwrap`] for every fault of the wrapped key, without telling which: an
    /// attacker must not learn what was inside.
    fn unwrap_aes_key(&self, request: &UnwrapRequest<'_>) -> Result<UnwrappedKey, SecureKeyError>;

    /// Re-enciphers any token from one master key register to the next.
    ///
    /// # Errors
    /// The token is under no register, or the register is not loaded.
    fn reencipher(&self, key: &[u8], step: ReencipherStep) -> Result<Vec<u8>, SecureKeyError>;

    /// Checks a token and tells what it is and under which master key.
    ///
    /// # Errors
    /// The token is damaged, or of another coprocessor.
    fn verify(&self, key: &[u8]) -> Result<KeyStatus, SecureKeyError>;
}

/// What a backend is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendInfo {
    /// Name and version for the user.
    pub name: String,
    /// The type of adapters it works with.
    pub card_type: CardType,
    /// What the user must be told on each use.
    pub warning: Option<String>,
    /// Pattern of the current master key, if it is known.
    pub master_key: Option<VerificationPattern>,
}

/// What the check of APQNs brought up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApqnReport {
    /// Remarks for the user that do not forbid the use.
    pub remarks: Vec<String>,
}

/// Identifies a master key without telling it: 8 bytes, and 8 zeros, in CCA; 16 in EP11.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerificationPattern(pub [u8; 16]);

impl fmt::Display for VerificationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // CCA knows the first half only.
        let length = if self.0[8..] == [0; 8] { 8 } else { 16 };
        let mut bytes = self.0[..length].iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for VerificationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A register of master keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Register {
    /// The former master key.
    Old,
    /// The one in use.
    Current,
    /// The one to come.
    New,
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Register::Old => "OLD",
            Register::Current => "CURRENT",
            Register::New => "NEW",
        })
    }
}

/// One step of re-enciphering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReencipherStep {
    /// From the OLD register to CURRENT.
    OldToCurrent,
    /// From the CURRENT register to NEW.
    CurrentToNew,
}

/// What a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A key pair that signs.
    Identity,
    /// An RSA key pair that unwraps.
    Wrapping,
    /// An AES key.
    Aes(SecureKeyType),
}

/// What [`SecureKeyBackend::verify`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatus {
    /// What the token holds.
    pub kind: KeyKind,
    /// Size of the key in bits; 0 if the token hides it, as CCA-AESCIPHER tokens with a payload of
    /// fixed length do.
    pub bits: u32,
    /// The register that its master key is in.
    pub register: Register,
    /// Pattern of that master key.
    pub master_key: VerificationPattern,
}

/// How an identity key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// ECDSA.
    Ecdsa,
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1,
    /// RSASSA-PSS.
    RsaPss,
}

/// The digests that adapters know. Displayed with the name that profiles and KMIP have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DigestAlgorithm {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl DigestAlgorithm {
    /// All digests.
    pub const ALL: [DigestAlgorithm; 5] = [
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ];

    /// The name in profiles.
    const fn name(self) -> &'static str {
        match self {
            DigestAlgorithm::Sha1 => "SHA-1",
            DigestAlgorithm::Sha224 => "SHA-224",
            DigestAlgorithm::Sha256 => "SHA-256",
            DigestAlgorithm::Sha384 => "SHA-384",
            DigestAlgorithm::Sha512 => "SHA-512",
        }
    }

    /// OpenSSL's digest.
    pub fn message_digest(self) -> MessageDigest {
        match self {
            DigestAlgorithm::Sha1 => MessageDigest::sha1(),
            DigestAlgorithm::Sha224 => MessageDigest::sha224(),
            DigestAlgorithm::Sha256 => MessageDigest::sha256(),
            DigestAlgorithm::Sha384 => MessageDigest::sha384(),
            DigestAlgorithm::Sha512 => MessageDigest::sha512(),
        }
    }

    pub(super) fn md(self) -> &'static MdRef {
        match self {
            DigestAlgorithm::Sha1 => Md::sha1(),
            DigestAlgorithm::Sha224 => Md::sha224(),
            DigestAlgorithm::Sha256 => Md::sha256(),
            DigestAlgorithm::Sha384 => Md::sha384(),
            DigestAlgorithm::Sha512 => Md::sha512(),
        }
    }

    /// OpenSSL's name.
    pub(crate) const fn openssl_name(self) -> &'static CStr {
        match self {
            DigestAlgorithm::Sha1 => c"SHA1",
            DigestAlgorithm::Sha224 => c"SHA224",
            DigestAlgorithm::Sha256 => c"SHA256",
            DigestAlgorithm::Sha384 => c"SHA384",
            DigestAlgorithm::Sha512 => c"SHA512",
        }
    }

    /// Length of a digest in bytes.
    pub fn size(self) -> usize {
        self.message_digest().size()
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a key server wraps keys with a wrapping key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrapPadding {
    /// RSAES-PKCS1-v1_5.
    Pkcs1V15,
    /// RSAES-OAEP with an empty label, and this digest for the label and for the mask.
    Oaep(DigestAlgorithm),
}

impl WrapPadding {
    /// Size in bits of the largest AES key that an RSA key of so many bits can wrap (RFC 8017, 7.1.1
    /// and 7.2.1); `None` if there is no room for any.
    pub fn largest_aes_key(self, rsa_bits: u32) -> Option<u32> {
        let overhead = match self {
            WrapPadding::Pkcs1V15 => 11,
            WrapPadding::Oaep(digest) => 2 * digest.size() + 2,
        };
        let room = (rsa_bits.div_ceil(8) as usize).checked_sub(overhead)?;
        let mut sizes = [256, 192, 128].into_iter();
        sizes.find(|bits| *bits as usize / 8 <= room)
    }
}

impl fmt::Display for WrapPadding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WrapPadding::Pkcs1V15 => f.write_str("PKCS1.5"),
            WrapPadding::Oaep(digest) => write!(f, "OAEP, {digest}"),
        }
    }
}

/// What [`SecureKeyBackend::unwrap_aes_key`] is to do.
#[derive(Clone, Copy)]
pub struct UnwrapRequest<'a> {
    /// Token of the wrapping key.
    pub wrapping_key: &'a [u8],
    /// How the key was wrapped.
    pub padding: WrapPadding,
    /// The wrapped key.
    pub wrapped: &'a [u8],
    /// The type of secure key to make.
    pub key_type: SecureKeyType,
}

/// What [`SecureKeyBackend::unwrap_aes_key`] made.
#[derive(Clone, PartialEq, Eq)]
pub struct UnwrappedKey {
    /// The secure key.
    pub token: Vec<u8>,
    /// Size of the AES key in bits, which not every token tells.
    pub bits: u32,
}

/// Without the keys.
impl fmt::Debug for UnwrapRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnwrapRequest")
            .field("padding", &self.padding)
            .field("key_type", &self.key_type)
            .finish_non_exhaustive()
    }
}

/// Without the key.
impl fmt::Debug for UnwrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnwrappedKey")
            .field("bits", &self.bits)
            .finish_non_exhaustive()
    }
}

/// The size in bytes of a secure key of this type; the largest one where there are several.
pub const fn secure_key_size(key_type: SecureKeyType) -> usize {
    match key_type {
        SecureKeyType::CcaAesData => 64,
        SecureKeyType::CcaAesCipher => 136,
        SecureKeyType::Ep11Aes => 336,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_keys() {
        let key = vec![201, 202, 203];
        let request = UnwrapRequest {
            wrapping_key: &key,
            padding: WrapPadding::Pkcs1V15,
            wrapped: &key,
            key_type: SecureKeyType::CcaAesData,
        };
        let shown = format!("{request:?}");
        assert!(
            shown.contains("Pkcs1V15") && !shown.contains("202"),
            "{shown}"
        );
        let token = key.clone();
        let shown = format!("{:?}", UnwrappedKey { token, bits: 256 });
        assert!(shown.contains("256") && !shown.contains("202"), "{shown}");
    }
}
