//! The engine on raw requests, and the TLS listener with real clients.

mod support;

use std::io::Write;
use std::net::{TcpListener, TcpStream as Socket};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kmip::client::{Client, Problem};
use kmip::codec::Options;
use kmip::server::{Call, Engine, Failure, Handler, Peer, ServeOptions, Server, serve};
use kmip::transport::Timeouts;
use kmip::transport::tls::{ClientTls, Identity, ServerTls, TlsAcceptor};
use kmip::types::{
    ActivateRequest, AsynchronousIndicator, Attribute, Authentication,
    BatchErrorContinuationOption, CreateRequest, DateTime, DiscoverVersionsRequest,
    GetAttributesRequest, IntoOwned, LocateRequest, MessageExtension, ObjectType, Operation,
    PingRequest, ProtocolVersion, QueryFunction, QueryRequest, RequestBatchItem, RequestMessage,
    RequestPayload, ResponseMessage, ResponsePayload, ResultReason, ResultStatus, UniqueIdentifier,
    UniqueIdentifierEnumeration,
};
use support::{Store, in_memory};
use test_support::{Authority, Certified};

use ProtocolVersion as V;

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

fn batch(version: V, payloads: Vec<RequestPayload<'static>>) -> RequestMessage<'static> {
    let mut request = RequestMessage::single(version, LocateRequest::default());
    request.request_header.batch_count = payloads.len() as i32;
    request.batch_item = payloads.into_iter().map(RequestBatchItem::new).collect();
    request
}

fn encoded(request: &RequestMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    kmip::ttlv::encode(request, &mut bytes).unwrap();
    bytes
}

/// The response to raw bytes; it must be a strictly correct message.
fn respond<H: Handler>(engine: &Engine<H>, request: &[u8]) -> ResponseMessage<'static> {
    let mut response = Vec::new();
    engine.respond(&Peer::local(), request, &mut response);
    let message: ResponseMessage<'_> = kmip::ttlv::decode(&response, &Options::strict()).unwrap();
    assert_eq!(
        message.response_header.batch_count as usize,
        message.batch_item.len()
    );
    message.into_owned()
}

