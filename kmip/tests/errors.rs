//! Every kind of error tells operation, server, what has happened, and whether it can be tried
//! again, and keeps its cause.

mod support;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::Arc;

use kmip::Encoding;
use kmip::ProtocolVersion as V;
use kmip::client::{Batch, Challenge, Client, Error, NewKey, Problem, RemoteKey, SignatureScheme};
use kmip::server::Engine;
use kmip::transport::tls::ClientTls;
use kmip::transport::{Cause, Deadline, Phase, ServerAddress, Stream, memory};
use kmip::types::{
    AttestationType, Attribute, Certificate, CreateRequest, GetRequest, GetResponse, LocateRequest,
    LocateResponse, ManagedObject, Nonce, ObjectType, Operation, ResponseBatchItem,
    ResponseMessage, ResultReason,
};
use support::{Store, answering, failure, in_memory, response};

/// What is expected of an error.
struct Expected {
    error: Error,
    kind: &'static str,
    server: &'static str,
    operation: Option<Operation>,
    retryable: bool,
    /// The server may have performed it.
    uncertain: bool,
    /// A text of the error itself.
    text: &'static str,
    /// A text of its causes; none if there is no cause.
    cause: Option<&'static str>,
}

const SERVER: &str = "in.memory:5696";

fn kind(problem: &Problem) -> &'static str {
    match problem {
        Problem::Transport(_) => "transport",
        Problem::Address(_) => "address",
        Problem::Tls(_) => "TLS options",
        Problem::Encode(_) => "encode",
        Problem::Decode(_) => "decode",
        Problem::Response(_) => "response",
        Problem::Failed(_) => "failed",
        Problem::NotProcessed => "not processed",
        Problem::NoCommonVersion { .. } => "no common version",
        Problem::Attestation(_) => "attestation",
        Problem::Key(_) => "key",
        Problem::NotX509 => "not X.509",
        Problem::Version { .. } => "version",
        Problem::OtherKind(_) => "other kind",
        Problem::NoServer(_) => "no server",
        _ => panic!("{problem:?} is not in the table"),
    }
}

fn located() -> ResponseBatchItem<'static> {
    ResponseBatchItem::success(LocateResponse::default())
}

fn engine(version: V) -> Client {
    let engine = Arc::new(Engine::new(Store::default()));
    in_memory(&engine).version(version).connect().unwrap()
}

/// A client in 1.4 of a server that answers with this item, whatever it is asked.
fn answered(item: fn() -> ResponseBatchItem<'static>) -> Client {
    let server = answering(move |_| Some(response(V::V1_4, vec![item()])));
    server.version(V::V1_4).connect().unwrap()
}

/// A client whose server closes the connection instead of answering.
fn silent() -> Client {
    answering(|_| None).version(V::V1_4).connect().unwrap()
}

/// A client whose server answers with no more than the header of a message.
fn damaged() -> Client {
    let server = support::connecting(|mut stream, _| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = std::io::Write::write_all(&mut stream, b"\x42\x00\x7B\x01\0\0\0\0");
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
    });
    server.version(V::V1_4).connect().unwrap()
}

/// Nobody listens at any of these servers.
fn nobody(servers: &[&str]) -> Error {
    let mut addresses = servers.iter().map(|server| server.parse().unwrap());
    let settings = Client::builder(addresses.next().unwrap());
    let settings = addresses.fold(settings, kmip::client::ClientBuilder::fallback_server);
    let refuse = |server: &ServerAddress, _: Deadline| -> Result<Box<dyn Stream>, _> {
        let cause = Cause::Io(std::io::Error::other(format!("{} is off", server.host())));
        Err(kmip::transport::Error::new(
            server.to_string(),
            Phase::Connect,
            cause,
        ))
    };
    settings.connect_with(refuse).connect().unwrap_err()
}

