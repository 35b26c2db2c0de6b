//! The configuration of the plugin: `kmip.conf` and the files beside it (behaviour reference 3).
//!
//! Names and values are those of the C plugin, so that each can open what the other wrote. Values
//! that are not known here are kept. [`Config`] is what is configured; [`Edit`] changes it, in one
//! transaction.

mod edit;
mod error;
mod intent;
mod lock;
mod owner;
mod parts;
mod recovery;
mod transaction;
mod values;

pub use edit::{ConnectionSettings, Edit};
pub use error::ConfigError;
pub use intent::{HeldIntent, Intended, Intent};
pub use parts::{ConfigFile, Part};
pub use values::{Connection, IdentityKey, ProtocolSetting, WrappingKey};

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::abi::Apqn;
use crate::files::{self, FileError};
use crate::properties::{Integrity, Properties};
use crate::secure_key::CardType;
use crate::server_traits::ServerTraits;
use lock::Lock;
use parts::key;

const KMIP_CONF: &str = "kmip.conf";

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
        recovery::recover(directory)?;
        Self::load(directory)
    }

    /// The configuration as it is now, also while another process changes it.
    ///
    /// # Errors
    /// `kmip.conf` is damaged.
    pub(crate) fn load(directory: &Path) -> Result<Config, ConfigError> {
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

    /// Begins a change, of what is configured by now. Nobody else can begin one until it is over.
    ///
    /// # Errors
    /// Another process is changing the configuration, or it cannot be read.
    pub fn edit(&self) -> Result<Edit, ConfigError> {
        let failed = |source| ConfigError::Directory {
            path: self.directory.clone(),
            source,
        };
        let lock = Lock::try_acquire(&self.directory).map_err(failed)?;
        let lock = lock.ok_or_else(|| ConfigError::Busy {
            path: self.directory.clone(),
        })?;
        recovery::recover_locked(&self.directory)?;
        Edit::begin(&self.directory, lock)
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
            credential_file: self.credential_file(),
        })
    }

    /// The file with user name and password for the configured server.
    pub fn credential_file(&self) -> Option<PathBuf> {
        let is_for_it = self.value(key::CREDENTIAL_FILE_OF) == self.server();
        self.path_value(key::CREDENTIAL_FILE).filter(|_| is_for_it)
    }

    /// The server, also while the rest of the connection is not complete.
    pub fn server(&self) -> Option<&str> {
        self.value(key::KMIP_SERVER)
    }

    /// What was learned about the configured server.
    pub fn server_traits(&self) -> ServerTraits {
        let is_about_it = self.value(key::SERVER_TRAITS_OF) == self.server();
        let list = self.value(key::SERVER_TRAITS).filter(|_| is_about_it);
        list.map(ServerTraits::known_in).unwrap_or_default()
    }

    /// TLS version and cipher suite of the last contact with the configured server.
    pub fn last_contact(&self) -> Option<&str> {
        let contact = self.value(key::LAST_CONTACT)?;
        contact.strip_prefix(self.server()?)?.strip_prefix(' ')
    }

    /// State of the configured wrapping key at the server, as it was last seen.
    pub fn wrapping_key_state(&self) -> Option<&str> {
        let state = self.value(key::WRAPPING_KEY_STATE)?;
        let id = self.value(key::WRAPPING_KEY_ID)?;
        state.strip_prefix(id)?.strip_prefix(' ')
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
        files::read_regular(&path).map_err(|cause| FileError::new("read", path, cause).into())
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