fn answer(request: &RequestMessage<'_>) -> ResponseMessage<'static> {
    respond(&engine(), &encoded(request))
}

/// The reason for which the first item failed.
fn reason(response: &ResponseMessage<'_>) -> ResultReason {
    assert_eq!(
        response.batch_item[0].result_status,
        ResultStatus::OPERATION_FAILED
    );
    response.batch_item[0].result_reason.unwrap()
}

#[test]
fn headers_and_items_are_echoed() {
    for version in V::ALL {
        let mut request = batch(
            version,
            vec![create().into(), LocateRequest::default().into()],
        );
        request.batch_item[0].unique_batch_item_id = Some(b"first".to_vec().into());
        request.batch_item[1].unique_batch_item_id = Some(b"second".to_vec().into());
        if version >= V::V1_4 {
            request.request_header.client_correlation_value = Some("c-1".into());
        }
        let before = DateTime::now().0;
        let response = answer(&request);
        let header = &response.response_header;
        assert_eq!(header.protocol_version, version);
        assert!((before..before + 60).contains(&header.time_stamp.0));
        assert_eq!(
            header.client_correlation_value,
            request.request_header.client_correlation_value
        );
        for (asked, answered) in request.batch_item.iter().zip(&response.batch_item) {
            assert_eq!(answered.operation, Some(asked.operation));
            assert_eq!(answered.unique_batch_item_id, asked.unique_batch_item_id);
            assert_eq!(answered.result_status, ResultStatus::SUCCESS);
        }
    }
}

#[test]
fn discover_versions_lists_what_is_common_newest_first() {
    let discover = |list: &[V]| {
        let request = DiscoverVersionsRequest {
            protocol_version: list.to_vec(),
            ..DiscoverVersionsRequest::default()
        };
        match answer(&RequestMessage::single(V::V1_2, request))
            .batch_item
            .remove(0)
            .response_payload
        {
            Some(ResponsePayload::DiscoverVersions(found)) => found.protocol_version,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(discover(&[])[..2], [V::V2_1, V::V2_0]);
    assert_eq!(
        discover(&[V::V1_0, V::new(3, 0), V::V1_4]),
        [V::V1_4, V::V1_0]
    );
    assert_eq!(discover(&[V::new(3, 0)]), []);
}

#[test]
fn an_unknown_version_is_answered_in_one_that_the_server_has() {
    let query = QueryRequest {
        query_function: vec![QueryFunction::QUERY_OPERATIONS],
        ..QueryRequest::default()
    };
    let mut bytes = encoded(&RequestMessage::single(V::V1_0, query));
    let minor = bytes
        .windows(4)
        .position(|tag| tag == b"\x42\x00\x6B\x02")
        .unwrap()
        + 11;
    bytes[minor - 16] = 9;
    bytes[minor] = 9;
    let response = respond(&engine(), &bytes);
    assert_eq!(response.response_header.protocol_version, V::V2_1);
    assert_eq!(
        reason(&response),
        ResultReason::UNSUPPORTED_PROTOCOL_VERSION
    );
    bytes[minor - 16] = 0;
    let response = respond(&engine(), &bytes);
    assert_eq!(response.response_header.protocol_version, V::V1_0);
    assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
}

#[test]
fn every_damaged_request_is_answered_with_a_correct_message() {
    let bytes = encoded(&batch(
        V::V1_4,
        vec![create().into(), LocateRequest::default().into()],
    ));
    let engine = engine();
    for end in 0..bytes.len() {
        let response = respond(&engine, &bytes[..end]);
        assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
    }
    for position in 0..bytes.len() {
        for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            respond(&engine, &damaged);
        }
    }
}

#[test]
fn a_malformed_request_is_refused_in_its_own_version() {
    for version in V::ALL {
        let mut bytes = encoded(&RequestMessage::single(version, create()));
        let object_type = bytes
            .windows(4)
            .position(|tag| tag == b"\x42\x00\x57\x05")
            .unwrap();
        bytes[object_type + 3] = 0x0C;
        let response = respond(&engine(), &bytes);
        assert_eq!(response.response_header.protocol_version, version);
        assert_eq!(reason(&response), ResultReason::INVALID_MESSAGE);
        assert_eq!(response.batch_item[0].operation, None);
    }
}

#[test]
fn a_wrong_batch_count_and_repeated_item_ids_are_refused() {
    let mut request = batch(V::V1_2, vec![create().into(), create().into()]);
    request.request_header.batch_count = 3;
    assert_eq!(reason(&answer(&request)), ResultReason::INVALID_MESSAGE);
    request.request_header.batch_count = 2;
    for item in &mut request.batch_item {
        item.unique_batch_item_id = Some(b"same".to_vec().into());
    }
    assert_eq!(reason(&answer(&request)), ResultReason::INVALID_MESSAGE);
}

#[test]
fn what_the_server_cannot_do_is_refused_before_anything_is_done() {
    let engine = engine();
    let mut request = batch(V::V2_1, vec![create().into()]);
    request.request_header.asynchronous_indicator = Some(AsynchronousIndicator::MANDATORY);
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);

    let mut request = batch(
        V::V2_1,
        vec![create().into(), ActivateRequest::default().into()],
    );
    let undo = BatchErrorContinuationOption::UNDO;
    request.request_header.batch_error_continuation_option = Some(undo);
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);

    let mut request = batch(V::V2_1, vec![create().into()]);
    let extension = |critical| MessageExtension {
        vendor_identification: Some("somebody".into()),
        criticality_indicator: Some(critical),
        vendor_extension: Some(kmip::types::RawValue::Structure(Vec::new())),
        ..MessageExtension::default()
    };
    request.batch_item[0].message_extension = vec![extension(true)];
    let response = respond(&engine, &encoded(&request));
    assert_eq!(reason(&response), ResultReason::FEATURE_NOT_SUPPORTED);
    assert_eq!(engine.handler().len(), 0);

    request.batch_item[0].message_extension = vec![extension(false)];
    let response = respond(&engine, &encoded(&request));
    assert_eq!(response.batch_item[0].result_status, ResultStatus::SUCCESS);
}

#[test]
fn a_response_that_is_too_large_says_so_and_absurd_limits_are_ignored() {
    let mut request = batch(V::V1_4, vec![create().into()]);
    request.request_header.maximum_response_size = Some(64);
    assert_eq!(reason(&answer(&request)), ResultReason::RESPONSE_TOO_LARGE);
    for unlimited in [0, -1] {
        request.request_header.maximum_response_size = Some(unlimited);
        let response = answer(&request);
        assert_eq!(response.batch_item[0].result_status, ResultStatus::SUCCESS);
    }
}

