//! Files that are read as a whole.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// Largest file that is read; zkey's own are a few KiB.
const MAX_FILE: u64 = 1 << 20;

/// Largest file with a secret.
const MAX_SECRET: u64 = 1 << 12;

/// The content of a file of the configuration. Nothing but a regular file is read: a pipe could keep
/// the reader waiting for ever, a device could fill its memory.
///
/// # Errors
/// It is no regular file, too large, or cannot be read.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = open_regular(path, MAX_FILE)?;
    let mut content = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut content)?;
    Ok(content)
}

/// The content of a file with a secret, wiped when dropped. Whoever is neither its owner nor in its group
/// must have no access to it, and nobody but its owner may change it.
///
/// # Errors
/// Others may, it is no regular file, too large, or cannot be read.
pub fn read_secret(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let (mut file, metadata) = open_regular(path, MAX_SECRET)?;
    if metadata.mode() & 0o027 != 0 {
        let path = path.display();
        return Err(wrong(format!(
            "its group may change it, or everybody has access to it: run 'chmod g-w,o= {path}'"
        )));
    }
    // `read_to_end` would move what it has, and look for the end with memory of its own: neither is wiped.
    let mut content = Zeroizing::new(vec![0; metadata.len() as usize]);
    file.read_exact(&mut content)?;
    Ok(content)
}

/// Opens a regular file for reading; returns its metadata, too.
fn open_regular(path: &Path, limit: u64) -> io::Result<(File, Metadata)> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(wrong("it is no regular file".to_owned()));
    }
    let length = metadata.len();
    if length > limit {
        return Err(wrong(format!("{length} bytes are too many")));
    }
    Ok((file, metadata))
}

fn wrong(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
