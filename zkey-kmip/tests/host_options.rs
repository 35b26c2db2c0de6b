//! Options: `--json` everywhere, and those of zkey.

mod common;

use std::fs;

use common::host::Repository;
use serde_json::{Value, json};

/// All of standard output is one JSON value.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn commands_that_change_something_report_it() {
    let repository = Repository::ready();
    let run = |line: &[&str], input: &str| {
        let outcome = repository.answer(&[line, &["--json"]].concat(), input);
        assert_eq!(outcome.code, Some(0), "{line:?}: {}", outcome.err);
        parse(&outcome.out)
    };
    let made = run(&["generate", "-N", "a", "-d", "first"], "");
    assert_eq!(made["key"]["name"], "a");
    assert_eq!(made["key"]["description"], "first");
    assert!(made["key"]["kms_key_ids"][0].is_string(), "{made}");
    let changed = run(&["change", "-N", "a", "-d", "second"], "");
    assert_eq!(changed["key"]["description"], "second");
    let renamed = run(&["rename", "-N", "a", "-w", "b"], "");
    assert_eq!(renamed["key"]["name"], "b");
    assert_eq!(renamed["former_name"], "a");
    let refreshed = run(&["kms", "refresh"], "");
    assert_eq!(refreshed, json!({"refreshed": ["b"], "failed": []}));
    let imported = run(&["kms", "import", "-q"], "");
    assert!(
        imported["imported"].is_array() && imported["failed"] == json!([]),
        "{imported}"
    );
    // The question does not disturb it.
    let removed = run(&["remove", "-N", "b"], "y\n");
    assert_eq!(removed, json!({"removed": "b"}));
    let configured = run(&["kms", "configure", "--apqns", "+1.1"], "");
    assert!(configured["complete"].is_boolean(), "{configured}");
    assert!(
        configured["apqns"]
            .as_array()
            .unwrap()
            .contains(&json!("01.0001"))
    );
    run(&["kms", "reencipher"], "");
    let unbound = run(&["kms", "unbind"], "y\n");
    assert!(unbound["unbound_keys"].is_array(), "{unbound}");
    let bound = run(&["kms", "bind", "shelf"], "");
    assert_eq!(bound["plugin"], unbound["plugin"]);
}

#[test]
fn a_failure_is_reported_too() {
    let repository = Repository::ready();
    fs::write(repository.config("fail-generate-NonXts"), "on strike").unwrap();
    let outcome = repository.run(&["generate", "-N", "x", "--json"]);
    assert_eq!(outcome.code, Some(1));
    let report = parse(&outcome.out);
    assert!(
        report["error"].as_str().unwrap().contains("on strike"),
        "{report}"
    );
    assert!(outcome.err.contains("on strike"));
}

#[test]
fn every_command_knows_it() {
    for (words, options) in zkey_kmip::host::commands() {
        let is_group = !options.contains(&"--json".to_owned());
        let groups = ["kms", "profile", "software-master-key"];
        assert_eq!(is_group, groups.contains(&&*words.join(" ")), "{words:?}");
    }
}

/// The long options of zkey 2.43 for the commands that involve a key management system.
#[test]
fn options_are_those_of_zkey() {
    let of_zkey = [
        (
            "generate",
            "xts keybits clearkey name description volumes apqns no-apqn-check sector-size \
             volume-type key-type local gen-dummy-passphrase set-dummy-passphrase exportable \
             wrap-with-trusted",
        ),
        (
            "list",
            "name volumes apqns volume-type key-type local kms-bound",
        ),
        ("remove", "name force"),
        (
            "change",
            "name description volumes apqns no-apqn-check sector-size volume-type \
             gen-dummy-passphrase set-dummy-passphrase remove-dummy-passphrase force",
        ),
        ("rename", "name new-name"),
        ("validate", "name apqns no-apqn-check"),
        ("kms plugins", ""),
        ("kms bind", ""),
        ("kms unbind", ""),
        ("kms info", ""),
        ("kms configure", "apqns"),
        ("kms reencipher", "to-new from-old complete in-place staged"),
        ("kms list", "label name volumes volume-type"),
        (
            "kms import",
            "label name volumes volume-type batch-mode no-volume-check",
        ),
        (
            "kms refresh",
            "name volumes volume-type key-type refresh-properties no-volume-check",
        ),
    ];
    let own = zkey_kmip::host::commands();
    for (command, options) in of_zkey {
        let words: Vec<_> = command.split(' ').collect();
        let (_, known) = own.iter().find(|(own, _)| *own == words).unwrap();
        for option in options
            .split_whitespace()
            .chain(["help", "verbose", "version"])
        {
            assert!(
                known.contains(&format!("--{option}")),
                "{command} --{option}"
            );
        }
    }
}