#[test]
fn unknown_operations_and_failing_handlers_do_not_end_the_batch_run() {
    let mut request = batch(
        V::V2_1,
        vec![
            RequestPayload::from(GetAttributesRequest::default()),
            PingRequest::default().into(),
            LocateRequest::default().into(),
        ],
    );
    let option = BatchErrorContinuationOption::CONTINUE;
    request.request_header.batch_error_continuation_option = Some(option);
    let response = answer(&request);
    let reasons: Vec<_> = response
        .batch_item
        .iter()
        .map(|item| item.result_reason)
        .collect();
    let expected = [
        Some(ResultReason::ITEM_NOT_FOUND),
        Some(ResultReason::GENERAL_FAILURE),
        None,
    ];
    assert_eq!(reasons, expected);
    let message = response.batch_item[1].result_message.as_deref().unwrap();
    assert!(!message.contains("mistake"), "internals leak: {message}");

    let mut bytes = encoded(&RequestMessage::single(V::V1_0, ActivateRequest::default()));
    let operation = bytes
        .windows(4)
        .position(|tag| tag == b"\x42\x00\x5C\x05")
        .unwrap()
        + 10;
    bytes[operation..operation + 2].copy_from_slice(&[0x7F, 0xFF]);
    let response = respond(&engine(), &bytes);
    assert_eq!(reason(&response), ResultReason::OPERATION_NOT_SUPPORTED);
}

#[test]
fn reasons_of_2_x_are_not_told_to_clients_of_1_x() {
    let get = GetAttributesRequest {
        unique_identifier: Some("nothing".into()),
        ..GetAttributesRequest::default()
    };
    let old = answer(&RequestMessage::single(V::V1_4, get.clone()));
    assert_eq!(reason(&old), ResultReason::ITEM_NOT_FOUND);
    let new = answer(&RequestMessage::single(V::V2_0, get));
    assert_eq!(reason(&new), ResultReason::OBJECT_NOT_FOUND);
}

#[test]
fn items_can_refer_to_the_objects_of_earlier_items() {
    let get = |identifier: UniqueIdentifier<'static>| {
        RequestPayload::from(GetAttributesRequest {
            unique_identifier: Some(identifier),
            ..GetAttributesRequest::default()
        })
    };
    let by = |meant| UniqueIdentifier::Enumeration(meant);
    let request = batch(
        V::V2_1,
        vec![
            create().into(),
            create().into(),
            get(UniqueIdentifier::Integer(1)),
            get(UniqueIdentifier::Integer(-2)),
            get(by(UniqueIdentifierEnumeration::ID_PLACEHOLDER)),
            get(by(UniqueIdentifierEnumeration::CREATE)),
        ],
    );
    let found: Vec<String> = answer(&request)
        .batch_item
        .into_iter()
        .map(|item| match item.response_payload {
            Some(ResponsePayload::Create(made)) => made.unique_identifier.to_string(),
            Some(ResponsePayload::GetAttributes(found)) => found.unique_identifier.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        found,
        ["key-0", "key-1", "key-0", "key-1", "key-1", "key-1"]
    );
    let beyond = batch(V::V2_1, vec![get(UniqueIdentifier::Integer(7))]);
    assert_eq!(reason(&answer(&beyond)), ResultReason::ITEM_NOT_FOUND);
}

/// A server whose handler needs a password.
#[derive(Debug)]
struct Guarded;

impl Handler for Guarded {
    fn authenticate(
        &self,
        _peer: &Peer,
        credentials: Option<&Authentication<'_>>,
    ) -> Result<Option<String>, Failure> {
        match credentials {
            Some(_) => Ok(Some("somebody".to_owned())),
            None => Err(Failure::new(
                ResultReason::AUTHENTICATION_NOT_SUCCESSFUL,
                "who are you?",
            )),
        }
    }

    fn handle(
        &self,
        call: &Call<'_>,
        _request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        assert_eq!(call.user(), Some("somebody"));
        Err(Failure::new(ResultReason::PERMISSION_DENIED, "no"))
    }
}

#[test]
fn nothing_is_performed_for_a_client_that_is_not_authenticated() {
    let engine = Arc::new(Engine::new(Guarded));
    let error = in_memory(&engine).connect().unwrap_err();
    assert_eq!(
        error.result_reason(),
        Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL)
    );
    let credential = kmip::types::Credential {
        credential_type: kmip::types::CredentialType::USERNAME_AND_PASSWORD,
        credential_value: kmip::types::CredentialValue::UsernameAndPassword(
            kmip::types::UsernameAndPasswordCredential {
                username: "somebody".into(),
                password: Some("secret".into()),
                ..Default::default()
            },
        ),
        ..Default::default()
    };
    let mut client = in_memory(&engine).credential(credential).connect().unwrap();
    let error = client.locate([], None).unwrap_err();
    assert_eq!(error.result_reason(), Some(ResultReason::PERMISSION_DENIED));
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
        .idle_timeout(Duration::from_millis(50))
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
        .handshake_timeout(Duration::from_millis(100))
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
