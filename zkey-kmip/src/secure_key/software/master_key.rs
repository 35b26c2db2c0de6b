//! Master keys and the file they are kept in.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rand::rand_bytes;
use zeroize::Zeroizing;

use super::super::{Register, SecureKeyError, VerificationPattern};
use crate::environment;
use crate::files::{self, Access};

const REGISTERS: [(Register, &str); 3] = [
    (Register::Old, "old"),
    (Register::Current, "current"),
    (Register::New, "new"),
];

/// Larger files are none of ours.
const MAX_FILE: u64 = 4096;

/// A master key; keys for sealing tokens are derived from it.
pub(super) struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    fn random() -> Result<MasterKey, SecureKeyError> {
        let mut key = Zeroizing::new([0; 32]);
        rand_bytes(key.as_mut()).map_err(SecureKeyError::openssl("make random bytes"))?;
        Ok(MasterKey(key))
    }

    /// A key for one purpose (HKDF-SHA-256).
    pub(super) fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>, SecureKeyError> {
        let mut derived = Zeroizing::new([0; 32]);
        let mut derive = || {
            let mut context = PkeyCtx::new_id(Id::HKDF)?;
            context.derive_init()?;
            context.set_hkdf_md(Md::sha256())?;
            context.set_hkdf_key(self.0.as_ref())?;
            context.set_hkdf_salt(b"zkey-kmip software backend")?;
            context.add_hkdf_info(purpose.as_bytes())?;
            context.derive(Some(derived.as_mut()))
        };
        derive().map_err(SecureKeyError::openssl("derive a key"))?;
        Ok(derived)
    }

    /// The pattern that tokens name it by.
    pub(super) fn pattern(&self) -> VerificationPattern {
        let mut hash = openssl::sha::Sha256::new();
        hash.update(b"zkey-kmip software master key\0");
        hash.update(self.0.as_ref());
        let mut pattern = [0; 16];
        pattern.copy_from_slice(&hash.finish()[..16]);
        VerificationPattern(pattern)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.pattern())
    }
}

/// The three registers.
#[derive(Debug, Default)]
pub(super) struct MasterKeys {
    old: Option<MasterKey>,
    current: Option<MasterKey>,
    new: Option<MasterKey>,
}

impl MasterKeys {
    pub(super) fn get(&self, register: Register) -> Option<&MasterKey> {
        match register {
            Register::Old => self.old.as_ref(),
            Register::Current => self.current.as_ref(),
            Register::New => self.new.as_ref(),
        }
    }

    fn slot(&mut self, register: Register) -> &mut Option<MasterKey> {
        match register {
            Register::Old => &mut self.old,
            Register::Current => &mut self.current,
            Register::New => &mut self.new,
        }
    }

    pub(super) fn current(&self) -> Result<&MasterKey, SecureKeyError> {
        self.get(Register::Current)
            .ok_or(SecureKeyError::NotLoaded(Register::Current))
    }

    /// The key whose pattern begins with `pattern`.
    pub(super) fn find(&self, pattern: &[u8]) -> Result<(Register, &MasterKey), SecureKeyError> {
        [Register::Current, Register::New, Register::Old]
            .into_iter()
            .filter_map(|register| Some((register, self.get(register)?)))
            .find(|(_, key)| key.pattern().0.starts_with(pattern))
            .ok_or_else(|| SecureKeyError::UnknownMasterKey {
                pattern: pattern.iter().map(|byte| format!("{byte:02x}")).collect(),
                cause: None,
            })
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(512));
        text.push_str(
            "# Software master keys of zkey-kmip. Whoever can read this file can use all keys.\n",
        );
        for (register, name) in REGISTERS {
            if let Some(key) = self.get(register) {
                text.push_str(name);
                text.push('=');
                for byte in key.0.iter() {
                    for digit in [byte >> 4, byte & 15] {
                        text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
                    }
                }
                text.push_str(&format!(":{}\n", key.pattern()));
            }
        }
        text
    }

    fn parse(text: &str) -> Result<MasterKeys, MasterKeyFileProblem> {
        let mut keys = MasterKeys::default();
        for (line, text) in (1..).zip(text.lines()) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (register, key) = parse_line(text).ok_or(MasterKeyFileProblem::Line { line })?;
            *keys.slot(register) = Some(key);
        }
        if keys.current.is_none() {
            return Err(MasterKeyFileProblem::NoCurrentKey);
        }
        Ok(keys)
    }
}

