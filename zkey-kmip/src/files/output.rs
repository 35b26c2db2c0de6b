//! Files whose names the user chose.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;

use super::{Access, FileError, parent, put_held, temporary_of};
use crate::flock::{Attempt, attempt};

/// Writes a file whose name the user chose: as [`replace`](super::replace) with [`Access::Owner`], but what is no
/// regular file (a device, a pipe, a symbolic link such as `/dev/stdout`) is written to and stays
/// what it is.
///
/// # Errors
/// A regular file is as it was; of anything else, a part may have been written.
pub fn write_output(path: &Path, content: &[u8]) -> Result<(), FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(content))
            .map_err(|cause| FileError::new("write", path, cause)),
        _ => {
            remove_abandoned(path);
            put_held(path, content, Access::Owner).map(drop)
        }
    }
}

/// Removes what processes that were killed have left of the same file. Nobody else would: it is not in a
/// directory of the plugin.
fn remove_abandoned(path: &Path) {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let (Some(name), Ok(entries)) = (name, fs::read_dir(parent(path))) else {
        return;
    };
    for entry in entries.flatten() {
        let is_of_it = temporary_of(&entry.file_name().to_string_lossy()) == Some(&name);
        if !is_of_it || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(entry.path());
        // Its maker has a lock on it.
        let operation = FlockOperation::NonBlockingLockExclusive;
        if file
            .and_then(|file| attempt(&file, operation))
            .is_ok_and(|lock| lock == Attempt::Locked)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_a_killed_process_has_left_goes_with_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let others = [
            "csr.pem.tmp",
            "csr.pem.1-x.tmp",
            "csr.pem.x.1-1.tmp",
            "other.1-1.tmp",
        ];
        for name in ["csr.pem.1-1.tmp", "csr.pem.77-0.tmp"]
            .iter()
            .chain(&others)
        {
            fs::write(at(name), "left").unwrap();
        }
        let at_work = put_held(&at("csr.pem.2-1.tmp"), b"", Access::Owner).unwrap();
        write_output(&at("csr.pem"), b"new").unwrap();
        assert_eq!(fs::read(at("csr.pem")).unwrap(), b"new");
        let left: Vec<_> = ["csr.pem.1-1.tmp", "csr.pem.77-0.tmp", "csr.pem.2-1.tmp"]
            .into_iter()
            .filter(|name| at(name).exists())
            .collect();
        assert_eq!(left, ["csr.pem.2-1.tmp"], "its process lives");
        assert!(others.iter().all(|name| at(name).exists()));
        drop(at_work);
    }

    #[test]
    fn outputs_go_into_devices_and_links_and_do_not_replace_them() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        symlink("file", &link).unwrap();
        for content in [b"long".as_slice(), b"new"] {
            write_output(&link, content).unwrap();
            assert_eq!(fs::read(&file).unwrap(), content);
            assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_output(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        let error = write_output(directory.path(), b"x").unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
    }
}
