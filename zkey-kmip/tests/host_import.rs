//! Keys that are at the key management system already: `kms list`, `import`, `refresh`.

mod common;

use std::fs;

use common::host::{Repository, on_a_terminal};
use common::shelf::token;
use zkey_kmip::abi::SecureKeyType;

#[test]
fn import_brings_back_what_was_generated() {
    let repository = Repository::ready();
    repository
        .run(&["generate", "-N", "one", "-B", "sales/one", "-d", "first"])
        .ok();
    repository
        .run(&["generate", "-N", "pair", "-x", "--gen-dummy-passphrase"])
        .ok();
    let (one, pair) = (repository.skey("one"), repository.skey("pair"));
    let passphrase = fs::read(repository.path("pair.pass")).unwrap();
    let labels = |filter: &[&str]| {
        let line = [&["kms", "list", "--json"], filter].concat();
        let json: serde_json::Value = serde_json::from_str(&repository.run(&line).ok()).unwrap();
        json.as_array()
            .unwrap()
            .iter()
            .map(|key| key["key_labels"].to_string())
            .collect()
    };
    let found: Vec<String> = labels(&[]);
    assert_eq!(found, ["[\"sales/one\"]", "[\"id-2\",\"id-3\"]"]);
    let found: Vec<String> = labels(&["-B", "sales/*"]);
    assert_eq!(found.len(), 1);
    let text = repository.run(&["kms", "list", "-N", "pair"]).ok();
    assert!(text.contains("Key size             : 512 bits"), "{text}");

    for name in ["one", "pair"] {
        repository.run(&["remove", "-N", name, "-F"]).ok();
    }
    repository.calls();
    let text = repository.run(&["kms", "import", "-K", "CCA-AESDATA"]).ok();
    assert!(
        text.ends_with("2 keys imported, 0 keys skipped, 0 keys failed to import\n"),
        "{text}"
    );
    assert_eq!(
        repository.files(),
        [
            "one.info",
            "one.skey",
            "pair.info",
            "pair.pass",
            "pair.skey"
        ]
    );
    assert_eq!(
        (repository.skey("one"), repository.skey("pair")),
        (one, pair)
    );
    assert_eq!(fs::read(repository.path("pair.pass")).unwrap(), passphrase);
    assert_eq!(repository.info("one").get("description"), Some("first"));
    assert_eq!(
        repository.info("one").get("kms-key-label"),
        Some("sales/one")
    );
    assert_eq!(repository.info("pair").get("kms-xts-key2-id"), Some("id-3"));
    let system = repository.system();
    let expected = [
        "initialize".to_owned(),
        "login".to_owned(),
        "list (all)  | 75=CCA-AESDATA".to_owned(),
        "import id-1 any".to_owned(),
        format!("set id-1 zkey-name-{system}=one"),
        "import id-2 any".to_owned(),
        "import id-3 any".to_owned(),
        format!("set id-2 zkey-name-{system}=pair"),
        format!("set id-3 zkey-name-{system}=pair"),
    ];
    assert_eq!(repository.calls(), expected);
}

#[test]
fn import_asks_for_another_name_or_skips() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "x"]).ok();
    let outcome = repository.run(&["kms", "import", "--batch-mode"]);
    assert!(outcome.err.contains("skipping key 'x'"), "{}", outcome.err);
    assert!(outcome.ok().contains("0 keys imported, 1 keys skipped"));
    repository.answer(&["kms", "import"], "n\n").ok();
    repository.answer(&["kms", "import"], "y\n\n").ok();
    assert_eq!(repository.files().len(), 2);
    // Taken, then impossible, then free.
    repository
        .answer(&["kms", "import"], "y\nx\ny\na/b\nother\n")
        .ok();
    assert_eq!(
        repository.files(),
        ["other.info", "other.skey", "x.info", "x.skey"]
    );
    let calls = repository.calls();
    assert!(calls.contains(&format!("set id-1 zkey-name-{}=other", repository.system())));
}

#[test]
fn one_key_that_fails_does_not_stop_the_import() {
    let repository = with_keys_to_import();
    let shelf = repository.config("shelf/id-2");
    let broken = fs::read_to_string(&shelf)
        .unwrap()
        .replace("sector-size=0", "sector-size=77");
    fs::write(&shelf, broken).unwrap();
    let outcome = repository.run(&["kms", "import"]);
    assert!(
        outcome
            .out
            .contains("2 keys imported, 0 keys skipped, 1 keys failed")
    );
    assert!(outcome.fails(1).contains("'77' is not a sector size"));
    assert_eq!(repository.files(), ["a.info", "a.skey", "c.info", "c.skey"]);
}

/// A repository that is bound to a shelf with three keys, of which it has none.
fn with_keys_to_import() -> Repository {
    let repository = Repository::ready();
    for name in ["a", "b", "c"] {
        repository.run(&["generate", "-N", name]).ok();
        repository.run(&["remove", "-N", name, "-F"]).ok();
    }
    repository
}

#[test]
fn progress_is_for_terminals() {
    let repository = with_keys_to_import();
    let (outcome, shown) = on_a_terminal(repository.command(&["kms", "import"]));
    outcome.ok();
    for text in ["'a' (1 of 3)", "'b' (2 of 3)", "'c' (3 of 3)"] {
        assert!(
            shown.contains(&format!("importing key {text}")),
            "{shown:?}"
        );
    }
    let (outcome, shown) = on_a_terminal(repository.command(&["kms", "refresh"]));
    outcome.ok();
    assert!(shown.contains("refreshing key 'b' (2 of 3)"), "{shown:?}");
    let outcome = repository.run(&["kms", "refresh"]);
    assert_eq!(outcome.err, "");
    assert!(!outcome.ok().contains(" of 3)"));
}

