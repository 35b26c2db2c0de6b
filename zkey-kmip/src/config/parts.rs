//! What belongs to a configuration: the names in `kmip.conf`, the files beside it, and which of
//! them make up which part.

use std::fmt;

use crate::files::Access;

/// The names in `kmip.conf`.
pub(super) mod key {
    pub(in crate::config) const APQNS: &str = "apqns";
    pub(in crate::config) const APQN_TYPE: &str = "apqn-type";
    pub(in crate::config) const IDENTITY_KEY: &str = "identity-key";
    pub(in crate::config) const IDENTITY_KEY_ALGORITHM: &str = "identity-key-algorithm";
    pub(in crate::config) const IDENTITY_KEY_PARAMS: &str = "identity-key-params";
    pub(in crate::config) const IDENTITY_KEY_REENC: &str = "identity-key-reenc";
    pub(in crate::config) const CLIENT_CERTIFICATE: &str = "client-certificate";
    pub(in crate::config) const CLIENT_CERTIFICATE_ALGORITHM: &str = "client-certificate-algorithm";
    pub(in crate::config) const KMIP_SERVER: &str = "kmip-server";
    pub(in crate::config) const KMIP_SERVER_INFO: &str = "kmip-server-info";
    pub(in crate::config) const PROFILE: &str = "profile";
    pub(in crate::config) const PROTOCOL_VERSION: &str = "protocol-version";
    pub(in crate::config) const CA_BUNDLE: &str = "ca-bundle";
    pub(in crate::config) const SERVER_CERT: &str = "server-cert";
    pub(in crate::config) const SERVER_PUBKEY: &str = "server-pubkey";
    pub(in crate::config) const VERIFY_SERVER_CERT: &str = "verify-server-cert";
    pub(in crate::config) const VERIFY_HOSTNAME: &str = "verify-hostname";
    pub(in crate::config) const WRAPPING_KEY: &str = "wrapping-key";
    pub(in crate::config) const WRAPPING_KEY_REENC: &str = "wrapping-key-reenc";
    pub(in crate::config) const WRAPPING_KEY_ALGORITHM: &str = "wrapping-key-algorithm";
    pub(in crate::config) const WRAPPING_KEY_PARAMS: &str = "wrapping-key-params";
    pub(in crate::config) const WRAPPING_KEY_ID: &str = "wrapping-key-id";
    pub(in crate::config) const WRAPPING_KEY_LABEL: &str = "wrapping-key-label";
    /// Unknown to the C plugin, which keeps it.
    pub(in crate::config) const SERVER_TRAITS: &str = "server-traits";
    /// TLS version and cipher suite of the last contact, behind the server and a blank.
    pub(in crate::config) const LAST_CONTACT: &str = "last-contact";
    /// State of the wrapping key as it was last seen, behind its identifier and a blank.
    pub(in crate::config) const WRAPPING_KEY_STATE: &str = "wrapping-key-state";
    /// The server that they are about: the C plugin may have configured another since.
    pub(in crate::config) const SERVER_TRAITS_OF: &str = "server-traits-of";
    /// The file with user name and password for the server that the next one names.
    pub(in crate::config) const CREDENTIAL_FILE: &str = "credential-file";
    pub(in crate::config) const CREDENTIAL_FILE_OF: &str = "credential-file-of";
}

/// The files beside `kmip.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigFile {
    /// Token of the identity key.
    IdentityKey,
    /// The re-enciphered one that waits.
    IdentityKeyReenciphered,
    /// The client certificate.
    ClientCertificate,
    /// The trusted certificate of the server.
    ServerCertificate,
    /// The pinned public key of the server.
    ServerPublicKey,
    /// Token of the wrapping key.
    WrappingKey,
    /// The re-enciphered one that waits.
    WrappingKeyReenciphered,
}

impl ConfigFile {
    pub(super) const fn name(self) -> &'static str {
        match self {
            ConfigFile::IdentityKey => "identity-key.skey",
            ConfigFile::IdentityKeyReenciphered => "identity-key.reenc",
            ConfigFile::ClientCertificate => "client-certificate.pem",
            ConfigFile::ServerCertificate => "server-cert.pem",
            ConfigFile::ServerPublicKey => "server-pubkey.pem",
            ConfigFile::WrappingKey => "wrapping-key.skey",
            ConfigFile::WrappingKeyReenciphered => "wrapping-key.reenc",
        }
    }

    /// The value of `kmip.conf` that holds its path.
    pub(super) const fn key(self) -> &'static str {
        match self {
            ConfigFile::IdentityKey => key::IDENTITY_KEY,
            ConfigFile::IdentityKeyReenciphered => key::IDENTITY_KEY_REENC,
            ConfigFile::ClientCertificate => key::CLIENT_CERTIFICATE,
            ConfigFile::ServerCertificate => key::SERVER_CERT,
            ConfigFile::ServerPublicKey => key::SERVER_PUBKEY,
            ConfigFile::WrappingKey => key::WRAPPING_KEY,
            ConfigFile::WrappingKeyReenciphered => key::WRAPPING_KEY_REENC,
        }
    }

    pub(super) const fn access(self) -> Access {
        match self {
            ConfigFile::ClientCertificate
            | ConfigFile::ServerCertificate
            | ConfigFile::ServerPublicKey => Access::AsDirectory,
            _ => Access::AsDirectoryKey,
        }
    }
}

/// The parts of a configuration, in the order in which they must be configured. Displayed as what
/// is missing and how to configure it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Part {
    Apqns,
    IdentityKey,
    ClientCertificate,
    Connection,
    WrappingKey,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 5] = [
        Part::Apqns,
        Part::IdentityKey,
        Part::ClientCertificate,
        Part::Connection,
        Part::WrappingKey,
    ];

    /// The values that must be there and not empty (3.4).
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Part::Apqns => &[key::APQNS, key::APQN_TYPE],
            Part::IdentityKey => &[
                key::IDENTITY_KEY,
                key::IDENTITY_KEY_ALGORITHM,
                key::IDENTITY_KEY_PARAMS,
            ],
            Part::ClientCertificate => {
                &[key::CLIENT_CERTIFICATE, key::CLIENT_CERTIFICATE_ALGORITHM]
            }
            Part::Connection => &[
                key::KMIP_SERVER,
                key::KMIP_SERVER_INFO,
                key::PROFILE,
                key::VERIFY_SERVER_CERT,
                key::VERIFY_HOSTNAME,
                key::PROTOCOL_VERSION,
            ],
            Part::WrappingKey => &[
                key::WRAPPING_KEY,
                key::WRAPPING_KEY_ALGORITHM,
                key::WRAPPING_KEY_PARAMS,
                key::WRAPPING_KEY_ID,
            ],
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Apqns => "no APQNs are associated; run 'zkey kms configure --apqns <APQNS>'",
            Part::IdentityKey => {
                "there is no identity key; run 'zkey kms configure --gen-identity-key <KEY-SPEC>'"
            }
            Part::ClientCertificate => {
                "there is no client certificate; run 'zkey kms configure' with \
                 '--gen-self-signed-cert', or with '--gen-csr' and then '--client-cert'"
            }
            Part::Connection => {
                "no KMIP server is configured; run 'zkey kms configure --kmip-server <SERVER>'"
            }
            Part::WrappingKey => {
                "there is no wrapping key; run 'zkey kms configure --gen-wrapping-key'"
            }
        })
    }
}
