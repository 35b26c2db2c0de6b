//! What can go wrong in the host, and the exit code that follows.

use std::io;
use std::path::PathBuf;

use super::association::AssociationError;
use super::plugins::PluginsError;
use crate::abi::load::CallError;
use crate::files::FileError;
use crate::profile::ProfileError;
use crate::properties::PropertiesError;
use crate::secure_key::SecureKeyError;

/// Everything went well.
pub const EXIT_SUCCESS: u8 = 0;
/// A command failed, or failed for some of its keys.
pub const EXIT_FAILURE: u8 = 1;
/// The command line is wrong; nothing was done.
pub const EXIT_USAGE: u8 = 2;

/// A command of the host failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The command needs a key management system.
    #[error(
        "repository {} is not bound to a KMS plugin; bind it with `zkey-kmip kms bind KMIP`",
        repository.display()
    )]
    NotBound {
        /// The repository.
        repository: PathBuf,
    },
    /// `kms bind` on a bound repository.
    #[error("the repository is already bound to KMS plugin '{plugin}'")]
    AlreadyBound {
        /// The plugin.
        plugin: String,
    },
    /// A trial of `selftest` failed.
    #[error("these adapters cannot be used for everything: see the trials that failed")]
    SelftestFailed,
    /// Another process bound or unbound the repository between our start and our lock.
    #[error("another process changed the binding of the repository meanwhile; try again")]
    BindingChanged,
    /// `kms bind` found a directory that it did not make.
    #[error(
        "{} exists and is not empty, although the repository is not bound; move it away first",
        directory.display()
    )]
    ConfigDirectoryTaken {
        /// The directory.
        directory: PathBuf,
    },
    /// The repository's directory cannot be used.
    #[error("cannot use the repository {}", directory.display())]
    Repository {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could replace keys.
    #[error(
        "repository {} is writable for everybody, which is not accepted; run `chmod o-w`",
        directory.display()
    )]
    WritableForOthers {
        /// The directory.
        directory: PathBuf,
    },
    /// The plugin cannot be found or loaded.
    #[error(transparent)]
    Plugins(#[from] PluginsError),
    /// A function of the plugin failed.
    #[error("KMS plugin '{plugin}' failed to {action}: {}", source.errno())]
    Plugin {
        /// The plugin.
        plugin: String,
        /// What it was to do.
        action: String,
        /// Its return code and text.
        source: CallError,
    },
    /// The plugin gave no handle; it has printed why.
    #[error("KMS plugin '{plugin}' does not start; its message above says why")]
    PluginInitialize {
        /// The plugin.
        plugin: String,
    },
    /// The plugin made something that is no key of the wanted type.
    #[error("KMS plugin '{plugin}' delivered no secure key of type {wanted} for key '{key}'")]
    NotThatKey {
        /// The plugin.
        plugin: String,
        /// Name of the key.
        key: String,
        /// The type that was asked for.
        wanted: String,
    },
    /// A key exists at the key management system, but not here.
    #[error(
        "key '{key}' was generated at the KMS as {ids}, but is not in the repository; import it \
         with `zkey-kmip kms import`, or destroy it there"
    )]
    Stranded {
        /// Name of the key.
        key: String,
        /// Identifiers at the key management system.
        ids: String,
        /// What failed afterwards.
        source: Box<HostError>,
    },
    /// The plugin did not make a pair of its keys.
    #[error(
        "key '{key}' is not in the repository; unless the plugin has destroyed it again, this is \
         left of it at the KMS: {ids}"
    )]
    Unpaired {
        /// Name of the key.
        key: String,
        /// Identifiers at the key management system.
        ids: String,
        /// What failed.
        source: Box<HostError>,
    },
    /// A type of key that the plugin cannot make with the APQNs that it has.
    #[error("key type {key_type} is not supported by KMS plugin '{plugin}' as it is configured")]
    KeyTypeNotSupported {
        /// The plugin.
        plugin: String,
        /// The type.
        key_type: String,
    },
    /// The plugin is not configured far enough.
    #[error(
        "no APQNs for keys of type {key_type} are associated with KMS plugin '{plugin}'; add some \
         with `zkey-kmip kms configure --apqns`"
    )]
    NoApqns {
        /// The plugin.
        plugin: String,
        /// The type.
        key_type: String,
    },
    /// Only zkey on IBM Z can make keys without a key management system.
    #[error(
        "keys without a KMS need /dev/pkey, which this program does not use; run `zkey generate` \
         on IBM Z"
    )]
    LocalKey,
    /// The key is not bound, so the command has nothing to do for it.
    #[error("key '{key}' has no identifier at the KMS in {}", info.display())]
    NoKeyId {
        /// Name of the key.
        key: String,
        /// Its properties file.
        info: PathBuf,
    },
    /// A key with this name cannot be.
    #[error(
        "'{name}' cannot be the name of a key: it must not be empty and must not hold any of \
         / \\ * ? ' \" or a blank"
    )]
    KeyName {
        /// The name.
        name: String,
    },
    /// The name is taken.
    #[error("key '{name}' already exists")]
    KeyExists {
        /// The name.
        name: String,
    },
    /// There is no such key.
    #[error("key '{name}' does not exist")]
    KeyMissing {
        /// The name.
        name: String,
    },
    /// One of the values that a property can have was expected.
    #[error("'{given}' is not a {what}: use {allowed}")]
    BadValue {
        /// What the value is.
        what: &'static str,
        /// The value.
        given: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A profile of a KMIP server is wrong.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The profile is for other servers.
    #[error("profile '{profile}' is not for a server with vendor identification '{server_info}'")]
    ProfileDoesNotMatch {
        /// The profile.
        profile: String,
        /// What the server says about itself.
        server_info: String,
    },
    /// A list of volumes or APQNs is wrong.
    #[error(transparent)]
    Association(#[from] AssociationError),
    /// An adapter cannot be used.
    #[error(transparent)]
    Adapter(#[from] SecureKeyError),
    /// Options do not fit the key.
    #[error("{option} is only possible for {fits}")]
    DoesNotFit {
        /// The option.
        option: &'static str,
        /// What it fits.
        fits: &'static str,
    },
    /// `kms configure` without anything to configure.
    #[error("{needed} is required")]
    OptionRequired {
        /// The option.
        needed: &'static str,
    },
    /// A dummy passphrase is there already.
    #[error(
        "key '{key}' has a dummy passphrase already; remove it first with `zkey-kmip change \
         --name {key} --remove-dummy-passphrase`"
    )]
    PassphraseExists {
        /// Name of the key.
        key: String,
    },
    /// The dummy passphrase that came from the key management system cannot be used.
    #[error("the dummy passphrase of key '{key}' at the KMS is not valid base64")]
    PassphraseEncoding {
        /// Name of the key.
        key: String,
    },
    /// The user did not say yes.
    #[error("operation aborted: {question}")]
    Aborted {
        /// What was not agreed to.
        question: &'static str,
    },
    /// Some keys failed; each has been reported.
    #[error("{failed} of {all} keys failed")]
    SomeFailed {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A properties file is broken or cannot be written.
    #[error(transparent)]
    Properties(#[from] PropertiesError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The terminal, or what stands in for it.
    #[error("cannot write to standard output or read the answer")]
    Terminal(#[source] io::Error),
    /// Randomness for a passphrase.
    #[error("the random number generator of OpenSSL failed")]
    Random(#[from] openssl::error::ErrorStack),
}

impl HostError {
    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            HostError::KeyName { .. }
            | HostError::BadValue { .. }
            | HostError::DoesNotFit { .. }
            | HostError::OptionRequired { .. } => EXIT_USAGE,
            HostError::Association(error) if error.is_usage() => EXIT_USAGE,
            // Whoever reads our output has seen enough of it.
            HostError::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe => EXIT_SUCCESS,
            _ => EXIT_FAILURE,
        }
    }

    /// Whether nobody is left to read a message.
    pub fn is_silent(&self) -> bool {
        matches!(self, HostError::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
