//! What outlasts a request: attestations, logins, versions, several servers, batches of batches.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip::client::{Challenge, Client, NewKey, Pending, Problem, Search, VersionCache};
use kmip::transport::{ServerAddress, Stream, memory};
use kmip::types::{
    AsynchronousIndicator, AttestationCredential, AttestationType, CreateRequest, CreateResponse,
    Credential, CredentialValue, DiscoverVersionsResponse, GetAttributesResponse, GetRequest,
    GetResponse, IntoOwned, LocateResponse, LoginResponse, LogoutResponse, Nonce, Operation,
    ProtocolVersion, RequestMessage, RequestPayload, ResponseBatchItem, ResponseMessage,
    ResultReason, ResultStatus, Secret, Ticket, TicketType,
};
use support::{answer_all, answering, failure, response};

use ProtocolVersion as V;

/// The response whose items are made by `answer`.
fn respond(
    request: &RequestMessage<'_>,
    answer: impl Fn(&RequestPayload<'_>) -> ResponseBatchItem<'static>,
) -> ResponseMessage<'static> {
    let items = request.batch_item.iter().map(|item| ResponseBatchItem {
        unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
        ..answer(&item.request_payload)
    });
    response(request.request_header.protocol_version, items.collect())
}

fn located() -> ResponseBatchItem<'static> {
    ResponseBatchItem::success(LocateResponse::default())
}

fn credentials(request: &RequestMessage<'_>) -> Vec<Credential<'static>> {
    let authentication = request.request_header.authentication.clone();
    authentication
        .map(|given| given.into_owned().credential)
        .unwrap_or_default()
}

/// Wants an attestation of its nonce for every request.
fn suspicious(requests: &Arc<AtomicUsize>) -> kmip::client::ClientBuilder {
    let requests = requests.clone();
    answering(move |request| {
        requests.fetch_add(1, Ordering::SeqCst);
        assert_eq!(
            request.request_header.attestation_capable_indicator,
            Some(true)
        );
        let attested = credentials(request).iter().any(|credential| {
            matches!(
                &credential.credential_value,
                CredentialValue::Attestation(attestation)
                    if *attestation.nonce.nonce_value == *b"fresh"
            )
        });
        if attested {
            return Some(respond(request, |_| located()));
        }
        let mut refusal = respond(request, |payload| {
            failure(
                Some(payload.operation()),
                ResultReason::ATTESTATION_REQUIRED,
            )
        });
        refusal.response_header.attestation_type = vec![AttestationType::TPM_QUOTE];
        refusal.response_header.nonce = Some(Nonce {
            nonce_id: b"1".to_vec().into(),
            nonce_value: b"fresh".to_vec().into(),
            ..Nonce::default()
        });
        Some(refusal)
    })
    .version(V::V1_4)
}

#[test]
fn an_attestation_is_made_when_it_is_demanded_and_only_once() {
    let requests = Arc::new(AtomicUsize::new(0));
    let attest = |challenge: &Challenge| {
        assert_eq!(challenge.attestation_types, [AttestationType::TPM_QUOTE]);
        Ok(AttestationCredential {
            nonce: challenge.nonce.clone(),
            attestation_type: AttestationType::TPM_QUOTE,
            attestation_measurement: Some(b"measured".to_vec().into()),
            ..AttestationCredential::default()
        })
    };
    let mut client = suspicious(&requests).attestation(attest).connect().unwrap();
    client.locate([], None).unwrap();
    assert_eq!(requests.load(Ordering::SeqCst), 2);

    let wrong = |_: &Challenge| Ok(AttestationCredential::default());
    let mut client = suspicious(&requests).attestation(wrong).connect().unwrap();
    let error = client.locate([], None).unwrap_err();
    assert_eq!(
        error.result_reason(),
        Some(ResultReason::ATTESTATION_REQUIRED)
    );
    assert_eq!(requests.load(Ordering::SeqCst), 4, "no endless loop");

    let unable = |_: &Challenge| Err("the TPM is gone".into());
    let mut client = suspicious(&requests).attestation(unable).connect().unwrap();
    let error = client.locate([], None).unwrap_err();
    assert!(matches!(error.problem(), Problem::Attestation(_)));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the TPM is gone");
}

#[test]
fn a_login_replaces_the_credentials_until_the_logout() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = answering({
        let seen = seen.clone();
        move |request| {
            let kinds = credentials(request).into_iter();
            let kinds: Vec<_> = kinds
                .map(|given| format!("{:?}", given.credential_type))
                .collect();
            seen.lock().unwrap().push(kinds.join("+"));
            Some(respond(request, |payload| match payload {
                RequestPayload::Login(_) => ResponseBatchItem::success(LoginResponse {
                    ticket: Ticket {
                        ticket_type: TicketType::LOGIN,
                        ticket_value: Secret::owned(b"ticket".to_vec()),
                        ..Ticket::default()
                    },
                    ..LoginResponse::default()
                }),
                RequestPayload::Logout(_) => ResponseBatchItem::success(LogoutResponse::default()),
                _ => located(),
            }))
        }
    });
    let settings = server
        .version(V::V2_1)
        .username_and_password("me", "secret");
    let mut client = settings.connect().unwrap();
    client.logout().unwrap();
    client.login(None, Some(10)).unwrap();
    client.locate([], None).unwrap();
    client.logout().unwrap();
    client.locate([], None).unwrap();
    let (password, ticket) = ("Username and Password", "Ticket");
    assert_eq!(*seen.lock().unwrap(), [password, ticket, ticket, password]);
}

