//! KMIP in HTTPS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use kmip::Encoding;
use kmip::server::{Engine, Peer, ServeOptions};
use kmip::types::{ResultReason, State};
use openssl::ssl::{SslAcceptor, SslMethod};
use serde_json::Value;
use test_support::json_refusal;
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, Kms, Property, SecureKeyType};
use zkey_kmip::properties::{Integrity, Properties};

use crate::key_server::{Behaviour, CustomLocate, KeyServer, Store};
use crate::machine::{Machine, generate, info};

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
fn a_url_without_a_path_gets_that_of_kmip() {
    let machine = Machine::new();
    let server = start(&machine, "/kmip");
    machine.terminal.will_answer(&["y"]);
    let url = format!("https://{}", server.address());
    let bundle = machine.text_path("ca.pem");
    let options: [(i32, &str); 2] = [(code::KMIP_SERVER, &url), (code::TLS_CA_BUNDLE, &bundle)];
    assert_eq!(machine.configure(&options).unwrap(), Configured::Complete);
    let completed = format!("{url}/kmip");
    assert_eq!(machine.config().server(), Some(completed.as_str()));
    // The same server, so the former wrapping key is put out of use.
    let former = machine.config().wrapping_key().unwrap().id;
    machine.terminal.will_answer(&["y", "y", "y"]);
    machine.configure(&options).unwrap();
    let state = server.store.object(&former).unwrap().state;
    assert_eq!(state, State::DESTROYED);
    let data = SecureKeyType::CcaAesData;
    generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).unwrap();
}

/// The C plugin takes the URL as it is.
#[test]
fn a_url_without_a_path_in_an_existing_configuration_means_the_root() {
    let machine = Machine::new();
    let server = start(&machine, "/");
    machine.terminal.will_answer(&["y"]);
    let url = format!("https://{}/", server.address());
    let bundle = machine.text_path("ca.pem");
    let options = [
        (code::KMIP_SERVER, url.as_str()),
        (code::TLS_CA_BUNDLE, &bundle),
    ];
    machine.configure(&options).unwrap();
    let path = machine.path("KMIP/kmip.conf");
    let mut values = Properties::load(&path, Integrity::Hashed).unwrap();
    values
        .set("kmip-server", url.trim_end_matches('/'))
        .unwrap();
    values.save(&path, Integrity::Hashed).unwrap();
    let data = SecureKeyType::CcaAesData;
    generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).unwrap();
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

/// What an HTTPS server is particular about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// The Content-Type must name the character set.
    Charset,
    /// The Content-Type must not, masks must be numbers, and names are spelled without underscores, as
    /// with Cosmian KMS.
    Cosmian,
}

/// An HTTPS server with a demand, and how many messages it refused and answered.
struct Pedant {
    address: String,
    store: Store,
    counts: Arc<Mutex<(usize, usize)>>,
}

impl Pedant {
    fn start(machine: &Machine, demand: Demand, behaviour: Behaviour) -> Pedant {
        machine.with_certificate();
        let identity = machine.authority.server();
        let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        tls.set_private_key(&identity.key).unwrap();
        tls.set_certificate(&identity.certificate).unwrap();
        let tls = tls.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let store = Store::with(behaviour);
        let engine = Engine::new(store.clone());
        let counts = Arc::new(Mutex::new((0, 0)));
        let shared = Arc::clone(&counts);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                // One that only looks at the certificate sends nothing.
                if let Ok(mut stream) = tls.accept(stream.unwrap()) {
                    while answer(&mut stream, demand, &engine, &shared).is_some() {}
                }
            }
        });
        Pedant {
            address,
            store,
            counts,
        }
    }

    fn take_counts(&self) -> (usize, usize) {
        std::mem::take(&mut self.counts.lock().unwrap())
    }
}

/// A name in the message that Cosmian KMS does not know.
fn foreign_name(item: &Value) -> Option<&str> {
    let own = match (item["type"].as_str(), item["value"].as_str()) {
        (Some("Integer"), Some(text)) => !text.starts_with("0x"),
        (Some("Enumeration"), Some(text)) => text.contains('_') || text == "MGF1",
        _ => false,
    };
    if own {
        return item["value"].as_str();
    }
    item["value"].as_array()?.iter().find_map(foreign_name)
}

