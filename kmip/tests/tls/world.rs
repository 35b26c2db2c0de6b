//! An authority with a server and a client, and exchanges between them.

use std::error::Error as _;
use std::io::{Read, Write};
use std::time::Duration;

use kmip::transport::tls::{
    ClientTls, Error as TlsError, Identity, ServerTls, TlsAcceptor, TlsConnector,
};
use kmip::transport::{
    Cause, Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, Error, MessageDirection,
    ServerAddress, TcpStream, Timeouts,
};
use test_support::{Authority, Certified, ScriptedServer};

pub(crate) const REQUEST: [u8; 16] = *b"\x42\x00\x78\x01\x00\x00\x00\x08request!";
pub(crate) const RESPONSE: [u8; 16] = *b"\x42\x00\x7B\x01\x00\x00\x00\x08response";

pub(crate) struct World {
    pub(crate) ca: Authority,
    pub(crate) server: Certified,
    pub(crate) client: Certified,
}

impl World {
    pub(crate) fn new() -> Self {
        let ca = Authority::new("Test CA");
        World {
            server: ca.server(),
            client: ca.client("a client"),
            ca,
        }
    }

    pub(crate) fn server_tls(&self) -> ServerTls {
        ServerTls::new(identity(&self.server)).client_ca(self.ca.certificate().clone())
    }

    pub(crate) fn client_tls(&self) -> ClientTls {
        ClientTls::new()
            .ca_certificate(self.ca.certificate().clone())
            .identity(identity(&self.client))
    }
}

pub(crate) fn identity(certified: &Certified) -> Identity {
    let Certified { key, certificate } = certified.clone();
    Identity::new(key, certificate, Vec::new()).unwrap()
}

/// A server that answers each request, and whose own errors do not matter.
pub(crate) fn serve(options: ServerTls) -> ScriptedServer {
    serve_on("127.0.0.1:0", options)
}

pub(crate) fn serve_on(address: &str, options: ServerTls) -> ScriptedServer {
    let acceptor = TlsAcceptor::new(options).unwrap();
    ScriptedServer::start_on(address, move |socket, _| {
        let deadline = Deadline::after(Duration::from_secs(5));
        let Ok(mut stream) = acceptor.accept(TcpStream::from(socket), "client", deadline) else {
            return;
        };
        let mut request = [0; REQUEST.len()];
        while stream.read_exact(&mut request).is_ok() {
            if stream.write_all(&RESPONSE).is_err() {
                break;
            }
        }
    })
}

pub(crate) fn address(server: &ScriptedServer, host: &str) -> ServerAddress {
    ServerAddress::new(host, server.address().port()).unwrap()
}

/// Connects, sends a request and receives the response.
pub(crate) fn exchange(address: &ServerAddress, options: ClientTls) -> Result<Connection, Error> {
    let connector = TlsConnector::new(options).expect("options are right");
    let deadline = Deadline::after(Duration::from_secs(10));
    let stream = TcpStream::connect(address, deadline)?;
    let stream = connector.connect(stream, address, deadline)?;
    let mut connection = Connection::new(
        stream,
        address.to_string(),
        MessageDirection::Responses,
        DEFAULT_MAXIMUM_MESSAGE_SIZE,
        Timeouts::default(),
    );
    connection.send(&REQUEST, deadline)?;
    assert_eq!(connection.receive(deadline)?, RESPONSE);
    Ok(connection)
}

/// The error of an exchange; it must name the server.
pub(crate) fn refused(address: &ServerAddress, options: ClientTls) -> TlsError {
    let error = exchange(address, options).expect_err("must be refused");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(error.source().is_some());
    tls_error(error)
}

pub(crate) fn tls_error(error: Error) -> TlsError {
    match error.into_cause() {
        Cause::Tls(error) => error,
        cause => panic!("no TLS error: {cause:?}"),
    }
}
