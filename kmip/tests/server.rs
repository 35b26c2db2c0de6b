//! The TLS listener with real clients.

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream as Socket};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kmip::client::{Client, Problem};
use kmip::server::{Call, Engine, Failure, Handler, ServeOptions, Server, serve};
use kmip::transport::Timeouts;
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor};
use kmip::types::{
    Attribute, CreateRequest, ObjectType, Operation, RequestPayload, ResponsePayload, ResultReason,
};
use support::Store;
use test_support::{Authority, Certified};

const PATIENCE: Duration = Duration::from_secs(10);

fn engine() -> Engine<Store> {
    Engine::new(Store::default())
}

fn create() -> CreateRequest<'static> {
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [Attribute::cryptographic_length(256)].into(),
        ..CreateRequest::default()
    }
}

struct World {
    ca: Authority,
    server: Certified,
}

impl World {
    fn new() -> Self {
        let ca = Authority::new("Test CA");
        World {
            server: ca.server(),
            ca,
        }
    }

    fn serve<H: Handler + 'static>(&self, engine: Engine<H>, options: ServeOptions) -> Server {
        let tls = ServerTls::new(identity(&self.server)).client_ca(self.ca.certificate().clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let acceptor = TlsAcceptor::new(tls).unwrap();
        serve(listener, acceptor, Arc::new(engine), options).unwrap()
    }

    fn client(&self, server: &Server, name: &str) -> Client {
        let tls = ClientTls::new()
            .ca_certificate(self.ca.certificate().clone())
            .identity(identity(&self.ca.client(name)));
        Client::builder(server.address().to_string().parse().unwrap())
            .tls(tls)
            .timeouts(Timeouts::default().with_operation(PATIENCE))
            .connect()
            .unwrap()
    }
}

fn identity(certified: &Certified) -> Identity {
    let Certified { key, certificate } = certified.clone();
    Identity::new(key, certificate, Vec::new()).unwrap()
}

#[test]
fn clients_are_known_by_their_certificates() {
    let world = World::new();
    let server = world.serve(engine(), ServeOptions::default());
    let mut alice = world.client(&server, "alice");
    let mut bob = world.client(&server, "bob");
    let key = alice.call(create()).unwrap().unique_identifier;
    assert_eq!(alice.locate([], None).unwrap(), std::slice::from_ref(&key));
    assert!(bob.locate([], None).unwrap().is_empty());
    assert!(bob.get_attributes(&key, []).unwrap_err().is_not_found());
    alice.destroy(key).unwrap();
}

#[test]
fn many_clients_are_served_at_once_and_one_too_many_waits() {
    let world = World::new();
    let server = world.serve(engine(), ServeOptions::default().maximum_connections(4));
    thread::scope(|scope| {
        for number in 0..8 {
            let (world, server) = (&world, &server);
            scope.spawn(move || {
                let mut client = world.client(server, &format!("client {number}"));
                for _ in 0..5 {
                    client.call(create()).unwrap();
                }
                assert_eq!(client.locate([], None).unwrap().len(), 5);
            });
        }
    });
}

#[test]
fn an_idle_client_is_dropped_and_comes_back_by_itself() {
    let world = World::new();
    let (report, reported) = channel();
    let report = Mutex::new(report);
    let options = ServeOptions::default()
        .idle_timeout(Duration::from_secs(1))
        .on_error(move |error| report.lock().unwrap().send(error.is_timeout()).unwrap());
    let server = world.serve(engine(), options);
    let mut client = world.client(&server, "alice");
    let key = client.call(create()).unwrap().unique_identifier;
    assert!(
        reported.recv_timeout(PATIENCE).unwrap(),
        "dropped since it was idle"
    );
    assert_eq!(client.locate([], None).unwrap(), [key]);
}

#[test]
fn the_client_that_is_idle_longest_makes_room_for_one_more() {
    let world = World::new();
    // Nobody has to wait until an idle client is dropped for that: it would take minutes.
    let server = world.serve(engine(), ServeOptions::default().maximum_connections(2));
    let mut clients: Vec<Client> = Vec::new();
    for name in ["alice", "bob", "carol", "dave"] {
        let mut client = world.client(&server, name);
        client.call(create()).unwrap();
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.locate([], None).unwrap().len(), 1);
    }
}

