//! What a token is and under which master key: the adapter is asked to use it.

use openssl::encrypt::Encrypter;
use openssl::rand::rand_bytes;
use openssl::rsa::Padding;
use openssl::sha::sha256;
use zeroize::Zeroizing;

use super::Cca;
use super::adapters::Adapter;
use super::aes_token::AesToken;
use super::keys::{Used, is_about_the_operation, reason};
use super::pair_token::{PairToken, PublicHalf};
use crate::abi::SecureKeyType;
use crate::secure_key::{
    DigestAlgorithm, KeyKind, KeyStatus, MasterKeyPatterns, Register, SecureKeyError,
    SignatureScheme, VerificationPattern, WrapPadding,
};

impl Cca {
    /// Has the adapter use a key pair.
    pub(super) fn verify_pair(
        &self,
        adapter: &Adapter,
        key: &[u8],
    ) -> Result<KeyStatus, SecureKeyError> {
        let token = PairToken::read(key)?;
        let used = match token.kind {
            KeyKind::Wrapping => {
                let wrapped = wrap_random_key(&token)?;
                let imported = adapter.import(key, WrapPadding::Pkcs1V15, &wrapped);
                imported.map(|(_, used)| used)
            }
            KeyKind::Identity | KeyKind::Aes(_) => {
                let scheme = match token.public {
                    PublicHalf::Ecc { .. } => SignatureScheme::Ecdsa,
                    PublicHalf::Rsa { .. } => SignatureScheme::RsaPkcs1,
                };
                // Signs nothing that anybody could take for a message.
                let digest = sha256(b"zkey-kmip checks an identity key\0");
                let algorithm = DigestAlgorithm::Sha256;
                let signed = adapter.sign(key, &token, scheme, algorithm, &digest);
                signed.map(|(_, used)| used)
            }
        };
        Ok(KeyStatus {
            kind: token.kind,
            bits: token.bits(),
            register: register(used, token.pattern, || Ok(adapter.master_keys()?.0))?,
            master_key: pattern(token.pattern),
        })
    }

    /// Has the adapter use an AES key.
    pub(super) fn verify_aes(
        &self,
        adapter: &Adapter,
        key: &[u8],
    ) -> Result<KeyStatus, SecureKeyError> {
        let token = AesToken::read(key)?;
        let used = match token.key_type {
            SecureKeyType::CcaAesCipher => adapter.restrict(key),
            _ => match adapter.check_aescipher() {
                Ok(()) => adapter.to_cipher(key),
                // An old adapter has no verb that uses the key and leaves it as it is.
                Err(SecureKeyError::TooOld { .. }) => {
                    return self.status_by_pattern(adapter, &token);
                }
                Err(error) => Err(error),
            },
        };
        if used.as_ref().is_err_and(is_about_the_operation) {
            // The access control points may forbid a verb that only this check needs.
            return self.status_by_pattern(adapter, &token);
        }
        let used = used.map(|(_, used)| used);
        Ok(KeyStatus {
            kind: KeyKind::Aes(token.key_type),
            bits: token.bits,
            register: register(used, token.pattern, || self.aes_master_keys(adapter))?,
            master_key: pattern(token.pattern),
        })
    }

    fn status_by_pattern(
        &self,
        adapter: &Adapter,
        token: &AesToken<'_>,
    ) -> Result<KeyStatus, SecureKeyError> {
        let found = self.aes_master_keys(adapter)?.find(token.pattern);
        Ok(KeyStatus {
            kind: KeyKind::Aes(token.key_type),
            bits: token.bits,
            register: found.ok_or_else(|| unknown_master_key(token.pattern, None))?,
            master_key: pattern(token.pattern),
        })
    }
}

/// Where the master key of a token is, after it was used or not.
fn register(
    used: Result<Used, SecureKeyError>,
    pattern: &[u8],
    registers: impl Fn() -> Result<MasterKeyPatterns, SecureKeyError>,
) -> Result<Register, SecureKeyError> {
    const MASTER_KEY_PATTERN: i64 = 48;
    match used {
        Ok(Used::Current) => Ok(Register::Current),
        Ok(Used::Old) => Ok(Register::Old),
        Err(error) if reason(&error) == Some(MASTER_KEY_PATTERN) => {
            // The adapter uses no key under NEW.
            match registers()?.find(pattern) {
                Some(Register::New) => Ok(Register::New),
                _ => Err(unknown_master_key(pattern, Some(error))),
            }
        }
        Err(error) => Err(error),
    }
}

fn unknown_master_key(token: &[u8], cause: Option<SecureKeyError>) -> SecureKeyError {
    SecureKeyError::UnknownMasterKey {
        pattern: pattern(token).to_string(),
        cause: cause.map(Box::new),
    }
}

/// The pattern in a token, which has eight bytes.
fn pattern(token: &[u8]) -> VerificationPattern {
    let mut pattern = [0; 16];
    pattern[..token.len()].copy_from_slice(token);
    VerificationPattern(pattern)
}

/// A key that nobody needs, to see whether the wrapping key unwraps it.
fn wrap_random_key(token: &PairToken<'_>) -> Result<Vec<u8>, SecureKeyError> {
    let public = token.public_key()?;
    let wrap = || {
        let mut key = Zeroizing::new([0; 16]);
        rand_bytes(key.as_mut())?;
        let mut encrypter = Encrypter::new(&public)?;
        encrypter.set_rsa_padding(Padding::PKCS1)?;
        let mut wrapped = vec![0; encrypter.encrypt_len(key.as_ref())?];
        let length = encrypter.encrypt(key.as_ref(), &mut wrapped)?;
        wrapped.truncate(length);
        Ok(wrapped)
    };
    wrap().map_err(SecureKeyError::openssl("wrap a key for the wrapping key"))
}