/// Knows these versions; counts Discover Versions.
fn versions(known: &'static [V], asked: &Arc<AtomicUsize>) -> kmip::client::ClientBuilder {
    let asked = asked.clone();
    answering(move |request| {
        let version = request.request_header.protocol_version;
        if !known.contains(&version) {
            let reason = ResultReason::INVALID_MESSAGE;
            return Some(response(known[0], vec![failure(None, reason)]));
        }
        Some(respond(request, |payload| match payload {
            RequestPayload::DiscoverVersions(_) => {
                asked.fetch_add(1, Ordering::SeqCst);
                ResponseBatchItem::success(DiscoverVersionsResponse {
                    protocol_version: known.to_vec(),
                    ..DiscoverVersionsResponse::default()
                })
            }
            _ => located(),
        }))
    })
}

#[test]
fn a_version_is_negotiated_once_and_again_when_the_server_has_changed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let cache = VersionCache::new();
    for _ in 0..3 {
        let settings = versions(&[V::V2_1, V::V1_4], &asked).version_cache(cache.clone());
        let mut client = settings.connect().unwrap();
        assert_eq!(client.version(), V::V2_1);
        client.locate([], None).unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // The server was replaced by an older one.
    let settings = versions(&[V::V1_2, V::V1_1], &asked).version_cache(cache.clone());
    let mut client = settings.connect().unwrap();
    client.locate([], None).unwrap();
    assert_eq!(client.version(), V::V1_2);
    assert_eq!(cache.get("in.memory:5696"), Some(V::V1_2));
    // What is remembered is not what is wanted.
    let settings = versions(&[V::V2_1, V::V1_4], &asked).version_cache(cache);
    let client = settings.versions(V::V1_4, V::V2_1).connect().unwrap();
    assert_eq!(client.version(), V::V2_1);
}

/// Two servers in one process; `down` are those that refuse connections, `dumb` those that close
/// instead of answering.
#[derive(Default)]
struct Cluster {
    down: Mutex<Vec<&'static str>>,
    dumb: Mutex<Vec<&'static str>>,
    performed: Mutex<Vec<String>>,
}