fn demanding(_: &kmip::types::RequestMessage<'_>) -> Option<ResponseMessage<'static>> {
    let reason = ResultReason::ATTESTATION_REQUIRED;
    let mut refusal = response(V::V1_4, vec![failure(Some(Operation::LOCATE), reason)]);
    refusal.response_header.attestation_type = vec![AttestationType::TPM_QUOTE];
    refusal.response_header.nonce = Some(Nonce::default());
    Some(refusal)
}

fn table() -> Vec<Expected> {
    let base = |kind, error| Expected {
        error,
        kind,
        server: SERVER,
        operation: None,
        retryable: false,
        uncertain: false,
        text: "",
        cause: None,
    };
    let too_new = CreateRequest::from(NewKey::aes(256).attribute(Attribute::description("new")));
    let stop = Batch::new()
        .with(GetRequest::default())
        .with(LocateRequest::default());
    let not_processed = engine(V::V1_4).send_batch(stop).unwrap().remove(1);
    let public = openssl::pkey::PKey::generate_ed25519().unwrap();
    let public = public.public_key_to_der().unwrap();
    let public = openssl::pkey::PKey::public_key_from_der(&public).unwrap();
    let remote = RemoteKey::new("key", public, SignatureScheme::RsaSha256);
    let unable = |_: &Challenge| Err("the TPM is gone".into());
    let attesting = answering(demanding).version(V::V1_4).attestation(unable);
    let address = || -> ServerAddress { SERVER.parse().unwrap() };
    let blocking =
        |_: &ServerAddress, _: Deadline| Ok(Box::new(memory::pair().0) as Box<dyn Stream>);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let other_kind = Client::builder(address()).connect_with(blocking);
    let no_path = Client::builder(address()).connect_with(blocking);
    let no_file = ClientTls::new().ca_file("/there/is/no/ca.pem");
    let old = answering(|_| {
        Some(response(
            V::V1_0,
            vec![failure(None, ResultReason::INVALID_MESSAGE)],
        ))
    });
    vec![
        Expected {
            operation: Some(Operation::CREATE),
            uncertain: true,
            text: "the exchange with the server failed (may have been performed)",
            cause: Some("closed the connection without an answer"),
            ..base("transport", silent().create(NewKey::aes(256)).unwrap_err())
        },
        Expected {
            operation: Some(Operation::LOCATE),
            retryable: true,
            text: "the exchange with the server failed (can be tried again)",
            cause: Some("closed the connection without an answer"),
            ..base("transport", silent().locate([], None).unwrap_err())
        },
        Expected {
            text: "address",
            cause: Some("'no slash' is not the path of a URL"),
            ..base(
                "address",
                no_path
                    .https("no slash", Encoding::Json)
                    .connect()
                    .unwrap_err(),
            )
        },
        Expected {
            text: "TLS options",
            cause: Some("/there/is/no/ca.pem"),
            ..base(
                "TLS options",
                Client::builder(address())
                    .tls(no_file)
                    .connect()
                    .unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::CREATE),
            text: "cannot be encoded",
            cause: Some("KMIP 1.0 has no field Description"),
            ..base("encode", engine(V::V1_0).create(too_new).unwrap_err())
        },
        Expected {
            operation: Some(Operation::CREATE),
            uncertain: true,
            text: "cannot be decoded (may have been performed)",
            cause: Some("ResponseHeader"),
            ..base("decode", damaged().create(NewKey::aes(256)).unwrap_err())
        },
        Expected {
            operation: Some(Operation::GET),
            text: "cannot be decoded",
            cause: Some("ResponseHeader"),
            ..base("decode", damaged().get("key").unwrap_err())
        },
        Expected {
            operation: Some(Operation::CREATE),
            uncertain: true,
            text: "it answers Locate instead of Create (may have been performed)",
            ..base(
                "response",
                answered(located).create(NewKey::aes(256)).unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::DECRYPT),
            uncertain: true,
            text: "the answer lacks its data",
            ..base(
                "response",
                answered(|| ResponseBatchItem::success(kmip::types::DecryptResponse::default()))
                    .decrypt("key", None, b"data", None)
                    .unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::SIGNATURE_VERIFY),
            uncertain: true,
            text: "the answer lacks its validity",
            ..base(
                "response",
                answered(|| {
                    let answer = kmip::types::SignatureVerifyResponse::default();
                    ResponseBatchItem::success(answer)
                })
                .verify("key", None, b"data", b"signature")
                .unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::DESTROY),
            text: "the server refuses: Object Not Found (no such object)",
            ..base("failed", engine(V::V2_1).destroy("nothing").unwrap_err())
        },
        Expected {
            operation: Some(Operation::LOCATE),
            text: "an earlier item of the batch failed",
            ..base("not processed", not_processed.unwrap_err())
        },
        Expected {
            operation: Some(Operation::DISCOVER_VERSIONS),
            text: "no common protocol version: 2.1: ",
            ..base(
                "no common version",
                old.versions(V::V2_0, V::V2_1).connect().unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::LOCATE),
            text: "no attestation",
            cause: Some("the TPM is gone"),
            ..base(
                "attestation",
                attesting.connect().unwrap().locate([], None).unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::GET),
            text: "the key or certificate cannot be used",
            cause: Some("it is a Certificate"),
            ..base(
                "key",
                answered(|| {
                    ResponseBatchItem::success(GetResponse {
                        object_type: ObjectType::CERTIFICATE,
                        managed_object: ManagedObject::Certificate(Certificate::default()),
                        ..GetResponse::default()
                    })
                })
                .get_private_key("key")
                .unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::SIGN),
            text: "not of X.509",
            ..base(
                "not X.509",
                engine(V::V1_4).resign_x509(&remote, b"text").unwrap_err(),
            )
        },
        Expected {
            operation: Some(Operation::ENCRYPT),
            text: "authenticated encryption needs KMIP 1.4, and 1.3 is spoken",
            ..base(
                "version",
                engine(V::V1_3).seal("key", b"", b"text").unwrap_err(),
            )
        },
        Expected {
            text: "for blocking clients only",
            ..base(
                "other kind",
                runtime.block_on(other_kind.connect_async()).unwrap_err(),
            )
        },
        Expected {
            server: "one:1",
            retryable: true,
            text: "(can be tried again)",
            cause: Some("one is off"),
            ..base("transport", nobody(&["one:1"]))
        },
        Expected {
            server: "one:1",
            retryable: true,
            text: "one:1: the connection failed: one is off; two:2: the connection failed: two is off",
            ..base("no server", nobody(&["one:1", "two:2"]))
        },
    ]
}

#[test]
fn every_kind_of_error_tells_all_and_keeps_its_cause() {
    let mut kinds = BTreeSet::new();
    for expected in table() {
        let error = &expected.error;
        let text = error.to_string();
        assert_eq!(kind(error.problem()), expected.kind, "{error:?}");
        kinds.insert(expected.kind);
        assert_eq!(error.server(), expected.server, "{text}");
        assert!(
            text.starts_with(&format!("KMIP server {}", expected.server)),
            "{text}"
        );
        assert_eq!(error.operation(), expected.operation, "{text}");
        if let Some(operation) = expected.operation {
            assert!(
                text.contains(&format!(", operation {operation:?}: ")),
                "{text}"
            );
        }
        assert!(text.contains(expected.text), "{text}");
        assert_eq!(error.is_retryable(), expected.retryable, "{text}");
        assert_eq!(
            error.may_have_been_performed(),
            expected.uncertain,
            "{text}"
        );
        assert_eq!(
            text.ends_with("(can be tried again)"),
            expected.retryable,
            "{text}"
        );
        assert_eq!(
            text.ends_with("(may have been performed)"),
            expected.uncertain,
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        match expected.cause {
            Some(part) => assert!(
                causes.iter().any(|cause| cause.contains(part)),
                "{causes:?}"
            ),
            None => assert!(causes.is_empty(), "{causes:?}"),
        }
        let reason = error.result_reason();
        assert_eq!(reason.is_some(), expected.kind == "failed", "{text}");
        assert_eq!(error.is_not_found(), expected.kind == "failed", "{text}");
    }
    assert_eq!(kinds.len(), 15, "{kinds:?}");
}
