//! Keys in CCA adapters, with the program and the plugin as they are installed.

use std::fs;

use emulated_card::{Apqn, Kind, Registers};
use kmip::types::State;
use zkey_kmip::abi::SecureKeyType;

use crate::common::host::finish;
use crate::installation::{APQNS, CONFIGURE, Installation};

fn clear_key(installation: &Installation, token: &[u8]) -> Vec<u8> {
    let clear = csulcca::clear_key(&installation.emulator, APQNS[0], token);
    clear.unwrap().to_vec()
}

#[test]
fn keys_of_both_types_are_generated_and_imported() {
    let installation = Installation::cca();
    let server = installation.configured("ECC:prime256v1");
    for (name, key_type, size) in [
        ("data", SecureKeyType::CcaAesData, 64),
        ("cipher", SecureKeyType::CcaAesCipher, 136),
    ] {
        installation.emulator.forget_calls();
        let arguments = ["generate", "-N", name, "-K", key_type.name()];
        installation.run(&arguments).ok();
        let generated = installation.repository.skey(name);
        assert_eq!(generated.len(), size);
        let expected = installation.key_at_server(&server, name);
        assert_eq!(clear_key(&installation, &generated), expected);
        // One handshake, one key.
        assert_eq!(
            installation.emulator.count("CSNDDSG") % 2,
            0,
            "also to check the key"
        );
        assert_eq!(installation.emulator.count("CSNDSYI"), 1);
        installation.run(&["remove", "-N", name, "-F"]).ok();
        installation.run(&["kms", "import", "-N", name, "-q"]).ok();
        let imported = installation.repository.skey(name);
        assert_eq!(clear_key(&installation, &imported), expected);
    }
}

#[test]
fn a_padding_that_adapters_do_not_know_is_told_at_once() {
    let installation = Installation::cca();
    installation.profile(
        "server-regex=.*\nwrap-key-params=2048\nwrap-padding-method=OAEP\n\
         wrap-oaep-hashing-algorithm=SHA-512\n",
    );
    let server = installation.server_for(installation.identified("ECC:prime256v1"));
    let before = installation.content();
    let message = installation.connect(&server).fails(1);
    assert!(message.contains("'default' (OAEP, SHA-512)"), "{message}");
    assert_eq!(installation.content(), before);
    assert!(server.store.objects().is_empty());
}

#[test]
fn rsa_identity_keys_make_the_connection() {
    let installation = Installation::cca();
    let _server = installation.configured("RSA:2048");
    installation.emulator.forget_calls();
    installation.run(&["kms", "list"]).ok();
    assert!(installation.emulator.count("CSNDDSG") > 0);
}

#[test]
fn another_adapter_steps_in() {
    let installation = Installation::cca();
    let _server = installation.configured("ECC:secp521r1");
    installation
        .emulator
        .change(|machine| machine.card_mut(3).online = false);
    installation.emulator.forget_calls();
    installation.run(&["generate", "-N", "disk"]).ok();
    let calls = installation.emulator.calls();
    assert!(
        calls
            .iter()
            .any(|(call, place)| call == "CSNDSYI" && place == "0a.0039")
    );
}

#[test]
fn a_failed_configuration_leaves_nothing() {
    let installation = Installation::cca();
    installation.run(&["kms", "bind", "KMIP"]).ok();
    let before = installation.content();
    let demand = |texts: &[&str]| {
        installation.refuses(&CONFIGURE, texts);
        assert_eq!(installation.content(), before);
    };
    installation.fail("CSNDPKG", 12, 764);
    demand(&[
        "CSNDPKG",
        "03.0039",
        "return code 12, reason code 764",
        "load and set it",
    ]);
    installation.fail("CSNDPKB", 8, 762);
    demand(&[
        "CSNDPKB",
        "03.0039",
        "return code 8, reason code 762",
        "elliptic curve",
    ]);
    installation.repair();
    let good = installation.emulator.machine();
    let other: fn(&mut Registers) = |registers| {
        registers.current = Some(emulated_card::MasterKey::random());
    };
    for (kind, name) in [(Kind::Aes, "AES"), (Kind::Apka, "APKA")] {
        installation.emulator.change(|machine| {
            other(
                machine
                    .domain_mut(Apqn::new(0x0a, 0x39))
                    .registers
                    .get_mut(&kind)
                    .unwrap(),
            );
        });
        demand(&[name, "03.0039", "0a.0039", "differ"]);
        installation
            .emulator
            .change(|machine| *machine = good.clone());
    }
    installation
        .emulator
        .change(|machine| machine.card_mut(0x0a).online = false);
    demand(&["0a.0039", "not online"]);
    installation
        .emulator
        .change(|machine| *machine = good.clone());
    fs::remove_file(
        installation
            .emulator
            .library_directory()
            .join("libcsulcca.so"),
    )
    .unwrap();
    demand(&["libcsulcca.so", "ZKEY_KMIP_BACKEND=software"]);
    // What needs no adapter works.
    installation.run(&["kms", "info"]).ok();
    installation.run(&["kms", "unbind"]).fails(1);
    installation.answer(&["kms", "unbind"], "y\n").ok();
}

