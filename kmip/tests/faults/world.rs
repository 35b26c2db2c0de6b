//! A server that does to its clients what a test says, and both clients as one subject.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use kmip::client::{AsyncClient, Client, ClientBuilder, Error};
use kmip::codec::Options;
use kmip::transport::tls::{
    ClientAuthentication, ClientTls, Identity, ServerTls, TlsAcceptor, TlsStream,
};
use kmip::transport::{Deadline, TcpStream, Timeouts};
use kmip::types::{
    Attribute, CreateRequest, CreateResponse, GetAttributesResponse, IntoOwned, LocateResponse,
    ObjectType, Operation, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseMessage,
    State, UniqueIdentifier,
};
use test_support::{Authority, ScriptedServer};
use tokio::runtime::Runtime;

use crate::support::response;

/// What the slowest case may take; the limits under test are far below.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the server does with a request after it has performed it.
pub(crate) enum Act {
    /// Sends this and goes on.
    Send(Vec<u8>),
    /// Sends it in TLS records of one byte.
    Trickle(Vec<u8>),
    /// Sends this, and closes the connection.
    SendAndClose(Vec<u8>),
    /// Sends this and then nothing, until the client has had enough.
    SendAndStall(Vec<u8>),
}

/// A TLS server, and how many requests it has performed.
pub(crate) struct Server {
    pub(crate) server: ScriptedServer,
    ca: Authority,
    performed: Arc<AtomicUsize>,
}

impl Server {
    /// `act` gets the number of the connection and the request.
    pub(crate) fn start(
        act: impl Fn(usize, &RequestMessage<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        static PKI: OnceLock<(Authority, TlsAcceptor)> = OnceLock::new();
        let (ca, acceptor) = PKI.get_or_init(|| {
            let ca = Authority::new("Test CA");
            let certified = ca.server();
            let identity = Identity::new(certified.key, certified.certificate, Vec::new());
            let tls = ServerTls::new(identity.unwrap());
            let tls = tls.client_authentication(ClientAuthentication::None);
            (ca, TlsAcceptor::new(tls).unwrap())
        });
        let performed = Arc::new(AtomicUsize::new(0));
        let count = performed.clone();
        let server = ScriptedServer::start(move |socket, number| {
            let deadline = Deadline::after(PATIENCE);
            let stream = acceptor.accept(TcpStream::from(socket), "client", deadline);
            if let Ok(mut stream) = stream {
                serve(&mut stream, &count, |request| act(number, request));
            }
        });
        Server {
            server,
            ca: ca.clone(),
            performed,
        }
    }

    pub(crate) fn settings(&self) -> ClientBuilder {
        let limit = Duration::from_millis(500);
        let timeouts = Timeouts::default()
            .with_read(limit)
            .with_operation(PATIENCE);
        Client::builder(self.server.address().to_string().parse().unwrap())
            .tls(ClientTls::new().ca_certificate(self.ca.certificate().clone()))
            .timeouts(timeouts)
            .version(ProtocolVersion::V1_4)
    }

    pub(crate) fn performed(&self) -> usize {
        self.performed.load(Ordering::SeqCst)
    }
}

fn serve(
    stream: &mut TlsStream<TcpStream>,
    performed: &AtomicUsize,
    act: impl Fn(&RequestMessage<'_>) -> Act,
) {
    let mut header = [0; 8];
    while stream.read_exact(&mut header).is_ok() {
        let length = u32::from_be_bytes(header[4..].try_into().unwrap());
        let mut message = header.to_vec();
        message.resize(8 + length as usize, 0);
        if stream.read_exact(&mut message[8..]).is_err() {
            return;
        }
        let request: RequestMessage<'_> =
            kmip::ttlv::decode(&message, &Options::default()).unwrap();
        performed.fetch_add(request.batch_item.len(), Ordering::SeqCst);
        match act(&request) {
            Act::Send(bytes) => stream.write_all(&bytes).unwrap_or_default(),
            Act::Trickle(bytes) => {
                for byte in bytes {
                    stream.write_all(&[byte]).unwrap_or_default();
                }
            }
            Act::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Act::SendAndStall(bytes) => {
                let _ = stream.write_all(&bytes);
                let _ = stream.read(&mut [0]);
                return;
            }
        }
    }
}

/// One of the two clients.
pub(crate) enum Subject {
    Blocking(Client),
    Asynchronous(Runtime, AsyncClient),
}

impl Subject {
    pub(crate) fn locate(&mut self) -> Result<Vec<UniqueIdentifier<'static>>, Error> {
        timely(|| match self {
            Subject::Blocking(client) => client.locate([], None),
            Subject::Asynchronous(runtime, client) => runtime.block_on(client.locate([], None)),
        })
    }

    pub(crate) fn create(&mut self) -> Result<CreateResponse<'static>, Error> {
        let request = CreateRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            attributes: [Attribute::cryptographic_length(256)].into(),
            ..CreateRequest::default()
        };
        timely(|| match self {
            Subject::Blocking(client) => client.call(request),
            Subject::Asynchronous(runtime, client) => runtime.block_on(client.call(request)),
        })
    }

    pub(crate) fn state(&mut self) -> Result<Option<State>, Error> {
        let attributes = timely(|| match self {
            Subject::Blocking(client) => client.get_attributes("a", []),
            Subject::Asynchronous(runtime, client) => {
                runtime.block_on(client.get_attributes("a", []))
            }
        });
        Ok(attributes?.state().copied())
    }
}

fn timely<T>(action: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = action();
    assert!(begun.elapsed() < PATIENCE, "took {:?}", begun.elapsed());
    result
}

/// The proper response.
pub(crate) fn answer(request: &RequestMessage<'_>) -> ResponseMessage<'static> {
    let items = request.batch_item.iter().map(|item| {
        let answer = match item.operation {
            Operation::LOCATE => ResponseBatchItem::success(LocateResponse {
                unique_identifier: vec!["a".into()],
                ..LocateResponse::default()
            }),
            Operation::CREATE => ResponseBatchItem::success(CreateResponse {
                object_type: ObjectType::SYMMETRIC_KEY,
                unique_identifier: "a".into(),
                ..CreateResponse::default()
            }),
            _ => ResponseBatchItem::success(GetAttributesResponse {
                unique_identifier: "a".into(),
                attributes: [Attribute::state(State(0x8000_0123))].into(),
                ..GetAttributesResponse::default()
            }),
        };
        ResponseBatchItem {
            unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
            ..answer
        }
    });
    response(request.request_header.protocol_version, items.collect())
}

pub(crate) fn encoded(response: &ResponseMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    kmip::ttlv::encode(response, &mut bytes).unwrap();
    bytes
}

/// A server whose answers are changed by `change` on its first connection, and are right on others.
pub(crate) fn changing(
    change: impl Fn(&mut ResponseMessage<'static>) + Send + Sync + 'static,
) -> Server {
    Server::start(move |number, request| {
        let mut response = answer(request);
        if number == 0 {
            change(&mut response);
        }
        Act::Send(encoded(&response))
    })
}

/// Connections are served one by one, so the subjects are, too.
pub(crate) fn each(server: impl Fn() -> Server, test: impl Fn(&Server, &mut Subject)) {
    for which in 0..2 {
        let server = server();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut subject = match which {
            0 => Subject::Blocking(server.settings().connect().unwrap()),
            _ => {
                let client = runtime.block_on(server.settings().connect_async()).unwrap();
                Subject::Asynchronous(runtime, client)
            }
        };
        test(&server, &mut subject);
    }
}
