//! Changes of the configuration.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::parts::key;
use super::transaction::{CommitError, Transaction};
use super::{Config, ConfigError, ConfigFile, KMIP_CONF, ProtocolSetting};
use crate::abi::Apqn;
use crate::files::{self, Access, FileError};
use crate::properties::{Integrity, PropertiesError};
use crate::secure_key::{CardType, KeySpec};
use crate::server_traits::ServerTraits;

/// A change of the configuration: nothing is changed before [`Edit::commit`], and then all of it.
/// Reading through [`Edit::config`] sees the changes.
#[derive(Debug)]
pub struct Edit {
    config: Config,
    transaction: Transaction,
    changed: bool,
}

/// What [`Edit::set_connection`] stores.
#[derive(Debug, Clone)]
pub struct ConnectionSettings<'a> {
    /// What the user gave as server.
    pub server: &'a str,
    /// What the server says about itself.
    pub server_info: &'a str,
    /// Name of the profile.
    pub profile: &'a str,
    /// Version of the protocol.
    pub protocol: ProtocolSetting,
    /// File or directory with CA certificates.
    pub ca_bundle: Option<&'a Path>,
    /// PEM of the only certificate to accept.
    pub server_certificate: Option<&'a [u8]>,
    /// PEM of the only public key to accept.
    pub server_public_key: Option<&'a [u8]>,
    /// The certificate must be valid.
    pub verify_server_certificate: bool,
    /// The certificate must be for the host.
    pub verify_host_name: bool,
    /// The file with user name and password for the server.
    pub credential_file: Option<&'a Path>,
}

impl Edit {
    /// Of what is configured when the lock is held.
    pub(super) fn begin(directory: &Path, lock: Lock) -> Result<Edit, ConfigError> {
        let mut transaction = Transaction::begin(directory, lock);
        // Before it is loaded: what changes afterwards shows.
        transaction.depend_on(KMIP_CONF);
        Ok(Edit {
            transaction,
            config: Config::load(directory)?,
            changed: false,
        })
    }

    /// The configuration as it will be. Use [`Edit::read`] for files.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The content of a file as it will be.
    ///
    /// # Errors
    /// It cannot be read, or is to be removed.
    pub fn read(&self, file: ConfigFile) -> Result<Vec<u8>, ConfigError> {
        let staged = self.transaction.path_of(file.name());
        match staged {
            Some(path) if path != self.config.directory.join(file.name()) => {
                files::read_regular(&path)
                    .map_err(|cause| FileError::new("read", path, cause).into())
            }
            _ => self.config.read(file),
        }
    }

    /// Associates APQNs.
    ///
    /// # Errors
    /// As for all methods: a file or value cannot be stored. The change can only be dropped then.
    pub fn set_apqns(&mut self, apqns: &[Apqn], card_type: CardType) -> Result<(), ConfigError> {
        let list: Vec<_> = apqns.iter().map(Apqn::to_string).collect();
        self.set(key::APQNS, &list.join(","))?;
        self.set(key::APQN_TYPE, card_type.name())
    }

