//! Why TLS failed: options and files, certificates, handshakes.

use std::fmt;
use std::io;
use std::path::PathBuf;

use openssl::error::ErrorStack;

use super::{Alert, Fingerprint, TlsVersion};

/// TLS could not be set up, or the peers could not agree, or one does not trust the other.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the configuration is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// OpenSSL does not accept an option.
    #[error("OpenSSL does not accept {option} '{value}'")]
    Option {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
        /// OpenSSL's reason.
        source: ErrorStack,
    },
    /// The private key does not belong to the certificate.
    #[error("the private key {key} does not belong to the certificate {certificate}")]
    KeyMismatch {
        /// Where the certificate came from.
        certificate: String,
        /// Where the key came from.
        key: String,
    },
    /// The server's certificate is not trusted, or is for another host.
    #[error(transparent)]
    Verification(#[from] VerificationError),
    /// The server shows another certificate than the one that is trusted or pinned.
    #[error(
        "the server presents another certificate ({presented}) than the {kind} one ({expected})"
    )]
    OtherCertificate {
        /// "pinned" or "trusted".
        kind: &'static str,
        /// The fingerprint of the expected certificate.
        expected: Fingerprint,
        /// The fingerprint of the presented certificate.
        presented: Fingerprint,
    },
    /// The server has another public key than the pinned one.
    #[error("the server has another public key ({presented}) than the pinned one ({expected})")]
    OtherPublicKey {
        /// The fingerprint of the pinned key.
        expected: Fingerprint,
        /// The fingerprint of the server's key.
        presented: Fingerprint,
    },
    /// The peer has shown no certificate.
    #[error("the peer presents no certificate")]
    NoCertificate,
    /// The peers could not agree.
    #[error(transparent)]
    Handshake(#[from] Box<HandshakeError>),
    /// The peer ended the established connection with an alert. With TLS 1.3 this is how a server
    /// refuses a client certificate.
    #[error(
        "the peer ended the TLS connection with the alert '{alert}'{}",
        hint(advice)
    )]
    Alert {
        /// The alert.
        alert: Alert,
        /// What may help.
        advice: Option<String>,
    },
    /// OpenSSL failed.
    #[error("OpenSSL cannot {doing}")]
    OpenSsl {
        /// At what.
        doing: &'static str,
        /// OpenSSL's reason.
        source: ErrorStack,
    },
}

impl Error {
    pub(super) fn openssl(doing: &'static str) -> impl FnOnce(ErrorStack) -> Error {
        move |source| Error::OpenSsl { doing, source }
    }

    /// Whether the same would happen again until settings or certificates are changed.
    pub fn is_lasting(&self) -> bool {
        match self {
            Error::File(_)
            | Error::Option { .. }
            | Error::KeyMismatch { .. }
            | Error::Verification(_)
            | Error::OtherCertificate { .. }
            | Error::OtherPublicKey { .. }
            | Error::NoCertificate => true,
            Error::Handshake(error) => error
                .alert
                .is_some_and(|alert| alert != Alert::INTERNAL_ERROR),
            Error::Alert { alert, .. } => alert.is_about_certificate(),
            Error::OpenSsl { .. } => false,
        }
    }

    /// The TLS error inside an I/O error of a [`TlsStream`](super::TlsStream).
    pub fn in_io(error: &io::Error) -> Option<&Error> {
        error.get_ref()?.downcast_ref()
    }

    /// Takes the TLS error out of an I/O error.
    ///
    /// # Errors
    /// The error itself, if it is of another kind.
    pub fn from_io(error: io::Error) -> Result<Error, io::Error> {
        error.downcast()
    }
}

