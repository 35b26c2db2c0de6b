//! Profiles: what must be known about a kind of KMIP server (behaviour reference 4).
//!
//! A profile is a properties file without hash, named `<profile>.profile`.

#[allow(unsafe_code)]
mod regex;
mod selection;
mod settings;
mod values;

pub use selection::{PROFILES_VARIABLE, ProfileDirectory, Selection};
pub use settings::{
    CustomAttributeScheme, Encoding, Profile, Transport, VersionChoice, WrapKeyFormat,
};

use std::io;
use std::path::PathBuf;

use crate::abi::{Errno, PluginError};
use crate::properties::PropertiesError;

/// A profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The name cannot be that of a profile.
    #[error("`{0}` cannot be the name of a profile: it must be the name of a file")]
    Name(String),
    /// There is no such profile.
    #[error("there is no profile `{name}`: {} does not exist{}", path.display(), list(known))]
    NotFound {
        /// The name.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// The profiles that there are.
        known: Vec<String>,
    },
    /// The directory cannot be read.
    #[error("cannot read the directory of profiles {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is damaged.
    #[error(transparent)]
    File(#[from] PropertiesError),
    /// A mandatory value is missing.
    #[error("profile {}: the line `{key}=...` is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which value.
        key: &'static str,
    },
    /// A value is wrong.
    #[error("profile {}:{line}: {key}={value}: {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Which value.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: String,
    },
}

fn list(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!("; there are: {}", known.join(", ")),
    }
}

impl From<ProfileError> for PluginError {
    fn from(error: ProfileError) -> Self {
        let message = error.to_string();
        match error {
            ProfileError::File(error) => error.into(),
            ProfileError::Directory { source, .. } => PluginError::io(message, source),
            ProfileError::NotFound { .. } => PluginError::new(Errno::ENOENT, message),
            _ => PluginError::invalid(message),
        }
    }
}
