//! Versions, ciphers, and peers that do not do their part.

use std::error::Error as _;
use std::io::{self, Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kmip::client::Client;
use kmip::transport::tls::{
    Alert, ClientTls, Error as TlsError, Protocol, TlsAcceptor, TlsConnector, TlsVersion,
};
use kmip::transport::{Deadline, IoLimits, Liveness, Stream, TcpStream};
use test_support::{ScriptedServer, skip};

use crate::world::{REQUEST, RESPONSE, World, address, exchange, refused, serve, serve_on};

#[test]
fn both_sides_authenticate_by_name_and_by_ip_address() {
    let world = World::new();
    let server = serve(world.server_tls());
    for host in ["localhost", "127.0.0.1"] {
        exchange(&address(&server, host), world.client_tls()).unwrap();
    }
    let server = serve_on("[::1]:0", world.server_tls());
    exchange(&address(&server, "::1"), world.client_tls()).unwrap();
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_older_ones_are_not() {
    let world = World::new();
    for version in [TlsVersion::TLS1_2, TlsVersion::TLS1_3] {
        let only = Protocol::default()
            .minimum_version(version)
            .maximum_version(version);
        let server = serve(world.server_tls().protocol(only));
        exchange(&address(&server, "localhost"), world.client_tls()).unwrap();
    }
    let old = Protocol::default()
        .minimum_version(TlsVersion::TLS1)
        .maximum_version(TlsVersion::TLS1_1)
        .cipher_list("ALL:@SECLEVEL=0");
    let server = serve(world.server_tls().protocol(old));
    let error = refused(&address(&server, "localhost"), world.client_tls());
    assert!(error.to_string().contains("TLS 1.2 to TLS 1.3"), "{error}");
}

#[test]
fn ciphers_can_be_chosen_and_a_mismatch_shows_the_offer() {
    let world = World::new();
    let ciphers = |list: &str| {
        let version = TlsVersion::TLS1_2;
        Protocol::default()
            .maximum_version(version)
            .cipher_list(list)
    };
    let aes256 = "ECDHE-ECDSA-AES256-GCM-SHA384";
    let server = serve(world.server_tls().protocol(ciphers(aes256)));
    let address = address(&server, "localhost");
    exchange(&address, world.client_tls().protocol(ciphers(aes256))).unwrap();
    let other = "ECDHE-ECDSA-AES128-GCM-SHA256";
    let error = refused(&address, world.client_tls().protocol(ciphers(other)));
    let TlsError::Handshake(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.alert, Some(Alert::HANDSHAKE_FAILURE));
    assert!(error.to_string().contains(other), "{error}");
    let error = TlsConnector::new(ClientTls::new().protocol(ciphers("NO-SUCH"))).unwrap_err();
    assert!(error.to_string().contains("NO-SUCH"), "{error}");
}

#[test]
fn a_failed_handshake_says_what_each_side_offers() {
    let world = World::new();
    let only = |list: &str| {
        let version = TlsVersion::TLS1_2;
        Protocol::default()
            .maximum_version(version)
            .cipher_list(list)
    };
    let (ours, theirs) = (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    );
    // The client asks again what the server takes.
    let server = serve(world.server_tls().protocol(only(theirs)));
    let settings = || {
        Client::builder(address(&server, "localhost")).tls(world.client_tls().protocol(only(ours)))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for error in [
        settings().connect().unwrap_err(),
        runtime.block_on(settings().connect_async()).unwrap_err(),
    ] {
        let source = error.source().and_then(|error| error.source()).unwrap();
        let text = source.to_string();
        assert!(text.contains(ours) && text.contains(theirs), "{text}");
    }
    // The server knows what it was offered.
    let acceptor = TlsAcceptor::new(world.server_tls().protocol(only(theirs))).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let server = ScriptedServer::start(move |socket, _| {
        let accepted = acceptor.accept(TcpStream::from(socket), "client", Deadline::NEVER);
        if let Err(error) = accepted {
            let _ = tell.lock().unwrap().send(format!("{}", error.cause()));
        }
    });
    refused(
        &address(&server, "localhost"),
        world.client_tls().protocol(only(ours)),
    );
    let text = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(
        text.contains("the peer offered") && text.contains(ours),
        "{text}"
    );
}

#[test]
fn an_idle_tls_connection_that_the_server_closed_is_noticed() {
    let world = World::new();
    let acceptor = TlsAcceptor::new(world.server_tls()).unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let server = ScriptedServer::start(move |socket, _| {
        let stream = acceptor.accept(TcpStream::from(socket), "client", Deadline::NEVER);
        let mut stream = stream.unwrap();
        stream.read_exact(&mut [0; REQUEST.len()]).unwrap();
        stream.write_all(&RESPONSE).unwrap();
        let _ = wait.lock().unwrap().recv();
    });
    let mut connection = exchange(&address(&server, "localhost"), world.client_tls()).unwrap();
    assert_eq!(connection.liveness(), Liveness::Open);
    go.send(()).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while connection.liveness() == Liveness::Open && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(connection.liveness(), Liveness::Closed);
}

#[test]
fn what_arrives_together_with_a_response_is_noticed_before_the_next_request() {
    let world = World::new();
    for (more, state) in [
        (&RESPONSE[..], Liveness::Unsolicited),
        (&RESPONSE[..3], Liveness::Unsolicited),
        (&[], Liveness::Closed),
    ] {
        let acceptor = TlsAcceptor::new(world.server_tls()).unwrap();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (done, sent) = std::sync::mpsc::channel::<()>();
        let (wait, done) = (std::sync::Mutex::new(wait), std::sync::Mutex::new(done));
        let server = ScriptedServer::start(move |socket, _| {
            // So that the second record does not wait until the first was acknowledged.
            socket.set_nodelay(true).unwrap();
            let stream = acceptor.accept(TcpStream::from(socket), "client", Deadline::NEVER);
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; REQUEST.len()]).unwrap();
            stream.write_all(&RESPONSE).unwrap();
            stream.read_exact(&mut [0; REQUEST.len()]).unwrap();
            // A TLS record each, and both are there when the client reads.
            stream.write_all(&RESPONSE).unwrap();
            match more {
                [] => stream.close(),
                more => stream.write_all(more).unwrap(),
            }
            done.lock().unwrap().send(()).unwrap();
            let _ = wait.lock().unwrap().recv_timeout(Duration::from_secs(10));
        });
        let mut connection = exchange(&address(&server, "localhost"), world.client_tls()).unwrap();
        let deadline = Deadline::after(Duration::from_secs(10));
        connection.send(&REQUEST, deadline).unwrap();
        sent.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(connection.receive(deadline).unwrap(), RESPONSE);
        assert_eq!(connection.liveness(), state, "{more:?}");
        go.send(()).unwrap();
    }
}

#[test]
fn a_stream_that_gives_its_buffers_back_loses_nothing_and_goes_on() {
    let world = World::new();
    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let deadline = Deadline::after(Duration::from_secs(10));
    let stream = TcpStream::connect(&address, deadline).unwrap();
    let connector = TlsConnector::new(world.client_tls()).unwrap();
    let mut stream = connector.connect(stream, &address, deadline).unwrap();
    stream.rest();
    for _ in 0..2 {
        // Two responses, of which the second may be read ahead with the first.
        stream.write_all(&REQUEST).unwrap();
        stream.write_all(&REQUEST).unwrap();
        let mut responses = [0; 2 * RESPONSE.len()];
        // In the middle of a record, at the end of one, and at the end of the other.
        let (begin, others) = responses.split_at_mut(3);
        let (end, second) = others.split_at_mut(RESPONSE.len() - 3);
        for piece in [begin, end, second] {
            stream.read_exact(piece).unwrap();
            stream.rest();
        }
        assert_eq!(responses, [RESPONSE, RESPONSE].concat()[..]);
    }
}

/// Of what arrives, gives out only so many bytes.
struct Halting {
    inner: TcpStream,
    allowed: Arc<AtomicUsize>,
}

impl Read for Halting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowed.load(Ordering::Relaxed).min(buffer.len());
        if allowed == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.inner.read(&mut buffer[..allowed])?;
        self.allowed.fetch_sub(count, Ordering::Relaxed);
        Ok(count)
    }
}

