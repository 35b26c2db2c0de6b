//! Both clients against a server that misbehaves in all the ways it can: nothing hangs, nothing is
//! done twice, and no answer is taken for that of another request.

mod support;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use kmip::client::{AsyncClient, Client, ClientBuilder, Error, Problem, ResponseFault};
use kmip::codec::Options;
use kmip::transport::tls::{
    ClientAuthentication, ClientTls, Identity, ServerTls, TlsAcceptor, TlsStream,
};
use kmip::transport::{Cause, Deadline, FrameError, TcpStream, Timeouts};
use kmip::types::{
    Attribute, CreateRequest, CreateResponse, GetAttributesResponse, IntoOwned, LocateResponse,
    ObjectType, Operation, ProtocolVersion, RawItem, RawValue, RequestMessage, ResponseBatchItem,
    ResponseMessage, State, Tag, UniqueIdentifier,
};
use support::response;
use test_support::{Authority, ScriptedServer};
use tokio::runtime::Runtime;

/// What the slowest case may take; the limits under test are far below.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server does with a request after it has performed it.
enum Act {
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
struct Server {
    server: ScriptedServer,
    ca: Authority,
    performed: Arc<AtomicUsize>,
}

impl Server {
    /// `act` gets the number of the connection and the request.
    fn start(act: impl Fn(usize, &RequestMessage<'_>) -> Act + Send + Sync + 'static) -> Self {
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

    fn settings(&self) -> ClientBuilder {
        let limit = Duration::from_millis(500);
        let timeouts = Timeouts::default()
            .with_read(limit)
            .with_operation(PATIENCE);
        Client::builder(self.server.address().to_string().parse().unwrap())
            .tls(ClientTls::new().ca_certificate(self.ca.certificate().clone()))
            .timeouts(timeouts)
            .version(ProtocolVersion::V1_4)
    }

    fn performed(&self) -> usize {
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
enum Subject {
    Blocking(Client),
    Asynchronous(Runtime, AsyncClient),
}

impl Subject {
    fn locate(&mut self) -> Result<Vec<UniqueIdentifier<'static>>, Error> {
        timely(|| match self {
            Subject::Blocking(client) => client.locate([], None),
            Subject::Asynchronous(runtime, client) => runtime.block_on(client.locate([], None)),
        })
    }

    fn create(&mut self) -> Result<CreateResponse<'static>, Error> {
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

    fn state(&mut self) -> Result<Option<State>, Error> {
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
fn answer(request: &RequestMessage<'_>) -> ResponseMessage<'static> {
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

fn encoded(response: &ResponseMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    kmip::ttlv::encode(response, &mut bytes).unwrap();
    bytes
}

/// A server whose answers are changed by `change` on its first connection, and are right on others.
fn changing(change: impl Fn(&mut ResponseMessage<'static>) + Send + Sync + 'static) -> Server {
    Server::start(move |number, request| {
        let mut response = answer(request);
        if number == 0 {
            change(&mut response);
        }
        Act::Send(encoded(&response))
    })
}

/// Connections are served one by one, so the subjects are, too.
fn each(server: impl Fn() -> Server, test: impl Fn(&Server, &mut Subject)) {
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

#[test]
fn one_byte_in_each_tls_record_is_enough() {
    let trickling = || Server::start(|_, request| Act::Trickle(encoded(&answer(request))));
    each(trickling, |server, subject| {
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
        subject.create().unwrap();
        assert_eq!((server.performed(), server.server.connections()), (2, 1));
    });
}

#[test]
fn a_connection_that_ends_in_a_header_is_an_error_and_the_next_request_works() {
    let closing = || {
        Server::start(|number, request| {
            let bytes = encoded(&answer(request));
            match number {
                0 => Act::SendAndClose(bytes[..3].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(closing, |server, subject| {
        let error = subject.create().unwrap_err();
        let Problem::Transport(transport) = error.problem() else {
            panic!("{error:?}");
        };
        assert!(matches!(
            transport.cause(),
            Cause::Closed { received: 3, .. }
        ));
        assert!(!error.is_retryable(), "it may have been performed");
        assert_eq!(server.performed(), 1, "and is not performed again");
        subject.create().unwrap();
        assert_eq!(server.performed(), 2);
    });
    each(closing, |_, subject| {
        assert!(subject.locate().unwrap_err().is_retryable());
    });
}

#[test]
fn on_a_connection_that_had_worked_only_what_is_harmless_is_repeated() {
    let closing_second = || {
        let answered = AtomicUsize::new(0);
        Server::start(move |number, request| {
            let bytes = encoded(&answer(request));
            match (number, answered.fetch_add(1, Ordering::SeqCst)) {
                (0, 1..) => Act::SendAndClose(bytes[..20].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(closing_second, |server, subject| {
        subject.locate().unwrap();
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
        assert_eq!(server.performed(), 3, "one, one lost, one repeated");
    });
    each(closing_second, |server, subject| {
        subject.locate().unwrap();
        subject.create().unwrap_err();
        assert_eq!(server.performed(), 2, "Create is not sent twice");
    });
}

#[test]
fn a_server_that_stalls_is_left_at_the_deadline() {
    let stalling = || {
        Server::start(|number, request| {
            let bytes = encoded(&answer(request));
            match number {
                0 => Act::SendAndStall(bytes[..bytes.len() / 2].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(stalling, |server, subject| {
        let error = subject.create().unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(server.performed(), 1);
        // The late half must not become part of another answer.
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
    });
}

#[test]
fn responses_that_do_not_fit_are_refused_and_their_connection_is_left() {
    type Change = fn(&mut ResponseMessage<'static>);
    let wrong_count: Change = |response| response.response_header.batch_count = 7;
    let negative: Change = |response| response.response_header.batch_count = -1;
    let other_item: Change = |response| {
        response.batch_item[0].unique_batch_item_id = Some(b"another".to_vec().into());
    };
    let other_operation: Change = |response| {
        let id = response.batch_item[0].unique_batch_item_id.take();
        response.batch_item[0] = ResponseBatchItem {
            unique_batch_item_id: id,
            ..ResponseBatchItem::success(GetAttributesResponse::default())
        };
    };
    for (change, expected) in [
        (wrong_count, "announces 7 items and has 1"),
        (negative, "announces -1 items and has 1"),
        (other_item, "Unique Batch Item ID"),
        (other_operation, "instead of"),
    ] {
        each(
            || changing(change),
            |server, subject| {
                let error = subject.create().unwrap_err();
                assert!(matches!(error.problem(), Problem::Response(_)), "{error:?}");
                assert!(error.to_string().contains(expected), "{error}");
                assert!(error.to_string().contains("Create"), "{error}");
                assert_eq!(server.performed(), 1);
                subject.create().unwrap();
                assert_eq!(server.server.connections(), 2);
            },
        );
    }
}

#[test]
fn the_late_answer_to_another_request_is_not_taken_for_this_one() {
    // As a server would that answers the second request with what belongs to the first.
    let stale = || {
        let first = OnceLock::new();
        Server::start(move |_, request| {
            let bytes = encoded(&answer(request));
            Act::Send(first.get_or_init(|| bytes).clone())
        })
    };
    each(stale, |server, subject| {
        subject.create().unwrap();
        let error = subject.create().unwrap_err();
        let fault = |problem: &Problem| match problem {
            Problem::Response(fault) => Some(fault.clone()),
            _ => None,
        };
        assert_eq!(fault(error.problem()), Some(ResponseFault::ItemId));
        assert_eq!(server.performed(), 2);
    });
}

#[test]
fn what_is_new_or_misplaced_in_a_response_does_no_harm() {
    let newer: fn(&mut ResponseMessage<'static>) = |response| {
        response.response_header.protocol_version = ProtocolVersion::V1_0;
        response.response_header.extra.push(RawItem {
            tag: Tag::SERVER_CORRELATION_VALUE,
            value: RawValue::from("newer than 1.0"),
        });
    };
    let extra: fn(&mut ResponseMessage<'static>) = |response| {
        let item = &mut response.batch_item[0];
        for tag in [Tag(0x54_0001), Tag::OBJECT_TYPE, Tag::UNIQUE_BATCH_ITEM_ID] {
            let value = RawValue::from("out of place");
            item.extra.push(RawItem { tag, value });
        }
    };
    for change in [newer, extra] {
        each(
            || changing(change),
            |server, subject| {
                subject.create().unwrap();
                assert_eq!(subject.locate().unwrap(), ["a".into()]);
                assert_eq!((server.performed(), server.server.connections()), (2, 1));
            },
        );
    }
}

#[test]
fn unknown_enumerations_are_handed_over_as_they_are() {
    each(
        || changing(|_| ()),
        |_, subject| assert_eq!(subject.state().unwrap(), Some(State(0x8000_0123))),
    );
}

#[test]
fn a_length_of_four_gigabytes_is_refused_at_once() {
    let huge = || {
        Server::start(|number, request| match number {
            0 => Act::SendAndStall(b"\x42\x00\x7B\x01\xFF\xFF\xFF\xF8".to_vec()),
            _ => Act::Send(encoded(&answer(request))),
        })
    };
    each(huge, |_, subject| {
        let error = subject.create().unwrap_err();
        let Problem::Transport(transport) = error.problem() else {
            panic!("{error:?}");
        };
        let too_long = matches!(transport.cause(), Cause::Frame(FrameError::TooLong { .. }));
        assert!(too_long, "{error:?}");
        subject.locate().unwrap();
    });
}

#[test]
fn an_operation_that_is_dropped_takes_its_connection_along() {
    let answer_late = Server::start(|number, request| match number {
        0 => Act::SendAndStall(Vec::new()),
        _ => Act::Send(encoded(&answer(request))),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = answer_late.settings().connect_async().await.unwrap();
        let performed = || answer_late.performed() > 0;
        tokio::select! {
            biased;
            result = client.locate([], None) => panic!("{result:?}"),
            () = async {
                while !performed() {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        assert_eq!(client.locate([], None).await.unwrap(), ["a".into()]);
    });
    assert_eq!(answer_late.server.connections(), 2);
}
