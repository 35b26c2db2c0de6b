//! KMIP in HTTPS.

use std::io::{Read, Write};
use std::net::TcpStream;

use kmip::server::{Engine, Peer};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use test_support::{Certified, ScriptedServer};
use zkey_kmip::abi::options::code;
use zkey_kmip::abi::{Configured, KeyMode, SecureKeyType};

use crate::key_server::{Behaviour, Store};
use crate::machine::{Machine, generate};

/// A key server behind HTTPS that serves one path.
fn start(identity: &Certified, client: X509, store: Store, path: &'static str) -> ScriptedServer {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_private_key(&identity.key).unwrap();
    acceptor.set_certificate(&identity.certificate).unwrap();
    acceptor.cert_store_mut().add_cert(client).unwrap();
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let acceptor = acceptor.build();
    let engine = Engine::new(store);
    ScriptedServer::start(move |stream, _| {
        if let Ok(mut stream) = acceptor.accept(stream) {
            while let Some(body) = read_request(&mut stream, path) {
                let mut response = Vec::new();
                engine.respond(&Peer::local(), &body, &mut response);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
                     Content-Length: {}\r\n\r\n",
                    response.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&response).unwrap();
            }
        }
    })
}

/// The body of the next POST to `path`.
fn read_request(stream: &mut SslStream<TcpStream>, path: &str) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(
        head.starts_with(&format!("post {path} http/1.1\r\n")),
        "{head}"
    );
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Some(body)
}

fn store() -> Store {
    Store::new(Behaviour::default())
}

#[test]
fn a_url_means_https() {
    let machine = Machine::new();
    let client = machine.with_certificate();
    let server = start(&machine.authority.server(), client, store(), "/kmip/here");
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
}

#[test]
fn a_profile_can_mean_https() {
    let machine = Machine::new();
    machine.profile(
        "web",
        "server-regex=Web\nwrap-key-params=1024\ntransport=HTTPS\nhttps-uri=/web\n",
    );
    let client = machine.with_certificate();
    let server = start(&machine.authority.server(), client, store(), "/web");
    let address = server.address().to_string();
    machine.terminal.will_answer(&["y"]);
    machine
        .configure(&[
            (code::KMIP_SERVER, &address),
            (code::TLS_CA_BUNDLE, &machine.text_path("ca.pem")),
            (code::PROFILE, "web"),
        ])
        .unwrap();
    let data = SecureKeyType::CcaAesData;
    generate(&machine.plugin(), data, &[], None, KeyMode::NonXts).unwrap();
}
