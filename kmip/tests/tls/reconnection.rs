//! The checks hold for every connection of a client, not only for the first, whatever is inside TLS.

use std::error::Error as _;

use kmip::Encoding;
use kmip::client::{Client, ClientBuilder, Error};
use kmip::server::{Engine, Handler, Peer, ServeOptions, serve_connection};
use kmip::transport::tls::{ClientAuthentication, ClientTls, ServerTls, TlsAcceptor};
use kmip::transport::{DEFAULT_PATH, Deadline, TcpStream};
use test_support::{Authority, Certified, Request, ScriptedServer};

use crate::world::{World, address, identity};

struct NoOperations;

impl Handler for NoOperations {}

/// A server that shows the first certificate to the first client, and the second to all others.
fn changing(certified: [&Certified; 2], https: bool) -> ScriptedServer {
    let tls = certified.map(|certified| {
        let options = ServerTls::new(identity(certified));
        TlsAcceptor::new(options.client_authentication(ClientAuthentication::None)).unwrap()
    });
    ScriptedServer::start(move |socket, number| {
        let acceptor = &tls[number.min(1)];
        if let Ok(stream) = acceptor.accept(TcpStream::from(socket), "client", Deadline::NEVER) {
            let options = match https {
                true => ServeOptions::default().https(DEFAULT_PATH),
                false => ServeOptions::default(),
            };
            let _ = serve_connection(&Engine::new(NoOperations), stream, &Peer::local(), &options);
        }
    })
}

/// The error of the second connection of either client.
fn reconnect(tls: &ClientTls, https: bool, start: impl Fn() -> ScriptedServer) -> [Error; 2] {
    let settings = |server: &ScriptedServer| -> ClientBuilder {
        let settings = Client::builder(address(server, "localhost")).tls(tls.clone());
        match https {
            true => settings.https(DEFAULT_PATH, Encoding::Ttlv),
            false => settings,
        }
    };
    let server = start();
    let mut client = settings(&server).connect().unwrap();
    client.disconnect();
    let blocking = client.discover_versions().unwrap_err();
    let server = start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let asynchronous = runtime.block_on(async {
        let mut client = settings(&server).connect_async().await.unwrap();
        client.disconnect();
        client.discover_versions().await.unwrap_err()
    });
    [blocking, asynchronous]
}

#[test]
fn every_check_holds_on_each_connection_over_ttlv_and_https() {
    let world = World::new();
    let good = &world.server;
    let another = world.ca.server();
    let stranger = Authority::new("Other CA").server();
    let elsewhere = Request::new("elsewhere")
        .dns("elsewhere.example")
        .signed_by(&world.ca);
    let expired = Request::new("localhost")
        .dns("localhost")
        .expired()
        .signed_by(&world.ca);
    let directory = tempfile::tempdir().unwrap();
    let revoked = directory.path().join("revoked.pem");
    let list = world.ca.revocation_list(&[&another.certificate], 30);
    std::fs::write(&revoked, list).unwrap();

    let ca = || ClientTls::new().ca_certificate(world.ca.certificate().clone());
    let certificate = || good.certificate.clone();
    let unverified = ClientTls::new().verify_chain(false).verify_host_name(false);
    for (tls, second, expected) in [
        (ca(), &stranger, "not among the trusted ones"),
        (ca(), &elsewhere, "elsewhere.example"),
        (ca(), &expired, "expired"),
        (ca().crl_file(&revoked), &another, "revoked"),
        (
            ca().pinned_certificate(certificate()),
            &another,
            "another certificate",
        ),
        (
            ca().pinned_public_key(certificate().public_key().unwrap()),
            &another,
            "another public key",
        ),
        (
            ClientTls::new().trusted_certificate(certificate()),
            &another,
            "another certificate",
        ),
        (
            unverified.pinned_certificate(certificate()),
            &another,
            "another certificate",
        ),
    ] {
        for https in [false, true] {
            for error in reconnect(&tls, https, || changing([good, second], https)) {
                let cause = error.source().and_then(|error| error.source()).unwrap();
                let text = cause.to_string();
                assert!(text.contains(expected), "expected '{expected}': {text}");
                assert!(error.to_string().contains("localhost"), "{error}");
                assert!(!error.is_retryable(), "{error}");
            }
        }
    }
}
