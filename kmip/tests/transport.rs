//! Connections against peers that misbehave, over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream as Socket;
use std::time::{Duration, Instant};

use kmip::transport::{
    Cause, Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, Error, FrameError, Garbage,
    Liveness, MessageDirection, Phase, ServerAddress, TcpStream, Timeout, Timeouts, memory,
};
use test_support::ScriptedServer;

const REQUEST: [u8; 16] = *b"\x42\x00\x78\x01\x00\x00\x00\x08request!";
const RESPONSE: [u8; 16] = *b"\x42\x00\x7B\x01\x00\x00\x00\x08response";
/// What the slowest case may take; the limits under test are far below.
const PATIENCE: Duration = Duration::from_secs(10);

/// Limits that are reached soon.
fn impatient() -> Timeouts {
    let limit = Duration::from_millis(300);
    Timeouts::default().with_read(limit).with_write(limit)
}

fn connect(server: &ScriptedServer, timeouts: Timeouts) -> Connection {
    let address: ServerAddress = server.address().to_string().parse().unwrap();
    let stream = TcpStream::connect(&address, Deadline::after(timeouts.connect)).unwrap();
    Connection::new(
        stream,
        address.to_string(),
        MessageDirection::Responses,
        DEFAULT_MAXIMUM_MESSAGE_SIZE,
        timeouts,
    )
}

/// Sends a request and returns the error of the answer, which must name the server and come in
/// time.
fn exchange_fails(server: &ScriptedServer, timeouts: Timeouts, operation: Duration) -> Error {
    let started = Instant::now();
    let mut connection = connect(server, timeouts);
    let deadline = Deadline::after(operation);
    let outcome = connection.send(&REQUEST, deadline);
    let error = match outcome {
        Ok(()) => connection.receive(deadline).unwrap_err(),
        Err(error) => error,
    };
    assert!(started.elapsed() < PATIENCE, "took {:?}", started.elapsed());
    assert!(error.to_string().contains(&server.address().to_string()));
    assert!(connection.is_broken());
    error
}

fn answering(answer: &'static [u8]) -> ScriptedServer {
    ScriptedServer::start(move |mut stream, _| {
        read_request(&mut stream);
        stream.write_all(answer).unwrap();
        // Until the client has had enough.
        let _ = stream.read(&mut [0]);
    })
}

fn closing_after(answer: &'static [u8]) -> ScriptedServer {
    ScriptedServer::start(move |mut stream, _| {
        read_request(&mut stream);
        stream.write_all(answer).unwrap();
    })
}

fn read_request(stream: &mut Socket) {
    let mut request = [0; REQUEST.len()];
    stream.read_exact(&mut request).unwrap();
    assert_eq!(request, REQUEST);
}

#[test]
fn messages_are_carried_both_ways_and_the_connection_stays_usable() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = ScriptedServer::start_on(address, |mut stream, _| {
            for _ in 0..3 {
                read_request(&mut stream);
                // As many small records as can be.
                for byte in RESPONSE {
                    stream.write_all(&[byte]).unwrap();
                }
            }
        });
        let mut connection = connect(&server, Timeouts::default());
        for _ in 0..3 {
            connection.send(&REQUEST, Deadline::NEVER).unwrap();
            assert_eq!(connection.receive(Deadline::NEVER).unwrap(), RESPONSE);
        }
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_server_that_stalls_is_left_after_the_read_timeout() {
    let error = exchange_fails(
        &ScriptedServer::stalling(),
        impatient(),
        Duration::from_secs(60),
    );
    let limit = Duration::from_millis(300);
    assert!(matches!(error.cause(), Cause::Timeout(Timeout::Read(at)) if *at == limit));
    assert!(error.is_timeout());
}

