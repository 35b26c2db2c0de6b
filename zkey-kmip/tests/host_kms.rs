//! The plugin of a repository: bind, configure, info, reencipher, unbind.

mod common;

use std::fs;

use common::host::Repository;
use zkey_kmip::properties::{Integrity, Properties};

fn binding(repository: &Repository) -> Properties {
    Properties::load(&repository.path("kms.conf"), Integrity::Hashed).unwrap()
}

#[test]
fn bind_configure_info_unbind() {
    let repository = Repository::new();
    let message = repository.run(&["kms", "info"]).fails(1);
    assert!(message.contains("not bound to a KMS plugin"), "{message}");
    // Nobody knows the options of a plugin yet.
    let message = repository
        .run(&["kms", "configure", "--gen-wrapping-key"])
        .fails(2);
    assert!(message.contains("not bound to a KMS plugin"), "{message}");
    repository.run(&["kms", "bind", "sHeLf"]).ok();
    assert_eq!(repository.calls(), ["bind"]);
    let config = repository.path("Shelf").to_str().unwrap().to_owned();
    assert_eq!(binding(&repository).get("kms"), Some("Shelf"));
    assert_eq!(binding(&repository).get("config"), Some(config.as_str()));
    let message = repository.run(&["kms", "bind", "shelf"]).fails(1);
    assert!(
        message.contains("already bound to KMS plugin 'Shelf'"),
        "{message}"
    );

    let message = repository
        .run(&["kms", "configure", "--gen-wrapping-key"])
        .fails(2);
    assert!(message.contains("'--apqns' is required"), "{message}");
    repository.calls();
    let text = repository.run(&["kms", "configure", "-a", "3.39,a.b"]).ok();
    assert!(
        text.contains("needs more of it"),
        "EAGAIN is a success with a hint: {text}"
    );
    assert_eq!(
        repository.calls(),
        ["initialize", "configure [03.0039,0a.000b]"]
    );
    assert_eq!(binding(&repository).get("apqns"), Some("03.0039,0a.000b"));
    assert_eq!(
        binding(&repository).get("cca_apqns"),
        Some("03.0039,0a.000b")
    );
    assert_eq!(binding(&repository).get("ep11_apqns"), None);

    let message = repository.run(&["kms", "configure"]).fails(2);
    assert!(message.contains("at least one option"), "{message}");
    let text = repository.run(&["kms", "info"]).ok();
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "KMS-Plugin:             Shelf",
        "  Supported key types:  CCA-AESDATA",
        "                        CCA-AESCIPHER",
        "  APQNs:                03.0039",
        "                        0a.000b",
        "  Shelf:                0 keys",
    ];
    assert_eq!(lines, expected);
    let json: serde_json::Value =
        serde_json::from_str(&repository.run(&["kms", "info", "--json"]).ok()).unwrap();
    assert_eq!(json["apqns"][1], "0a.000b");
    assert_eq!(json["plugin_info"][0], "  Shelf:                0 keys");

    repository.answer(&["kms", "unbind"], "").fails(1);
    assert!(repository.path("kms.conf").exists());
    repository.answer(&["kms", "unbind"], "Y\n").ok();
    assert!(!repository.path("kms.conf").exists() && !repository.path("Shelf").exists());
    repository.run(&["kms", "bind", "shelf"]).ok();
}

#[test]
fn options_reach_the_plugin_in_order_with_repetitions() {
    let repository = Repository::ready();
    let line = [
        "kms",
        "configure",
        "-S",
        "one",
        "--tls-verify-hostname",
        "-a",
        "+4.4",
        "-w",
        "--kmip-server=two",
        "-wB",
        "--label",
        "-s",
        "-CN=x",
    ];
    repository.run(&line).ok();
    let expected = "configure [03.0039,04.0004] 83=one 259 119 83=two 119 66=--label 115=-CN=x";
    assert_eq!(repository.calls(), ["initialize", expected]);
    let help = repository.run(&["kms", "configure", "--help"]).ok();
    for text in [
        "OPTIONS FOR THE WRAPPING KEY:",
        "-S, --kmip-server <SERVER>",
        "-a, --apqns",
    ] {
        assert!(help.contains(text), "{help}");
    }
    assert!(
        repository.calls().is_empty(),
        "help does not initialise the plugin"
    );
}

