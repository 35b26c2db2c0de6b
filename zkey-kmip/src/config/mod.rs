//! The configuration of the plugin: `kmip.conf` and the files beside it (behaviour reference 3).
//!
//! Names and values are those of the C plugin, so that each can open what the other wrote. Values
//! that are not known here are kept. [`Config`] is what is configured; [`Edit`] changes it, in one
//! transaction.

mod edit;
mod transaction;

pub use edit::{ConnectionSettings, Edit};

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::abi::{Apqn, Errno, PluginError};
use crate::files::{Access, FileError};
use crate::properties::{Integrity, Properties, PropertiesError};
use crate::secure_key::{CardType, KeySpec};

const KMIP_CONF: &str = "kmip.conf";

/// The names in `kmip.conf`.
mod key {
    pub(super) const APQNS: &str = "apqns";
    pub(super) const APQN_TYPE: &str = "apqn-type";
    pub(super) const IDENTITY_KEY: &str = "identity-key";
    pub(super) const IDENTITY_KEY_ALGORITHM: &str = "identity-key-algorithm";
    pub(super) const IDENTITY_KEY_PARAMS: &str = "identity-key-params";
    pub(super) const IDENTITY_KEY_REENC: &str = "identity-key-reenc";
    pub(super) const CLIENT_CERTIFICATE: &str = "client-certificate";
    pub(super) const CLIENT_CERTIFICATE_ALGORITHM: &str = "client-certificate-algorithm";
    pub(super) const KMIP_SERVER: &str = "kmip-server";
    pub(super) const KMIP_SERVER_INFO: &str = "kmip-server-info";
    pub(super) const PROFILE: &str = "profile";
    pub(super) const PROTOCOL_VERSION: &str = "protocol-version";
    pub(super) const CA_BUNDLE: &str = "ca-bundle";
    pub(super) const SERVER_CERT: &str = "server-cert";
    pub(super) const SERVER_PUBKEY: &str = "server-pubkey";
    pub(super) const VERIFY_SERVER_CERT: &str = "verify-server-cert";
    pub(super) const VERIFY_HOSTNAME: &str = "verify-hostname";
    pub(super) const WRAPPING_KEY: &str = "wrapping-key";
    pub(super) const WRAPPING_KEY_REENC: &str = "wrapping-key-reenc";
    pub(super) const WRAPPING_KEY_ALGORITHM: &str = "wrapping-key-algorithm";
    pub(super) const WRAPPING_KEY_PARAMS: &str = "wrapping-key-params";
    pub(super) const WRAPPING_KEY_ID: &str = "wrapping-key-id";
    pub(super) const WRAPPING_KEY_LABEL: &str = "wrapping-key-label";
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
    const fn name(self) -> &'static str {
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
    const fn key(self) -> &'static str {
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

    const fn access(self) -> Access {
        match self {
            ConfigFile::ClientCertificate
            | ConfigFile::ServerCertificate
            | ConfigFile::ServerPublicKey => Access::AsDirectory,
            _ => Access::AsDirectoryKey,
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The directory cannot be used.
    #[error("cannot use the configuration directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Anybody could change the directory.
    #[error(
        "the configuration directory {} can be changed by everybody; remove that permission",
        path.display()
    )]
    WorldWritable {
        /// The directory.
        path: PathBuf,
    },
    /// `kmip.conf` is damaged or cannot be written.
    #[error(transparent)]
    Values(#[from] PropertiesError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value makes no sense.
    #[error("{}: {key}={value}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Which value.
        key: &'static str,
        /// What it is.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A part that is needed is not configured yet.
    #[error("the configuration is not complete: {0}")]
    Incomplete(Part),
}

impl From<ConfigError> for PluginError {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        match error {
            ConfigError::Directory { source, .. } => PluginError::io(message, source),
            ConfigError::WorldWritable { .. } => PluginError::new(Errno::EPERM, message),
            ConfigError::Values(error) => error.into(),
            ConfigError::File(error) => error.into(),
            ConfigError::Value { .. } => PluginError::new(Errno::EPERM, message),
            ConfigError::Incomplete(_) => PluginError::invalid(message),
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
    const fn keys(self) -> &'static [&'static str] {
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
            Part::Apqns => {
                "no APQNs are associated; run 'zkey kms configure --apqns <APQNS>' first"
            }
            Part::IdentityKey => {
                "there is no identity key; run 'zkey kms configure --gen-identity-key <KEY-SPEC>' \
                 first"
            }
            Part::ClientCertificate => {
                "there is no client certificate; run 'zkey kms configure' with \
                 '--gen-self-signed-cert', or with '--gen-csr' and then '--client-cert', first"
            }
            Part::Connection => {
                "no KMIP server is configured; run 'zkey kms configure --kmip-server <SERVER>' \
                 first"
            }
            Part::WrappingKey => {
                "there is no wrapping key; run 'zkey kms configure --gen-wrapping-key' first"
            }
        })
    }
}

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

