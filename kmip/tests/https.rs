//! The client over HTTPS, with servers that answer in all the ways that HTTP allows.

mod support;

use std::error::Error as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use kmip::client::{Client, ClientBuilder, Error, Problem};
use kmip::server::{Engine, Peer, ServeOptions, Server, serve as serve_tls};
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor, TlsConnector};
use kmip::transport::{Cause, DEFAULT_PATH, Deadline, FrameError, ServerAddress, TcpStream};
use kmip::types::CryptographicUsageMask;
use kmip::{Encoding, ProtocolVersion};
use support::Store;
use test_support::{Authority, Certified, ScriptedServer};

/// What a server got: the request line and headers, and the body.
type Request = (Vec<String>, Vec<u8>);

/// A connection's stream, plain here since TLS is tested elsewhere.
fn read_request(stream: &mut impl BufRead) -> Option<Request> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A web server around an engine; `answer` makes the HTTP response of a body, and says whether the
/// connection stays open.
fn serve(
    answer: impl Fn(&[u8]) -> (Vec<u8>, bool) + Send + Sync + 'static,
) -> (ScriptedServer, Receiver<Vec<String>>) {
    serve_on("127.0.0.1:0", answer)
}

fn serve_on(
    address: &str,
    answer: impl Fn(&[u8]) -> (Vec<u8>, bool) + Send + Sync + 'static,
) -> (ScriptedServer, Receiver<Vec<String>>) {
    let engine = Engine::new(Store::default());
    let (seen, heads) = channel();
    let seen = std::sync::Mutex::new(seen);
    let server = ScriptedServer::start_on(address, move |stream, _| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some((head, body)) = read_request(&mut reader) {
            seen.lock().unwrap().send(head).unwrap();
            let mut message = Vec::new();
            engine.respond(&Peer::local(), &body, &mut message);
            let (response, keep_open) = answer(&message);
            if stream.write_all(&response).is_err() || !keep_open {
                return;
            }
        }
    });
    (server, heads)
}

fn settings(server: &ScriptedServer) -> ClientBuilder {
    Client::builder(server.address().to_string().parse().unwrap())
        .https(DEFAULT_PATH, Encoding::Ttlv)
        .without_tls()
        .version(ProtocolVersion::V1_4)
}

fn client(server: &ScriptedServer) -> Result<Client, Error> {
    settings(server).connect()
}

/// The errors of both clients when a server answers so and closes.
fn errors(answer: &'static [u8]) -> [Error; 2] {
    let start = || serve(move |_| (answer.to_vec(), false));
    let (server, _heads) = start();
    let blocking = client(&server).unwrap().locate([], None).unwrap_err();
    let (server, _heads) = start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let asynchronous = runtime.block_on(async {
        let mut client = settings(&server).connect_async().await.unwrap();
        client.locate([], None).await.unwrap_err()
    });
    [blocking, asynchronous]
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn requests_are_what_servers_of_the_profile_expect() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (server, heads) = serve_on(address, |body| (with_length(body), true));
        let mut client = client(&server).unwrap();
        for _ in 0..3 {
            client.locate([], None).unwrap();
            let head = heads.recv().unwrap();
            assert_eq!(head[0], "POST /kmip HTTP/1.1");
            let host = format!("Host: {}", server.address());
            for line in [host.as_str(), "Content-Type: application/octet-stream"] {
                assert!(head.iter().any(|header| header == line), "{head:?}");
            }
        }
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn bodies_are_delimited_in_every_way() {
    let chunked = |body: &[u8]| {
        let mut response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(7) {
            response.extend(format!("{:x};ext=1\r\n", chunk.len()).bytes());
            response.extend(chunk);
            response.extend(b"\r\n");
        }
        response.extend(b"0\r\nTrailer: x\r\n\r\n");
        (response, true)
    };
    let until_close = |body: &[u8]| ([b"HTTP/1.1 200 OK\r\n\r\n", body].concat(), false);
    let continued = |body: &[u8]| {
        let first = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
        ([first, with_length(body)].concat(), true)
    };
    let closing = |body: &[u8]| {
        let text = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        ([text.as_bytes(), body].concat(), false)
    };
    type Answer = Box<dyn Fn(&[u8]) -> (Vec<u8>, bool) + Send + Sync>;
    let ways: [(Answer, usize); 4] = [
        (Box::new(chunked), 1),
        (Box::new(until_close), 3),
        (Box::new(continued), 1),
        (Box::new(closing), 3),
    ];
    for (answer, connections) in ways {
        let (server, _heads) = serve(answer);
        let mut client = client(&server).unwrap();
        for _ in 0..3 {
            assert!(client.locate([], None).unwrap().is_empty());
        }
        assert_eq!(server.connections(), connections);
    }
}

fn refused(answer: &'static [u8]) -> FrameError {
    let [one, other] = errors(answer).map(|error| match error.problem() {
        Problem::Transport(error) => match error.cause() {
            Cause::Frame(error) => error.clone(),
            cause => panic!("{cause:?}"),
        },
        problem => panic!("{problem:?}"),
    });
    assert_eq!(one, other);
    one
}

#[test]
fn an_http_error_is_passed_on_with_its_explanation() {
    let error = refused(b"HTTP/1.1 422 Unprocessable Entity\r\n\r\nUnsupported content\r\ntype");
    let text = error.to_string();
    assert!(
        text.contains("422 Unprocessable Entity (Unsupported contenttype)"),
        "{text}"
    );
}

#[test]
fn ambiguous_and_malformed_responses_are_refused() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 16\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz",
        b"\x42\x00\x7B\x01\x00\x00\x00\x08response",
    ] {
        assert!(matches!(refused(answer), FrameError::Http(_)), "{answer:?}");
    }
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    ] {
        assert!(
            matches!(refused(answer), FrameError::TooLong { .. }),
            "{answer:?}"
        );
    }
}

