//! What can go wrong with a coprocessor.

use openssl::error::ErrorStack;

use super::backend::{KeyKind, Register, VerificationPattern};
use super::ep11;
use super::spec::{CardType, KeySpec};
use crate::abi::{Apqn, Errno, PluginError, SecureKeyType};
use crate::files::FileError;
use crate::provider::ProviderError;

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
    /// The host library of the adapters cannot be loaded.
    #[error(
        "the host library for {card_type} adapters cannot be loaded ({names}): install it, or set \
         {variable}=software for tests on a machine without adapters",
        variable = super::BACKEND_VARIABLE
    )]
    LibraryMissing {
        /// The type of adapters.
        card_type: CardType,
        /// The names that were tried.
        names: &'static str,
        /// Why the first of them cannot be loaded.
        source: libloading::Error,
    },
    /// The host library of the adapters lacks a function.
    #[error(
        "the host library for {card_type} adapters, {library}, has no function {symbol}: it is \
         too old or another library of this name; install a newer version"
    )]
    SymbolMissing {
        /// The type of adapters.
        card_type: CardType,
        /// The name it was loaded by.
        library: &'static str,
        /// The function.
        symbol: &'static str,
        /// What the loader said.
        source: libloading::Error,
    },
    /// A function of the host library failed.
    #[error("{call}{place} failed: {failure}", place = place(apqn.as_ref()))]
    Call {
        /// The function.
        call: &'static str,
        /// The adapter and domain it was meant for, if one was selected.
        apqn: Option<Apqn>,
        /// What it returned.
        failure: CallFailure,
    },
    /// Something is too old for what is wanted.
    #[error("{what}{place} is {found}, but {purpose} needs at least {needed}",
        place = place(apqn.as_ref()))]
    TooOld {
        /// What is too old.
        what: &'static str,
        /// The adapter and domain, if it is about one.
        apqn: Option<Apqn>,
        /// What it is.
        found: String,
        /// What it should be.
        needed: &'static str,
        /// What for.
        purpose: &'static str,
    },
    /// An APQN has no master key.
    #[error(
        "APQN {apqn} has no valid {kind} master key in its CURRENT register: load and set the \
         master key of the adapter first"
    )]
    NoMasterKey {
        /// The APQN.
        apqn: Apqn,
        /// The kind of master key.
        kind: &'static str,
    },
    /// Two APQNs have different master keys.
    #[error(
        "the CURRENT {kind} master keys of APQN {first} ({first_pattern}) and APQN {other} \
         ({other_pattern}) differ: give all APQNs the same master key, or use only those that have it"
    )]
    MasterKeyMismatch {
        /// The kind of master key.
        kind: &'static str,
        /// The first APQN.
        first: Apqn,
        /// Pattern of its master key.
        first_pattern: VerificationPattern,
        /// The other one.
        other: Apqn,
        /// Pattern of that one's.
        other_pattern: VerificationPattern,
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
    /// The adapter returned a signature of so many bytes.
    #[error("the adapter returned a signature of {0} bytes, which cannot be two numbers")]
    BadSignature(usize),
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
         it belongs to another adapter, or the master key was changed without re-enciphering{}",
        cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default()
    )]
    UnknownMasterKey {
        /// Pattern of the master key of the token.
        pattern: String,
        /// What the host library said.
        cause: Option<Box<SecureKeyError>>,
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
    /// An adapter has nothing to re-encipher for.
    #[error(
        "APQN {apqn} has no complete NEW {kind} master key: load it, and with EP11 commit it, \
         before re-enciphering"
    )]
    NoNewMasterKey {
        /// The APQN.
        apqn: Apqn,
        /// The kind of master key.
        kind: &'static str,
    },
    /// The kernel cannot use a new key.
    #[error(
        "the kernel cannot use the secure key that APQN {apqn} made: check with lszcrypt that an \
         APQN with its master key is online"
    )]
    Kernel {
        /// The APQN.
        apqn: Apqn,
        /// What `/dev/pkey` said.
        source: std::io::Error,
    },
    /// The kernel is too old for a new key.
    #[error(
        "the secure key that APQN {apqn} made is bound to a session, which this kernel does not \
         know: update the kernel"
    )]
    SessionBound {
        /// The APQN.
        apqn: Apqn,
    },
    /// The token was changed.
    #[error("the secure key is damaged: its authentication fails")]
    NotAuthentic,
    /// The wrapped key cannot be unwrapped.
    #[error(
        "the wrapped key cannot be unwrapped: it was wrapped for another wrapping key, with \
         another padding, or is damaged or no AES key"
    )]
    Unwrap,
    /// A host library cannot unwrap the wrapped key. The reason code is not told: it would help
    /// an attacker to find out what was inside.
    #[error(
        "{call} on APQN {apqn}: the wrapped key cannot be unwrapped: it was wrapped for another \
         wrapping key, with another padding, or is damaged or no AES key; check that the key \
         server uses the wrapping key and the padding that are configured"
    )]
    UnwrapRefused {
        /// The function.
        call: &'static str,
        /// The adapter and domain.
        apqn: Apqn,
    },
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
    /// OpenSSL cannot use such a key for TLS.
    #[error("the identity key is neither an elliptic curve key nor an RSA key")]
    TlsKeyType,
    /// OpenSSL failed.
    #[error("OpenSSL cannot {operation}")]
    OpenSsl {
        /// A verb phrase.
        operation: &'static str,
        /// Why not.
        source: ErrorStack,
    },
}

