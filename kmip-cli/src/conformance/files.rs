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

/// A file with a name in the directory of another one, or in one of those around: the suites have
/// directories for versions, and in these for groups.
pub(super) fn near(file: &Path, name: &str) -> Option<PathBuf> {
    let own = fs::canonicalize(file.parent()?).ok()?;
    let beside = own.parent().map(directories_in).unwrap_or_default();
    let versions = own.parent().and_then(Path::parent).map(directories_in);
    let groups = versions
        .unwrap_or_default()
        .into_iter()
        .flat_map(|version| directories_in(&version));
    let mut places = std::iter::once(own).chain(beside).chain(groups);
    places.find_map(|place| Some(place.join(name)).filter(|path| path.is_file()))
}

/// The directories in one, in order of their names.
fn directories_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_directory = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut found: Vec<PathBuf> = entries
        .filter(is_directory)
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
