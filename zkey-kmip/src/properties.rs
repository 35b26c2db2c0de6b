//! zkey's properties files: `kmip.conf`, `kms.conf`, the `.info` files of keys, and profiles
//! (behaviour reference 3.2).
//!
//! One `name=value` per line, split at the first `=`, without trimming, quoting or escapes. Lines
//! that begin with `#` and empty lines are skipped. Most files end with `__hash__=`, the SHA-256
//! of all names and values in the order of the file: it protects against accidents, not against
//! attackers. Files written here are read by the C programs and the other way round.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use openssl::sha::Sha256;

use crate::abi::{Errno, PluginError};
use crate::files::{self, Access, FileError};

/// Longest line that the C programs read in one piece, without its line end. Longer lines are
/// read here, but not written.
pub const MAX_LINE: usize = 4094;

const HASH_NAME: &str = "__hash__";

/// Whether a file ends with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrity {
    /// The hash is demanded on reading and added on writing: all files but profiles.
    Hashed,
    /// There is no hash; one that is present is skipped.
    Plain,
}

/// A properties file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesError {
    /// The file cannot be read at all.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// A line is not as it must be.
    #[error("{}:{line}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// The hash is not there: the file was cut or written by hand.
    #[error(
        "{}: the line `__hash__` is missing after line {lines}: the file is cut off or was \
         written by hand; restore it from a backup",
        path.display()
    )]
    HashMissing {
        /// The file.
        path: PathBuf,
        /// Number of lines that are there.
        lines: usize,
    },
    /// The content was changed without its hash.
    #[error(
        "{}:{line}: the hash does not fit the content: the file is damaged or was edited by \
         hand; restore it from a backup",
        path.display()
    )]
    HashMismatch {
        /// The file.
        path: PathBuf,
        /// Number of the line with the hash, from 1.
        line: usize,
    },
    /// A property cannot be stored.
    #[error("property `{name}` cannot be stored: {problem}")]
    Unstorable {
        /// Name of the property.
        name: String,
        /// Why not.
        problem: LineProblem,
    },
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// There is no `=`.
    #[error("`=` is missing: a line is `name=value`, or a comment that begins with `#`")]
    NoEqualsSign,
    /// Nothing stands before the `=`.
    #[error("the name before `=` is empty")]
    NoName,
    /// The name has bytes that names cannot have.
    #[error("the name holds `=`, a line end, or begins with `#`")]
    BadName,
    /// The name is that of the hash.
    #[error("the name `__hash__` is reserved")]
    ReservedName,
    /// The name is not UTF-8.
    #[error("the name is not UTF-8")]
    NameNotUtf8,
    /// C programs would take the line for shorter than it is.
    #[error("it holds a NUL byte")]
    Nul,
    /// The value has several lines.
    #[error("the value holds a line end")]
    LineEnd,
    /// C programs would break the line.
    #[error("name and value have more than {MAX_LINE} bytes")]
    TooLong,
}

impl PropertiesError {
    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, PropertiesError::Read { source, .. }
            if source.kind() == io::ErrorKind::NotFound)
    }
}

impl From<PropertiesError> for PluginError {
    fn from(error: PropertiesError) -> Self {
        let errno = match &error {
            PropertiesError::Read { source, .. } => Errno::from(source),
            PropertiesError::Write(error) => Errno::from(error.io()),
            PropertiesError::Unstorable { .. } => Errno::EINVAL,
            _ => Errno::EPERM,
        };
        let message = error.to_string();
        match error {
            PropertiesError::Read { source, .. } => {
                PluginError::new(errno, message).caused_by(source)
            }
            PropertiesError::Write(error) => error.into(),
            _ => PluginError::new(errno, message),
        }
    }
}

/// Properties in the order of their file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    value: String,
    /// Number of the line that it was read from, from 1; no line if it was set.
    line: Option<usize>,
    /// The bytes of the file where they are not UTF-8, so that rewriting does not change them.
    raw: Option<Vec<u8>>,
}

/// Where they were read from makes no difference.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.bytes() == other.bytes()
    }
}

impl Eq for Entry {}

impl Entry {
    fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.value.as_bytes())
    }
}