#[test]
fn a_response_that_breaks_off_is_an_error() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200",
        b"",
    ] {
        for error in errors(answer) {
            let closed = matches!(error.problem(), Problem::Transport(error) if error.is_closed());
            assert!(closed, "{answer:?}: {error:?}");
        }
    }
}

#[test]
fn a_path_that_breaks_the_request_is_refused() {
    let (server, _heads) = serve(|body| (with_length(body), true));
    for path in ["kmip", "/km ip", "/kmip\r\nX: y"] {
        let error = Client::builder(server.address().to_string().parse().unwrap())
            .https(path, Encoding::Ttlv)
            .without_tls()
            .connect()
            .unwrap_err();
        assert!(matches!(error.problem(), Problem::Address(_)), "{error:?}");
        assert!(error.source().is_some());
    }
}

struct World {
    ca: Authority,
    server: Server,
}

impl World {
    /// Our own server, at /kmip.
    fn new() -> Self {
        let ca = Authority::new("Test CA");
        let tls = ServerTls::new(identity(ca.server())).client_ca(ca.certificate().clone());
        let server = serve_tls(
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TlsAcceptor::new(tls).unwrap(),
            Arc::new(Engine::new(Store::default())),
            ServeOptions::default()
                .https(DEFAULT_PATH)
                .maximum_message_size(8192),
        )
        .unwrap();
        World { ca, server }
    }

    fn tls(&self) -> ClientTls {
        ClientTls::new()
            .ca_certificate(self.ca.certificate().clone())
            .identity(identity(self.ca.client("a client")))
    }

    fn client(&self, path: &str, encoding: Encoding) -> ClientBuilder {
        Client::builder(self.server.address().to_string().parse().unwrap())
            .tls(self.tls())
            .https(path, encoding)
    }

    /// The answer to a raw request.
    fn raw(&self, request: &str) -> String {
        let address: ServerAddress = self.server.address().to_string().parse().unwrap();
        let connector = TlsConnector::new(self.tls()).unwrap();
        let stream = TcpStream::connect(&address, Deadline::NEVER).unwrap();
        let mut stream = connector
            .connect(stream, &address, Deadline::NEVER)
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn identity(certified: Certified) -> Identity {
    Identity::new(certified.key, certified.certificate, Vec::new()).unwrap()
}

#[test]
fn our_client_and_server_speak_every_encoding_and_version_over_https() {
    let world = World::new();
    for encoding in Encoding::ALL {
        let mut client = world.client(DEFAULT_PATH, encoding).connect().unwrap();
        assert_eq!(client.version(), ProtocolVersion::V2_1);
        for version in ProtocolVersion::ALL {
            let builder = world.client(DEFAULT_PATH, encoding).version(version);
            let mut client = builder.connect().unwrap();
            let usage = CryptographicUsageMask::ENCRYPT;
            let key = client.create_symmetric_key(256, usage, []).unwrap();
            assert_eq!(client.locate([], None).unwrap(), std::slice::from_ref(&key));
            let attributes = client.get_attributes(&key, []).unwrap();
            assert_eq!(
                attributes.cryptographic_length(),
                Some(&256),
                "{encoding:?} {version}"
            );
            client.destroy(&key).unwrap();
        }
        assert!(
            client
                .get_attributes("nothing", [])
                .unwrap_err()
                .is_not_found()
        );
    }
}

#[test]
fn our_server_refuses_what_it_does_not_offer_by_http_status() {
    let world = World::new();
    let error = world
        .client("/other", Encoding::Ttlv)
        .connect()
        .unwrap_err();
    let chain = format!("{:?}", error.problem());
    assert!(chain.contains("404"), "{chain}");
    for (request, status) in [
        ("GET /kmip HTTP/1.1\r\n\r\n", "405"),
        (
            "POST /kmip HTTP/1.1\r\nContent-Type: text/html\r\n\r\n",
            "415",
        ),
        (
            "POST /kmip HTTP/1.1\r\nContent-Type: application/json\r\n\r\n",
            "411",
        ),
        (
            "POST /kmip HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 99999\r\n\r\n",
            "413",
        ),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answer = world.raw(request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
}

#[test]
fn a_malformed_message_over_https_is_answered_with_a_message() {
    let world = World::new();
    let answer = world.raw(
        "POST /kmip HTTP/1.1\r\nContent-Type: application/json;charset=UTF-8\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{}",
    );
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("Content-Type: application/json\r\n"),
        "{answer}"
    );
    assert!(answer.contains("InvalidMessage"), "{answer}");
}

#[test]
fn certificates_and_pins_are_checked_over_https() {
    let world = World::new();
    let stranger = Authority::new("Other CA");
    let refused = |tls: ClientTls| {
        let settings = world.client(DEFAULT_PATH, Encoding::Json).tls(tls);
        let error = settings.connect().unwrap_err();
        format!("{:?}", error.problem())
    };
    let unknown = ClientTls::new().ca_certificate(stranger.certificate().clone());
    assert!(refused(unknown).contains("not among the trusted ones"));
    let other = world
        .tls()
        .pinned_certificate(stranger.certificate().clone());
    assert!(refused(other).contains("OtherCertificate"));
    let key = stranger.certificate().public_key().unwrap();
    assert!(refused(world.tls().pinned_public_key(key)).contains("OtherPublicKey"));
    assert!(refused(world.tls().host_name("elsewhere")).contains("localhost"));
}
