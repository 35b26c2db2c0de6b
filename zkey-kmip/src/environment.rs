//! What the process got from its caller: environment variables that change what the plugin
//! trusts or opens, and the user it runs for.

use std::ffi::OsString;

/// The environment variable `name`; nothing in a program that runs with more rights than its
/// caller (set-user-ID and the like), as with `secure_getenv(3)`.
pub fn variable(name: &str) -> Option<OsString> {
    // SAFETY: getauxval has no preconditions.
    let elevated = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    if elevated {
        None
    } else {
        std::env::var_os(name)
    }
}

/// The user whose rights the process has.
pub fn effective_user() -> u32 {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}
