//! The whole life of keys on each kind of adapters, and what it costs.

use kmip::types::State;
use openssl::symm::encrypt;
use zkey_kmip::secure_key::CardType;

use crate::common::proxy::Proxy;
use crate::installation::Installation;
use crate::machine::cipher;

#[test]
fn keys_are_generated_changed_and_put_out_of_use() {
    for card_type in [CardType::Cca, CardType::Ep11] {
        let own = Installation::new(card_type);
        let server = own.configured(&["--tls-verify-hostname"]);
        let text = own.run(&["kms", "info"]).ok();
        assert!(text.contains("Test Server 1.0"), "{text}");
        let key_type = card_type.secure_key_types().last().unwrap().name();
        let generate = ["generate", "-N", "disk", "-d", "first", "-K", key_type];
        own.run(&generate).ok();
        let info = own.repository.info("disk");
        let id = info.get("kms-key-id").unwrap().to_owned();
        let object = server.store.object(&id).unwrap();
        let custom = |name: &str| object.custom("x", name);
        assert_eq!(custom("zkey-zkey-name").as_deref(), Some("disk"));
        assert_eq!(custom("zkey-description").as_deref(), Some("first"));
        let pattern = own
            .machine
            .backend()
            .verification_pattern(&own.repository.skey("disk"));
        let expected = encrypt(cipher(32), &object.key, Some(&[0; 16]), &[0; 32]).unwrap();
        assert_eq!(pattern.unwrap(), expected[..32]);
        own.run(&["change", "-N", "disk", "-d", "second"]).ok();
        let text = own.run(&["kms", "list"]).ok();
        assert!(text.contains("second") && text.contains(&id), "{text}");
        own.run(&["remove", "-N", "disk", "-F", "--state", "deactivated"])
            .ok();
        assert_eq!(server.store.object(&id).unwrap().state, State::DEACTIVATED);
        let text = own.run(&["kms", "list"]).ok();
        assert!(!text.contains(&id), "{text}");
        assert!(!own.repository.path("disk.skey").exists());
    }
}

#[test]
fn xts_pairs_come_back_by_import() {
    let own = Installation::new(CardType::Ep11);
    let server = own.configured(&[]);
    own.run(&["generate", "-N", "pair", "-x", "--label", "one:two"])
        .ok();
    let info = own.repository.info("pair");
    let ids = ["kms-xts-key1-id", "kms-xts-key2-id"].map(|name| info.get(name).unwrap().to_owned());
    let first = server.store.object(&ids[0]).unwrap();
    assert_eq!(
        first.custom("x", "zkey-xts-key2-id").as_ref(),
        Some(&ids[1])
    );
    let before = own.repository.skey("pair");
    assert_eq!(before.len(), 2 * 336);
    own.run(&["remove", "-N", "pair", "-F"]).ok();
    own.run(&["kms", "import", "-q"]).ok();
    let after = own.repository.skey("pair");
    let backend = own.machine.backend();
    let pattern = |key: &[u8]| backend.verification_pattern(key).unwrap();
    assert_eq!(pattern(&before), pattern(&after));
    own.run(&["kms", "refresh"]).ok();
    own.run(&["remove", "-N", "pair", "-F", "--state", "destroyed"])
        .ok();
    for id in &ids {
        assert_eq!(server.store.object(id).unwrap().state, State::DESTROYED);
    }
}

#[test]
fn a_command_takes_one_connection_and_configure_two() {
    let own = Installation::new(CardType::Cca);
    let server = own.configured(&[]);
    let proxy = Proxy::before(server.address());
    let ca = own.machine.text_path("ca.pem");
    let address = proxy.address();
    let connect = ["kms", "configure", "-S", address, "--tls-ca-bundle", &ca];
    own.answer(&connect, "y\ny\n").ok();
    assert_eq!(proxy.take(), 2);
    for (command, connections) in [
        (
            &["generate", "-N", "disk", "-x", "-d", "text"] as &[&str],
            1,
        ),
        (&["generate", "-N", "other"], 1),
        (&["list"], 0),
        (&["change", "-N", "disk", "-d", "other text"], 1),
        (&["rename", "-N", "disk", "-w", "volume"], 1),
        (&["kms", "list"], 1),
        (&["kms", "refresh", "-P"], 1),
        (&["kms", "info"], 0),
        (&["remove", "-N", "volume", "-F"], 0),
        (&["kms", "import", "-q"], 1),
        (&["remove", "-N", "other", "-F", "--state", "DESTROYED"], 1),
        (&["kms", "configure", "--gen-wrapping-key"], 1),
    ] {
        own.run(command).ok();
        assert_eq!(proxy.take(), connections, "{command:?}");
    }
}