#[test]
fn what_can_be_listed_is_used_when_the_rest_cannot() {
    let repository = with_keys_to_import();
    fs::write(repository.config("fail-list-end"), "2 keys cannot be read").unwrap();
    let outcome = repository.run(&["kms", "list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert!(outcome.fails(1).contains("2 keys cannot be read"));
    let outcome = repository.run(&["kms", "import"]);
    assert!(outcome.out.contains("3 keys imported"), "{outcome:?}");
    assert!(outcome.fails(1).contains("2 keys cannot be read"));
    assert_eq!(repository.files().len(), 6);
    // With both kinds of failures, both are told.
    for name in ["a", "b", "c"] {
        repository.run(&["remove", "-N", name, "-F"]).ok();
    }
    fs::write(repository.config("fail-import"), "no").unwrap();
    let message = repository.run(&["kms", "import"]).fails(1);
    for text in ["2 keys cannot be read", "3 of 3 keys failed"] {
        assert!(message.contains(text), "{message}");
    }
}

#[test]
fn filters_select_keys() {
    let repository = Repository::ready();
    for line in [
        [
            "-N",
            "plain",
            "-t",
            "PLAIN",
            "-l",
            "/dev/a:one",
            "-B",
            "sales/1",
        ],
        [
            "-N",
            "luks",
            "-t",
            "LUKS2",
            "-l",
            "/dev/b:two",
            "-B",
            "sales/2",
        ],
    ] {
        let line = [&["generate", "--no-volume-check"], &line[..]].concat();
        repository.run(&line).ok();
        repository.run(&["remove", "-N", line[3], "-F"]).ok();
    }
    for (filter, found) in [
        (&["-N", "pl*"][..], &["plain"][..]),
        (&["-l", "/dev/b"], &["luks"]),
        (&["-l", "*:one"], &["plain"]),
        (&["-t", "luks2"], &["luks"]),
        (&["-B", "sales/2"], &["luks"]),
        (&["-B", "sales/*", "-t", "PLAIN"], &["plain"]),
        (&["-N", "none"], &[]),
    ] {
        let line = [&["kms", "list", "--json"], filter].concat();
        let json: serde_json::Value = serde_json::from_str(&repository.run(&line).ok()).unwrap();
        let names: Vec<_> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|key| &key["name"])
            .collect();
        assert_eq!(names, found, "{filter:?}");
        let line = [&["kms", "import", "--no-volume-check"], filter].concat();
        repository.run(&line).ok();
        let files: Vec<_> = found
            .iter()
            .flat_map(|name| [format!("{name}.info"), format!("{name}.skey")])
            .collect();
        assert_eq!(repository.files(), files, "{filter:?}");
        for name in found {
            repository.run(&["remove", "-N", name, "-F"]).ok();
        }
    }
    repository.run(&["kms", "list", "-t", "NTFS"]).fails(2);
}

#[test]
fn refresh_updates_the_key_and_on_demand_its_properties() {
    let repository = Repository::ready();
    let volume = ["-l", "/dev/none:enc-x", "--no-volume-check"];
    let generate = ["generate", "-N", "x", "-x", "-d", "old"];
    repository.run(&[&generate[..], &volume].concat()).ok();
    fs::write(repository.config("epoch"), "2").unwrap();
    let shelf = repository.config("shelf/id-1");
    let changed = fs::read_to_string(&shelf)
        .unwrap()
        .replace("description=old", "description=new");
    fs::write(&shelf, changed).unwrap();
    repository.calls();
    let said = repository.run(&["kms", "refresh", "-N", "x"]).ok();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "Successfully refreshed key 'x'");
    assert!(lines[1].contains("zkey-cryptsetup setkey"), "{said}");
    assert!(lines[1].ends_with(": /dev/none:enc-x"), "{said}");
    let halves = [1, 2].map(|number| token(SecureKeyType::CcaAesData, 2, number));
    assert_eq!(repository.skey("x"), halves.concat());
    assert_eq!(repository.info("x").get("description"), Some("old"));
    assert!(repository.info("x").get("update-time").is_some());
    let expected = [
        "initialize",
        "login",
        "get id-1",
        "import id-1 CCA-AESDATA",
        "import id-2 CCA-AESDATA",
    ];
    assert_eq!(repository.calls(), expected);
    repository
        .run(&["kms", "refresh", "-P", "--no-volume-check"])
        .ok();
    assert_eq!(repository.info("x").get("description"), Some("new"));
    assert!(
        repository
            .run(&["kms", "refresh", "-N", "y"])
            .fails(1)
            .contains("'y' does not exist")
    );
}

#[test]
fn failed_refresh_keeps_the_key() {
    let repository = Repository::ready();
    repository.run(&["generate", "-N", "a"]).ok();
    repository.run(&["generate", "-N", "b"]).ok();
    let before = (
        repository.skey("a"),
        fs::read(repository.path("a.info")).unwrap(),
    );
    fs::write(repository.config("epoch"), "2").unwrap();
    fs::remove_file(repository.config("shelf/id-1")).unwrap();
    let message = repository.run(&["kms", "refresh"]).fails(1);
    assert!(
        message.contains("no key id-1") && message.contains("1 of 2 keys failed"),
        "{message}"
    );
    assert_eq!(
        (
            repository.skey("a"),
            fs::read(repository.path("a.info")).unwrap()
        ),
        before
    );
    assert_eq!(repository.skey("b"), token(SecureKeyType::CcaAesData, 2, 2));
}
