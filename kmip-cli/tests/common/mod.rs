//! What several tests need.
#![allow(dead_code, reason = "no test needs all of it")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A Get of the object `a` in KMIP 1.2.
pub(crate) const GET: &str = "42007801000000704200770100000038420069010000002042006A02000000040000000100000000\
42006B0200000004000000020000000042000D0200000004000000010000000042000F0100000028\
42005C05000000040000000A00000000420079010000001042009407000000016100000000000000";

/// The built program.
pub(crate) fn kmip() -> Command {
    let mut command = test_support::command(env!("CARGO_BIN_EXE_kmip"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs the program with this on standard input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = kmip()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // The program may end without reading.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("an end")
}

/// What the program prints.
pub(crate) fn succeeds(arguments: &[&str], input: &[u8]) -> String {
    let output = run(arguments, input);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What the program prints, and its one line of error.
pub(crate) fn fails(arguments: &[&str], input: &[u8]) -> (String, String) {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    (String::from_utf8(output.stdout).expect("UTF-8"), errors)
}
