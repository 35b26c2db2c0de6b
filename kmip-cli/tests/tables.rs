//! `kmip explain`, `spec`, `completions` and `man` as processes.

mod common;

use common::kmip;

fn succeeds(arguments: &[&str]) -> String {
    let output = kmip().args(arguments).output().expect("the program");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn names_of_all_kinds_are_explained() {
    let tag = succeeds(&["explain", "Activation Date"]);
    assert!(tag.starts_with("tag Activation Date (ActivationDate, 0x420001), KMIP 1.0-\n  section 3.19 in 1.0, 3.24 in 1.1-1.4, 4.1 in 2.0-\n"), "{tag}");
    assert!(
        tag.contains("\nattribute Activation Date, KMIP 1.0\n"),
        "{tag}"
    );
    assert_eq!(succeeds(&["explain", "ActivationDate"]), tag);
    assert_eq!(succeeds(&["explain", "activation", "date"]), tag);
    assert!(succeeds(&["explain", "0x420001"]).starts_with("tag Activation Date"));

    let operation = succeeds(&["explain", "CreateKeyPair", "--version", "2.1"]);
    assert!(
        operation.starts_with("operation Create Key Pair (0x00000002), client to server"),
        "{operation}"
    );
    assert!(
        operation.contains("  section 6.1.9 in 2.0-\n"),
        "{operation}"
    );
    assert!(
        operation.contains("Common Attributes ") && !operation.contains("Template"),
        "{operation}"
    );

    let enumeration = succeeds(&["explain", "State"]);
    assert!(
        enumeration.contains("\nenumeration State, KMIP 1.0-\n"),
        "{enumeration}"
    );
    assert!(
        enumeration.contains("  0x00000002  Active (Active), KMIP 1.0-\n"),
        "{enumeration}"
    );
    assert!(
        succeeds(&["explain", "AES"]).contains("value of the enumeration Cryptographic Algorithm")
    );
}

#[test]
fn names_that_nothing_has_are_refused() {
    for arguments in [
        &["Fly"][..],
        &["Process", "--version", "1.0"],
        &["0x42FFFF"],
    ] {
        let output = kmip()
            .arg("explain")
            .args(arguments)
            .output()
            .expect("the program");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(
            error,
            format!(
                "kmip: nothing in the specifications is called `{}`\n",
                arguments[0]
            )
        );
    }
}

#[test]
fn the_tables_are_printed() {
    let counts = succeeds(&["spec"]);
    assert!(
        counts.contains("\ntags             161   183   211   247   292   337   354\n"),
        "{counts}"
    );
    let tables: serde_json::Value =
        serde_json::from_str(&succeeds(&["spec", "--json"])).expect("JSON");
    assert_eq!(tables["tags"]["Batch Count"]["value"], "0x42000D");
    assert_eq!(tables["enums"]["State"]["Active"]["value"], "0x00000002");
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            succeeds(&["completions", shell]).contains("conformance"),
            "{shell}"
        );
    }
    let directory = tempfile::tempdir().expect("a directory");
    succeeds(&["man", directory.path().to_str().expect("a path")]);
    let page = std::fs::read_to_string(directory.path().join("kmip-decode.1")).expect("a page");
    assert!(
        page.contains("show\\-secrets") && page.contains("Exit status"),
        "{page}"
    );
    assert!(directory.path().join("kmip-conformance-codec.1").exists());
}
