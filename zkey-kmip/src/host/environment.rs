//! What the host takes from its surroundings.

use std::path::PathBuf;

use crate::environment;

/// Where zkey keeps its keys.
pub(super) const DEFAULT_REPOSITORY: &str = "/etc/zkey/repository";

/// The repository: `ZKEY_REPOSITORY`, or zkey's default.
pub(super) fn repository() -> PathBuf {
    environment::variable("ZKEY_REPOSITORY")
        .filter(|directory| !directory.is_empty())
        .map_or_else(|| DEFAULT_REPOSITORY.into(), PathBuf::from)
}

/// The name of this system in the names of properties (behaviour reference 1.9).
pub(super) fn system_name() -> String {
    let name = rustix::system::uname();
    let node = name.nodename().to_bytes();
    node.iter()
        .map(|&byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte),
            _ => '_',
        })
        .collect()
}
