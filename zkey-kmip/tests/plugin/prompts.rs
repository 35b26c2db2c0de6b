//! Questions, and how they are answered where nobody is.

use kmip::types::State;
use openssl::hash::MessageDigest;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, Errno};
use zkey_kmip::config::{Config, ConfigFile};

use crate::key_server::Behaviour;
use crate::machine::Machine;

#[test]
fn without_questions_all_is_done_that_the_command_line_says_and_no_more() {
    let machine = Machine::new();
    let identity = machine.authority.server();
    let server = machine.server_with(&identity, Behaviour::default());
    let (address, ca) = (server.address(), machine.text_path("ca.pem"));
    let connection = [
        (code::KMIP_SERVER, address.as_str()),
        (code::TLS_CA_BUNDLE, ca.as_str()),
    ];
    machine.asks_nothing.set(true);
    // Which server is the right one, nobody else can know.
    let error = machine.configure(&connection).unwrap_err();
    assert_eq!(error.errno(), Errno::ECANCELED);
    let text = error.to_string();
    assert!(text.contains("ZKEY_KMIP_SERVER_FINGERPRINT"), "{text}");
    assert!(machine.terminal.printed().contains("SHA-256 fingerprint"));
    let digest = identity
        .certificate
        .digest(MessageDigest::sha256())
        .unwrap();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    machine.accepted_fingerprint.replace(Some(hex));
    assert_eq!(
        machine.configure(&connection).unwrap(),
        Configured::Complete
    );
    // The former connection is replaced, and its wrapping key put out of use, but not destroyed.
    let former = machine.config().wrapping_key().unwrap().id;
    machine.configure(&connection).unwrap();
    let state = |id: &str| server.store.object(id).unwrap().state;
    assert_eq!(state(&former), State::DEACTIVATED);
    let key = machine.config().read(ConfigFile::IdentityKey);
    let certificate = machine.text_path("new.pem");
    let self_signed = [
        (code::GEN_SELF_SIGNED_CERT, certificate.as_str()),
        (code::CERT_SUBJECT, "CN=new"),
    ];
    machine.configure(&self_signed).unwrap();
    let new_key = [
        &[(code::GEN_IDENTITY_KEY, "ECC:prime256v1")],
        &self_signed[..],
    ]
    .concat();
    machine.configure(&new_key).unwrap();
    let new = machine.config().read(ConfigFile::IdentityKey);
    assert_ne!(new.unwrap(), key.unwrap());
    assert!(!machine.terminal.printed().contains("[y/N]"));
}

/// At the end of input, as from `/dev/null`, the answer is no.
#[test]
fn each_question_can_be_answered_by_no() {
    let machine = Machine::new();
    let server = machine.server(Behaviour::default());
    machine.connect(&server, "default");
    let before = machine.config();
    let files = [ConfigFile::IdentityKey, ConfigFile::ClientCertificate];
    let contents = |config: &Config| files.map(|file| config.read(file).unwrap());
    let before_contents = contents(&before);
    let (address, certificate) = (server.address(), machine.text_path("other.pem"));
    for options in [
        &[(code::KMIP_SERVER, address.as_str())] as &[(i32, &str)],
        &[(code::GEN_IDENTITY_KEY, "ECC:prime256v1")],
        &[
            (code::GEN_SELF_SIGNED_CERT, certificate.as_str()),
            (code::CERT_SUBJECT, "CN=other"),
        ],
        &[(code::CLIENT_CERT, &machine.text_path("client.pem"))],
    ] {
        let error = machine.configure(options).unwrap_err();
        assert_eq!(error.errno(), Errno::ECANCELED, "{options:?}: {error}");
        let now = machine.config();
        assert_eq!(now.connection().unwrap(), before.connection().unwrap());
        assert_eq!(now.wrapping_key(), before.wrapping_key());
        assert_eq!(contents(&now), before_contents, "{options:?}");
        assert!(!machine.path("other.pem").exists());
    }
    assert_eq!(machine.terminal.printed().matches("[y/N]").count(), 4);
}
