//! What the host takes from the environment.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where zkey keeps its keys.
pub(super) const DEFAULT_REPOSITORY: &str = "/etc/zkey/repository";

/// A variable of the environment. Like `secure_getenv(3)`, a program that runs with the rights of
/// another user than its caller takes none.
pub(super) fn variable(name: &str) -> Option<OsString> {
    let own_rights = rustix::process::getuid() == rustix::process::geteuid()
        && rustix::process::getgid() == rustix::process::getegid();
    std::env::var_os(name).filter(|value| own_rights && !value.is_empty())
}

/// The repository: `ZKEY_REPOSITORY`, or zkey's default.
pub(super) fn repository() -> PathBuf {
    variable("ZKEY_REPOSITORY").map_or_else(|| DEFAULT_REPOSITORY.into(), PathBuf::from)
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
