//! Programs of the workspace where an emulator has to run them.

use std::ffi::OsStr;
use std::process::Command;

/// A command that runs a program of this build, with the words of `KMIP_TEST_RUNNER` in front: an
/// emulator, where the tests are for another architecture.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let runner = runner();
    let Some((first, more)) = runner.split_first() else {
        return Command::new(program);
    };
    let mut command = Command::new(first);
    command.args(more).arg(program);
    command
}

/// Whether an emulator runs the programs: they are slow then, and no tool of this machine can look
/// into them.
pub fn is_emulated() -> bool {
    !runner().is_empty()
}

/// The words of `KMIP_TEST_RUNNER`.
pub fn runner() -> Vec<String> {
    let runner = std::env::var("KMIP_TEST_RUNNER").unwrap_or_default();
    runner.split_whitespace().map(str::to_owned).collect()
}
