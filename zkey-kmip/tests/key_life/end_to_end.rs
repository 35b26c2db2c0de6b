//! The whole of it: the program, the shared object, a key server, and zkey's repository.

use std::fs;

use kmip::types::{Operation, ResultReason, State};
use zkey_kmip::secure_key::CardType;

use crate::common::host::{at_a_terminal, finish};
use crate::common::manual::Walk;
use crate::installation::Installation;
use crate::key_server::{Behaviour, KeyServer};

#[test]
fn life_of_an_xts_key() {
    let (own, server) = Installation::connected();
    let info = own.run(&["kms", "info"]).ok();
    assert!(info.contains("APQNs:                03.0039"), "{info}");
    assert!(info.contains("used"), "{info}");
    let info = own.run(&["kms", "info", "--json"]).ok();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    let settings = &info["plugin_settings"];
    assert_eq!(
        settings["KMIP server"],
        serde_json::json!([server.address()])
    );
    assert_eq!(settings["Wrapping key state"][0], "Active (as last seen)");
    assert!(
        settings["Client certificate"].as_array().unwrap().len() > 5,
        "{settings}"
    );

    own.run(&[
        "generate",
        "-N",
        "disk1",
        "-x",
        "-B",
        "left:right",
        "-d",
        "first",
    ])
    .ok();
    let patterns = own.patterns("disk1");
    assert_ne!(patterns[0], patterns[1]);
    let keys = own.keys(&["list"]);
    assert_eq!(
        keys[0]["kms_key_labels"],
        serde_json::json!(["left", "right"])
    );
    assert_eq!(keys[0]["secure_key_bytes"], 128);
    let ids: Vec<String> = serde_json::from_value(keys[0]["kms_key_ids"].clone()).unwrap();
    for id in &ids {
        assert_eq!(server.store.object(id).unwrap().state, State::ACTIVE);
    }
    own.run(&["validate", "--check-kms"]).ok();

    own.run(&[
        "change",
        "-N",
        "disk1",
        "-d",
        "changed",
        "--gen-dummy-passphrase",
    ])
    .ok();
    own.run(&["rename", "-N", "disk1", "-w", "disk2"]).ok();
    let passphrase = fs::read(own.repository.path("disk2.pass")).unwrap();
    own.run(&["remove", "-N", "disk2", "--force"]).ok();
    assert!(own.keys(&["list"]).is_empty());

    let at_kms = own.keys(&["kms", "list", "-N", "disk*"]);
    assert_eq!(at_kms[0]["name"], "disk2", "the name on this system");
    assert_eq!(at_kms[0]["key_bits"], 512);
    own.run(&["kms", "import"]).ok();
    assert_eq!(own.patterns("disk2"), patterns);
    assert_eq!(
        own.repository.info("disk2").get("description"),
        Some("changed")
    );
    assert_eq!(
        fs::read(own.repository.path("disk2.pass")).unwrap(),
        passphrase
    );

    own.run(&["kms", "refresh", "-P"]).ok();
    assert_eq!(own.patterns("disk2"), patterns);
    own.run(&["remove", "-N", "disk2", "-F", "--state", "DESTROYED"])
        .ok();
    for id in &ids {
        assert!(
            server
                .store
                .object(id)
                .is_none_or(|key| key.state == State::DESTROYED)
        );
    }
    own.answer(&["kms", "unbind"], "y\n").ok();
    assert!(!own.repository.path("KMIP").exists());
}

#[test]
fn a_pair_that_cannot_be_linked_is_nowhere() {
    let (own, server) = Installation::connected();
    let changes = [
        Operation::ADD_ATTRIBUTE,
        Operation::MODIFY_ATTRIBUTE,
        Operation::SET_ATTRIBUTE,
    ];
    server.store.behave(|own| {
        let refused = changes.map(|one| (one, ResultReason::PERMISSION_DENIED));
        own.refused = refused.to_vec();
    });
    let message = own.run(&["generate", "-N", "disk", "-x"]).fails(1);
    assert!(message.contains("link the two keys"), "{message}");
    assert!(message.contains("were destroyed"), "{message}");
    assert!(own.keys(&["list"]).is_empty());
    assert!(!own.repository.path("disk.skey").exists());
    let states = server.store.states_of_keys();
    assert_eq!(states, [State::DESTROYED; 2]);
}

#[test]
fn refused_server_leaves_no_connection() {
    let (own, _server) = Installation::connected();
    let other = own.server(Behaviour::default());
    let before = fs::read(own.repository.path("KMIP/kmip.conf")).unwrap();
    let (address, bundle) = (other.address(), own.machine.text_path("ca.pem"));
    let line = [
        "kms",
        "configure",
        "-S",
        &address,
        "-b",
        &bundle,
        "-p",
        "used",
    ];
    let message = own.answer(&line, "y\nn\n").fails(1);
    assert!(
        message.contains(&format!("errno {}", libc::ECANCELED)),
        "{message}"
    );
    assert_eq!(
        fs::read(own.repository.path("KMIP/kmip.conf")).unwrap(),
        before
    );
}

