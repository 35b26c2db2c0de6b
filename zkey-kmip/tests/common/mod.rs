//! Support for the tests of this crate.

#![allow(dead_code, unreachable_pub)]

pub mod c_host;
pub mod c_source;
pub mod host;
pub mod manual;
pub mod mock;
pub mod proxy;
pub mod shelf;

use std::path::PathBuf;

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

/// The program of this build. A compiler behind a shell script does not see cargo's variable, whose
/// name no shell takes; the program lies one directory above the test executables.
pub fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_zkey-kmip").map_or_else(
        || {
            let own = std::env::current_exe().unwrap();
            own.parent().unwrap().parent().unwrap().join("zkey-kmip")
        },
        PathBuf::from,
    )
}