/// What a function of a host library returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// A verb of CCA failed.
    #[error("return code {return_code}, reason code {reason_code}{}", suffix(.explanation))]
    Cca {
        /// How bad it is: 4, 8, 12 or 16.
        return_code: i64,
        /// What it is.
        reason_code: i64,
        /// What that means.
        explanation: Option<&'static str>,
    },
    /// A function of EP11 failed.
    #[error("CK_RV {rv:#x}{}", suffix(.explanation))]
    Ep11 {
        /// The return value.
        rv: u64,
        /// What that means.
        explanation: Option<&'static str>,
    },
    /// A function of the EP11 host library failed, before it got to an adapter.
    #[error("return value {code}{}", suffix(.explanation))]
    Ep11Host {
        /// The return value.
        code: i32,
        /// What that means.
        explanation: Option<&'static str>,
    },
    /// It succeeded with a result that makes no sense.
    #[error("it succeeded, but {0}; this is a defect of the library or of the adapter")]
    Nonsense(&'static str),
}

fn place(apqn: Option<&Apqn>) -> String {
    apqn.map(|apqn| format!(" on APQN {apqn}"))
        .unwrap_or_default()
}

fn suffix(explanation: &Option<&'static str>) -> String {
    explanation
        .map(|text| format!(": {text}"))
        .unwrap_or_default()
}

impl CallFailure {
    /// Whether the adapter cannot be used at all, or lacks its master key, which another one may
    /// have.
    pub fn is_of_adapter(self) -> bool {
        match self {
            CallFailure::Cca {
                return_code: 12 | 16,
                ..
            } => true,
            CallFailure::Ep11 { rv, .. } => ep11::return_code::is_of_adapter(rv),
            CallFailure::Ep11Host { .. } => true,
            _ => false,
        }
    }
}

impl SecureKeyError {
    pub(super) fn openssl(operation: &'static str) -> impl Fn(ErrorStack) -> SecureKeyError {
        move |source| SecureKeyError::OpenSsl { operation, source }
    }
}

impl From<ProviderError> for SecureKeyError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::KeyType => SecureKeyError::TlsKeyType,
            ProviderError::OpenSsl { operation, source } => {
                SecureKeyError::OpenSsl { operation, source }
            }
        }
    }
}

impl From<SecureKeyError> for PluginError {
    fn from(error: SecureKeyError) -> Self {
        let errno = match &error {
            SecureKeyError::LibraryMissing { .. }
            | SecureKeyError::SymbolMissing { .. }
            | SecureKeyError::UnknownBackend { .. } => Errno::ELIBACC,
            SecureKeyError::Call { failure, .. } if failure.is_of_adapter() => Errno::ENODEV,
            SecureKeyError::TooOld { .. } => Errno::ENOTSUP,
            SecureKeyError::Apqn { .. }
            | SecureKeyError::NoMasterKey { .. }
            | SecureKeyError::NoNewMasterKey { .. }
            | SecureKeyError::MasterKeyMismatch { .. }
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