    /// Removes all APQNs; the type of the adapters stays.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn clear_apqns(&mut self) -> Result<(), ConfigError> {
        self.set(key::APQNS, "")
    }

    /// Stores a new identity key. The client certificate and a waiting re-enciphered key, which
    /// belong to the former one, are removed.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_identity_key(&mut self, token: &[u8], spec: KeySpec) -> Result<(), ConfigError> {
        self.write(ConfigFile::IdentityKey, token)?;
        self.set(key::IDENTITY_KEY_ALGORITHM, spec.algorithm())?;
        self.set(key::IDENTITY_KEY_PARAMS, &spec.parameters())?;
        self.delete(ConfigFile::IdentityKeyReenciphered)?;
        self.delete(ConfigFile::ClientCertificate)?;
        self.unset(key::CLIENT_CERTIFICATE_ALGORITHM);
        Ok(())
    }

    /// Stores the client certificate.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_client_certificate(
        &mut self,
        pem: &[u8],
        algorithm: &str,
    ) -> Result<(), ConfigError> {
        self.write(ConfigFile::ClientCertificate, pem)?;
        self.set(key::CLIENT_CERTIFICATE_ALGORITHM, algorithm)
    }

    /// Stores a new connection. The wrapping key, which belongs to the former one, is removed.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_connection(&mut self, new: &ConnectionSettings<'_>) -> Result<(), ConfigError> {
        self.set(key::KMIP_SERVER, new.server)?;
        self.set(key::KMIP_SERVER_INFO, new.server_info)?;
        self.set(key::PROFILE, new.profile)?;
        self.set(key::PROTOCOL_VERSION, &new.protocol.to_string())?;
        match new.ca_bundle {
            Some(path) => self.set_path(key::CA_BUNDLE, path)?,
            None => self.unset(key::CA_BUNDLE),
        }
        match new.credential_file {
            Some(path) => {
                self.set_path(key::CREDENTIAL_FILE, path)?;
                self.set(key::CREDENTIAL_FILE_OF, new.server)?;
            }
            None => {
                self.unset(key::CREDENTIAL_FILE);
                self.unset(key::CREDENTIAL_FILE_OF);
            }
        }
        let yes_or_no = |flag| if flag { "yes" } else { "no" };
        self.set(
            key::VERIFY_SERVER_CERT,
            yes_or_no(new.verify_server_certificate),
        )?;
        self.set(key::VERIFY_HOSTNAME, yes_or_no(new.verify_host_name))?;
        for (file, content) in [
            (ConfigFile::ServerCertificate, new.server_certificate),
            (ConfigFile::ServerPublicKey, new.server_public_key),
        ] {
            match content {
                Some(content) => self.write(file, content)?,
                None => self.delete(file)?,
            }
        }
        self.clear_wrapping_key()
    }

    /// Stores what was learned about the configured server.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_server_traits(&mut self, traits: &ServerTraits) -> Result<(), ConfigError> {
        if traits.is_empty() {
            self.unset(key::SERVER_TRAITS);
            self.unset(key::SERVER_TRAITS_OF);
            return Ok(());
        }
        let server = self.config.text(key::KMIP_SERVER);
        self.set(key::SERVER_TRAITS, &traits.to_string())?;
        self.set(key::SERVER_TRAITS_OF, &server)
    }

    /// Stores how the configured server was spoken to.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_last_contact(&mut self, tls: Option<&str>) -> Result<(), ConfigError> {
        let Some(tls) = tls else {
            self.unset(key::LAST_CONTACT);
            return Ok(());
        };
        let contact = format!("{} {tls}", self.config.text(key::KMIP_SERVER));
        self.set(key::LAST_CONTACT, &contact)
    }

    /// Stores the state that the configured wrapping key has at the server.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_wrapping_key_state(&mut self, state: &str) -> Result<(), ConfigError> {
        let state = format!("{} {state}", self.config.text(key::WRAPPING_KEY_ID));
        self.set(key::WRAPPING_KEY_STATE, &state)
    }

    /// Stores a new wrapping key. A waiting re-enciphered one is removed.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn set_wrapping_key(
        &mut self,
        token: &[u8],
        bits: u32,
        id: &str,
        label: Option<&str>,
    ) -> Result<(), ConfigError> {
        self.write(ConfigFile::WrappingKey, token)?;
        self.set(key::WRAPPING_KEY_ALGORITHM, "RSA")?;
        self.set(key::WRAPPING_KEY_PARAMS, &bits.to_string())?;
        self.set(key::WRAPPING_KEY_ID, id)?;
        match label {
            Some(label) => self.set(key::WRAPPING_KEY_LABEL, label)?,
            None => self.unset(key::WRAPPING_KEY_LABEL),
        }
        self.delete(ConfigFile::WrappingKeyReenciphered)
    }

    /// Removes the wrapping key.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn clear_wrapping_key(&mut self) -> Result<(), ConfigError> {
        self.delete(ConfigFile::WrappingKey)?;
        self.delete(ConfigFile::WrappingKeyReenciphered)?;
        for key in [
            key::WRAPPING_KEY_ALGORITHM,
            key::WRAPPING_KEY_PARAMS,
            key::WRAPPING_KEY_ID,
            key::WRAPPING_KEY_LABEL,
            key::WRAPPING_KEY_STATE,
        ] {
            self.unset(key);
        }
        Ok(())
    }

    /// Writes a file and names it in `kmip.conf`.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn write(&mut self, file: ConfigFile, content: &[u8]) -> Result<(), ConfigError> {
        self.transaction
            .replace(file.name(), content, file.access())?;
        let path = self.config.directory.join(file.name());
        self.set_path(file.key(), &path)
    }

    /// Removes a file and its name in `kmip.conf`.
    ///
    /// # Errors
    /// See [`Edit::set_apqns`].
    pub fn delete(&mut self, file: ConfigFile) -> Result<(), ConfigError> {
        self.transaction.remove(file.name())?;
        self.unset(file.key());
        self.changed = true;
        Ok(())
    }

    /// Makes the change. Nothing is written when nothing was changed.
    ///
    /// # Errors
    /// The former configuration stays; but after [`ConfigError::Unfinished`], the new one takes its
    /// place when the configuration is opened again.
    pub fn commit(mut self) -> Result<Config, ConfigError> {
        if self.changed {
            let content = self.config.values.to_bytes(Integrity::Hashed);
            self.transaction
                .replace(KMIP_CONF, &content, Access::AsDirectory)?;
            self.transaction.commit().map_err(|error| match error {
                CommitError::NotCommitted(error) => error.into(),
                CommitError::Interfered => ConfigError::Interfered {
                    path: self.config.directory.clone(),
                },
                CommitError::Unfinished(source) => ConfigError::Unfinished { source },
            })?;
        }
        Ok(self.config)
    }

    fn set(&mut self, key: &'static str, value: &str) -> Result<(), ConfigError> {
        self.store(key, OsStr::new(value))
    }

    fn set_path(&mut self, key: &'static str, path: &Path) -> Result<(), ConfigError> {
        self.store(key, path.as_os_str())
    }

    fn store(&mut self, key: &'static str, value: &OsStr) -> Result<(), ConfigError> {
        self.config.values.set_os(key, value).map_err(|error| {
            let problem = match error {
                PropertiesError::Unstorable { problem, .. } => problem.to_string(),
                error => error.to_string(),
            };
            let value: String = value.to_string_lossy().chars().take(80).collect();
            ConfigError::Value {
                path: PathBuf::from(KMIP_CONF),
                key,
                value,
                problem,
            }
        })?;
        self.changed = true;
        Ok(())
    }

    fn unset(&mut self, key: &str) {
        self.changed |= self.config.values.remove(key);
    }
}