fn answer(
    stream: &mut (impl Read + Write),
    demand: Demand,
    engine: &Engine<Store>,
    counts: &Mutex<(usize, usize)>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let length = header("Content-Length: ").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let mut counts = counts.lock().unwrap();
    let content_type = match demand {
        Demand::Charset => "application/json;charset=UTF-8",
        Demand::Cosmian => "application/json",
    };
    if header("Content-Type: ") != Some(content_type) {
        counts.0 += 1;
        let refusal = b"HTTP/1.1 415 Unsupported Media Type\r\nContent-Length: 0\r\n\r\n";
        return stream.write_all(refusal).ok();
    }
    let mut response = Vec::new();
    let message: Value = serde_json::from_slice(&body).unwrap();
    match foreign_name(&message).filter(|_| demand == Demand::Cosmian) {
        Some(name) => {
            counts.0 += 1;
            response.extend(json_refusal(&format!("cannot read {name}")).bytes());
        }
        None => {
            counts.1 += 1;
            engine.respond_in(Encoding::Json, &Peer::local(), &body, &mut response);
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        response.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&response).ok()
}

#[test]
fn a_character_set_is_named_where_it_is_demanded() {
    let machine = Machine::new();
    let profile = "server-regex=Web\nwrap-key-params=1024\ntransport=HTTPS\nhttps-uri=/web\n\
                   encoding=JSON\nkmip-version=2.1\n";
    machine.profile("web", profile);
    let server = Pedant::start(&machine, Demand::Charset, Behaviour::default());
    machine.terminal.will_answer(&["y"]);
    let configured = machine.configure(&[
        (code::KMIP_SERVER, &server.address),
        (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
        (code::PROFILE, "web"),
    ]);
    assert_eq!(configured.unwrap(), Configured::Complete);
    assert_eq!(server.take_counts().0, 1);
    assert!(info(&machine).contains("content-charset"));
    let data = SecureKeyType::CcaAesData;
    let key = generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).unwrap();
    assert!(server.store.object(&key.key_id).is_some());
    assert_eq!(server.take_counts(), (0, 2), "once learned");
}

#[test]
fn values_are_numbers_where_their_names_cannot_be_read() {
    for version in ["1.4", "2.1"] {
        let machine = Machine::new();
        let profile = format!(
            "server-regex=Web\nwrap-key-params=1024\nwrap-padding-method=OAEP\n\
             wrap-hashing-algorithm=SHA-256\ntransport=HTTPS\nhttps-uri=/web\nencoding=JSON\n\
             kmip-version={version}\n"
        );
        machine.profile("web", &profile);
        let behaviour = Behaviour {
            no_placeholder: true,
            no_format: Some(ResultReason::OPERATION_NOT_SUPPORTED),
            lying_delete: version == "2.1",
            custom_locate: CustomLocate::Ignored,
            ..Behaviour::default()
        };
        let server = Pedant::start(&machine, Demand::Cosmian, behaviour);
        machine.terminal.will_answer(&["y"]);
        let configured = machine.configure(&[
            (code::KMIP_SERVER, &server.address),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
            (code::PROFILE, "web"),
        ]);
        assert_eq!(configured.unwrap(), Configured::Complete, "{version}");
        assert!(server.take_counts().0 > 0);
        for learned in ["separate-activate", "numeric-values"] {
            assert!(info(&machine).contains(learned), "{}", info(&machine));
        }
        let plugin = machine.plugin();
        let data = SecureKeyType::CcaAesData;
        let properties = [Property::new("description", "x_y")];
        let key = generate(&plugin, data, &properties, None, KeyMode::NonXts).unwrap();
        assert!(server.store.object(&key.key_id).is_some());
        let back = plugin.get_key_properties(&key.key_id).unwrap();
        assert_eq!(back, properties, "{version}");
        let gone = [Property::removal("description")];
        plugin.set_key_properties(&key.key_id, &gone).unwrap();
        let back = plugin.get_key_properties(&key.key_id).unwrap();
        assert!(back.is_empty(), "{version}: {back:?}");
        assert_eq!(server.take_counts().0, 0, "once learned");
    }
}
