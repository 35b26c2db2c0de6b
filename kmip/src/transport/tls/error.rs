//! Why TLS failed: options and files, certificates, handshakes.

use std::fmt;
use std::io;
use std::path::PathBuf;

use openssl::error::ErrorStack;

use super::Fingerprint;

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

/// A TLS alert (RFC 8446, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub u8);

impl Alert {
    /// No common protocol version, cipher suite or parameter.
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// The certificate was damaged or its signature wrong.
    pub const BAD_CERTIFICATE: Alert = Alert(42);
    /// The certificate is of a type that the peer does not handle.
    pub const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    /// The certificate was revoked by its issuer.
    pub const CERTIFICATE_REVOKED: Alert = Alert(44);
    /// The certificate has expired.
    pub const CERTIFICATE_EXPIRED: Alert = Alert(45);
    /// Something else about the certificate is not acceptable.
    pub const CERTIFICATE_UNKNOWN: Alert = Alert(46);
    /// The issuer of the certificate is not known to the peer.
    pub const UNKNOWN_CA: Alert = Alert(48);
    /// The certificate is good, but its holder has no access.
    pub const ACCESS_DENIED: Alert = Alert(49);
    /// The peer speaks none of the protocol versions.
    pub const PROTOCOL_VERSION: Alert = Alert(70);
    /// The cipher suites or keys are too weak for the peer.
    pub const INSUFFICIENT_SECURITY: Alert = Alert(71);
    /// The server has no certificate for the name.
    pub const UNRECOGNIZED_NAME: Alert = Alert(112);
    /// The server demands a client certificate.
    pub const CERTIFICATE_REQUIRED: Alert = Alert(116);

    /// Whether it is about the certificate of the receiver.
    pub fn is_about_certificate(self) -> bool {
        matches!(self.0, 42..=46 | 48 | 49 | 116)
    }

    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close notify",
            10 => "unexpected message",
            20 => "bad record MAC",
            22 => "record overflow",
            40 => "handshake failure",
            42 => "bad certificate",
            43 => "unsupported certificate",
            44 => "certificate revoked",
            45 => "certificate expired",
            46 => "certificate unknown",
            47 => "illegal parameter",
            48 => "unknown CA",
            49 => "access denied",
            50 => "decode error",
            51 => "decrypt error",
            70 => "protocol version",
            71 => "insufficient security",
            80 => "internal error",
            86 => "inappropriate fallback",
            90 => "user canceled",
            109 => "missing extension",
            110 => "unsupported extension",
            112 => "unrecognized name",
            113 => "bad certificate status response",
            115 => "unknown PSK identity",
            116 => "certificate required",
            120 => "no application protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}
