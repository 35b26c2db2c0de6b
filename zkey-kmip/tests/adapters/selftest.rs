//! `zkey-kmip selftest`.

use emulated_card::Kind;
use serde_json::Value;

use crate::installation::Installation;

const BOTH: [&str; 3] = ["selftest", "--apqns", "03.0039,0a.0039"];

fn trials(text: &str) -> Vec<(String, String)> {
    let trials: Vec<Value> = serde_json::from_str(text).unwrap();
    let field = |trial: &Value, name: &str| trial[name].as_str().unwrap().to_owned();
    let pair = |trial: &Value| (field(trial, "trial"), field(trial, "outcome"));
    trials.iter().map(pair).collect()
}

#[test]
fn good_adapters_pass_everything() {
    let installation = Installation::cca();
    installation.emulator.change(|machine| {
        machine.load_new(Kind::Aes);
        machine.load_new(Kind::Apka);
    });
    let text = installation.run(&[&BOTH[..], &["--json"]].concat()).ok();
    let trials = trials(&text);
    let other: Vec<_> = trials
        .iter()
        .filter(|(_, outcome)| outcome != "passed")
        .collect();
    assert!(other.is_empty(), "{other:?}");
    for wanted in [
        "brainpoolP512r1",
        "RsaPss",
        "CCA-AESCIPHER of 192 bits",
        "0a.0039",
        "NEW master key",
        "OpenSSL",
    ] {
        assert!(
            trials.iter().any(|(title, _)| title.contains(wanted)),
            "{wanted}"
        );
    }
}

#[test]
fn what_does_not_work_is_named() {
    let installation = Installation::cca();
    installation.fail("CSNBRKA", 8, 90);
    let outcome = installation.run(&["selftest", "--apqns", "03.0039"]);
    let failed: Vec<_> = outcome
        .out
        .lines()
        .filter(|line| line.starts_with("FAILED"))
        .collect();
    assert_eq!(failed.len(), 9, "{failed:?}");
    for line in failed {
        assert!(
            line.contains("CCA-AESCIPHER") && line.contains("CSNBRKA"),
            "{line}"
        );
        assert!(
            line.contains("03.0039") && line.contains("reason code 90"),
            "{line}"
        );
    }
    assert!(outcome.out.contains("skipped"), "{}", outcome.out);
    let message = outcome.fails(1);
    assert!(message.contains("trials"), "{message}");
}

#[test]
fn without_adapters_it_says_so() {
    let installation = Installation::cca();
    let message = installation
        .run(&["selftest", "--apqns", "07.0001"])
        .fails(1);
    assert!(message.contains("07.0001"), "{message}");
    installation.run(&["selftest"]).fails(2);
    installation
        .run(&["selftest", "--apqns", "nonsense"])
        .fails(2);
}

/// The sizes that it asks for are not tried then.
#[test]
fn a_profile_that_cannot_be_read_is_told() {
    let installation = Installation::cca();
    installation.profile("server-regex=.\nwrap-key-params=1024\n");
    let _server = installation.configured("ECC:prime256v1");
    installation.profile("server-regex=.\nwrap-key-params=many\n");
    let outcome = installation.run(&["selftest", "--apqns", "03.0039"]);
    for expected in ["default.profile", "wrap-key-params"] {
        assert!(outcome.err.contains(expected), "{}", outcome.err);
    }
    outcome.ok();
}

/// Not only the usual sizes.
#[test]
fn the_sizes_that_are_configured_are_tried() {
    let installation = Installation::cca();
    let profile = |bits| format!("server-regex=.\nwrap-key-params={bits}\n");
    installation.profile(&profile(1024));
    let _server = installation.configured("RSA:3072");
    installation.profile(&profile(512));
    let outcome = installation.run(&["selftest", "--apqns", "03.0039", "--json"]);
    let trials = trials(&outcome.ok());
    let is_tried = |wanted: &str| trials.iter().any(|(title, _)| title.contains(wanted));
    for wanted in [
        "identity key RSA:2048: in OpenSSL",
        "identity key RSA:3072: sign with RsaPss, Sha512",
        "CCA-AESDATA of 256 bits, wrapped with RSA:1024, OAEP, SHA-256",
        "wrapped with RSA:2048, PKCS1.5",
        "CCA-AESDATA of 256 bits, wrapped with RSA:512, PKCS1.5",
        "a damaged key, wrapped with RSA:512",
    ] {
        assert!(is_tried(wanted), "{wanted}: {trials:?}");
    }
    assert!(!is_tried("RSA:512, OAEP, SHA-256"), "it does not fit in");
    assert!(!is_tried("RSA:4096"));
}
