//! What tests need and a machine may lack.

use std::path::{Path, PathBuf};

/// Says that a test, or a part of it, is skipped and why: `skipped: WHY`.
///
/// # Panics
/// `KMIP_REQUIRE_ALL` is 1: nothing may be skipped then.
pub fn skip(why: &str) {
    let required = std::env::var_os("KMIP_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "{why}, and KMIP_REQUIRE_ALL is set");
    println!("skipped: {why}");
}

/// A file or directory of the reference material, which a plain clone of the repository does not have:
/// in `KMIP_SHARED`, by default beside the repository. [Skips](skip) what cannot be done without it.
pub fn reference(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KMIP_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("there is no {}", path.display()));
    None
}

/// What `scripts/pykmip.sh` tells of PyKMIP: `ADDRESS`, `CERT`, `KEY`, `CA`, ...
///
/// # Panics
/// PyKMIP is not running.
pub fn pykmip(name: &str) -> String {
    let name = format!("KMIP_PYKMIP_{name}");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set; use `make interop`"))
}