/// What is configured.
#[derive(Debug, Clone)]
pub struct Config {
    directory: PathBuf,
    values: Properties,
}

impl Config {
    /// Opens the configuration in `directory`; without `kmip.conf`, nothing is configured yet.
    /// Finishes or takes back what an earlier process left unfinished.
    ///
    /// # Errors
    /// The directory cannot be used, or `kmip.conf` is damaged.
    pub fn open(directory: &Path) -> Result<Config, ConfigError> {
        let failed = |source| ConfigError::Directory {
            path: directory.to_owned(),
            source,
        };
        let metadata = fs::metadata(directory).map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(io::Error::from_raw_os_error(libc::ENOTDIR)));
        }
        if metadata.mode() & 0o002 != 0 {
            return Err(ConfigError::WorldWritable {
                path: directory.to_owned(),
            });
        }
        transaction::recover(directory)?;
        let path = directory.join(KMIP_CONF);
        let values = match Properties::load(&path, Integrity::Hashed) {
            Err(error) if error.is_not_found() => Properties::new(),
            values => values?,
        };
        Ok(Config {
            directory: directory.to_owned(),
            values,
        })
    }

    /// Begins a change.
    pub fn edit(&self) -> Edit {
        Edit::new(self.clone())
    }

    /// Whether a part is configured.
    pub fn has(&self, part: Part) -> bool {
        part.keys().iter().all(|key| self.value(key).is_some())
            && (part != Part::Apqns || matches!(self.card_type(), Ok(Some(_))))
    }

    /// The first part that is missing.
    pub fn missing(&self) -> Option<Part> {
        Part::ALL.into_iter().find(|part| !self.has(*part))
    }

    /// Demands the part.
    ///
    /// # Errors
    /// It is not configured.
    pub fn require(&self, part: Part) -> Result<(), ConfigError> {
        if self.has(part) {
            Ok(())
        } else {
            Err(ConfigError::Incomplete(part))
        }
    }

    /// The type of the adapters, once APQNs were associated.
    ///
    /// # Errors
    /// The value is unknown.
    pub fn card_type(&self) -> Result<Option<CardType>, ConfigError> {
        let Some(value) = self.value(key::APQN_TYPE) else {
            return Ok(None);
        };
        CardType::from_name(value)
            .map(Some)
            .ok_or_else(|| self.wrong(key::APQN_TYPE, value, "must be CCA or EP11"))
    }

    /// The associated APQNs.
    ///
    /// # Errors
    /// The value is no list of APQNs.
    pub fn apqns(&self) -> Result<Vec<Apqn>, ConfigError> {
        let Some(value) = self.value(key::APQNS) else {
            return Ok(Vec::new());
        };
        let parse = |text: &str| {
            text.parse::<Apqn>()
                .map_err(|error| self.wrong(key::APQNS, value, error.to_string()))
        };
        value.split(',').map(parse).collect()
    }

    /// The identity key.
    pub fn identity_key(&self) -> Option<IdentityKey> {
        self.has(Part::IdentityKey).then(|| IdentityKey {
            algorithm: self.text(key::IDENTITY_KEY_ALGORITHM),
            parameters: self.text(key::IDENTITY_KEY_PARAMS),
        })
    }

    /// The algorithm of the client certificate: `ECC`, `RSA` or `RSA-PSS`.
    pub fn client_certificate_algorithm(&self) -> Option<&str> {
        self.value(key::CLIENT_CERTIFICATE_ALGORITHM)
    }

    /// The connection.
    ///
    /// # Errors
    /// It is not configured, or a value is wrong.
    pub fn connection(&self) -> Result<Connection, ConfigError> {
        self.require(Part::Connection)?;
        Ok(Connection {
            server: self.text(key::KMIP_SERVER),
            server_info: self.text(key::KMIP_SERVER_INFO),
            profile: self.text(key::PROFILE),
            protocol: self.protocol()?,
            ca_bundle: self.path_value(key::CA_BUNDLE),
            server_certificate: self.path(ConfigFile::ServerCertificate),
            server_public_key: self.path(ConfigFile::ServerPublicKey),
            verify_server_certificate: self.flag(key::VERIFY_SERVER_CERT)?,
            verify_host_name: self.flag(key::VERIFY_HOSTNAME)?,
        })
    }

    /// The server, also while the rest of the connection is not complete.
    pub fn server(&self) -> Option<&str> {
        self.value(key::KMIP_SERVER)
    }

    /// The wrapping key.
    pub fn wrapping_key(&self) -> Option<WrappingKey> {
        self.has(Part::WrappingKey).then(|| WrappingKey {
            algorithm: self.text(key::WRAPPING_KEY_ALGORITHM),
            parameters: self.text(key::WRAPPING_KEY_PARAMS),
            id: self.text(key::WRAPPING_KEY_ID),
            label: self.value(key::WRAPPING_KEY_LABEL).map(str::to_owned),
        })
    }

    /// Where a file is, if `kmip.conf` names it. When the repository was moved, the path in
    /// `kmip.conf` leads nowhere, and the file of the usual name is meant.
    pub fn path(&self, file: ConfigFile) -> Option<PathBuf> {
        let path = self.path_value(file.key())?;
        if path.exists() {
            Some(path)
        } else {
            Some(self.directory.join(file.name()))
        }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// `kmip.conf` does not name the file, or it cannot be read.
    pub fn read(&self, file: ConfigFile) -> Result<Vec<u8>, ConfigError> {
        let path = self
            .path(file)
            .unwrap_or_else(|| self.directory.join(file.name()));
        fs::read(&path).map_err(|cause| FileError::new("read", path, cause).into())
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn protocol(&self) -> Result<ProtocolSetting, ConfigError> {
        let value = self.text(key::PROTOCOL_VERSION);
        if value == "PROFILE" {
            return Ok(ProtocolSetting::FromProfile);
        }
        let version = value.split_once('.').and_then(|(major, minor)| {
            Some(ProtocolSetting::Agreed {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        });
        version.ok_or_else(|| {
            let problem = "must be PROFILE or a number such as 1.4";
            self.wrong(key::PROTOCOL_VERSION, &value, problem)
        })
    }

    fn flag(&self, key: &'static str) -> Result<bool, ConfigError> {
        let value = self.text(key);
        if value.eq_ignore_ascii_case("yes") {
            Ok(true)
        } else if value.eq_ignore_ascii_case("no") {
            Ok(false)
        } else {
            Err(self.wrong(key, &value, "must be yes or no"))
        }
    }

    /// A value that is there and not empty.
    fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).filter(|value| !value.is_empty())
    }

    fn text(&self, key: &str) -> String {
        self.value(key).unwrap_or_default().to_owned()
    }

    fn path_value(&self, key: &str) -> Option<PathBuf> {
        let path = self.values.get_os(key)?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    fn wrong(&self, key: &'static str, value: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            path: self.directory.join(KMIP_CONF),
            key,
            value: value.to_owned(),
            problem: problem.into(),
        }
    }
}

impl IdentityKey {
    /// The kind of key, if this version knows it.
    pub fn spec(&self) -> Option<KeySpec> {
        KeySpec::from_parts(&self.algorithm, &self.parameters).ok()
    }
}