fn cluster(cluster: &Arc<Cluster>) -> kmip::client::ClientBuilder {
    let servers = cluster.clone();
    Client::builder("first:1".parse().unwrap())
        .fallback_server("second:2".parse().unwrap())
        .version(V::V1_4)
        .connect_with(
            move |server: &ServerAddress, _: kmip::transport::Deadline| {
                let host = server.host().to_owned();
                if servers.down.lock().unwrap().contains(&server.host()) {
                    let error = std::io::ErrorKind::ConnectionRefused.into();
                    let cause = kmip::transport::Cause::Io(error);
                    let phase = kmip::transport::Phase::Connect;
                    return Err(kmip::transport::Error::new(host, phase, cause));
                }
                let (near, far) = memory::pair();
                let servers = servers.clone();
                std::thread::spawn(move || {
                    answer_all(far, &|request: &RequestMessage<'_>| {
                        servers.performed.lock().unwrap().push(host.clone());
                        if servers.dumb.lock().unwrap().contains(&host.as_str()) {
                            return None;
                        }
                        Some(respond(request, |payload| match payload {
                            RequestPayload::Create(_) => {
                                ResponseBatchItem::success(CreateResponse {
                                    unique_identifier: "a".into(),
                                    ..CreateResponse::default()
                                })
                            }
                            _ => located(),
                        }))
                    });
                });
                Ok(Box::new(near) as Box<dyn Stream>)
            },
        )
}

#[test]
fn harmless_requests_move_to_the_next_server_and_others_do_not() {
    let servers = Arc::new(Cluster::default());
    servers.dumb.lock().unwrap().push("first");
    let mut client = cluster(&servers).connect().unwrap();
    let error = client.create(NewKey::aes(256)).unwrap_err();
    assert!(!error.is_retryable());
    assert_eq!(*servers.performed.lock().unwrap(), ["first"]);
    client.locate([], None).unwrap();
    assert_eq!(
        *servers.performed.lock().unwrap(),
        ["first", "first", "second"]
    );
    assert_eq!(client.server(), "second:2");
    client.create(NewKey::aes(256)).unwrap();
    assert_eq!(servers.performed.lock().unwrap().len(), 4);
}

#[test]
fn the_first_server_is_used_again_when_it_has_recovered() {
    let servers = Arc::new(Cluster::default());
    servers.down.lock().unwrap().push("first");
    let settings = || cluster(&servers);
    let mut client = settings().connect().unwrap();
    let mut eager = settings().recover_after(Duration::ZERO).connect().unwrap();
    assert_eq!([client.server(), eager.server()], ["second:2"; 2]);
    eager.locate([], None).unwrap();
    assert_eq!(eager.server(), "second:2");
    servers.down.lock().unwrap().clear();
    eager.locate([], None).unwrap();
    assert_eq!(eager.server(), "first:1");
    // Clients that have seen it fail stay with another one for a while.
    client.locate([], None).unwrap();
    assert_eq!(client.server(), "second:2");
    assert_eq!(settings().connect().unwrap().server(), "first:1");
    // Without another server, there is no passing over.
    servers.down.lock().unwrap().push("second");
    client.disconnect();
    client.locate([], None).unwrap();
    assert_eq!(client.server(), "first:1");
}

