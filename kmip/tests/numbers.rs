//! The client and JSON servers that spell the names of values in their own way.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc::{Receiver, channel};

use kmip::client::{Client, NewKey};
use kmip::server::{Engine, Peer};
use kmip::transport::DEFAULT_PATH;
use kmip::types::ResultReason;
use kmip::{Encoding, ProtocolVersion};
use support::Store;
use test_support::{ScriptedServer, json_refusal};

/// A server in clear that cannot read messages for which `unreadable` holds, and what it was sent.
fn start(unreadable: fn(&str) -> bool) -> (ScriptedServer, Receiver<String>) {
    let engine = Engine::new(Store::default());
    let (sender, received) = channel();
    let sender = std::sync::Mutex::new(sender);
    let server = ScriptedServer::start(move |stream, _| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(body) = read_body(&mut reader) {
            let mut response = Vec::new();
            if unreadable(&body) {
                response.extend(json_refusal("no such name").bytes());
            } else {
                engine.respond_in(
                    Encoding::Json,
                    &Peer::local(),
                    body.as_bytes(),
                    &mut response,
                );
            }
            sender.lock().unwrap().send(body).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                response.len()
            );
            stream
                .write_all(&[head.as_bytes(), &response].concat())
                .unwrap();
        }
    });
    (server, received)
}

fn read_body(stream: &mut impl BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).unwrap())
}

fn client(server: &ScriptedServer, version: ProtocolVersion) -> Client {
    Client::builder(server.address().to_string().parse().unwrap())
        .https(DEFAULT_PATH, Encoding::Json)
        .without_tls()
        .version(version)
        .connect()
        .unwrap()
}

#[test]
fn numbers_are_sent_where_names_cannot_be_read() {
    for version in [ProtocolVersion::V1_4, ProtocolVersion::V2_1] {
        // A mask of names.
        let (server, received) = start(|body| body.contains("Encrypt|Decrypt"));
        let mut client = client(&server, version);
        client.locate([], None).unwrap();
        assert!(!client.sends_numbers(), "nothing is known yet");
        let named = received.recv().unwrap();
        assert!(named.contains(r#""value":"Locate""#), "{named}");
        let key = client.create(NewKey::aes(256)).unwrap();
        assert!(client.sends_numbers());
        assert!(received.recv().unwrap().contains(r#""value":"Create""#));
        let numeric = received.recv().unwrap();
        assert!(
            numeric.contains(r#""type":"Enumeration","value":"0x00000001""#),
            "{numeric}"
        );
        assert!(
            numeric.contains(r#""type":"Integer","value":12}"#),
            "{numeric}"
        );
        for name in [r#""Create""#, r#""AES""#, "SymmetricKey"] {
            assert!(!numeric.contains(name), "{name}: {numeric}");
        }
        // Once is enough.
        client.destroy(&key).unwrap();
        assert!(received.recv().unwrap().contains(r#""value":"0x00000014""#));
        assert!(received.try_recv().is_err());
    }
}

#[test]
fn names_stay_where_numbers_are_no_better() {
    let (server, received) = start(|_| true);
    let mut client = client(&server, ProtocolVersion::V2_1);
    for _ in 0..2 {
        let error = client.create(NewKey::aes(256)).unwrap_err();
        assert_eq!(error.result_reason(), Some(ResultReason::INVALID_MESSAGE));
        assert!(error.to_string().contains("no such name"), "{error}");
        assert!(!client.sends_numbers());
        assert!(received.recv().unwrap().contains(r#""value":"Create""#));
        assert!(!received.recv().unwrap().contains("Create"));
    }
    assert!(received.try_recv().is_err());
}

#[test]
fn numbers_can_be_sent_from_the_start() {
    let (server, received) = start(|body| body.contains("Encrypt|Decrypt"));
    let mut client = Client::builder(server.address().to_string().parse().unwrap())
        .https(DEFAULT_PATH, Encoding::Json)
        .without_tls()
        .sends_numbers(true)
        .connect()
        .unwrap();
    client.create(NewKey::aes(256)).unwrap();
    let first = received.recv().unwrap();
    assert!(!first.contains("DiscoverVersions"), "{first}");
    assert!(received.recv().unwrap().contains(r#""value":12"#));
    assert!(received.try_recv().is_err());
}
