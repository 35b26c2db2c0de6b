//! What the spans of `tracing` tell of requests and their items.

mod support;

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use kmip::client::{AsyncConnect, Batch, Client, Connecting, NewKey};
use kmip::codec::Options;
use kmip::server::Engine;
use kmip::transport::{
    AsyncStream, Connection, Deadline, MessageDirection, ServerAddress, Timeouts, Unbounded,
};
use kmip::types::{
    DestroyRequest, IntoOwned, LocateRequest, LocateResponse, Operation, ProtocolVersion,
    RequestMessage, ResponseBatchItem, ResponseHeader, ResponseMessage, ResultReason,
};
use support::{Store, answering, in_memory};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the fields of spans by the names of the spans.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

/// Name and fields.
type Span = (String, BTreeMap<String, String>);

struct Fields<'f>(&'f mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        spans.push((span.metadata().name().to_owned(), fields));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        let (_, fields) = &mut spans[span.into_u64() as usize - 1];
        values.record(&mut Fields(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn spans_tell_of_requests_and_their_items() {
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        let engine = Arc::new(Engine::new(Store::default()));
        let settings = in_memory(&engine)
            .version(ProtocolVersion::V1_4)
            .client_correlation_value("ticket 12");
        let mut client = settings.connect().unwrap();
        let key = client.create(NewKey::aes(256)).unwrap();
        client.destroy(key).unwrap();
        client.destroy("nothing").unwrap_err();
    });
    let spans = spans.0.lock().unwrap();
    let names: Vec<&str> = spans.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kmip.request", "kmip.item"].repeat(3));
    let request = &spans[0].1;
    for (field, value) in [
        ("peer", "\"in.memory:5696\""),
        ("version", "1.4"),
        ("client_correlation_value", "\"ticket 12\""),
        ("result", "\"success\""),
    ] {
        assert_eq!(request[field], value, "{request:?}");
    }
    for field in ["request_bytes", "response_bytes", "duration_us"] {
        request[field].parse::<u64>().unwrap();
    }
    let item = &spans[1].1;
    assert_eq!(item["operation"], "Create");
    assert!(item["unique_identifier"].contains("key-"), "{item:?}");
    assert_eq!(spans[4].1["result"], "\"failure\"");
    assert_eq!(spans[5].1["reason"], "Item Not Found");
}

/// The fields of all spans of this name.
fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s BTreeMap<String, String>> {
    let of_name = spans.iter().filter(|(found, _)| found == name);
    of_name.map(|(_, fields)| fields).collect()
}

/// Answers the first request, of two items, with a success and a failure, and then nothing.
fn partial(request: &RequestMessage<'_>) -> Option<ResponseMessage<'static>> {
    let items: Vec<_> = request
        .batch_item
        .iter()
        .map(|item| ResponseBatchItem {
            unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
            ..match item.operation {
                Operation::LOCATE => ResponseBatchItem::success(LocateResponse::default()),
                other => support::failure(Some(other), ResultReason::PERMISSION_DENIED),
            }
        })
        .collect();
    (items.len() == 2).then(|| ResponseMessage {
        response_header: ResponseHeader {
            server_correlation_value: Some("log entry 7".into()),
            batch_count: 2,
            protocol_version: ProtocolVersion::V1_4,
            ..ResponseHeader::default()
        },
        batch_item: items,
        ..ResponseMessage::default()
    })
}

/// What the spans of a batch that half succeeds and of a Create without an answer hold.
fn check_partial(spans: &[Span]) {
    let requests = named(spans, "kmip.request");
    let [batch, create] = requests[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(batch["items"], "2");
    assert_eq!(batch["result"], "\"partial\"");
    assert_eq!(batch["server_correlation_value"], "\"log entry 7\"");
    assert_eq!(create["result"], "\"error\"");
    assert!(
        create["error"].contains("(may have been performed)"),
        "{create:?}"
    );
    create["duration_us"].parse::<u64>().unwrap();
    assert!(
        !create.contains_key("response_bytes"),
        "nothing came: {create:?}"
    );
    let items = named(spans, "kmip.item");
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["operation"].as_str(),
                item.get("result").map(String::as_str),
            )
        })
        .collect();
    let expected = [
        ("Locate", Some("\"success\"")),
        ("Destroy", Some("\"failure\"")),
        ("Create", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(items[1]["reason"], "Permission Denied");
}

fn half() -> Batch<'static> {
    let destroy = DestroyRequest {
        unique_identifier: Some("key".into()),
        ..DestroyRequest::default()
    };
    Batch::independent()
        .with(LocateRequest::default())
        .with(destroy)
}

#[test]
fn spans_tell_of_batches_and_failures() {
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        let settings = answering(partial).version(ProtocolVersion::V1_4);
        let mut client = settings.connect().unwrap();
        client.send_batch(half()).unwrap();
        client.create(NewKey::aes(256)).unwrap_err();
    });
    check_partial(&spans.0.lock().unwrap());
}

/// Makes streams to a server in another thread.
struct InProcess;

impl AsyncConnect for InProcess {
    fn connect<'c>(&'c mut self, _: &'c ServerAddress, _: Deadline) -> Connecting<'c> {
        let (near, far) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let direction = MessageDirection::Requests;
            let far = Unbounded::new(far);
            let mut connection = Connection::new(far, "client", direction, 1 << 20, Timeouts::NONE);
            while let Ok(Some(request)) = connection.receive_or_end(Deadline::NEVER) {
                let request = kmip::ttlv::decode(request, &Options::default()).unwrap();
                let Some(response) = partial(&request) else {
                    return;
                };
                let mut bytes = Vec::new();
                kmip::ttlv::encode(&response, &mut bytes).unwrap();
                connection.send(&bytes, Deadline::NEVER).unwrap();
            }
        });
        Box::pin(async move {
            near.set_nonblocking(true).unwrap();
            let near = tokio::net::UnixStream::from_std(near).unwrap();
            Ok(Box::new(near) as Box<dyn AsyncStream>)
        })
    }
}

#[test]
fn spans_of_the_asynchronous_client_are_the_same() {
    let spans = Spans::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(spans.clone(), || {
        runtime.block_on(async {
            let settings = Client::builder("in.process".parse().unwrap())
                .connect_async_with(InProcess)
                .version(ProtocolVersion::V1_4);
            let mut client = settings.connect_async().await.unwrap();
            client.send_batch(half()).await.unwrap();
            client.create(NewKey::aes(256)).await.unwrap_err();
        });
    });
    check_partial(&spans.0.lock().unwrap());
}
