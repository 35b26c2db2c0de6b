//! What can go wrong with certificates.

use openssl::error::ErrorStack;

use crate::abi::{Errno, PluginError};
use crate::secure_key::SecureKeyError;

/// A certificate or request cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A part of the subject is wrong.
    #[error("subject: `{item}` cannot be used: {problem}")]
    Rdn {
        /// The part.
        item: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A part of the subject occurs twice.
    #[error("subject: `{0}` occurs twice")]
    DuplicateRdn(String),
    /// There is no subject.
    #[error("the subject is empty")]
    EmptySubject,
    /// An extension is wrong.
    #[error("extensions: `{item}` cannot be used: {problem}")]
    Extension {
        /// The extension.
        item: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An extension occurs twice.
    #[error("extensions: `{0}` occurs twice")]
    DuplicateExtension(String),
    /// The digest is unknown.
    #[error("`{0}` is not a digest that OpenSSL knows")]
    UnknownDigest(String),
    /// The digest cannot be used for signatures.
    #[error("certificates cannot be signed with `{0}`: use sha224, sha256, sha384 or sha512")]
    UnsupportedDigest(String),
    /// The certificate would be valid for too long.
    #[error("a certificate cannot be valid for {0} days")]
    Validity(u32),
    /// The identity key is of a kind that certificates cannot have here.
    #[error("the identity key is neither an elliptic curve key nor an RSA key")]
    KeyKind,
    /// There is no certificate in the PEM text.
    #[error("there is no certificate in PEM form in it")]
    NoCertificate,
    /// No certificate is for the identity key.
    #[error(
        "the certificate was issued for another key: have one issued for a request that was made \
         with '--gen-csr' for the present identity key"
    )]
    WrongKey,
    /// The certificate is not valid any more.
    #[error("the certificate expired at {0}")]
    Expired(String),
    /// Something that should be DER is none.
    #[error("the {0} cannot be decoded")]
    Undecodable(&'static str),
    /// The signature that the backend made is wrong.
    #[error("the identity key made a signature that does not verify")]
    BadSignature,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] SecureKeyError),
    /// OpenSSL failed.
    #[error("OpenSSL cannot {operation}")]
    OpenSsl {
        /// A verb phrase.
        operation: &'static str,
        /// Why not.
        source: ErrorStack,
    },
}

impl IdentityError {
    pub(super) fn openssl(operation: &'static str) -> impl Fn(ErrorStack) -> IdentityError {
        move |source| IdentityError::OpenSsl { operation, source }
    }
}

impl From<IdentityError> for PluginError {
    fn from(error: IdentityError) -> Self {
        let message = error.to_string();
        match error {
            IdentityError::Backend(error) => error.into(),
            IdentityError::OpenSsl { source, .. } => {
                PluginError::new(Errno::EIO, message).caused_by(source)
            }
            IdentityError::BadSignature => PluginError::new(Errno::EIO, message),
            _ => PluginError::invalid(message),
        }
    }
}

/// The reason of OpenSSL's first error, which is the one that counts.
pub(super) fn reason(error: &ErrorStack) -> String {
    let first = error.errors().first();
    let reason = first.and_then(openssl::error::Error::reason);
    let data = first.and_then(openssl::error::Error::data);
    match (reason, data) {
        (Some(reason), Some(data)) => format!("{reason} ({data})"),
        (Some(reason), None) => reason.to_owned(),
        _ => "OpenSSL refuses it".to_owned(),
    }
}
