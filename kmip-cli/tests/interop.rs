//! The program with PyKMIP's server, which `scripts/pykmip.sh` starts.

mod common;

use std::process::Output;

use common::kmip;
use serde_json::Value;
use test_support::pykmip;

fn run(arguments: &[&str]) -> Output {
    let mut command = kmip();
    command
        .args(arguments)
        .args(["--server", &pykmip("ADDRESS"), "--ca", &pykmip("CA")]);
    command.args(["--cert", &pykmip("CERT"), "--key", &pykmip("KEY")]);
    command.output().expect("the program")
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {errors}"))
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn the_doctor_finds_what_pykmip_can_and_cannot_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pykmip.profile");
    let output = run(&[
        "doctor",
        "--write",
        "--json",
        "--profile",
        path.to_str().unwrap(),
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // It has no custom attributes and no wrapping with RSA.
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let results = |wanted: &str| {
        let checks = report["checks"].as_array().unwrap().iter();
        let checks = checks.filter(|one| one["result"] == wanted);
        let names: Vec<&str> = checks.map(|one| one["check"].as_str().unwrap()).collect();
        names
    };
    assert_eq!(results("failed"), ["attributes", "Get wrapped"]);
    for check in ["batch, ID placeholder", "Add Attribute"] {
        assert!(results("adapted").contains(&check), "{check}: {report:#}");
    }
    for check in [
        "Create",
        "Activate",
        "Locate",
        "Get",
        "Register",
        "Revoke and Destroy",
    ] {
        assert!(results("ok").contains(&check), "{check}: {report:#}");
    }
    assert_eq!(report["version"], "2.0");
    assert_eq!(report["versions"].as_array().unwrap().len(), 6);
    assert_eq!(report["tls"]["version"], "TLSv1.2");
    let profile = zkey_kmip::profile::Profile::load("pykmip", &path).unwrap();
    assert!(profile.matches("PyKMIP 0.12.0 Software Server"));
    assert!(!profile.check_server_capabilities);
    // As in the profile that is shipped.
    let traits = profile.server_traits.expect("traits").to_string();
    assert_eq!(traits, "separate-activate,no-add-attribute");
}

#[test]
#[ignore = "needs PyKMIP: make interop"]
fn a_key_lives_and_dies_on_pykmip() {
    for version in ["1.0", "1.2", "1.4", "2.0"] {
        let name = format!("command {version} {}", std::process::id());
        let with = ["--kmip-version", version];
        let created = json(&[&["create", "--name", &name, "--activate"][..], &with].concat());
        let id = created["id"].as_str().unwrap();
        let listed = json(&[&["locate", "--name", &name][..], &with].concat());
        assert_eq!(listed[0]["id"], id, "{version}");
        assert_eq!(listed[0]["state"], "Active", "{version}");
        let got = json(&[&["get", id, "--show-secrets"][..], &with].concat());
        assert_eq!(got["hex"].as_str().unwrap().len(), 64, "{version}");
        json(&[&["destroy", id, "--yes", "--revoke"][..], &with].concat());
        let gone = run(&[&["get", id][..], &with].concat());
        assert_eq!(gone.status.code(), Some(5), "{version}");
    }
}
