//! The whole life of keys.

use kmip::types::State;
use openssl::symm::{Cipher, encrypt};
use test_support::Authority;
use zkey_kmip::secure_key::CardType;
use zkey_kmip::secure_key::software::{MasterKeyFile, Software};

use crate::common::proxy::Proxy;
use crate::installation::Installation;

#[test]
fn keys_are_generated_changed_imported_and_removed() {
    let installation = Installation::new("CCA");
    let authority = Authority::new("authority");
    let server = installation.configured(&authority);
    let text = installation.run(&["kms", "info"]).ok();
    assert!(text.contains("Test Server 1.0"), "{text}");

    let generate = [
        "generate",
        "-N",
        "disk",
        "-d",
        "first",
        "-K",
        "CCA-AESCIPHER",
    ];
    installation.run(&generate).ok();
    let info = installation.repository.info("disk");
    let id = info.get("kms-key-id").unwrap().to_owned();
    let object = server.store.object(&id).unwrap();
    assert_eq!(
        object.custom("x", "zkey-zkey-name").as_deref(),
        Some("disk")
    );
    let description = object.custom("x", "zkey-description");
    assert_eq!(description.as_deref(), Some("first"));
    let backend = Software::new(
        CardType::Cca,
        MasterKeyFile::at(installation.repository.path("master-key")),
    );
    let pattern = backend
        .verification_pattern(&installation.repository.skey("disk"))
        .unwrap();
    let cipher = Cipher::aes_256_cbc();
    let expected = encrypt(cipher, &object.key, Some(&[0; 16]), &[0; 32]).unwrap();
    assert_eq!(pattern, expected[..32]);

    installation
        .run(&["change", "-N", "disk", "-d", "second"])
        .ok();
    let text = installation.run(&["kms", "list"]).ok();
    assert!(text.contains("second") && text.contains(&id), "{text}");

    installation
        .run(&["remove", "-N", "disk", "-F", "--state", "deactivated"])
        .ok();
    assert_eq!(server.store.object(&id).unwrap().state, State::DEACTIVATED);
    let text = installation.run(&["kms", "list"]).ok();
    assert!(!text.contains(&id), "{text}");
    assert!(!installation.repository.path("disk.skey").exists());
}

#[test]
fn xts_pairs_come_back_by_import() {
    let installation = Installation::new("EP11");
    let authority = Authority::new("authority");
    let server = installation.configured(&authority);
    installation
        .run(&["generate", "-N", "pair", "-x", "--label", "one:two"])
        .ok();
    let info = installation.repository.info("pair");
    let ids = ["kms-xts-key1-id", "kms-xts-key2-id"].map(|name| info.get(name).unwrap().to_owned());
    let first = server.store.object(&ids[0]).unwrap();
    assert_eq!(
        first.custom("x", "zkey-xts-key2-id").as_ref(),
        Some(&ids[1])
    );
    let before = installation.repository.skey("pair");
    assert_eq!(before.len(), 2 * 336);
    installation.run(&["remove", "-N", "pair", "-F"]).ok();
    installation.run(&["kms", "import", "-q"]).ok();
    let after = installation.repository.skey("pair");
    let backend = Software::new(
        CardType::Ep11,
        MasterKeyFile::at(installation.repository.path("master-key")),
    );
    let pattern = |key: &[u8]| backend.verification_pattern(key).unwrap();
    assert_eq!(pattern(&before), pattern(&after));
    installation.run(&["kms", "refresh"]).ok();
    installation
        .run(&["remove", "-N", "pair", "-F", "--state", "destroyed"])
        .ok();
    for id in &ids {
        assert_eq!(server.store.object(id).unwrap().state, State::DESTROYED);
    }
}

#[test]
fn a_command_takes_one_connection_and_configure_two() {
    let installation = Installation::new("CCA");
    let server = installation.configured(&Authority::new("authority"));
    let proxy = Proxy::before(server.address());
    let ca = installation.text_path("ca.pem");
    let address = proxy.address();
    let connect = ["kms", "configure", "-S", address, "--tls-ca-bundle", &ca];
    installation.answer(&connect, "y\ny\n").ok();
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
        installation.answer(command, "").ok();
        assert_eq!(proxy.take(), connections, "{command:?}");
    }
}

#[test]
fn master_keys_change_under_a_bound_repository() {
    let installation = Installation::new("CCA");
    let authority = Authority::new("authority");
    let _server = installation.configured(&authority);
    let file = MasterKeyFile::at(installation.repository.path("master-key"));
    file.load_new().unwrap();
    let text = installation.run(&["kms", "reencipher"]).ok();
    assert!(text.contains("--complete"), "{text}");
    file.set_new().unwrap();
    installation.run(&["kms", "reencipher", "--complete"]).ok();
    installation.run(&["generate", "-N", "after"]).ok();
    let message = installation
        .run(&["kms", "reencipher", "--complete"])
        .fails(1);
    assert!(message.contains("pending"), "{message}");
}

#[test]
fn a_server_that_went_away_leaves_no_key() {
    let installation = Installation::new("CCA");
    let authority = Authority::new("authority");
    let mut server = installation.configured(&authority);
    server.stop();
    let message = installation.run(&["generate", "-N", "disk"]).fails(1);
    assert!(message.contains("127.0.0.1"), "{message}");
    assert!(!installation.repository.path("disk.skey").exists());
    assert!(!installation.repository.path("disk.info").exists());
}
