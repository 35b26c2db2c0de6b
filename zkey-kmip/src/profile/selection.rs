//! Which profile is used: the one that the user names, or the one that matches the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Profile, ProfileError};
use crate::environment;

/// Environment variable that names the directory with the profiles.
pub const PROFILES_VARIABLE: &str = "ZKEY_KMIP_PROFILES";

const DEFAULT_DIRECTORY: &str = "/etc/zkey/kmip/profiles";
const SUFFIX: &str = ".profile";
const DEFAULT_NAME: &str = "default";

/// The directory with the profiles.
#[derive(Debug, Clone)]
pub struct ProfileDirectory {
    path: PathBuf,
}

/// The result of [`ProfileDirectory::matching`].
#[derive(Debug)]
pub struct Selection {
    /// The profile.
    pub profile: Profile,
    /// Profiles that could not be used. The user should be told.
    pub skipped: Vec<ProfileError>,
}

impl ProfileDirectory {
    /// The directory that the environment names, or the usual one.
    pub fn from_environment() -> ProfileDirectory {
        let path = environment::variable(PROFILES_VARIABLE)
            .map_or_else(|| PathBuf::from(DEFAULT_DIRECTORY), PathBuf::from);
        ProfileDirectory::at(path)
    }

    /// This directory.
    pub fn at(path: impl Into<PathBuf>) -> ProfileDirectory {
        ProfileDirectory { path: path.into() }
    }

    /// The profile `name`.
    ///
    /// A name that was cut at its first dot, as the C plugin stored it for a profile that it
    /// matched itself, is found too if it is not ambiguous.
    ///
    /// # Errors
    /// There is no such profile, or it is damaged.
    pub fn named(&self, name: &str) -> Result<Profile, ProfileError> {
        if name.is_empty() || name.contains(['/', '\0']) || name == "." || name.contains("..") {
            return Err(ProfileError::Name(name.to_owned()));
        }
        let path = self.path.join(format!("{name}{SUFFIX}"));
        let result = Profile::load(name, &path);
        if !matches!(result, Err(ProfileError::NotFound { .. })) {
            return result;
        }
        if name == DEFAULT_NAME && !self.path.exists() {
            return Profile::built_in_default();
        }
        let names = self.names()?;
        let mut longer = names
            .iter()
            .filter(|found| found.split('.').next() == Some(name));
        match (longer.next(), longer.next()) {
            (Some(found), None) => self.named(found),
            _ => Err(ProfileError::NotFound {
                name: name.to_owned(),
                path,
                known: names,
            }),
        }
    }

    /// The profile for servers that none matches.
    ///
    /// # Errors
    /// There are profiles, but not this one, or it is damaged.
    pub fn fallback(&self) -> Result<Profile, ProfileError> {
        self.named(DEFAULT_NAME)
    }

    /// The first profile, by name, that matches a server that introduces itself with this text.
    ///
    /// # Errors
    /// None matches, and the fall-back cannot be used. A profile that cannot be read does not
    /// disturb the others.
    pub fn matching(&self, server_info: &str) -> Result<Selection, ProfileError> {
        let mut skipped = Vec::new();
        for name in self.names()? {
            if name == DEFAULT_NAME {
                continue;
            }
            match Profile::load(&name, &self.path.join(format!("{name}{SUFFIX}"))) {
                Ok(profile) if profile.matches(server_info) => {
                    return Ok(Selection { profile, skipped });
                }
                Ok(_) => {}
                Err(error) => skipped.push(error),
            }
        }
        let profile = self.fallback()?;
        Ok(Selection { profile, skipped })
    }

    /// The names of all profiles in their order.
    fn names(&self) -> Result<Vec<String>, ProfileError> {
        let failed = |source| ProfileError::Directory {
            path: self.path.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            match name {
                // Links to files count, other than in the C plugin.
                Some(name) if !name.is_empty() && is_file(&entry.path()) => {
                    names.push(name.to_owned());
                }
                _ => {}
            }
        }
        names.sort();
        Ok(names)
    }
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file())
}
