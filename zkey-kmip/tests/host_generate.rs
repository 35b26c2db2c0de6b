//! Keys that are born at the key management system: `generate`.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::host::Repository;
use common::shelf::token;
use zkey_kmip::abi::SecureKeyType;

#[test]
fn generated_key_is_in_zkeys_format() {
    let repository = Repository::ready();
    let line = [
        "generate", "-N", "disk1", "-d", "größte", "-B", "sales", "-S", "4096",
    ];
    repository.run(&line).ok();
    assert_eq!(repository.files(), ["disk1.info", "disk1.skey"]);
    for file in ["disk1.info", "disk1.skey"] {
        let mode = fs::metadata(repository.path(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(
            mode & 0o777,
            0o640,
            "the rights of the repository, without x"
        );
    }
    assert_eq!(
        repository.skey("disk1"),
        token(SecureKeyType::CcaAesData, 1, 1)
    );
    let info = repository.info("disk1");
    let names: Vec<&str> = info.iter().map(|(name, _)| name).collect();
    let expected = [
        "cipher",
        "iv-mode",
        "creation-time",
        "description",
        "key-type",
        "volumes",
        "apqns",
        "sector-size",
        "volume-type",
        "kms",
        "kms-key-id",
        "kms-key-label",
    ];
    assert_eq!(names, expected);
    for (name, value) in [
        ("cipher", "paes"),
        ("iv-mode", "plain64"),
        ("description", "größte"),
        ("key-type", "CCA-AESDATA"),
        ("volumes", ""),
        ("apqns", "03.0039"),
        ("sector-size", "4096"),
        ("volume-type", "LUKS2"),
        ("kms", "Shelf"),
        ("kms-key-id", "id-1"),
        ("kms-key-label", "sales"),
    ] {
        assert_eq!(info.get(name), Some(value), "{name}");
    }
    let time = info.get("creation-time").unwrap();
    assert!(
        time.len() == 19 && &time[4..5] == "-" && &time[13..14] == ":",
        "{time}"
    );
    let system = repository.system();
    let expected = format!(
        "generate-NonXts CCA-AESDATA 0 NonXts zkey-name=disk1 cipher=paes iv-mode=plain64 \
         description=größte volumes= volumes-{system}= volume-type=LUKS2 sector-size=4096 \
         | 66=sales"
    );
    assert_eq!(
        repository.calls(),
        ["initialize", "login", expected.as_str()]
    );
}

#[test]
fn xts_keys_are_two_in_one_file() {
    let repository = Repository::ready();
    repository
        .run(&[
            "generate",
            "--name",
            "x",
            "--xts",
            "--keybits",
            "128",
            "-K",
            "cca-aescipher",
        ])
        .ok();
    let halves = [1, 2].map(|number| token(SecureKeyType::CcaAesCipher, 1, number));
    assert_eq!(repository.skey("x"), halves.concat());
    let info = repository.info("x");
    assert_eq!(info.get("kms-key-id"), None);
    assert_eq!(info.get("kms-xts-key1-id"), Some("id-1"));
    assert_eq!(info.get("kms-xts-key2-label"), Some("id-2"));
    let calls = repository.calls();
    assert!(calls[2].contains("128 Xts1") && calls[2].contains("xts-key=XTS-KEY-1"));
    assert!(calls[3].contains("xts-key=XTS-KEY-2 xts-key1-id=id-1 xts-key1-label=id-1"));
    assert_eq!(calls[4], "set id-1 xts-key2-id=id-2 xts-key2-label=id-2");
    assert_eq!(calls.len(), 5);
    assert!(repository.run(&["list"]).ok().contains("Yes"));
}

#[test]
fn key_type_is_the_first_that_the_plugin_supports() {
    let repository = Repository::new();
    repository.run(&["kms", "bind", "SHELF"]).ok();
    fs::write(repository.config("ep11"), "").unwrap();
    repository.run(&["kms", "configure", "-a", "3.39"]).ok();
    repository.run(&["generate", "-N", "e"]).ok();
    assert_eq!(repository.info("e").get("key-type"), Some("EP11-AES"));
    assert_eq!(repository.skey("e"), token(SecureKeyType::Ep11Aes, 1, 1));
    let message = repository
        .run(&["generate", "-N", "f", "-K", "CCA-AESDATA"])
        .fails(1);
    assert!(
        message.contains("CCA-AESDATA is not supported"),
        "{message}"
    );
}

#[test]
fn wrong_options_change_nothing() {
    let repository = Repository::ready();
    for line in [
        &["generate"] as &[&str],
        &["generate", "-N", "a/b"],
        &["generate", "-N", ""],
        &["generate", "-N", "x", "--keybits", "100"],
        &["generate", "-N", "x", "--xts", "--keybits", "192"],
        &["generate", "-N", "x", "-t", "integrity"],
        &["generate", "-N", "x", "-S", "1000"],
        &["generate", "-N", "x", "-K", "DES"],
        &["generate", "-N", "x", "-l", "/dev/null"],
        &[
            "generate",
            "-N",
            "x",
            "-t",
            "plain",
            "--gen-dummy-passphrase",
        ],
        &["generate", "-N", "x", "--no-such-option"],
        &["generate", "-N", "x", "--apqns", "3.39"],
        &["generate", "-N", "x", "--clearkey", "file"],
        &["generate", "-N", "x", "--exportable"],
        &["generate", "-N", "x", "--wrap-with-trusted"],
        &["list", "-L", "-M"],
    ] {
        let message = repository.run(line).fails(2);
        assert!(!message.is_empty(), "{line:?}");
    }
    let message = repository
        .run(&["generate", "-N", "x", "-l", "/dev/null:n"])
        .fails(1);
    assert!(
        message.contains("/dev/null is not a block device"),
        "{message}"
    );
    assert!(repository.files().is_empty());
    assert!(
        !repository
            .calls()
            .iter()
            .any(|call| call.starts_with("generate"))
    );
}

#[test]
fn failure_of_the_plugin_shows_its_text_and_errno() {
    let repository = Repository::ready();
    fs::write(
        repository.config("fail-generate-NonXts"),
        "the server is on strike",
    )
    .unwrap();
    let message = repository
        .run(&["generate", "-N", "x", "--gen-dummy-passphrase"])
        .fails(1);
    assert!(message.contains("failed to generate key 'x'"), "{message}");
    assert!(message.contains("the server is on strike"), "{message}");
    assert!(
        message.contains(&format!("errno {}", libc::EBADMSG)),
        "{message}"
    );
    assert!(
        repository.files().is_empty(),
        "neither key nor passphrase stay"
    );
}

#[test]
fn key_that_cannot_be_stored_is_not_generated_or_is_named() {
    let repository = Repository::ready();
    repository.calls();
    // Nothing can be renamed over a directory.
    fs::create_dir(repository.path("x.skey")).unwrap();
    let message = repository.run(&["generate", "-N", "x"]).fails(1);
    assert!(message.contains("x.skey"), "{message}");
    let calls = repository.calls();
    let generated = calls.iter().any(|call| call.starts_with("generate"));
    assert!(!generated, "{calls:?}");
    assert_eq!(repository.files(), ["x.skey"]);
    fs::remove_dir(repository.path("x.skey")).unwrap();

    // The first key of a pair exists when the second one fails.
    fs::write(repository.config("fail-generate-Xts2"), "full").unwrap();
    let message = repository.run(&["generate", "-N", "x", "-x"]).fails(1);
    assert!(
        message.contains("left of it at the KMS: id-1") && message.contains("full"),
        "{message}"
    );
    assert!(repository.files().is_empty());
}
