//! Copies of emulator libraries.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn install(library: &Path, target: &Path) -> PathBuf {
    if let Some(directory) = target.parent() {
        fs::create_dir_all(directory).expect("the directory for libraries");
    }
    if let Err(error) = fs::copy(library, target) {
        panic!("{} -> {}: {error}", library.display(), target.display());
    }
    target.to_owned()
}

/// Makes a copied library one that lacks a symbol: the name in its table is changed, so that
/// looking it up fails as with a library that is too old.
///
/// # Panics
/// The library cannot be read or written, or does not have the symbol.
pub fn without_symbol(library: &Path, symbol: &str) {
    let mut content = fs::read(library).expect("a library");
    let name = [b"\0", symbol.as_bytes(), b"\0"].concat();
    let places: Vec<usize> = memchr::memmem::find_iter(&content, &name).collect();
    for at in &places {
        content[at + 1] = b'?';
    }
    assert!(!places.is_empty(), "{} has no {symbol}", library.display());
    fs::write(library, content).expect("a library");
}