#[test]
fn many_calls_are_split_over_batches_and_further_if_the_response_is_too_large() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let server = answering({
        let sizes = sizes.clone();
        move |request| {
            let count = request.batch_item.len();
            sizes.lock().unwrap().push(count);
            if count > 6 {
                let version = request.request_header.protocol_version;
                let reason = ResultReason::RESPONSE_TOO_LARGE;
                return Some(response(version, vec![failure(None, reason)]));
            }
            Some(respond(request, |payload| match payload {
                RequestPayload::Get(get) => match get.unique_identifier.as_ref().unwrap().as_text()
                {
                    Some("7") => failure(Some(Operation::GET), ResultReason::ITEM_NOT_FOUND),
                    Some(identifier) => ResponseBatchItem::success(GetResponse {
                        unique_identifier: identifier.to_owned().into(),
                        ..GetResponse::default()
                    }),
                    None => unreachable!(),
                },
                _ => ResponseBatchItem::success(CreateResponse::default()),
            }))
        }
    });
    let mut client = server
        .version(V::V1_4)
        .maximum_batch_items(10)
        .connect()
        .unwrap();
    let gets = (0..20).map(|number| GetRequest {
        unique_identifier: Some(number.to_string().into()),
        ..GetRequest::default()
    });
    let results = client.call_all(gets).unwrap();
    assert_eq!(results.len(), 20);
    for (number, result) in results.into_iter().enumerate() {
        match number {
            7 => assert!(result.unwrap_err().is_not_found()),
            _ => assert_eq!(
                result.unwrap().unique_identifier.as_text(),
                Some(number.to_string().as_str())
            ),
        }
    }
    assert_eq!(*sizes.lock().unwrap(), [10, 5, 5, 5, 5]);
    // What may have been done is not done again.
    sizes.lock().unwrap().clear();
    let creates = (0..8).map(|_| CreateRequest::from(NewKey::aes(256)));
    let results = client.call_all(creates).unwrap();
    assert!(results.iter().all(Result::is_err));
    assert_eq!(*sizes.lock().unwrap(), [8]);
}

#[test]
fn ten_thousand_objects_are_listed_in_few_round_trips() {
    let requests = Arc::new(AtomicUsize::new(0));
    let server = answering({
        let requests = requests.clone();
        move |request| {
            requests.fetch_add(1, Ordering::SeqCst);
            Some(respond(request, |payload| match payload {
                RequestPayload::Locate(_) => ResponseBatchItem::success(LocateResponse {
                    unique_identifier: (0..10_000).map(|n| n.to_string().into()).collect(),
                    ..LocateResponse::default()
                }),
                _ => ResponseBatchItem::success(GetAttributesResponse::default()),
            }))
        }
    });
    let mut client = server.version(V::V1_4).connect().unwrap();
    assert_eq!(client.list(Search::new(), []).unwrap().len(), 10_000);
    assert_eq!(requests.load(Ordering::SeqCst), 1 + 10_000 / 50);
}

#[test]
fn an_operation_that_takes_long_is_polled_for() {
    let polls = AtomicUsize::new(0);
    let server = answering(move |request| {
        let pending = |operation| ResponseBatchItem {
            operation: Some(operation),
            result_status: ResultStatus::OPERATION_PENDING,
            asynchronous_correlation_value: Some(b"later".to_vec().into()),
            ..ResponseBatchItem::default()
        };
        Some(respond(request, |payload| match payload {
            RequestPayload::Create(_) => {
                let indicator = request.request_header.asynchronous_indicator;
                assert_eq!(indicator, Some(AsynchronousIndicator::OPTIONAL));
                pending(Operation::CREATE)
            }
            RequestPayload::Poll(_) if polls.fetch_add(1, Ordering::SeqCst) == 0 => {
                pending(Operation::POLL)
            }
            // The answer is that of the operation itself.
            _ => ResponseBatchItem::success(CreateResponse {
                unique_identifier: "made".into(),
                ..CreateResponse::default()
            }),
        }))
    });
    let mut client = server.version(V::V2_1).connect().unwrap();
    let request = CreateRequest::from(NewKey::aes(256));
    let Pending::Later(correlation) = client.call_asynchronously(request).unwrap() else {
        panic!("it is not pending");
    };
    let still = client.poll::<CreateRequest<'_>>(&correlation).unwrap();
    assert_eq!(still, Pending::Later(correlation.clone()));
    let Pending::Done(made) = client.poll::<CreateRequest<'_>>(&correlation).unwrap() else {
        panic!("it is still pending");
    };
    assert_eq!(made.unique_identifier.as_text(), Some("made"));
}
