//! C sources of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a source of `tests/c` with these arguments; `None` where there is no compiler.
pub fn build(directory: &Path, name: &str, arguments: &[&str]) -> Option<PathBuf> {
    let compiler = std::env::var("KMIP_TEST_CC").unwrap_or_else(|_| "cc".to_owned());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/{name}.c"));
    let program = directory.join(name);
    let built = Command::new(&compiler)
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-o"])
        .args([&program, &source])
        .args(arguments)
        .arg("-ldl")
        .output();
    match built {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}");
            Some(program)
        }
        Err(error) => {
            test_support::skip(&format!("no C compiler `{compiler}`: {error}"));
            None
        }
    }
}
