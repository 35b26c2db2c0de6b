//! `codegen dump`, as its user runs it.

use std::process::{Command, Output};

use serde_json::{Value, json};

/// The tables agree with tables that were read from the specifications independently.
#[test]
fn the_dump_agrees_with_the_specification_texts() {
    let Some(reference) = test_support::reference("spec/check.py") else {
        return;
    };
    let dump = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(dump.path(), codegen(&["dump"]).stdout).unwrap();
    let check = Command::new("python3")
        .arg("-B")
        .arg(reference)
        .arg(dump.path())
        .arg("--strict-names")
        .output()
        .expect("python3 is needed to compare with the reference tables");
    let report = String::from_utf8_lossy(&check.stdout);
    assert!(
        check.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&check.stderr)
    );
    assert_eq!(report.trim(), "0 mismatches, 0 absent from the dump");
}

#[test]
fn the_dump_shows_values_versions_and_layouts() {
    let output = codegen(&["dump"]);
    assert!(output.status.success());
    let dump: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        dump["tags"]["Template-Attribute"],
        json!({ "value": "0x420091", "since": "1.0", "until": "1.4" })
    );
    assert_eq!(
        dump["enums"]["Operation"]["Ping"],
        json!({ "value": "0x0000003B", "since": "2.1", "until": null })
    );
    let field = |name, required| json!({ "name": name, "required": required, "repeat": false });
    assert_eq!(
        dump["operations"]["Create"]["1.0"]["response"],
        json!([
            field("Object Type", true),
            field("Unique Identifier", true),
            field("Template-Attribute", false),
        ])
    );
    assert_eq!(
        dump["operations"]["Ping"],
        json!({ "2.1": { "request": [], "response": [] } })
    );
    assert_eq!(dump["operations"]["Poll"]["1.0"].get("response"), None);
    assert_eq!(dump["structures"]["Objects"].as_object().unwrap().len(), 2);
}

#[test]
fn an_unknown_command_is_refused_with_the_usage() {
    for arguments in [&["dmup"][..], &[], &["dump", "more"]] {
        let output = codegen(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: codegen COMMAND"));
    }
}

fn codegen(arguments: &[&str]) -> Output {
    let mut command = test_support::command(env!("CARGO_BIN_EXE_codegen"));
    command.args(arguments).output().unwrap()
}