/// A file with certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the {role} '{}'", path.display())]
    Read {
        /// What it is for.
        role: FileRole,
        /// Where it is.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It does not hold what it should.
    #[error("the {role} '{}' holds no {expected}", path.display())]
    Content {
        /// What it is for.
        role: FileRole,
        /// Where it is.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// OpenSSL's reason; none if there is simply nothing.
        source: Option<ErrorStack>,
    },
    /// It is encrypted and no pass phrase is given.
    #[error("the {role} '{}' is encrypted; a pass phrase is needed", path.display())]
    Encrypted {
        /// What it is for.
        role: FileRole,
        /// Where it is.
        path: PathBuf,
    },
    /// It cannot be decrypted.
    #[error("cannot decrypt the {role} '{}': wrong pass phrase, or a cipher that OpenSSL has retired", path.display())]
    PassPhrase {
        /// What it is for.
        role: FileRole,
        /// Where it is.
        path: PathBuf,
        /// OpenSSL's reason.
        source: ErrorStack,
    },
    /// A directory of CA certificates in which OpenSSL finds nothing.
    #[error("the {role} '{}' has no file named by subject hash; 'openssl rehash' makes these names", path.display())]
    NotHashed {
        /// What it is for.
        role: FileRole,
        /// Where it is.
        path: PathBuf,
    },
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileRole {
    /// Certificates of trusted authorities.
    CaFile,
    /// A directory of them, named by subject hash.
    CaDirectory,
    /// Lists of revoked certificates.
    CrlFile,
    /// Our own certificate.
    Certificate,
    /// Our own private key.
    PrivateKey,
    /// Both, in PKCS#12.
    Pkcs12,
}

impl fmt::Display for FileRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileRole::CaFile => "CA certificate file",
            FileRole::CaDirectory => "CA certificate directory",
            FileRole::CrlFile => "certificate revocation list file",
            FileRole::Certificate => "certificate file",
            FileRole::PrivateKey => "private key file",
            FileRole::Pkcs12 => "PKCS#12 file",
        })
    }
}

/// The peer's certificate did not pass verification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the peer's certificate is not accepted: {reason}{} ({certificate}){}", depth_text(*depth), hint(advice))]
#[non_exhaustive]
pub struct VerificationError {
    /// OpenSSL's number of the reason (`X509_V_ERR_...`).
    pub code: i32,
    /// The reason in words.
    pub reason: String,
    /// Which certificate of the chain: 0 is the peer's, 1 its issuer's, and so on.
    pub depth: u32,
    /// Subject, issuer and validity of that certificate.
    pub certificate: String,
    /// What may help.
    pub advice: Option<String>,
}

impl VerificationError {
    /// Whether the certificate is for another host.
    pub fn is_host_name(&self) -> bool {
        super::verify::is_host_name(self.code)
    }
}

/// A handshake that failed for another reason than the peer's certificate.
#[derive(Debug, thiserror::Error)]
#[error("{}; we offered {offered}{}", reason(*alert, closed, source), hint(advice))]
#[non_exhaustive]
pub struct HandshakeError {
    /// The alert that the peer sent.
    pub alert: Option<Alert>,
    /// Whether the peer closed the connection instead of answering.
    pub closed: bool,
    /// Protocol versions, cipher suites and certificate that we offered, and what the peer
    /// offered as far as it is known.
    pub offered: String,
    /// The versions that the server took when it was asked again without our limits, the newest first;
    /// none if it was not asked.
    pub taken: Vec<TlsVersion>,
    /// What may help.
    pub advice: Option<String>,
    /// OpenSSL's reason.
    pub source: Option<ErrorStack>,
}

fn reason(alert: Option<Alert>, closed: &bool, source: &Option<ErrorStack>) -> String {
    match (alert, closed, source) {
        (Some(alert), ..) => format!("the peer refuses with the alert '{alert}'"),
        (None, true, _) => "the peer closed the connection".to_owned(),
        (None, _, Some(stack)) => match (foreign(stack), first_reason(stack)) {
            (Some(text), _) => format!("our own side failed: {text}"),
            (None, Some(reason)) => format!("the peers could not agree ({reason})"),
            (None, None) => "the peers could not agree".to_owned(),
        },
        (None, false, None) => "the peers could not agree".to_owned(),
    }
}

fn first_reason(stack: &ErrorStack) -> Option<&'static str> {
    stack.errors().first()?.reason()
}

/// What a private key outside OpenSSL has to say, when it could not sign: applications' errors
/// begin with the library `ERR_LIB_USER`.
fn foreign(stack: &ErrorStack) -> Option<&str> {
    const LIBRARY_USER: i32 = 128;
    let mut errors = stack.errors().iter();
    errors
        .find(|error| error.library_code() >= LIBRARY_USER)?
        .data()
}

fn depth_text(depth: u32) -> String {
    match depth {
        0 => String::new(),
        depth => format!(", at depth {depth} of its chain"),
    }
}

fn hint(advice: &Option<String>) -> String {
    match advice {
        Some(advice) => format!("; {advice}"),
        None => String::new(),
    }
}
