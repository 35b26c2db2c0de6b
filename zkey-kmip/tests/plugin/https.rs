//! KMIP in HTTPS.

use kmip::server::ServeOptions;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, Property, SecureKeyType};

use crate::key_server::{Behaviour, KeyServer};
use crate::machine::{Machine, generate};

fn start(machine: &Machine, path: &str) -> KeyServer {
    let options = ServeOptions::default().https(path);
    let identity = machine.authority.server();
    KeyServer::start_with(
        &identity,
        machine.with_certificate(),
        Behaviour::default(),
        options,
    )
}

#[test]
fn a_url_means_https() {
    let machine = Machine::new();
    let server = start(&machine, "/kmip/here");
    machine.terminal.will_answer(&["y"]);
    let url = format!("https://{}/kmip/here", server.address());
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &url),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    assert_eq!(machine.config().server(), Some(url.as_str()));
    let data = SecureKeyType::CcaAesData;
    generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).unwrap();
    machine.terminal.will_answer(&["y", "y"]);
    let elsewhere = format!("https://{}/elsewhere", server.address());
    let error = machine
        .configure(&[
            (code::KMIP_SERVER, &elsewhere),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
        ])
        .unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}

#[test]
fn a_profile_can_mean_https_in_any_encoding() {
    for encoding in ["TTLV", "JSON", "XML"] {
        let machine = Machine::new();
        machine.profile(
            "web",
            &format!(
                "server-regex=Web\nwrap-key-params=1024\ntransport=HTTPS\nhttps-uri=/web\n\
                 encoding={encoding}\n"
            ),
        );
        let server = start(&machine, "/web");
        machine.connect(&server, "web");
        let data = SecureKeyType::CcaAesData;
        let properties = [Property::new("description", "ä <\"&>")];
        let plugin = machine.plugin();
        let key = generate(&plugin, data, &properties, None, KeyMode::NonXts).unwrap();
        let back = plugin.get_key_properties(&key.key_id).unwrap();
        assert_eq!(back, properties, "{encoding}");
    }
}
