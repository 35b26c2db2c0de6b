//! Why a configuration cannot be used.

use std::io;
use std::path::PathBuf;

use super::parts::Part;
use crate::abi::{Errno, PluginError};
use crate::files::FileError;
use crate::properties::PropertiesError;

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
    /// Another process is changing the configuration.
    #[error(
        "another process is changing the configuration in {}; try again when it has ended",
        path.display()
    )]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// Another process changed the configuration at the same time.
    #[error(
        "another process, perhaps on another machine, is changing the configuration in {} at the same \
         time, so nothing was changed; try again when it has ended",
        path.display()
    )]
    Interfered {
        /// The directory.
        path: PathBuf,
    },
    /// `kmip.conf` is damaged or cannot be written.
    #[error(transparent)]
    Values(#[from] PropertiesError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// All is decided and on the disk, but not everything has its place.
    #[error(
        "the configuration is changed, but not all of its files could be put in place; remove the \
         cause, and the next command will finish it"
    )]
    Unfinished {
        /// What failed.
        source: PropertiesError,
    },
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
            ConfigError::Busy { .. } | ConfigError::Interfered { .. } => {
                PluginError::new(Errno::EBUSY, message)
            }
            ConfigError::Values(error) => error.into(),
            ConfigError::Unfinished { source } => {
                PluginError::new(Errno::EIO, message).caused_by(source)
            }
            ConfigError::File(error) => error.into(),
            ConfigError::Value { .. } => PluginError::new(Errno::EPERM, message),
            ConfigError::Incomplete(_) => PluginError::invalid(message),
        }
    }
}
