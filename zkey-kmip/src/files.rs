//! Files that are replaced as a whole or not at all.
//!
//! A new file is written under a temporary name beside the old one, flushed to the disk, given its
//! owner and mode, and renamed over the old one. Whoever reads the file sees the old or the new
//! content, also after a crash or on a full disk.

mod output;
mod reading;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use output::write_output;
pub use reading::{read_regular, read_secret};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// `action` is a verb, such as `write`.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        FileError {
            action,
            path: path.into(),
            source,
        }
    }

    /// The cause.
    pub fn io(&self) -> &io::Error {
        &self.source
    }
}

impl From<FileError> for crate::abi::PluginError {
    fn from(error: FileError) -> Self {
        crate::abi::PluginError::new((&error.source).into(), error.to_string())
            .caused_by(error.source)
    }
}

/// Who may use a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only the owner (mode 0600).
    Owner,
    /// Those who may use the directory, without execution, and without anything but reading for
    /// the rest of the world: the directory's mode under the mask 0664. The file belongs to the
    /// group of the directory. This is zkey's rule for its repository.
    AsDirectory,
    /// The same without anything for the rest of the world (mask 0660): for keys.
    AsDirectoryKey,
}

/// Replaces the file `path`, or creates it.
///
/// # Errors
/// The old file, if any, is as it was.
pub fn replace(path: &Path, content: &[u8], access: Access) -> Result<(), FileError> {
    let (temporary, mut file) = create_temporary(path)?;
    install(&mut file, &temporary, path, content, access)
}

/// Makes a new file `path`, which must not exist yet. It appears as a whole.
///
/// # Errors
/// There is no new file; the cause is [`io::ErrorKind::AlreadyExists`] if there was one.
pub fn create(path: &Path, content: &[u8], access: Access) -> Result<(), FileError> {
    let (temporary, mut file) = create_temporary(path)?;
    let linked = fill(&mut file, path, content, access).and_then(|()| {
        // Unlike a rename, a link does not replace.
        fs::hard_link(&temporary, path).map_err(|cause| FileError::new("create", path, cause))
    });
    let _ = fs::remove_file(&temporary);
    linked?;
    sync_directory(parent(path))
}

/// As [`create`], or as [`replace`] if the file is there; it appears with an exclusive lock
/// (`flock(2)`) on what is returned.
///
/// # Errors
/// What was there is as it was.
pub fn put_held(path: &Path, content: &[u8], access: Access) -> Result<File, FileError> {
    let (temporary, mut file) = create_temporary(path)?;
    // Nobody else has the file yet. File systems without locks are used without.
    let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    install(&mut file, &temporary, path, content, access)?;
    Ok(file)
}

/// Opens an empty file for reading and writing that all who may use the directory share, such as one
/// that is only locked; makes it if there is none. A link, which could lead elsewhere, is not followed.
///
/// # Errors
/// It is no regular file, or cannot be opened or made.
pub fn open_shared(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    loop {
        match options.open(path) {
            Ok(file) if file.metadata()?.is_file() => return Ok(file),
            Ok(_) => {
                let text = "it is no regular file";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match options.clone().create_new(true).mode(0o660).open(path) {
            Ok(file) => {
                // Those whom this keeps out are told when they open it.
                let _ = share(&file, parent(path), 0o660);
                return Ok(file);
            }
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether `name` is that of a file which [`replace`] or [`create`] left behind when their process
/// was killed.
pub fn is_temporary(name: &str) -> bool {
    temporary_of(name).is_some()
}

/// The file that a temporary one was to become.
fn temporary_of(name: &str) -> Option<&str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (name, numbers) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    let (process, count) = numbers.split_once('-')?;
    (is_number(process) && is_number(count)).then_some(name)
}

/// Makes renames and removals in `directory` permanent.
///
/// # Errors
/// The directory cannot be read or the disk fails.
pub fn sync_directory(directory: &Path) -> Result<(), FileError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|cause| FileError::new("flush directory", directory, cause))
}

/// Removes a file; that there is none is no error.
///
/// # Errors
/// The file is still there.
pub fn remove_if_present(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, cause))
        }
        _ => Ok(()),
    }
}

/// The directory of a file.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn open_new(path: &Path) -> io::Result<File> {
    // Not accessible for others until it is complete, whatever the umask.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// A file beside `path` whose name no other process and no other call uses.
fn create_temporary(path: &Path) -> Result<(PathBuf, File), FileError> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let mut name = path.as_os_str().to_owned();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}-{count}.tmp", std::process::id()));
        let temporary = PathBuf::from(name);
        match open_new(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left over by a process of the same number: its name stays taken.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            // The user knows the file, not the temporary name.
            Err(cause) => return Err(FileError::new("write", path, cause)),
        }
    }
}

/// Gives a temporary file its content and then its name.
fn install(
    file: &mut File,
    temporary: &Path,
    path: &Path,
    content: &[u8],
    access: Access,
) -> Result<(), FileError> {
    let renamed = fill(file, path, content, access).and_then(|()| {
        fs::rename(temporary, path).map_err(|cause| FileError::new("replace", path, cause))
    });
    if renamed.is_err() {
        // The first error counts; the left-over holds nothing that the file would not hold.
        let _ = fs::remove_file(temporary);
    }
    renamed?;
    sync_directory(parent(path))
}

fn fill(file: &mut File, path: &Path, content: &[u8], access: Access) -> Result<(), FileError> {
    let failed = |cause| FileError::new("write", path, cause);
    file.write_all(content).map_err(failed)?;
    match access {
        Access::Owner => {}
        Access::AsDirectory => share(file, parent(path), 0o664).map_err(failed)?,
        Access::AsDirectoryKey => share(file, parent(path), 0o660).map_err(failed)?,
    }
    file.sync_all().map_err(failed)
}

/// Gives the file group and mode of its directory.
fn share(file: &File, directory: &Path, mask: u32) -> io::Result<()> {
    let directory = fs::metadata(directory)?;
    if file.metadata()?.gid() != directory.gid() {
        std::os::unix::fs::fchown(file, None, Some(directory.gid()))?;
    }
    // After the group, which a change would strip of bits.
    file.set_permissions(fs::Permissions::from_mode(directory.mode() & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn modes_follow_the_rule() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for (of_directory, expected) in [(0o770, 0o660), (0o700, 0o600), (0o777, 0o664)] {
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(of_directory))
                .unwrap();
            replace(&path, b"x", Access::AsDirectory).unwrap();
            assert_eq!(mode(&path), expected, "{of_directory:o}");
        }
        replace(&path, b"x", Access::AsDirectoryKey).unwrap();
        assert_eq!(mode(&path), 0o660);
        replace(&path, b"y", Access::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"y");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("occupied");
        fs::create_dir_all(path.join("inside")).unwrap();
        let error = replace(&path, b"x", Access::Owner).unwrap_err();
        assert!(error.to_string().contains("occupied"), "{error}");
        assert!(path.join("inside").is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(replace(&directory.path().join("no/file"), b"x", Access::Owner).is_err());
    }

    #[test]
    fn errors_name_the_file_and_not_its_temporary_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("no/file");
        let error = replace(&path, b"x", Access::Owner).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", path.display())
        );
    }

    #[test]
    fn create_does_not_replace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        create(&path, b"old", Access::Owner).unwrap();
        assert!(create(&path, b"new", Access::Owner).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
