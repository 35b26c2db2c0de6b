//! A small key server for tests of client and engine, and servers that answer as a test says.

#![allow(dead_code)] // each test binary uses a part of it

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use kmip::client::ClientBuilder;
use kmip::codec::Options;
use kmip::server::{Call, Engine, Failure, Handler, Peer, ServeOptions, serve_connection};
use kmip::transport::{
    Connection, DEFAULT_MAXIMUM_MESSAGE_SIZE, Deadline, MessageDirection, Stream, Timeouts, memory,
};
use kmip::types::{
    ActivateResponse, CreateResponse, DestroyResponse, GetAttributesResponse, LocateResponse,
    Operation, ProtocolVersion, QueryResponse, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponseHeader, ResponseMessage, ResponsePayload, ResultReason, ResultStatus, State, Tag,
};
use kmip::types::{Attribute, Attributes, IntoOwned};

/// Keeps the attributes of objects in memory. Owners are kept apart.
#[derive(Debug, Default)]
pub(crate) struct Store {
    objects: Mutex<BTreeMap<String, Object>>,
    pub(crate) performed: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Object {
    owner: Option<String>,
    attributes: Attributes<'static>,
    state: State,
}

impl Store {
    pub(crate) fn len(&self) -> usize {
        self.objects.lock().unwrap().len()
    }

    pub(crate) fn state(&self, identifier: &str) -> Option<State> {
        Some(self.objects.lock().unwrap().get(identifier)?.state)
    }

    fn with<T>(
        &self,
        call: &Call<'_>,
        identifier: &str,
        action: impl FnOnce(&mut Object) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut objects = self.objects.lock().unwrap();
        let owned = objects.get_mut(identifier);
        match owned.filter(|object| object.owner.as_deref() == call.user()) {
            Some(object) => action(object),
            None => Err(Failure::new(
                ResultReason::OBJECT_NOT_FOUND,
                "no such object",
            )),
        }
    }
}

impl Handler for Store {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let number = self.performed.fetch_add(1, Ordering::SeqCst);
        match request {
            RequestPayload::Query(_) => Ok(QueryResponse {
                operation: vec![Operation::CREATE, Operation::QUERY],
                vendor_identification: Some("test".into()),
                ..QueryResponse::default()
            }
            .into()),
            RequestPayload::Create(create) => {
                if create
                    .attributes
                    .values(Tag::CRYPTOGRAPHIC_LENGTH)
                    .next()
                    .is_none()
                {
                    let reason = ResultReason::INVALID_FIELD;
                    return Err(Failure::new(reason, "a key needs a length"));
                }
                let identifier = format!("key-{number}");
                let object = Object {
                    owner: call.user().map(str::to_owned),
                    attributes: create.attributes.into_owned(),
                    state: State::PRE_ACTIVE,
                };
                self.objects
                    .lock()
                    .unwrap()
                    .insert(identifier.clone(), object);
                Ok(CreateResponse {
                    object_type: create.object_type,
                    unique_identifier: identifier.into(),
                    ..CreateResponse::default()
                }
                .into())
            }
            RequestPayload::Activate(activate) => {
                let identifier = call.identify(activate.unique_identifier.as_ref())?;
                self.with(call, &identifier, |object| {
                    if object.state != State::PRE_ACTIVE {
                        let reason = ResultReason::WRONG_KEY_LIFECYCLE_STATE;
                        return Err(Failure::new(reason, "already active"));
                    }
                    object.state = State::ACTIVE;
                    Ok(())
                })?;
                Ok(ActivateResponse {
                    unique_identifier: identifier.into(),
                    ..ActivateResponse::default()
                }
                .into())
            }
            RequestPayload::GetAttributes(get) => {
                let identifier = call.identify(get.unique_identifier.as_ref())?;
                let object = self.with(call, &identifier, |object| Ok(object.clone()))?;
                Ok(GetAttributesResponse {
                    unique_identifier: identifier.into(),
                    attributes: object.attributes.with(Attribute::state(object.state)),
                    ..GetAttributesResponse::default()
                }
                .into())
            }
            RequestPayload::Locate(_) => Ok(LocateResponse {
                unique_identifier: {
                    let objects = self.objects.lock().unwrap();
                    let owned = objects.iter();
                    let owned = owned.filter(|(_, object)| object.owner.as_deref() == call.user());
                    owned
                        .map(|(identifier, _)| identifier.clone().into())
                        .collect()
                },
                ..LocateResponse::default()
            }
            .into()),
            RequestPayload::Destroy(destroy) => {
                let identifier = call.identify(destroy.unique_identifier.as_ref())?;
                self.with(call, &identifier, |_| Ok(()))?;
                self.objects.lock().unwrap().remove(&identifier);
                Ok(DestroyResponse {
                    unique_identifier: identifier.into(),
                    ..DestroyResponse::default()
                }
                .into())
            }
            RequestPayload::Ping(_) => panic!("a mistake of the handler"),
            other => Err(Failure::operation_not_supported(other.operation())),
        }
    }

