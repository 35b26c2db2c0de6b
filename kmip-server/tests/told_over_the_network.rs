//! `kmip-server` tells clients that listen what happens with their objects.

mod common;

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use common::process::{PATIENCE, Process, World, create};
use kmip::codec::Options;
use kmip::server::{Call, Delivery, Engine, Failure, Handler, ServeOptions, Server, serve};
use kmip::transport::tls::{Identity, ServerTls, TlsAcceptor};
use kmip::types::{
    ActivateRequest, DestroyRequest, IntoOwned, ManagedObject, NotifyResponse, PutResponse,
    RequestMessage, RequestPayload, ResponsePayload, ResultReason, State, UniqueIdentifier,
};

/// A client that listens, and what it was told.
struct Ear {
    address: String,
    told: Receiver<RequestPayload<'static>>,
    server: Option<Server>,
}

/// Refuses the first so many requests, and takes the others.
struct Takes;

impl Handler for Takes {
    fn handle(
        &self,
        _: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        match request {
            RequestPayload::Put(_) => Ok(PutResponse::default().into()),
            RequestPayload::Notify(_) => Ok(NotifyResponse::default().into()),
            _ => Err(Failure::new(ResultReason::OPERATION_NOT_SUPPORTED, "no")),
        }
    }
}

impl Ear {
    /// Listens with a certificate for 127.0.0.1 and lets in whom the authority has certified.
    fn open(world: &World, address: &str) -> Self {
        let certified = world.authority.server();
        let identity = Identity::new(certified.key, certified.certificate, Vec::new()).unwrap();
        let tls = ServerTls::new(identity).client_ca(world.authority.certificate().clone());
        let listener = TcpListener::bind(address).unwrap();
        let (sender, told) = channel();
        let sender = Mutex::new(sender);
        let options = ServeOptions::default().on_exchange(move |exchange| {
            let message: RequestMessage<'_> =
                kmip::ttlv::decode(exchange.request, &Options::strict()).unwrap();
            let item = message.into_owned().batch_item.remove(0);
            let _ = sender.lock().unwrap().send(item.request_payload);
            Delivery::Whole
        });
        let engine = Arc::new(Engine::new(Takes));
        let server = serve(listener, TlsAcceptor::new(tls).unwrap(), engine, options).unwrap();
        Ear {
            address: server.address().to_string(),
            told,
            server: Some(server),
        }
    }

    fn next(&self) -> RequestPayload<'static> {
        self.told.recv_timeout(PATIENCE).expect("something is told")
    }
}

fn start(world: &World, listener: &str, who: &str) -> Process {
    let configuration = format!(
        "[users.fred]\npassword = \"secret\"\n\n[[notices]]\nlistener = \"{listener}\"\n{who}\n\
         cert = \"teller.crt\"\nkey = \"teller.key\"\n"
    );
    let teller = world.authority.client("teller");
    teller.write_pem(world.directory.path(), "teller");
    let path = world.path("kmip.toml");
    let configuration = format!("login-is-optional = true\n{configuration}");
    std::fs::write(&path, configuration).unwrap();
    world.start(&["--config", path.to_str().unwrap()])
}

fn activate(key: &UniqueIdentifier<'static>) -> ActivateRequest<'static> {
    ActivateRequest {
        unique_identifier: Some(key.clone()),
        ..ActivateRequest::default()
    }
}

#[test]
fn a_client_that_listens_is_sent_its_keys_and_their_changes() {
    let world = World::new();
    let alice = world.authority.client("alice");
    alice.write_pem(world.directory.path(), "alice");
    let ear = Ear::open(&world, "127.0.0.1:0");
    let process = start(&world, &ear.address, "certificate = \"alice.crt\"");
    // What others do is none of its business, and comes first.
    let mut bob = world.client(&process, "bob");
    bob.call(create("of bob")).unwrap();
    let mut client = world
        .builder_for(&process.address, alice)
        .connect()
        .unwrap();
    let key = client.call(create("disk")).unwrap().unique_identifier;
    let RequestPayload::Put(put) = ear.next() else {
        panic!("no Put");
    };
    assert_eq!(put.unique_identifier, key);
    let ManagedObject::SymmetricKey(sent) = put.managed_object else {
        panic!("no key");
    };
    let value = sent.key_block.key_value.unwrap();
    assert_eq!(value.as_bytes().unwrap().len(), 32);
    client.call(activate(&key)).unwrap();
    let RequestPayload::Notify(notify) = ear.next() else {
        panic!("no Notify");
    };
    assert_eq!(notify.unique_identifier, key);
    let attributes = notify.attributes.expect("attributes");
    assert_eq!(attributes.state(), Some(&State::ACTIVE));
}

#[test]
fn who_listens_later_is_told_later_and_nobody_waits_for_it() {
    let world = World::new();
    let alice = world.authority.client("alice");
    alice.write_pem(world.directory.path(), "alice");
    let mut ear = Ear::open(&world, "127.0.0.1:0");
    let process = start(&world, &ear.address, "certificate = \"alice.crt\"");
    let mut client = world
        .builder_for(&process.address, alice)
        .connect()
        .unwrap();
    client.call(create("first")).unwrap();
    assert!(matches!(ear.next(), RequestPayload::Put(_)));
    // It goes away. Its keys are made all the same, and it hears of it when it is back.
    let address = ear.address.clone();
    drop(ear.server.take());
    let second = client.call(create("second")).unwrap().unique_identifier;
    let ear = Ear::open(&world, &address);
    let RequestPayload::Put(put) = ear.next() else {
        panic!("no Put");
    };
    assert_eq!(put.unique_identifier, second);
}

/// Keys go to nobody whom the authority has not certified for that address.
#[test]
fn an_impostor_is_told_nothing() {
    let world = World::new();
    let alice = world.authority.client("alice");
    alice.write_pem(world.directory.path(), "alice");
    let impostor = World::new();
    let mut ear = Ear::open(&impostor, "127.0.0.1:0");
    let process = start(&world, &ear.address, "certificate = \"alice.crt\"");
    let mut client = world
        .builder_for(&process.address, alice)
        .connect()
        .unwrap();
    let key = client.call(create("disk")).unwrap().unique_identifier;
    // Attempts end after a while, and the server goes on meanwhile.
    let destroy = DestroyRequest {
        unique_identifier: Some(key),
        ..DestroyRequest::default()
    };
    client.call(destroy).unwrap();
    drop(process);
    drop(ear.server.take());
    assert!(ear.told.try_recv().is_err());
}

#[test]
fn mistakes_in_the_configuration_are_told() {
    let world = World::new();
    for (notice, expected) in [
        (
            "listener = \"nowhere:port\"\nuser = \"fred\"",
            "nowhere:port",
        ),
        ("listener = \"127.0.0.1:1\"", "give `certificate` or `user`"),
        (
            "listener = \"127.0.0.1:1\"\nuser = \"fred\"\ncert = \"server.crt\"",
            "give `cert` and `key`",
        ),
        (
            "listener = \"127.0.0.1:1\"\ncertificate = \"missing.crt\"",
            "missing.crt",
        ),
        (
            "listener = \"127.0.0.1:1\"\ncertificate = \"server.key\"",
            "no certificate",
        ),
    ] {
        let path = world.path("kmip.toml");
        std::fs::write(&path, format!("[[notices]]\n{notice}\n")).unwrap();
        let output = world
            .command(&["--config", path.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(!output.status.success(), "{notice}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{notice}: {text}");
    }
}