#[test]
fn a_key_that_the_adapter_refuses_is_not_stored() {
    let installation = Installation::cca();
    let server = installation.configured("ECC:prime256v1");
    let before = installation.content();
    for (call, code, reason, text) in [
        ("CSNDSYI", 8, 66, "cannot be unwrapped"),
        ("CSNDSYI", 8, 90, "access control"),
        ("CSNBKTR2", 8, 48, "master key"),
        ("CSNBRKA", 16, 336, "log"),
        ("CSNDDSG", 12, 338, "online"),
    ] {
        installation.fail(call, code, reason);
        let generate = ["generate", "-N", "disk", "-K", "CCA-AESCIPHER"];
        installation.refuses(&generate, &[call, "03.0039", text]);
        assert_eq!(installation.content(), before);
        let objects = server.store.objects();
        let is_active_key = |object: &&crate::key_server::Object| {
            object.state == State::ACTIVE && object.key.len() == 32
        };
        assert_eq!(objects.values().filter(is_active_key).count(), 0, "{call}");
    }
    installation.repair();
    installation.run(&["generate", "-N", "disk"]).ok();
}

#[test]
fn the_plugins_own_keys_follow_the_master_key() {
    let installation = Installation::cca();
    let _server = installation.configured("ECC:secp384r1");
    let before = installation.content();
    let message = installation.run(&["kms", "reencipher"]).fails(1);
    assert!(message.contains("NEW"), "{message}");
    assert_eq!(installation.content(), before);
    installation
        .emulator
        .change(|machine| machine.load_new(Kind::Apka));
    installation.run(&["kms", "reencipher", "--staged"]).ok();
    installation.run(&["generate", "-N", "meanwhile"]).ok();
    let message = installation
        .run(&["kms", "reencipher", "--complete"])
        .fails(1);
    assert!(message.contains("NEW"), "{message}");
    installation
        .emulator
        .change(|machine| machine.set(Kind::Apka));
    installation.run(&["kms", "reencipher", "--complete"]).ok();
    installation.run(&["generate", "-N", "afterwards"]).ok();
    // From OLD, for those who come late.
    installation.emulator.change(|machine| {
        machine.load_new(Kind::Apka);
        machine.set(Kind::Apka);
    });
    installation.run(&["kms", "reencipher", "--from-old"]).ok();
    installation.emulator.change(|machine| {
        machine
            .all_registers_mut(Kind::Apka)
            .for_each(|registers| registers.old = None);
    });
    installation.run(&["generate", "-N", "late"]).ok();
}

#[test]
fn software_stands_in_only_where_there_can_be_no_adapters() {
    let installation = Installation::cca();
    let master_key = installation.text_path("master-key");
    let run = |sysfs: &str, arguments: &[&str]| {
        let mut command = installation.command(arguments);
        command
            .env("SYSFS_ROOT", installation.text_path(sysfs))
            .env("ZKEY_KMIP_SOFTWARE_MASTER_KEY", &master_key);
        finish(command.spawn().unwrap(), "")
    };
    installation.run(&["kms", "bind", "KMIP"]).ok();
    let configure = ["kms", "configure", "--apqns", "03.0039"];
    let generate = ["--gen-identity-key", "ECC:prime256v1"];
    let configure = [&configure[..], &generate].concat();
    // A bus without cards.
    fs::create_dir_all(installation.repository.path("empty/bus/ap/devices")).unwrap();
    let message = run("empty", &configure).fails(1);
    assert!(message.contains("03.0039"), "{message}");
    assert!(!message.contains("software only"), "{message}");
    assert!(!fs::exists(&master_key).unwrap());
    // No bus.
    let outcome = run("nothing", &configure);
    let messages = outcome.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        messages.contains("protected by software only"),
        "{messages}"
    );
    outcome.ok();
    assert!(fs::exists(&master_key).unwrap());
}
