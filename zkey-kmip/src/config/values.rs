//! The values of a configuration in their own types.

use std::fmt;
use std::path::PathBuf;

use crate::secure_key::KeySpec;

/// The identity key as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKey {
    /// `ECC` or `RSA`.
    pub algorithm: String,
    /// The curve, or the bits.
    pub parameters: String,
}

/// Which version of the protocol the connection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolSetting {
    /// What the profile says at the time.
    FromProfile,
    /// What was agreed upon with the server.
    #[allow(missing_docs)]
    Agreed { major: u32, minor: u32 },
}

impl fmt::Display for ProtocolSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProtocolSetting::FromProfile => f.write_str("PROFILE"),
            ProtocolSetting::Agreed { major, minor } => write!(f, "{major}.{minor}"),
        }
    }
}

/// The connection as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What the user gave as server.
    pub server: String,
    /// What the server says about itself.
    pub server_info: String,
    /// Name of the profile.
    pub profile: String,
    /// Version of the protocol.
    pub protocol: ProtocolSetting,
    /// File or directory with CA certificates, instead of those of the system.
    pub ca_bundle: Option<PathBuf>,
    /// The file with the only certificate to accept.
    pub server_certificate: Option<PathBuf>,
    /// The file with the only public key to accept.
    pub server_public_key: Option<PathBuf>,
    /// The certificate must be valid.
    pub verify_server_certificate: bool,
    /// The certificate must be for the host.
    pub verify_host_name: bool,
    /// The file with user name and password that the server gets.
    pub credential_file: Option<PathBuf>,
}

/// The wrapping key as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappingKey {
    /// `RSA`.
    pub algorithm: String,
    /// The bits.
    pub parameters: String,
    /// Its identifier at the server.
    pub id: String,
    /// Its label at the server.
    pub label: Option<String>,
}

impl WrappingKey {
    /// Its size, if the value is a number.
    pub fn bits(&self) -> Option<u32> {
        self.parameters.parse().ok()
    }
}

impl IdentityKey {
    /// The kind of key, if this version knows it.
    pub fn spec(&self) -> Option<KeySpec> {
        KeySpec::from_parts(&self.algorithm, &self.parameters).ok()
    }
}
