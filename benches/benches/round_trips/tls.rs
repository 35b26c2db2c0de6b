//! A server on the loopback interface, and a bare exchange of bytes beside it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use kmip::ProtocolVersion;
use kmip::client::{Client, ClientBuilder};
use kmip::server::{Engine, ServeOptions, Server, serve};
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor};
use kmip_benches::Answering;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use test_support::{Authority, Certified};

/// A server with certificates.
pub(crate) struct World {
    authority: Authority,
    directory: tempfile::TempDir,
    server: Server,
}

impl World {
    pub(crate) fn start() -> Self {
        let authority = Authority::new("bench CA");
        let directory = tempfile::tempdir().expect("a directory");
        let identity = identity(authority.server());
        let tls = ServerTls::new(identity).client_ca(authority.certificate().clone());
        let server = serve(
            TcpListener::bind("127.0.0.1:0").expect("a port"),
            TlsAcceptor::new(tls).expect("a TLS server"),
            Arc::new(Engine::new(Answering)),
            ServeOptions::default(),
        );
        authority.write_pem(&directory.path().join("ca.crt"));
        authority
            .client("bench")
            .write_pem(directory.path(), "client");
        World {
            authority,
            directory,
            server: server.expect("a server"),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `ca.crt`, `client.crt` and `client.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().connect().expect("a client")
    }

    fn builder(&self) -> ClientBuilder {
        let tls = ClientTls::new()
            .ca_certificate(self.authority.certificate().clone())
            .identity(identity(self.authority.client("bench")));
        let address = self.address().to_string();
        Client::builder(address.parse().expect("an address"))
            .tls(tls)
            .version(ProtocolVersion::V1_4)
    }

    /// A bare exchange of as many bytes as `client` and its server exchange for a Get.
    pub(crate) fn bare(&self, client: &mut Client) -> Bare {
        super::get(client);
        let sizes = Arc::new(Mutex::new((0, 0)));
        let seen = sizes.clone();
        let observed = self.builder().on_message(move |message| {
            let mut sizes = seen.lock().expect("no panic");
            match message.is_request {
                true => sizes.0 = message.bytes.len(),
                false => sizes.1 = message.bytes.len(),
            }
        });
        super::get(&mut observed.connect().expect("a client"));
        let (request, response) = *sizes.lock().expect("no panic");
        Bare::start(&self.authority, request, response)
    }
}

fn identity(certified: Certified) -> Identity {
    let Certified { certificate, key } = certified;
    Identity::new(key, certificate, Vec::new()).expect("an identity")
}

/// TLS with nothing but OpenSSL, and a peer that answers so many bytes with so many.
pub(crate) struct Bare {
    stream: SslStream<TcpStream>,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Bare {
    fn start(authority: &Authority, request: usize, response: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let Certified { certificate, key } = authority.server();
        let mut context = SslContext::builder(SslMethod::tls_server()).expect("a context");
        context
            .set_certificate(&certificate)
            .expect("a certificate");
        context.set_private_key(&key).expect("a key");
        let context = context.build();
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let ssl = Ssl::new(&context).expect("a connection");
            let mut stream = SslStream::new(ssl, stream).expect("a stream");
            stream.accept().expect("a handshake");
            let mut incoming = vec![0; request];
            let outgoing = vec![0; response];
            while stream.read_exact(&mut incoming).is_ok() {
                if stream.write_all(&outgoing).is_err() {
                    return;
                }
            }
        });
        let mut context = SslContext::builder(SslMethod::tls_client()).expect("a context");
        context.set_verify(SslVerifyMode::NONE);
        let newest = Some(SslVersion::TLS1_3);
        context.set_max_proto_version(newest).expect("a version");
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let ssl = Ssl::new(&context.build()).expect("a connection");
        let mut stream = SslStream::new(ssl, stream).expect("a stream");
        stream.connect().expect("a handshake");
        Bare {
            stream,
            request: vec![0; request],
            response: vec![0; response],
        }
    }

    pub(crate) fn exchange(&mut self) {
        self.stream.write_all(&self.request).expect("sent");
        self.stream
            .read_exact(&mut self.response)
            .expect("received");
    }
}
