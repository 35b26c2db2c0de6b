//! Which plugins there are, and where (behaviour reference 1.2).
//!
//! zkey reads them from `/etc/zkey/kms-plugins.conf`, or the file that `ZKEY_KMS_PLUGINS` names.
//! Where the default file is missing, there is no zkey, and the only plugin is the KMIP plugin
//! that was installed together with this program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::abi::load::{LoadError, LoadedPlugin};
use crate::environment;

const DEFAULT_FILE: &str = "/etc/zkey/kms-plugins.conf";
const BUILT_IN_NAME: &str = "KMIP";
/// The plugin's file name as cargo makes it, and as zkey wants it.
const BUILT_IN_FILES: [&str; 2] = ["zkey-kmip.so", "libzkey_kmip.so"];
/// Where distributions keep zkey's plugins, beside the directory of the program itself.
const PLUGIN_DIRECTORIES: [&str; 4] = [
    "/usr/lib64/zkey",
    "/usr/lib/zkey",
    "/usr/lib/s390x-linux-gnu/zkey",
    "/usr/local/lib64/zkey",
];

/// A plugin cannot be found or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginsError {
    /// The list cannot be read.
    #[error("cannot read the list of plugins {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of the list is wrong.
    #[error("{}:{line}: a line must be `<plugin>=<shared object>`", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// The list has no such plugin.
    #[error("there is no KMS plugin '{name}'; `zkey-kmip kms plugins` shows those there are")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The shared object is nowhere.
    #[error("cannot find the shared object of KMS plugin '{name}'; tried {tried}")]
    NotFound {
        /// The plugin.
        name: String,
        /// Where we looked.
        tried: String,
    },
    /// The shared object is not usable.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A plugin of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginEntry {
    /// Its name, which is also that of its configuration directory.
    pub name: String,
    /// Its shared object.
    pub shared_object: PathBuf,
}

/// Where plugins come from.
pub trait PluginSource {
    /// All plugins.
    ///
    /// # Errors
    /// The list is broken.
    fn list(&self) -> Result<Vec<PluginEntry>, PluginsError>;

    /// Loads a plugin; its name may be in upper or lower case.
    ///
    /// # Errors
    /// There is none of this name, or it cannot be loaded.
    fn load(&self, entry: &PluginEntry) -> Result<LoadedPlugin, PluginsError>;

    /// The plugin of this name.
    ///
    /// # Errors
    /// There is none.
    fn find(&self, name: &str) -> Result<PluginEntry, PluginsError> {
        self.list()?
            .into_iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| PluginsError::Unknown {
                name: name.to_owned(),
            })
    }
}

/// The plugins of this system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPlugins;

impl PluginSource for SystemPlugins {
    fn list(&self) -> Result<Vec<PluginEntry>, PluginsError> {
        let chosen = environment::variable("ZKEY_KMS_PLUGINS").map(PathBuf::from);
        let path = chosen.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && chosen.is_none() => {
                Ok(vec![built_in()])
            }
            Err(source) => Err(PluginsError::Read { path, source }),
            Ok(text) => parse(&text, &path),
        }
    }

    fn load(&self, entry: &PluginEntry) -> Result<LoadedPlugin, PluginsError> {
        let mut tried = Vec::new();
        for candidate in candidates(&entry.shared_object) {
            // A name without directory is for the dynamic loader's search path.
            let searched = candidate.components().count() == 1;
            if !searched && !candidate.exists() {
                tried.push(candidate.display().to_string());
                continue;
            }
            match LoadedPlugin::open(&candidate) {
                Err(LoadError::Open { source, .. }) if searched && is_not_found(&source) => {
                    tried.push("the search path of the dynamic loader".to_owned());
                }
                other => return Ok(other?),
            }
        }
        Err(PluginsError::NotFound {
            name: entry.name.clone(),
            tried: tried.join(", "),
        })
    }
}

fn built_in() -> PluginEntry {
    let found = BUILT_IN_FILES
        .iter()
        .flat_map(|file| directories().into_iter().map(move |d| d.join(file)))
        .find(|path| path.exists());
    PluginEntry {
        name: BUILT_IN_NAME.to_owned(),
        shared_object: found.unwrap_or_else(|| BUILT_IN_FILES[0].into()),
    }
}

fn parse(text: &str, path: &Path) -> Result<Vec<PluginEntry>, PluginsError> {
    let mut entries = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        // zkey takes an empty line for an error; there is no reason to.
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match text.split_once('=') {
            // The name becomes the name of a directory.
            Some((name, file)) if !name.is_empty() && !file.is_empty() && is_plain(name) => {
                entries.push(PluginEntry {
                    name: name.to_owned(),
                    shared_object: file.into(),
                });
            }
            _ => {
                return Err(PluginsError::Syntax {
                    path: path.to_owned(),
                    line,
                });
            }
        }
    }
    Ok(entries)
}

fn is_plain(name: &str) -> bool {
    !name.contains('/') && name != "." && name != ".."
}

/// As given, then in the directories where plugins are.
fn candidates(shared_object: &Path) -> Vec<PathBuf> {
    let mut candidates = vec![shared_object.to_owned()];
    if shared_object.components().count() == 1 {
        candidates.extend(directories().iter().map(|d| d.join(shared_object)));
    }
    candidates
}

fn directories() -> Vec<PathBuf> {
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    own.into_iter()
        .chain(PLUGIN_DIRECTORIES.map(PathBuf::from))
        .collect()
}

/// Whether the loader did not find the file itself, rather than something that the file needs.
fn is_not_found(error: &libloading::Error) -> bool {
    error.to_string().contains("cannot open shared object file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_list() {
        let path = Path::new("kms-plugins.conf");
        let text = "# plugins\nEKMFWeb=zkey-ekmfweb.so\n\nKMIP=zkey-kmip.so\n";
        let entries = parse(text, path).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].name, "KMIP");
        assert_eq!(entries[1].shared_object, Path::new("zkey-kmip.so"));
        for wrong in ["KMIP", "=x.so", "KMIP=", "../x=y.so"] {
            let error = parse(&format!("# one\n{wrong}\n"), path).unwrap_err();
            assert!(
                error.to_string().starts_with("kms-plugins.conf:2:"),
                "{error}"
            );
        }
    }
}
