//! Finding files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The files with this extension at any depth, in order of their names. A file may stand in place of
/// the directory.
pub(super) fn find(directory: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    if directory.is_file() {
        return Ok(vec![directory.to_owned()]);
    }
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).map_err(Failure::reading(&directory))?;
        for entry in entries {
            let entry = entry.map_err(Failure::reading(&directory))?;
            let path = entry.path();
            // A link could lead back up.
            let kind = entry.file_type().map_err(Failure::reading(&path))?;
            if kind.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
