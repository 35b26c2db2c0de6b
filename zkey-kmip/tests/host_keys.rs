//! Keys of a repository: list, change, rename, remove, validate.

mod common;

use std::fs;

use common::host::Repository;
use common::shelf::token;
use zkey_kmip::abi::SecureKeyType;
use zkey_kmip::properties::Integrity;

#[test]
fn taken_names_and_missing_keys() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "a"]).ok();
    let before = repository.skey("a");
    let message = repository.run(&["generate", "-N", "a"]).fails(1);
    assert!(message.contains("'a' already exists"), "{message}");
    assert_eq!(repository.skey("a"), before);
    for line in [
        &["remove", "-N", "b", "-F"] as &[&str],
        &["change", "-N", "b", "-d", "x"],
        &["rename", "-N", "b", "-w", "c"],
    ] {
        let message = repository.run(line).fails(1);
        assert!(message.contains("'b' does not exist"), "{message}");
    }
    repository.run(&["generate", "-N", "b"]).ok();
    let message = repository.run(&["rename", "-N", "b", "-w", "a"]).fails(1);
    assert!(message.contains("'a' already exists"), "{message}");
}

#[test]
fn list_filters_and_prints_json() {
    let repository = Repository::ready();
    for name in ["disk1", "disk2", "tape"] {
        repository.run(&["generate", "-N", name, "-d", name]).ok();
    }
    let names = |line: &[&str]| -> Vec<String> {
        let text = repository.run(line).ok();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys = json.as_array().unwrap().iter();
        keys.map(|key| key["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&["list", "--json"]), ["disk1", "disk2", "tape"]);
    assert_eq!(
        names(&["list", "--json", "-N", "disk*"]),
        ["disk1", "disk2"]
    );
    assert_eq!(
        names(&["list", "--json", "-a", "3.*", "-K", "cca-aesdata", "-M"]).len(),
        3
    );
    assert!(names(&["list", "--json", "--local"]).is_empty());
    assert!(names(&["list", "--json", "-t", "plain"]).is_empty());
    let pattern = "0123456789abcdef".repeat(4);
    let mut info = repository.info("tape");
    info.set("verification-pattern", &pattern).unwrap();
    info.save(&repository.path("tape.info"), Integrity::Hashed)
        .unwrap();
    let json = repository.run(&["list", "--json", "-N", "tape"]).ok();
    assert!(json.contains(&pattern), "{json}");
    let text = repository.run(&["list", "-N", "tape"]).ok();
    // In two lines, as zkey shows it.
    let half = &pattern[..32];
    let shown = format!("Verification pattern : {half}\n{:31}{half}\n", "");
    assert!(text.contains(&shown), "{text}");
    assert!(
        text.starts_with("Key                          : tape\n"),
        "{text}"
    );
    assert!(
        text.contains("        KMS                  : Shelf\n"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "no colours in a pipe");
    assert!(
        repository
            .calls()
            .iter()
            .all(|call| !call.starts_with("list"))
    );
}

#[test]
fn change_reaches_both_sides() {
    let repository = Repository::ready();
    repository
        .run(&["generate", "-N", "x", "-x", "--gen-dummy-passphrase"])
        .ok();
    repository.calls();
    let volumes = [
        "change",
        "-N",
        "x",
        "--no-volume-check",
        "-l",
        "/dev/a:a,/dev/b:b",
    ];
    repository.run(&volumes).ok();
    let line = [
        "change",
        "-N",
        "x",
        "-d",
        "new",
        "-l",
        "-/dev/a:a",
        "-S",
        "512",
    ];
    repository.run(&line).ok();
    let info = repository.info("x");
    assert_eq!(info.get("description"), Some("new"));
    assert_eq!(info.get("volumes"), Some("/dev/b:b"));
    assert_eq!(info.get("sector-size"), Some("512"));
    assert!(info.get("update-time").is_some());
    let set = format!(
        "description=new volumes-{}=/dev/b:b sector-size=512",
        repository.system()
    );
    let calls = repository.calls();
    let expected = [format!("set id-1 {set}"), format!("set id-2 {set}")];
    assert_eq!(calls[calls.len() - 2..], expected);

    // Plain volumes have no dummy passphrase.
    repository.run(&["change", "-N", "x", "-t", "plain"]).ok();
    assert_eq!(repository.files(), ["x.info", "x.skey"]);
    let calls = repository.calls();
    assert_eq!(
        calls[3],
        "set id-1 volume-type=PLAIN dummy-passphrase-base64-"
    );
}

#[test]
fn change_that_the_kms_refuses_is_none() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x", "-d", "old"]).ok();
    let before = fs::read(repository.path("x.info")).unwrap();
    fs::write(repository.config("fail-set"), "read only").unwrap();
    let message = repository.run(&["change", "-N", "x", "-d", "new"]).fails(1);
    assert!(message.contains("read only"), "{message}");
    assert_eq!(fs::read(repository.path("x.info")).unwrap(), before);
    let message = repository.run(&["change", "-N", "x", "-a", "1.1"]).fails(2);
    assert!(message.contains("local keys"), "{message}");
}

#[test]
fn dummy_passphrases() {
    let repository = Repository::ready();
    let file = repository.config("passphrase");
    fs::write(&file, b"\x00\xff secret\n").unwrap();
    let file = file.to_str().unwrap();
    repository
        .run(&["generate", "-N", "x", "--set-dummy-passphrase", file])
        .ok();
    assert_eq!(
        fs::read(repository.path("x.pass")).unwrap(),
        b"\x00\xff secret\n"
    );
    assert!(repository.calls()[2].contains("dummy-passphrase-base64=AP8gc2VjcmV0Cg=="));
    let message = repository
        .run(&["change", "-N", "x", "--gen-dummy-passphrase"])
        .fails(1);
    assert!(
        message.contains("has a dummy passphrase already"),
        "{message}"
    );
    repository
        .answer(&["change", "-N", "x", "--remove-dummy-passphrase"], "n\n")
        .fails(1);
    assert!(repository.path("x.pass").exists());
    repository
        .answer(&["change", "-N", "x", "--remove-dummy-passphrase"], "yes\n")
        .ok();
    assert!(!repository.path("x.pass").exists());
    repository
        .run(&["change", "-N", "x", "--gen-dummy-passphrase"])
        .ok();
    assert_eq!(fs::read(repository.path("x.pass")).unwrap().len(), 16);
    let verbose = repository.run(&["-V", "change", "-N", "x", "-d", "y"]);
    assert!(!verbose.err.contains("c2VjcmV0"));
}

#[test]
fn rename_takes_all_files_or_none() {
    let repository = Repository::ready();
    repository
        .run(&["generate", "-N", "old", "--gen-dummy-passphrase"])
        .ok();
    fs::write(repository.path("old.renc"), "waiting").unwrap();
    repository.calls();
    fs::write(repository.config("fail-set"), "read only").unwrap();
    repository
        .run(&["rename", "-N", "old", "-w", "new"])
        .fails(1);
    assert_eq!(
        repository.files(),
        ["old.info", "old.pass", "old.renc", "old.skey"]
    );
    fs::remove_file(repository.config("fail-set")).unwrap();
    repository.calls();
    repository.run(&["rename", "-N", "old", "-w", "new"]).ok();
    assert_eq!(
        repository.files(),
        ["new.info", "new.pass", "new.renc", "new.skey"]
    );
    let set = format!("set id-1 zkey-name-{}=new", repository.system());
    assert_eq!(repository.calls(), ["initialize", "login", set.as_str()]);
}

#[test]
fn remove_asks_and_passes_the_state_on() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x", "-x"]).ok();
    repository.calls();
    let message = repository
        .answer(&["remove", "-N", "x"], "maybe\n")
        .fails(1);
    assert!(message.contains("the key stays"), "{message}");
    repository.run(&["remove", "-N", "x"]).fails(1);
    assert_eq!(
        repository.calls(),
        ["initialize", "initialize"],
        "nothing was asked of the KMS"
    );
    repository
        .answer(&["remove", "-N", "x", "--state", "destroyed"], "y\n")
        .ok();
    assert!(repository.files().is_empty());
    let expected = [
        "initialize",
        "login",
        "remove id-1 115=destroyed",
        "remove id-2 115=destroyed",
    ];
    assert_eq!(repository.calls(), expected);

    repository.run(&["generate", "-N", "y"]).ok();
    fs::write(repository.config("fail-remove"), "still in use").unwrap();
    let message = repository.run(&["remove", "-N", "y", "--force"]).fails(1);
    assert!(message.contains("still in use"), "{message}");
    assert_eq!(repository.files(), ["y.info", "y.skey"]);
}

#[test]
fn validate_finds_what_does_not_fit() {
    let repository = Repository::ready();
    for name in ["good", "cut", "typed", "edited", "gone"] {
        repository.run(&["generate", "-N", name]).ok();
    }
    let text = repository.run(&["validate", "-N", "good"]).ok();
    assert!(text.contains("Valid") && text.contains("1 keys are valid, 0 keys are invalid"));
    fs::write(repository.path("cut.skey"), &repository.skey("cut")[..60]).unwrap();
    fs::write(
        repository.path("typed.skey"),
        token(SecureKeyType::CcaAesCipher, 1, 1),
    )
    .unwrap();
    let edited = fs::read_to_string(repository.path("edited.info")).unwrap();
    fs::write(
        repository.path("edited.info"),
        edited.replace("LUKS2", "PLAIN"),
    )
    .unwrap();
    fs::remove_file(repository.config("shelf/id-5")).unwrap();

    let outcome = repository.run(&["validate", "--check-kms", "--json"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err.contains("edited.info"), "{}", outcome.err);
    assert!(
        outcome.err.contains("4 of 5 keys failed"),
        "{}",
        outcome.err
    );
    let keys: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    let problem = |name: &str| {
        let key = keys
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["name"] == name)
            .unwrap();
        assert_eq!(key["valid"], key["problems"].as_array().unwrap().is_empty());
        key["problems"].to_string()
    };
    assert_eq!(problem("good"), "[]");
    assert!(problem("cut").contains("holds no secure AES key"));
    assert!(problem("typed").contains("CCA-AESCIPHER, not CCA-AESDATA"));
    assert!(problem("gone").contains("kms_get_key_properties): "));
    assert!(problem("gone").contains("no key id-5"));
    repository.run(&["validate", "-N", "nobody"]).fails(1);
}

#[test]
fn validate_does_what_it_can_without_the_plugin() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x"]).ok();
    fs::write(repository.config("fail-initialize"), "no adapter").unwrap();
    let outcome = repository.run(&["validate"]);
    assert!(outcome.err.contains("no adapter"), "{}", outcome.err);
    assert!(outcome.ok().contains("1 keys are valid"));
    repository.run(&["validate", "--check-kms"]).fails(1);
    // A key that outlives the binding of its repository.
    fs::remove_file(repository.path("kms.conf")).unwrap();
    let text = repository.run(&["validate"]);
    assert!(text.out.contains("the repository is not"), "{}", text.out);
    text.fails(1);
}
