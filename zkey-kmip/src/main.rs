//! The program `zkey-kmip`; see [`zkey_kmip::host`].

use std::ffi::OsString;
use std::process::ExitCode;

use zkey_kmip::host::{self, plugins::SystemPlugins};

#[allow(unsafe_code)]
fn main() -> ExitCode {
    // SAFETY: no thread was started yet.
    unsafe { host::stand_in::choose() };
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(host::run(&arguments, &SystemPlugins))
}