    fn can_undo(&self, operation: Operation) -> bool {
        matches!(operation, Operation::CREATE | Operation::GET_ATTRIBUTES)
    }

    fn undo(&self, _call: &Call<'_>, done: &ResponsePayload<'_>) -> Result<(), Failure> {
        if let ResponsePayload::Create(created) = done {
            let identifier = created.unique_identifier.as_text().unwrap_or_default();
            self.objects.lock().unwrap().remove(identifier);
        }
        Ok(())
    }
}

/// A client of an engine in the same process. Each connection has a thread of its own.
pub(crate) fn in_memory<H: Handler + 'static>(engine: &Arc<Engine<H>>) -> ClientBuilder {
    let engine = engine.clone();
    connecting(move |stream, _| {
        let options = ServeOptions::default();
        let _ = serve_connection(&engine, stream, &Peer::local(), &options);
    })
}

/// A client whose connections, counted from 0, are served by `serve`.
pub(crate) fn connecting(
    serve: impl Fn(memory::MemoryStream, usize) + Send + Sync + 'static,
) -> ClientBuilder {
    let serve = Arc::new(serve);
    let count = AtomicUsize::new(0);
    kmip::client::Client::builder("in.memory".parse().unwrap()).connect_with(
        move |_: &kmip::transport::ServerAddress, _: Deadline| {
            let (near, far) = memory::pair();
            let (serve, number) = (serve.clone(), count.fetch_add(1, Ordering::SeqCst));
            thread::spawn(move || serve(far, number));
            Ok(Box::new(near) as Box<dyn Stream>)
        },
    )
}

/// A client of a server that answers each request as `answer` says, or closes the connection.
pub(crate) fn answering(
    answer: impl Fn(&RequestMessage<'_>) -> Option<ResponseMessage<'static>> + Send + Sync + 'static,
) -> ClientBuilder {
    connecting(move |stream, _| answer_all(stream, &answer))
}

/// Answers all requests until one is not to be answered.
pub(crate) fn answer_all(
    stream: memory::MemoryStream,
    answer: &impl Fn(&RequestMessage<'_>) -> Option<ResponseMessage<'static>>,
) {
    answer_some(stream, usize::MAX, answer);
}

/// Answers one request and closes the connection.
pub(crate) fn answer_one(
    stream: memory::MemoryStream,
    answer: &impl Fn(&RequestMessage<'_>) -> Option<ResponseMessage<'static>>,
) {
    answer_some(stream, 1, answer);
}

fn answer_some(
    stream: memory::MemoryStream,
    count: usize,
    answer: &impl Fn(&RequestMessage<'_>) -> Option<ResponseMessage<'static>>,
) {
    let direction = MessageDirection::Requests;
    let maximum = DEFAULT_MAXIMUM_MESSAGE_SIZE;
    let mut connection = Connection::new(stream, "client", direction, maximum, Timeouts::NONE);
    for _ in 0..count {
        let Ok(Some(request)) = connection.receive_or_end(Deadline::NEVER) else {
            return;
        };
        let request = kmip::ttlv::decode(request, &Options::default()).unwrap();
        let Some(response) = answer(&request) else {
            return;
        };
        let mut bytes = Vec::new();
        kmip::ttlv::encode(&response, &mut bytes).unwrap();
        if connection.send(&bytes, Deadline::NEVER).is_err() {
            return;
        }
    }
}

/// A response with these items.
pub(crate) fn response(
    version: ProtocolVersion,
    items: Vec<ResponseBatchItem<'static>>,
) -> ResponseMessage<'static> {
    ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            batch_count: items.len() as i32,
            ..ResponseHeader::default()
        },
        batch_item: items,
        ..ResponseMessage::default()
    }
}

/// The item of a failed operation.
pub(crate) fn failure(
    operation: Option<Operation>,
    reason: ResultReason,
) -> ResponseBatchItem<'static> {
    ResponseBatchItem {
        operation,
        result_status: ResultStatus::OPERATION_FAILED,
        result_reason: Some(reason),
        result_message: Some("no\nway".into()),
        ..ResponseBatchItem::default()
    }
}