#[test]
fn server_that_is_gone_is_named() {
    let (own, mut server) = Installation::connected();
    own.run(&["generate", "-N", "x"]).ok();
    server.stop();
    for line in [
        &["kms", "list"] as &[&str],
        &["kms", "refresh"],
        &["generate", "-N", "y"],
        &["remove", "-F", "-N", "x", "--state", "DEACTIVATED"],
    ] {
        let message = own.run(line).fails(1);
        assert!(
            message.contains("127.0.0.1") && message.contains("errno"),
            "{message}"
        );
    }
    assert!(!own.repository.path("y.skey").exists());
    // What needs no server goes on.
    own.run(&["kms", "info"]).ok();
    own.run(&["validate"]).ok();
    own.run(&["remove", "-F", "-N", "x"]).ok();
}

#[test]
fn two_processes_configure_one_after_the_other() {
    let (own, server) = Installation::connected();
    own.run(&["generate", "-N", "x"]).ok();
    let line = ["kms", "configure", "--gen-wrapping-key"];
    let both = [0, 1].map(|_| own.command(&line).spawn().unwrap());
    // The one that comes first may ask a question, so both need an end of their input.
    std::thread::scope(|scope| {
        for process in both {
            scope.spawn(|| finish(process, "").ok());
        }
    });
    own.run(&["kms", "refresh"]).ok();
    let objects = server.store.objects();
    let active = objects
        .values()
        .filter(|one| one.state == State::ACTIVE && one.key.is_empty());
    assert_eq!(active.count(), 1, "wrapping keys in use");
}

#[test]
fn questions_are_answered_at_a_terminal_or_not_asked() {
    let (own, server) = Installation::connected();
    let key = || fs::read(own.repository.path("KMIP/identity-key.skey")).unwrap();
    let before = key();
    let new_key = ["kms", "configure", "--gen-identity-key", "ECC:secp384r1"];
    let (code, shown) = at_a_terminal(own.command(&new_key), "no\n");
    assert!(shown.contains("[y/N]"), "{shown}");
    assert_eq!((code, key()), (Some(1), before.clone()), "{shown}");
    let (code, shown) = at_a_terminal(own.command(&new_key), "yes\n");
    assert_eq!(code, Some(0), "{shown}");
    assert_ne!(key(), before);
    let (address, ca) = (server.address(), own.machine.text_path("ca.pem"));
    let certificate = own.machine.text_path("new.pem");
    let mut command = own.command(&[
        "kms",
        "configure",
        "--gen-self-signed-cert",
        &certificate,
        "--cert-subject",
        "CN=client",
    ]);
    finish(command.env("ZKEY_KMIP_BATCH", "1").spawn().unwrap(), "").ok();
    let connect = ["kms", "configure", "-S", &address, "--tls-ca-bundle", &ca];
    let mut command = own.command(&connect);
    let message = finish(
        command.env("ZKEY_KMIP_BATCH", "1").spawn().unwrap(),
        "y\ny\n",
    )
    .fails(1);
    assert!(
        message.contains("ZKEY_KMIP_SERVER_FINGERPRINT"),
        "{message}"
    );
}

#[test]
fn the_examples_of_the_manual_page_work_one_by_one() {
    let own = Installation::new(CardType::Cca);
    let authority = &own.machine.authority;
    let clients = authority.certificate().clone();
    let server = KeyServer::start(&authority.server(), clients, Behaviour::default());
    Walk {
        directory: own.machine.directory.path(),
        authority,
        server: &server.address(),
        command: &|words| own.command(words),
        load_master_key: &|| own.machine.master_keys().load_new().map(drop).unwrap(),
        set_master_key: &|| own.machine.master_keys().set_new().map(drop).unwrap(),
        states: &|| server.store.states_of_keys(),
    }
    .run();
}

/// The commands of the software backend stand for what an administrator does at the adapters.
#[test]
fn keys_survive_changes_of_the_master_key() {
    let (own, _server) = Installation::connected();
    own.run(&["generate", "-N", "disk", "-B", "label"]).ok();
    let show = |arguments: &[&str]| {
        let text = own.run(&[arguments, &["--json"]].concat()).ok();
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
        shown[0].clone()
    };
    let first = show(&["software-master-key", "show"]);
    assert!(first["current"].is_string() && first["new"].is_null());
    let too_early = own.run(&["software-master-key", "set"]).fails(1);
    assert!(
        too_early.contains("NEW master key is not loaded"),
        "{too_early}"
    );
    let loaded = show(&["software-master-key", "load"]);
    assert_eq!(loaded["current"], first["current"]);
    let staged = own.run(&["kms", "reencipher"]).ok();
    assert!(staged.contains("--complete"), "{staged}");
    let set = show(&["software-master-key", "set"]);
    assert_eq!(set["old"], first["current"]);
    assert_eq!(set["current"], loaded["new"]);
    own.run(&["kms", "reencipher", "--complete"]).ok();
    let message = own.run(&["kms", "reencipher", "--complete"]).fails(1);
    assert!(message.contains("pending"), "{message}");
    own.run(&["generate", "-N", "other", "-B", "other-label"])
        .ok();
    // After another change, only what was re-enciphered is left.
    own.run(&["software-master-key", "load"]).ok();
    own.run(&["kms", "reencipher"]).ok();
    own.run(&["software-master-key", "set"]).ok();
    own.run(&["kms", "reencipher", "--complete"]).ok();
    let text = own.run(&["software-master-key", "show"]).ok();
    assert!(text.contains(set["current"].as_str().unwrap()), "{text}");
    own.run(&["kms", "refresh"]).ok();
    own.patterns("disk");
}