fn parse_line(line: &str) -> Option<(Register, MasterKey)> {
    let (name, value) = line.split_once('=')?;
    let (register, _) = REGISTERS.into_iter().find(|(_, known)| *known == name)?;
    let (digits, pattern) = value.split_once(':')?;
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| {
        let digit = char::from(byte).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    let key = MasterKey(key);
    // The pattern shows a typing error or a damaged file before keys are made under it.
    (key.pattern().to_string() == pattern).then_some((register, key))
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyFileProblem {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// It cannot be made.
    #[error(
        "its directory does not exist; make it, or name another file by {}",
        super::MASTER_KEY_VARIABLE
    )]
    NoDirectory,
    /// Others may read or write it.
    #[error("its mode {mode:04o} lets others use it; it must be 0600")]
    Mode {
        /// The mode.
        mode: u32,
    },
    /// It belongs to someone else.
    #[error("it belongs to user {owner}, not to root or to user {user}, who runs this program")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who runs the program.
        user: u32,
    },
    /// It is not a file, or an impossible one.
    #[error("it is no regular file of a few lines")]
    NotRegular,
    /// A line is damaged.
    #[error("line {line} is damaged; restore the file from a backup")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("it has no current master key; restore the file from a backup")]
    NoCurrentKey,
}

/// The file with the master keys of the software backend.
#[derive(Debug, Clone)]
pub struct MasterKeyFile {
    path: PathBuf,
}

impl MasterKeyFile {
    /// The file `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> MasterKeyFile {
        MasterKeyFile { path: path.into() }
    }

    /// The file that the environment names, or else the usual one.
    pub fn from_environment() -> MasterKeyFile {
        let path = environment::variable(super::MASTER_KEY_VARIABLE);
        MasterKeyFile::at(path.map_or_else(
            || PathBuf::from(super::DEFAULT_MASTER_KEY_FILE),
            PathBuf::from,
        ))
    }

    /// What is in the registers, by pattern.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn patterns(&self) -> Result<[(Register, Option<VerificationPattern>); 3], SecureKeyError> {
        let keys = self.load()?;
        Ok([Register::Old, Register::Current, Register::New]
            .map(|register| (register, keys.get(register).map(MasterKey::pattern))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file with a random current master key unless there is one. Two processes that
    /// do so at the same time get the same file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create_if_missing(&self) -> Result<(), SecureKeyError> {
        if fs::symlink_metadata(&self.path).is_ok() {
            return Ok(());
        }
        let directory = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        if directory.is_some_and(|directory| !directory.exists()) {
            return Err(SecureKeyError::MasterKeyFile {
                path: self.path.clone(),
                problem: MasterKeyFileProblem::NoDirectory,
            });
        }
        let keys = MasterKeys {
            current: Some(MasterKey::random()?),
            ..MasterKeys::default()
        };
        match files::create(&self.path, keys.to_text().as_bytes(), Access::Owner) {
            Err(error) if error.io().kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Loads a random master key into the NEW register, if it is empty, as a first step of
    /// changing the master key.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn load_new(&self) -> Result<VerificationPattern, SecureKeyError> {
        let mut keys = self.load()?;
        let key = match keys.new.take() {
            Some(key) => key,
            None => MasterKey::random()?,
        };
        let pattern = key.pattern();
        keys.new = Some(key);
        self.save(&keys)?;
        Ok(pattern)
    }

    /// Sets the NEW master key: it becomes CURRENT, and CURRENT becomes OLD.
    ///
    /// # Errors
    /// No NEW master key is loaded, or the file cannot be read or written.
    pub fn set_new(&self) -> Result<(), SecureKeyError> {
        let keys = self.load()?;
        let new = keys.new.ok_or(SecureKeyError::NotLoaded(Register::New))?;
        self.save(&MasterKeys {
            old: keys.current,
            current: Some(new),
            new: None,
        })
    }

    pub(super) fn load(&self) -> Result<MasterKeys, SecureKeyError> {
        let read = || {
            let mut file = File::open(&self.path).map_err(MasterKeyFileProblem::Read)?;
            // Of the open file, not of what the name may mean by now.
            check_access(&file.metadata().map_err(MasterKeyFileProblem::Read)?)?;
            let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
            file.read_to_string(&mut text)
                .map_err(MasterKeyFileProblem::Read)?;
            MasterKeys::parse(&text)
        };
        read().map_err(|problem| SecureKeyError::MasterKeyFile {
            path: self.path.clone(),
            problem,
        })
    }

    fn save(&self, keys: &MasterKeys) -> Result<(), SecureKeyError> {
        files::replace(&self.path, keys.to_text().as_bytes(), Access::Owner)?;
        Ok(())
    }
}

fn check_access(file: &fs::Metadata) -> Result<(), MasterKeyFileProblem> {
    if !file.is_file() || file.len() > MAX_FILE {
        return Err(MasterKeyFileProblem::NotRegular);
    }
    let mode = file.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyFileProblem::Mode { mode });
    }
    let user = environment::effective_user();
    if file.uid() != user && file.uid() != 0 {
        return Err(MasterKeyFileProblem::Owner {
            owner: file.uid(),
            user,
        });
    }
    Ok(())
}