impl Write for Halting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Stream for Halting {
    fn set_limits(&mut self, limits: IoLimits) {
        self.inner.set_limits(limits);
    }

    fn liveness(&mut self) -> Liveness {
        self.inner.liveness()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

/// Between header and body of a record, releases of OpenSSL that are still about would free what they use.
#[test]
fn a_stream_that_gives_its_buffers_back_within_a_record_goes_on_with_it() {
    let world = World::new();
    let server = serve(world.server_tls());
    let address = address(&server, "localhost");
    let deadline = Deadline::after(Duration::from_secs(10));
    let allowed = Arc::new(AtomicUsize::new(usize::MAX));
    let stream = Halting {
        inner: TcpStream::connect(&address, deadline).unwrap(),
        allowed: allowed.clone(),
    };
    let connector = TlsConnector::new(world.client_tls()).unwrap();
    let mut stream = connector.connect(stream, &address, deadline).unwrap();
    let mut response = [0; RESPONSE.len()];
    // With the first response comes what belongs to the handshake.
    for halted in [false, true] {
        stream.write_all(&REQUEST).unwrap();
        for arrived in (1..10).filter(|_| halted) {
            // One byte each: within the header, behind it, and within the body.
            allowed.store(1, Ordering::Relaxed);
            let error = stream.read(&mut response).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{arrived}");
            stream.rest();
        }
        allowed.store(usize::MAX, Ordering::Relaxed);
        stream.read_exact(&mut response).unwrap();
        assert_eq!(response, RESPONSE);
        response.fill(0);
    }
}

#[test]
fn a_server_that_stalls_or_trickles_in_the_handshake_is_left_in_time() {
    let trickling = ScriptedServer::start(|mut stream, _| {
        let _ = stream.write_all(b"\x16\x03\x03\x10\x00");
        // The pause between the bytes is the misbehaviour itself.
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    for server in [ScriptedServer::stalling(), trickling] {
        let address = address(&server, "127.0.0.1");
        let connector = TlsConnector::new(ClientTls::new()).unwrap();
        let started = Instant::now();
        let deadline = Deadline::after(Duration::from_millis(400));
        let stream = TcpStream::connect(&address, deadline).unwrap();
        let error = connector.connect(stream, &address, deadline).unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_server_without_tls_is_recognised() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ] {
        let server = ScriptedServer::start(move |mut stream, _| {
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(greeting);
        });
        let error = refused(&address(&server, "127.0.0.1"), ClientTls::new());
        assert!(error.to_string().contains("not speak TLS"), "{error}");
    }
}

#[test]
fn the_openssl_program_talks_to_our_server() {
    let world = World::new();
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = world.client.write_pem(directory.path(), "client");
    let ca = directory.path().join("ca.pem");
    world.ca.write_pem(&ca);
    let server = serve(world.server_tls());
    let output = Command::new("openssl")
        .args(["s_client", "-verify_return_error", "-brief", "-connect"])
        .arg(server.address().to_string())
        .arg("-CAfile")
        .arg(ca)
        .arg("-cert")
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(std::process::Stdio::null())
        .output();
    match output {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => skip(&format!("the program openssl cannot be run ({error})")),
    }
}
