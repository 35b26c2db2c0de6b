//! Keys in EP11 adapters, with the program and the plugin as they are installed.

use std::fs;

use emulated_card::{Apqn, Kind, MasterKey, Mode};
use kmip::types::State;

use crate::installation::{CONFIGURE, Installation};

const CKR_DEVICE_ERROR: u64 = 0x30;
const CKR_WRAPPED_KEY_INVALID: u64 = 0x110;
const CKR_IBM_WKID_MISMATCH: u64 = 0x8001_0001;

#[test]
fn keys_are_generated_and_imported() {
    let installation = Installation::ep11();
    let server = installation.configured("ECC:prime256v1");
    installation.emulator.forget_calls();
    installation.run(&["generate", "-N", "disk"]).ok();
    let generated = installation.repository.skey("disk");
    assert_eq!(generated.len(), 336);
    let expected = installation.key_at_server(&server, "disk");
    let clear_key = |token: &[u8]| ::ep11::clear_key(&installation.emulator, token);
    assert_eq!(clear_key(&generated), expected);
    assert_eq!(installation.emulator.count("m_UnwrapKey"), 1);
    assert!(installation.emulator.count("m_SignSingle") > 0);
    installation.run(&["remove", "-N", "disk", "-F"]).ok();
    let import = ["kms", "import", "-N", "disk", "-q"];
    installation.run(&import).ok();
    assert_eq!(clear_key(&installation.repository.skey("disk")), expected);
}

#[test]
fn oaep_takes_the_longest_digest() {
    let installation = Installation::ep11();
    installation.profile(
        "server-regex=.*\nwrap-key-params=2048\nwrap-padding-method=OAEP\n\
         wrap-oaep-hashing-algorithm=SHA-512\n",
    );
    let server = installation.configured("ECC:prime256v1");
    installation.run(&["generate", "-N", "disk"]).ok();
    let token = installation.repository.skey("disk");
    let clear = ::ep11::clear_key(&installation.emulator, &token);
    assert_eq!(clear, installation.key_at_server(&server, "disk"));
}

#[test]
fn another_adapter_steps_in() {
    let installation = Installation::ep11();
    let server = installation.configured("ECC:secp521r1");
    installation
        .emulator
        .change(|machine| machine.card_mut(3).online = false);
    installation.emulator.forget_calls();
    installation.run(&["generate", "-N", "disk"]).ok();
    let calls = installation.emulator.calls();
    let unwrap = calls.iter().find(|(call, _)| call == "m_UnwrapKey");
    assert_eq!(unwrap.unwrap().1, "0a.0039");
    let token = installation.repository.skey("disk");
    let clear = ::ep11::clear_key(&installation.emulator, &token);
    assert_eq!(clear, installation.key_at_server(&server, "disk"));
}

#[test]
fn a_failed_configuration_leaves_nothing() {
    let installation = Installation::ep11();
    installation.run(&["kms", "bind", "KMIP"]).ok();
    let before = installation.content();
    let demand = |texts: &[&str]| {
        installation.refuses(&CONFIGURE, texts);
        assert_eq!(installation.content(), before);
    };
    let call = "m_GenerateKeyPair";
    installation.fail(call, CKR_IBM_WKID_MISMATCH, 0);
    demand(&[call, "03.0039", "0x80010001", "CKR_IBM_WKID_MISMATCH"]);
    installation.fail(call, CKR_DEVICE_ERROR, 0);
    demand(&[call, "03.0039", "CKR_DEVICE_ERROR"]);
    installation.repair();
    let good = installation.emulator.machine();
    let second = Apqn::new(0x0a, 0x39);
    installation.emulator.change(|machine| {
        let domain = machine.domain_mut(second);
        let registers = domain.registers.get_mut(&Kind::Wk).unwrap();
        registers.current = Some(MasterKey::random());
    });
    demand(&["WK", "03.0039", "0a.0039", "differ"]);
    installation.emulator.change(|machine| {
        *machine = good.clone();
        machine.card_mut(0x0a).online = false;
    });
    demand(&["0a.0039", "not online"]);
    installation.emulator.change(|machine| {
        *machine = good.clone();
        machine.card_mut(0x0a).mode = Mode::Cca;
    });
    demand(&["0a.0039"]);
    installation
        .emulator
        .change(|machine| *machine = good.clone());
    let library = installation.emulator.library_directory();
    fs::remove_file(library.join("libep11.so.4")).unwrap();
    demand(&["libep11.so.4", "ZKEY_KMIP_BACKEND=software"]);
    // What needs no adapter works.
    installation.run(&["kms", "info"]).ok();
    installation.answer(&["kms", "unbind"], "y\n").ok();
}

#[test]
fn a_key_that_the_adapter_refuses_is_not_stored() {
    let installation = Installation::ep11();
    let server = installation.configured("ECC:prime256v1");
    let before = installation.content();
    for (call, code) in [
        ("m_UnwrapKey", CKR_WRAPPED_KEY_INVALID),
        ("m_UnwrapKey", CKR_IBM_WKID_MISMATCH),
        ("m_SignSingle", CKR_DEVICE_ERROR),
    ] {
        installation.fail(call, code, 0);
        installation.refuses(&["generate", "-N", "disk"], &[call]);
        assert_eq!(installation.content(), before);
        let objects = server.store.objects();
        let mut objects = objects.values();
        let orphan = objects.any(|object| object.state == State::ACTIVE && object.key.len() == 32);
        assert!(!orphan, "{call}");
    }
    installation.repair();
    installation.run(&["generate", "-N", "disk"]).ok();
}

#[test]
fn the_plugins_own_keys_follow_the_master_key() {
    let installation = Installation::ep11();
    let _server = installation.configured("ECC:secp384r1");
    let before = installation.content();
    installation.refuses(&["kms", "reencipher"], &["NEW"]);
    assert_eq!(installation.content(), before);
    installation
        .emulator
        .change(|machine| machine.load_new(Kind::Wk));
    installation.run(&["kms", "reencipher", "--staged"]).ok();
    installation.run(&["generate", "-N", "meanwhile"]).ok();
    installation
        .emulator
        .change(|machine| machine.set(Kind::Wk));
    installation.run(&["kms", "reencipher", "--complete"]).ok();
    installation.run(&["generate", "-N", "afterwards"]).ok();
    // EP11 adapters have no OLD register.
    installation.refuses(&["kms", "reencipher", "--from-old"], &["OLD"]);
}