#[test]
fn a_request_that_comes_in_pieces_with_pauses_is_answered() {
    use kmip::transport::tls::TlsConnector;
    use kmip::transport::{Deadline, TcpStream};
    use std::io::Read;

    let world = World::new();
    let server = world.serve(engine(), ServeOptions::default());
    let address = server.address().to_string().parse().unwrap();
    let tls = ClientTls::new()
        .ca_certificate(world.ca.certificate().clone())
        .identity(identity(&world.ca.client("alice")));
    let deadline = Deadline::after(PATIENCE);
    let stream = TcpStream::connect(&address, deadline).unwrap();
    let connector = TlsConnector::new(tls).unwrap();
    let mut stream = connector.connect(stream, &address, deadline).unwrap();
    let request = kmip::types::RequestMessage::single(kmip::ProtocolVersion::V1_4, create());
    let mut bytes = Vec::new();
    kmip::ttlv::encode(&request, &mut bytes).unwrap();
    for _ in 0..2 {
        // Longer than a connection keeps its thread, and then within a message.
        thread::sleep(Duration::from_millis(1500));
        let (begin, end) = bytes.split_at(3);
        stream.write_all(begin).unwrap();
        thread::sleep(Duration::from_millis(1500));
        stream.write_all(end).unwrap();
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let mut rest = vec![0; u32::from_be_bytes(head[4..].try_into().unwrap()) as usize];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(head[..3], [0x42, 0x00, 0x7B]);
    }
}

/// A handler that tells when it starts and takes until it is told to go on.
struct Slow {
    started: Mutex<Sender<()>>,
    go_on: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Handler for Slow {
    fn handle(
        &self,
        _call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        assert_eq!(request.operation(), Operation::LOCATE);
        self.started.lock().unwrap().send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        Ok(kmip::types::LocateResponse::default().into())
    }
}

#[test]
fn a_shutdown_lets_the_current_request_be_answered() {
    let world = World::new();
    let (started, has_started) = channel();
    let (go_on, wait) = channel();
    let handler = Slow {
        started: Mutex::new(started),
        go_on: Mutex::new(wait),
    };
    let server = world.serve(Engine::new(handler), ServeOptions::default());
    let address = server.address();
    let mut busy = world.client(&server, "alice");
    let idle = world.client(&server, "bob");
    let request = thread::spawn(move || busy.locate([], None));
    has_started.recv_timeout(PATIENCE).unwrap();
    let begun = Instant::now();
    let stopping = thread::spawn(move || server.shutdown(PATIENCE));
    go_on.send(()).unwrap();
    assert!(request.join().unwrap().is_ok());
    stopping.join().unwrap();
    assert!(
        begun.elapsed() < PATIENCE,
        "idle connections do not hold it"
    );
    drop(idle);
    assert!(
        Socket::connect(address).is_err(),
        "it does not listen any more"
    );
}

#[test]
fn a_request_that_is_too_long_is_answered_and_the_connection_closed() {
    let world = World::new();
    let server = world.serve(engine(), ServeOptions::default().maximum_message_size(4096));
    let mut client = world.client(&server, "alice");
    let long = Attribute::contact_information("x".repeat(10_000));
    let request = CreateRequest {
        attributes: create().attributes.with(long),
        ..create()
    };
    let error = client.call(request).unwrap_err();
    // The answer can be lost when the server closes while bytes still arrive.
    match error.problem() {
        Problem::Failed(failure) => {
            assert_eq!(failure.reason, Some(ResultReason::INVALID_MESSAGE));
        }
        Problem::Transport(error) => assert!(error.is_closed(), "{error:?}"),
        other => panic!("{other:?}"),
    }
    assert!(client.locate([], None).unwrap().is_empty());
}

#[test]
fn a_client_without_tls_does_not_hold_the_server() {
    let world = World::new();
    let (report, reported) = channel();
    let report = Mutex::new(report);
    let options = ServeOptions::default()
        .maximum_connections(1)
        // Under emulation a handshake takes a while.
        .handshake_timeout(Duration::from_secs(2))
        .on_error(move |error| report.lock().unwrap().send(error.to_string()).unwrap());
    let server = world.serve(engine(), options);
    let silent = Socket::connect(server.address()).unwrap();
    let text = reported.recv_timeout(PATIENCE).unwrap();
    assert!(
        text.contains(&silent.local_addr().unwrap().to_string()),
        "{text}"
    );
    let mut noisy = Socket::connect(server.address()).unwrap();
    noisy.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    reported.recv_timeout(PATIENCE).unwrap();
    world.client(&server, "alice").call(create()).unwrap();
}

#[test]
fn silence_in_handshakes_keeps_no_newcomer_out() {
    let world = World::new();
    let (report, reported) = channel();
    let report = Mutex::new(report);
    let options = ServeOptions::default()
        .maximum_connections(4)
        .on_error(move |error| report.lock().unwrap().send(error.is_timeout()).unwrap());
    let server = world.serve(engine(), options);
    let silent = [(); 2].map(|()| Socket::connect(server.address()).unwrap());
    world.client(&server, "alice").call(create()).unwrap();
    let timed_out = reported.recv_timeout(PATIENCE).unwrap();
    assert!(!timed_out, "it has waited for the end of a handshake");
    drop(silent);
}
