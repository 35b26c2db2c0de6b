//! The whole of it: the program, the shared object, a key server, and zkey's repository.

use std::fs;
use std::process::Command;

use kmip::types::{Operation, ResultReason, State};
use openssl::x509::X509;

use crate::common::host::{Outcome, Repository, finish};
use crate::common::manual::Walk;
use crate::common::shared_object;
use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, PROFILE_2X};

/// A repository with the real plugin, and the machine that it is on.
pub(crate) struct Installation {
    pub(crate) machine: Machine,
    pub(crate) repository: Repository,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let (machine, repository) = (Machine::new(), Repository::new());
        machine.profile("used", PROFILE_2X);
        let list = format!("KMIP={}\n", shared_object().display());
        fs::write(machine.path("kms-plugins.conf"), list).unwrap();
        Installation {
            machine,
            repository,
        }
    }

    /// Everything configured, with a server of this behaviour.
    pub(crate) fn connected(behaviour: Behaviour) -> (Self, KeyServer) {
        let own = Installation::new();
        own.run(&["kms", "bind", "KMIP"]).ok();
        let hint = own.run(&["kms", "configure", "--apqns", "3.39"]).ok();
        assert!(hint.contains("needs more of it"), "{hint}");
        let certificate = own.machine.text_path("client.pem");
        let line = [
            "kms",
            "configure",
            "--gen-identity-key",
            "ECC:prime256v1",
            "--gen-self-signed-cert",
            &certificate,
            "--cert-subject",
            "CN=client",
        ];
        own.run(&line).ok();
        let client = X509::from_pem(&fs::read(&certificate).unwrap()).unwrap();
        let server = KeyServer::start(&own.machine.authority.server(), client, behaviour);
        let (address, bundle) = (server.address(), own.machine.text_path("ca.pem"));
        let line = [
            "kms",
            "configure",
            "-S",
            &address,
            "--tls-ca-bundle",
            &bundle,
            "--profile",
            "used",
        ];
        let text = own.answer(&line, "yes\n").ok();
        assert!(
            text.contains("[y/N]") && !text.contains("needs more"),
            "{text}"
        );
        (own, server)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.answer(arguments, "")
    }

    fn answer(&self, arguments: &[&str], input: &str) -> Outcome {
        finish(self.command(arguments).spawn().unwrap(), input)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.program(arguments);
        command
            .env("ZKEY_KMS_PLUGINS", self.machine.path("kms-plugins.conf"))
            .env("ZKEY_KMIP_PROFILES", self.machine.path("profiles"))
            .env("ZKEY_KMIP_BACKEND", "software")
            .env(
                "ZKEY_KMIP_SOFTWARE_MASTER_KEY",
                self.machine.path("master-key"),
            );
        command
    }

    pub(crate) fn keys(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let text = self.run(&[arguments, &["--json"]].concat()).ok();
        serde_json::from_str(&text).unwrap()
    }

    /// Whether both halves of a key in the repository can be used, and which keys they hold.
    pub(crate) fn patterns(&self, key: &str) -> Vec<Vec<u8>> {
        let skey = self.repository.skey(key);
        let backend = self.machine.backend();
        let halves = skey.chunks(64);
        halves
            .map(|half| backend.verification_pattern(half).unwrap().to_vec())
            .collect()
    }
}

#[test]
fn life_of_an_xts_key() {
    let (own, server) = Installation::connected(Behaviour::default());
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
    let (own, server) = Installation::connected(Behaviour::default());
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
    let (own, _server) = Installation::connected(Behaviour::default());
    let other = KeyServer::start(
        &own.machine.authority.server(),
        X509::from_pem(&fs::read(own.machine.path("client.pem")).unwrap()).unwrap(),
        Behaviour::default(),
    );
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
    let (own, mut server) = Installation::connected(Behaviour::default());
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
    // What needs no server goes on.
    own.run(&["kms", "info"]).ok();
    own.run(&["validate"]).ok();
    own.run(&["remove", "-F", "-N", "x"]).ok();
}

#[test]
fn two_processes_configure_one_after_the_other() {
    let (own, server) = Installation::connected(Behaviour::default());
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
fn the_examples_of_the_manual_page_work_one_by_one() {
    let own = Installation::new();
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
    let (own, _server) = Installation::connected(Behaviour::default());
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
