//! What several tests need.
#![allow(dead_code, reason = "no test needs all of it")]

use std::path::PathBuf;
use std::process::Command;

/// The built program, behind the runner if one is set: tests for another machine need an emulator.
pub(crate) fn kmip() -> Command {
    let program = env!("CARGO_BIN_EXE_kmip");
    let mut command = match std::env::var("KMIP_TEST_RUNNER") {
        Ok(runner) if !runner.trim().is_empty() => {
            let mut words = runner.split_whitespace();
            let mut command = Command::new(words.next().expect("a program"));
            command.args(words).arg(program);
            command
        }
        _ => Command::new(program),
    };
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// A file of the reference material, which a plain clone of the repository does not have. Says
/// that the test is skipped, or fails where nothing may be skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("KMIP_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("KMIP_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "{} is missing, and KMIP_REQUIRE_ALL is set",
        path.display()
    );
    println!("skipped: there is no {}", path.display());
    None
}
