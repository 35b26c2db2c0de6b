//! What the process got from its caller.

use std::ffi::OsString;

/// The environment variable `name`; nothing in a program that runs with more rights than its
/// caller (set-user-ID and the like), as with `secure_getenv(3)`: variables decide which files
/// are trusted.
pub fn variable(name: &str) -> Option<OsString> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    let own_rights = getuid() == geteuid() && getgid() == getegid();
    std::env::var_os(name).filter(|value| own_rights && !value.is_empty())
}

/// The user whose rights the process has.
pub fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The name of this system in the network.
pub fn node_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}
