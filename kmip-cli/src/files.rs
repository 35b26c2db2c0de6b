//! Files that may hold keys: for their owner only, and complete or not there.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;

/// How much is read at most: keys and data for a server, which takes messages of some MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Says that a person has to type, where it would look as if nothing happened.
pub(crate) fn announce_terminal() {
    if io::stdin().is_terminal() {
        eprintln!("kmip: reading from the terminal, until Ctrl-D");
    }
}

/// The content of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut content = Zeroizing::new(Vec::new());
    let read = match path == Path::new("-") {
        true => {
            announce_terminal();
            let input = io::stdin().lock();
            input.take(MAX_BYTES + 1).read_to_end(&mut content)
        }
        false => {
            fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content))
        }
    };
    read.map_err(Failure::reading(path))?;
    if content.len() as u64 > MAX_BYTES {
        let what = format!("it has more than {} MiB", MAX_BYTES >> 20);
        return Err(Failure::Content {
            path: path.to_owned(),
            what,
        });
    }
    Ok(content)
}

/// Writes a file with mode 0600 under another name and renames it. What is no regular file (a
/// device, a pipe, a symbolic link) is written to and stays what it is.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| {
                // Where a link leads.
                if file.metadata()?.is_file() {
                    file.set_permissions(fs::Permissions::from_mode(0o600))?;
                }
                file.write_all(content)
            })
            .map_err(Failure::writing(path)),
        _ => {
            let file = temporary(path, content)?;
            let renamed = file.persist(path);
            renamed.map_err(|error| Failure::writing(path)(error.error))?;
            Ok(())
        }
    }
}

/// Makes a new file with mode 0600, which must not be there yet.
pub(crate) fn create(path: &Path, content: &[u8]) -> Result<(), Failure> {
    match temporary(path, content)?.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::Exists(path.to_owned()))
        }
        Err(error) => Err(Failure::writing(path)(error.error)),
    }
}

fn temporary(path: &Path, content: &[u8]) -> Result<tempfile::NamedTempFile, Failure> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || {
        // Has mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(Failure::writing(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_leads_to_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "of others").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        write(&link, b"key").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"key");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