#[test]
fn apqns_are_added_removed_and_written_into_bound_keys() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x"]).ok();
    repository.run(&["kms", "configure", "-a", "+4.4"]).ok();
    assert_eq!(repository.info("x").get("apqns"), Some("03.0039,04.0004"));
    let message = repository.run(&["kms", "configure", "-a", "+4.4"]).fails(1);
    assert!(
        message.contains("04.0004 is in the list already"),
        "{message}"
    );
    repository.run(&["kms", "configure", "-a", "-3.39"]).ok();
    assert_eq!(repository.info("x").get("apqns"), Some("04.0004"));
    for wrong in ["4", "+x.y", "100.1", "4.4,"] {
        let code = repository.run(&["kms", "configure", "-a", wrong]).code;
        assert_eq!(code, Some(if wrong == "4.4," { 0 } else { 2 }), "{wrong}");
    }
    // Without any adapter the key would be lost: that needs a yes.
    repository
        .answer(&["kms", "configure", "-a", ""], "n\n")
        .fails(1);
    assert_eq!(binding(&repository).get("apqns"), Some("04.0004"));
    let text = repository
        .answer(&["kms", "configure", "-a", ""], "y\n")
        .ok();
    assert!(
        text.contains("may become unusable") && text.contains(": x"),
        "{text}"
    );
    assert_eq!(binding(&repository).get("apqns"), None);
}

#[test]
fn adapters_are_checked_where_there_is_an_ap_bus() {
    let repository = Repository::new();
    repository.run(&["kms", "bind", "shelf"]).ok();
    let card = repository.path("bus/ap/devices/card03");
    fs::create_dir_all(card.join("03.0039")).unwrap();
    fs::write(card.join("type"), "CEX8C\n").unwrap();
    fs::write(card.join("online"), "1\n").unwrap();
    fs::write(card.join("03.0039/online"), "1\n").unwrap();
    for (absent, why) in [("3.40", "no such domain"), ("4.39", "no such adapter")] {
        let message = repository.run(&["kms", "configure", "-a", absent]).fails(1);
        assert!(message.contains(why), "{message}");
    }
    repository.run(&["kms", "configure", "-a", "3.39"]).ok();
    fs::write(card.join("type"), "CEX8P\n").unwrap();
    repository.run(&["kms", "configure", "-a", "3.39"]).fails(1);
}

#[test]
fn configuration_that_the_plugin_refuses_changes_nothing() {
    let repository = Repository::ready();
    let before = fs::read(repository.path("kms.conf")).unwrap();
    fs::write(repository.config("fail-configure"), "no such server").unwrap();
    let message = repository
        .run(&["kms", "configure", "-a", "5.5", "-S", "x"])
        .fails(1);
    assert!(message.contains("no such server"), "{message}");
    assert_eq!(fs::read(repository.path("kms.conf")).unwrap(), before);
}

#[test]
fn reencipher_modes_as_zkey_maps_them() {
    let repository = Repository::ready();
    for (options, expected) in [
        (&[] as &[&str], "Auto Auto"),
        (&["-n"], "Staged ToNew"),
        (&["--from-old"], "InPlace FromOld"),
        (&["-n", "-o"], "Staged FromOldToNew"),
        (&["-n", "-i"], "InPlace ToNew"),
        (&["--complete"], "StagedComplete Auto"),
    ] {
        repository
            .run(&[&["kms", "reencipher"], options].concat())
            .ok();
        assert_eq!(repository.calls()[1], format!("reencipher {expected}"));
    }
    repository.run(&["kms", "reencipher", "-i", "-s"]).fails(2);
    repository.run(&["kms", "reencipher", "-p", "-s"]).fails(2);
}

#[test]
fn unbinding_turns_keys_into_local_ones() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x", "-x"]).ok();
    let skey = repository.skey("x");
    repository.answer(&["kms", "unbind"], "yes\n").ok();
    let info = repository.info("x");
    assert!(info.iter().all(|(name, _)| !name.starts_with("kms")));
    assert_eq!(repository.skey("x"), skey);
    assert!(
        repository
            .run(&["list", "--local"])
            .ok()
            .contains("(local)")
    );
    repository.run(&["rename", "-N", "x", "-w", "y"]).ok();
    repository.run(&["remove", "-N", "y", "-F"]).ok();
    let message = repository.run(&["generate", "-N", "z"]).fails(1);
    assert!(message.contains("not bound"), "{message}");
}

#[test]
fn panic_of_the_plugin_is_an_error_of_the_command() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x"]).ok();
    for (call, line) in [
        ("initialize", &["kms", "info"] as &[&str]),
        ("info", &["kms", "info"]),
        ("login", &["kms", "list"]),
        ("list", &["kms", "list"]),
        ("configure", &["kms", "configure", "-S", "x"]),
        ("generate-NonXts", &["generate", "-N", "y"]),
        ("set", &["change", "-N", "x", "-d", "y"]),
        ("get", &["kms", "refresh"]),
        ("import", &["kms", "refresh"]),
        ("remove", &["remove", "-F", "-N", "x"]),
        ("reencipher", &["kms", "reencipher"]),
    ] {
        let file = repository.config(&format!("panic-{call}"));
        fs::write(&file, "").unwrap();
        let message = repository.run(line).fails(1);
        assert!(
            message.contains(&format!("told to panic in {call}")),
            "{message}"
        );
        fs::remove_file(file).unwrap();
    }
    assert_eq!(repository.files(), ["x.info", "x.skey"]);
    repository.run(&["validate"]).ok();
}
