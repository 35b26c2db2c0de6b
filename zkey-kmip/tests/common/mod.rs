//! Support for the tests of this crate.

#![allow(dead_code, unreachable_pub)]

pub mod mock;

use std::path::PathBuf;
use std::process::Command;

/// The shared object that cargo built together with this test: for an integration test, cargo
/// builds the library in all its crate types and leaves the shared object in `deps`, beside the
/// test executable.
pub fn shared_object() -> PathBuf {
    let directory = std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned();
    let path = directory.join("libzkey_kmip.so");
    assert!(path.exists(), "{} was not built", path.display());
    path
}

/// A command that runs a program of this build. Programs for another architecture go through the
/// runner that cargo uses for them, since this machine cannot run them itself.
pub fn command(program: &str) -> Command {
    let runner = cfg!(target_arch = "s390x")
        .then(|| std::env::var("CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER").ok())
        .flatten();
    let mut words = runner.as_deref().unwrap_or_default().split_whitespace();
    match words.next() {
        None => Command::new(program),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    }
}