#[test]
fn a_server_that_trickles_is_left_when_the_operation_is_over() {
    let server = ScriptedServer::start(|mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(b"\x42\x00\x7B\x01\x00\x00\xFF\xF8");
        // The pause between the bytes is the misbehaviour itself.
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let error = exchange_fails(&server, Timeouts::default(), Duration::from_millis(500));
    let Cause::Timeout(Timeout::Operation { received }) = error.cause() else {
        panic!("{error:?}");
    };
    assert!(*received > 8, "{received}");
}

#[test]
fn a_server_that_does_not_read_is_left() {
    let server = ScriptedServer::stalling();
    let mut connection = connect(&server, impatient());
    let huge = vec![0; 64 << 20];
    let error = connection.send(&huge, Deadline::NEVER).unwrap_err();
    assert!(matches!(error.cause(), Cause::Timeout(Timeout::Write(_))));
    assert_eq!(error.phase(), Phase::Send);
}

#[test]
fn a_server_that_closes_is_reported_as_such() {
    for (answer, expected_received, expected_length) in [
        (&b""[..], 0, None),
        (&RESPONSE[..5], 5, None),
        (&RESPONSE[..12], 12, Some(16)),
    ] {
        let error = exchange_fails(&closing_after(answer), Timeouts::default(), PATIENCE);
        let Cause::Closed { received, expected } = error.cause() else {
            panic!("{error:?}");
        };
        assert_eq!((*received, *expected), (expected_received, expected_length));
        assert!(error.is_closed());
    }
}

#[test]
fn what_is_not_kmip_is_recognised_at_once() {
    for (answer, expected) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            Garbage::HttpResponse,
        ),
        (b"\x15\x03\x03\x00\x02\x02\x28", Garbage::TlsAlert),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Garbage::Ssh),
        (&REQUEST, Garbage::OtherDirection),
    ] {
        let error = exchange_fails(
            &answering(answer),
            Timeouts::default(),
            Duration::from_secs(60),
        );
        match error.cause() {
            Cause::Frame(FrameError::NotAMessage { found, .. }) => assert_eq!(*found, expected),
            cause => panic!("{cause:?}"),
        }
    }
}

#[test]
fn an_oversized_length_is_refused_before_the_message_comes() {
    let error = exchange_fails(
        &answering(b"\x42\x00\x7B\x01\xFF\xFF\xFF\xF8"),
        Timeouts::default(),
        Duration::from_secs(60),
    );
    assert!(matches!(
        error.cause(),
        Cause::Frame(FrameError::TooLong { maximum, .. })
            if *maximum == DEFAULT_MAXIMUM_MESSAGE_SIZE
    ));
}

#[test]
fn liveness_tells_open_closed_and_unsolicited_apart() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let server = ScriptedServer::start(move |mut stream, number| {
        let wait = wait.lock().unwrap();
        wait.recv().unwrap();
        if number == 0 {
            stream.write_all(b"x").unwrap();
        }
        drop(stream);
    });
    for expected in [Liveness::Unsolicited, Liveness::Closed] {
        let mut connection = connect(&server, Timeouts::default());
        assert_eq!(connection.liveness(), Liveness::Open);
        go.send(()).unwrap();
        let end = Instant::now() + PATIENCE;
        while connection.liveness() == Liveness::Open && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(connection.liveness(), expected);
    }
}

#[test]
fn a_server_that_is_not_there_is_named_with_all_addresses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = ServerAddress::new("localhost", port).unwrap();
    let error = TcpStream::connect(&address, Deadline::after(PATIENCE)).unwrap_err();
    assert_eq!(error.phase(), Phase::Connect);
    assert!(error.is_before_sending());
    assert!(error.to_string().contains(&format!("localhost:{port}")));
    let Cause::Unreachable(attempts) = error.cause() else {
        panic!("{error:?}");
    };
    assert!(attempts.iter().any(|attempt| attempt.address.is_ipv4()));
    assert!(error.cause().to_string().contains("127.0.0.1"));
}

#[test]
fn a_name_that_does_not_exist_is_a_resolver_error() {
    let address = ServerAddress::new("does-not-exist.invalid", 5696).unwrap();
    let error = TcpStream::connect(&address, Deadline::after(PATIENCE)).unwrap_err();
    assert_eq!(error.phase(), Phase::Resolve);
    assert!(matches!(error.cause(), Cause::Resolve(_)));
}

#[test]
fn the_memory_pair_behaves_like_a_socket() {
    let (near, far) = memory::pair();
    let connection = |stream, direction| {
        let maximum = DEFAULT_MAXIMUM_MESSAGE_SIZE;
        Connection::new(stream, "memory", direction, maximum, impatient())
    };
    let mut client = connection(near, MessageDirection::Responses);
    let mut server = connection(far, MessageDirection::Requests);
    client.send(&REQUEST, Deadline::NEVER).unwrap();
    assert_eq!(server.receive(Deadline::NEVER).unwrap(), REQUEST);
    let error = client.receive(Deadline::NEVER).unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(server.liveness(), Liveness::Open);
    drop(client);
    assert_eq!(server.receive_or_end(Deadline::NEVER).unwrap(), None);
    assert_eq!(server.liveness(), Liveness::Closed);
    assert!(
        server
            .send(&RESPONSE, Deadline::NEVER)
            .unwrap_err()
            .is_closed()
    );
}