impl Properties {
    /// No properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`. Bytes that are not UTF-8 show as U+FFFD.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|entry| entry.value.as_str())
    }

    /// The value of `name`, byte by byte: for file names.
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.find(name)
            .map(|entry| OsStr::from_bytes(entry.bytes()))
    }

    /// The number of the line, from 1, that the value of `name` was read from.
    pub fn line(&self, name: &str) -> Option<usize> {
        self.find(name)?.line
    }

    /// Sets `name`; a property that is there already keeps its place.
    ///
    /// # Errors
    /// The C programs could not read such a property. Nothing was changed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), PropertiesError> {
        self.set_os(name, OsStr::new(value))
    }

    /// As [`Properties::set`], for file names.
    ///
    /// # Errors
    /// As for [`Properties::set`].
    pub fn set_os(&mut self, name: &str, value: &OsStr) -> Result<(), PropertiesError> {
        let value = value.as_bytes();
        check_storable(name, value).map_err(|problem| PropertiesError::Unstorable {
            name: name.to_owned(),
            problem,
        })?;
        self.put(name, value, None);
        Ok(())
    }

    /// Removes `name`; returns whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() != before
    }

    /// Names and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.as_str()))
    }

    /// The number of properties.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no properties.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads the file `path`.
    ///
    /// # Errors
    /// The file cannot be read ([`PropertiesError::is_not_found`] tells that it is not there), or
    /// is damaged.
    pub fn load(path: &Path, integrity: Integrity) -> Result<Self, PropertiesError> {
        let failed = |source| PropertiesError::Read {
            path: path.to_owned(),
            source,
        };
        let content = files::read_regular(path).map_err(failed)?;
        Self::parse(&content, path, integrity)
    }

    /// Reads the content of a file; `path` is for error messages.
    ///
    /// # Errors
    /// The content is damaged.
    pub fn parse(
        content: &[u8],
        path: &Path,
        integrity: Integrity,
    ) -> Result<Self, PropertiesError> {
        let mut properties = Properties::new();
        let mut hash = Sha256::new();
        let mut stored_hash = None;
        let mut lines = 0;
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        for (line, text) in (1..).zip(content.split(|byte| *byte == b'\n')) {
            lines = line;
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let (name, value) = split_line(text).map_err(|problem| PropertiesError::Syntax {
                path: path.to_owned(),
                line,
                problem,
            })?;
            if name == HASH_NAME {
                stored_hash = Some((line, value));
                continue;
            }
            // A repeated name counts each time, as in the C programs.
            hash.update(name.as_bytes());
            hash.update(value);
            properties.put(name, value, Some(line));
        }
        if integrity == Integrity::Hashed {
            let path = path.to_owned();
            let Some((line, stored)) = stored_hash else {
                return Err(PropertiesError::HashMissing { path, lines });
            };
            if !stored.eq_ignore_ascii_case(hex(&hash.finish()).as_bytes()) {
                return Err(PropertiesError::HashMismatch { path, line });
            }
        }
        Ok(properties)
    }

    /// The content of the file.
    pub fn to_bytes(&self, integrity: Integrity) -> Vec<u8> {
        let mut content = Vec::new();
        let mut hash = Sha256::new();
        for entry in &self.entries {
            hash.update(entry.name.as_bytes());
            hash.update(entry.bytes());
            content.extend_from_slice(entry.name.as_bytes());
            content.push(b'=');
            content.extend_from_slice(entry.bytes());
            content.push(b'\n');
        }
        if integrity == Integrity::Hashed {
            content.extend_from_slice(format!("{HASH_NAME}={}\n", hex(&hash.finish())).as_bytes());
        }
        content
    }

    /// Replaces the file `path` as a whole; its owner and mode follow the directory's.
    ///
    /// # Errors
    /// The old file is as it was.
    pub fn save(&self, path: &Path, integrity: Integrity) -> Result<(), PropertiesError> {
        files::replace(path, &self.to_bytes(integrity), Access::AsDirectory)?;
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn put(&mut self, name: &str, value: &[u8], line: Option<usize>) {
        let (value, raw) = match String::from_utf8_lossy(value) {
            std::borrow::Cow::Borrowed(text) => (text.to_owned(), None),
            std::borrow::Cow::Owned(text) => (text, Some(value.to_owned())),
        };
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => {
                entry.value = value;
                entry.raw = raw;
                entry.line = line;
            }
            None => self.entries.push(Entry {
                name: name.to_owned(),
                value,
                line,
                raw,
            }),
        }
    }
}

fn split_line(line: &[u8]) -> Result<(&str, &[u8]), LineProblem> {
    if line.contains(&0) {
        return Err(LineProblem::Nul);
    }
    let split = line
        .iter()
        .position(|byte| *byte == b'=')
        .ok_or(LineProblem::NoEqualsSign)?;
    if split == 0 {
        return Err(LineProblem::NoName);
    }
    let name = std::str::from_utf8(&line[..split]).map_err(|_| LineProblem::NameNotUtf8)?;
    Ok((name, &line[split + 1..]))
}

fn check_storable(name: &str, value: &[u8]) -> Result<(), LineProblem> {
    if name.is_empty() {
        Err(LineProblem::NoName)
    } else if name == HASH_NAME {
        Err(LineProblem::ReservedName)
    } else if name.starts_with('#') || name.contains(['=', '\n']) {
        Err(LineProblem::BadName)
    } else if value.contains(&b'\n') {
        Err(LineProblem::LineEnd)
    } else if name.contains('\0') || value.contains(&0) {
        Err(LineProblem::Nul)
    } else if name.len() + 1 + value.len() > MAX_LINE {
        Err(LineProblem::TooLong)
    } else {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
