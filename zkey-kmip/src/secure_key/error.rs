//! What can go wrong with a coprocessor.

use openssl::error::ErrorStack;

use super::backend::{KeyKind, Register};
use super::spec::{CardType, KeySpec};
use crate::abi::{Apqn, Errno, PluginError, SecureKeyType};
use crate::files::FileError;

/// A coprocessor, or what stands in for one, refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecureKeyError {
    /// The environment names a backend that does not exist.
    #[error("{variable}={name}: there is no such backend; the only value is `software`",
        variable = super::BACKEND_VARIABLE)]
    UnknownBackend {
        /// The name.
        name: String,
    },
    /// The environment names a type of adapters that does not exist.
    #[error("{variable}={name}: must be CCA or EP11", variable = super::CARD_TYPE_VARIABLE)]
    UnknownCardType {
        /// The name.
        name: String,
    },
    /// The backend that goes with the adapters is missing.
    #[error(
        "the library for {card_type} adapters cannot be used by this version; for tests on a \
         machine without adapters, set {variable}=software",
        variable = super::BACKEND_VARIABLE
    )]
    NoLibrary {
        /// The type of adapters.
        card_type: CardType,
    },
    /// There is no APQN to choose from.
    #[error("no APQNs are given")]
    NoApqn,
    /// An APQN cannot be used.
    #[error("APQN {apqn} cannot be used: {problem}")]
    Apqn {
        /// The APQN.
        apqn: Apqn,
        /// Why not.
        problem: super::ap_bus::ApqnProblem,
    },
    /// The kind of key pair is unknown.
    #[error("the backend cannot generate a key {spec}")]
    UnsupportedKey {
        /// What was asked for.
        spec: KeySpec,
    },
    /// The adapters cannot make secure keys of this type.
    #[error("{card_type} adapters cannot make secure keys of type {key_type}")]
    UnsupportedKeyType {
        /// The type of secure key.
        key_type: SecureKeyType,
        /// The type of adapters.
        card_type: CardType,
    },
    /// The signature scheme does not suit the key, or the digest has the wrong length.
    #[error("this identity key cannot make such a signature")]
    UnsupportedSignature,
    /// The token is no token, or not one that this backend can read.
    #[error("the {what} is no secure key of this backend: {problem}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The token is of another kind.
    #[error("a key of kind {found:?} cannot be used for this: {wanted:?} is needed")]
    WrongKind {
        /// What it is.
        found: KeyKind,
        /// What is needed.
        wanted: KeyKind,
    },
    /// The token is under a master key that the backend does not have.
    #[error(
        "the secure key is enciphered under the master key {pattern}, which is in no register: \
         it belongs to another adapter, or the master key was changed without re-enciphering"
    )]
    UnknownMasterKey {
        /// Pattern of the master key of the token.
        pattern: String,
    },
    /// The token is under a master key that cannot be used for this.
    #[error("the secure key is enciphered under the {found} master key, not the {wanted} one")]
    WrongRegister {
        /// Where its master key is.
        found: Register,
        /// Where it should be.
        wanted: Register,
    },
    /// A register has no master key.
    #[error("the {0} master key is not loaded")]
    NotLoaded(Register),
    /// The token was changed.
    #[error("the secure key is damaged: its authentication fails")]
    NotAuthentic,
    /// The wrapped key cannot be unwrapped.
    #[error(
        "the wrapped key cannot be unwrapped: it was wrapped for another wrapping key, with \
         another padding, or is damaged or no AES key"
    )]
    Unwrap,
    /// The file with the software master keys cannot be used.
    #[error("software master key file {}: {problem}", path.display())]
    MasterKeyFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: super::software::MasterKeyFileProblem,
    },
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// OpenSSL failed.
    #[error("OpenSSL cannot {operation}")]
    OpenSsl {
        /// A verb phrase.
        operation: &'static str,
        /// Why not.
        source: ErrorStack,
    },
}

impl SecureKeyError {
    pub(super) fn openssl(operation: &'static str) -> impl Fn(ErrorStack) -> SecureKeyError {
        move |source| SecureKeyError::OpenSsl { operation, source }
    }
}

impl From<SecureKeyError> for PluginError {
    fn from(error: SecureKeyError) -> Self {
        let errno = match &error {
            SecureKeyError::NoLibrary { .. } | SecureKeyError::UnknownBackend { .. } => {
                Errno::ELIBACC
            }
            SecureKeyError::Apqn { .. }
            | SecureKeyError::NoApqn
            | SecureKeyError::NotLoaded(_)
            | SecureKeyError::WrongRegister { .. }
            | SecureKeyError::UnknownMasterKey { .. } => Errno::ENODEV,
            SecureKeyError::UnknownCardType { .. }
            | SecureKeyError::UnsupportedKey { .. }
            | SecureKeyError::UnsupportedKeyType { .. }
            | SecureKeyError::UnsupportedSignature
            | SecureKeyError::Malformed { .. }
            | SecureKeyError::WrongKind { .. } => Errno::EINVAL,
            SecureKeyError::File(error) => Errno::from(error.io()),
            _ => Errno::EIO,
        };
        let message = error.to_string();
        PluginError::new(errno, message).caused_by(error)
    }
}
