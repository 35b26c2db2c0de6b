//! `kmip locate` with many objects: all of them, in few messages.

mod common;
#[path = "common/server.rs"]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::server::{Call, Engine, Failure, Handler};
use kmip::types::{
    Attribute, GetAttributesResponse, LocateResponse, RequestPayload, ResponsePayload,
    ResultReason, State, UniqueIdentifier,
};
use server::World;

/// Emulated processors are slow.
fn objects() -> usize {
    match test_support::is_emulated() {
        true => 1000,
        false => 10_000,
    }
}

/// Has so many objects, and counts messages by their items.
#[derive(Default)]
struct Many {
    objects: usize,
    /// Objects that are gone when their attributes are asked for.
    gone: usize,
    /// Whether batches are refused.
    single: bool,
    items: AtomicUsize,
    messages: AtomicUsize,
}

impl Handler for Many {
    fn handle(
        &self,
        call: &Call<'_>,
        request: RequestPayload<'_>,
    ) -> Result<ResponsePayload<'static>, Failure> {
        let batch = call.header().batch_count as usize;
        // One client, and one item after the other.
        if self.items.fetch_add(1, Ordering::SeqCst) + 1 == batch {
            self.items.store(0, Ordering::SeqCst);
            self.messages.fetch_add(1, Ordering::SeqCst);
        }
        match request {
            RequestPayload::Locate(_) => Ok(LocateResponse {
                unique_identifier: (0..self.objects).map(|n| id(n).into()).collect(),
                ..LocateResponse::default()
            }
            .into()),
            RequestPayload::GetAttributes(_) if self.single && batch > 1 => Err(Failure::new(
                ResultReason::FEATURE_NOT_SUPPORTED,
                "one at a time",
            )),
            RequestPayload::GetAttributes(get) => {
                let object = get.unique_identifier.as_ref();
                let object = object
                    .and_then(UniqueIdentifier::as_text)
                    .unwrap_or_default();
                if (0..self.gone).any(|number| id(number) == object) {
                    return Err(Failure::new(ResultReason::OBJECT_NOT_FOUND, "gone"));
                }
                Ok(GetAttributesResponse {
                    unique_identifier: object.to_owned().into(),
                    attributes: [
                        Attribute::cryptographic_length(256),
                        Attribute::state(State::ACTIVE),
                    ]
                    .into(),
                    ..GetAttributesResponse::default()
                }
                .into())
            }
            other => Err(Failure::operation_not_supported(other.operation())),
        }
    }
}

fn id(number: usize) -> String {
    format!("4a7c57b7-c581-487a-afa7-{number:012}")
}

/// What `kmip locate --json` shows of a server, and in how many messages it asked.
fn listed(many: Many) -> (Vec<serde_json::Value>, usize) {
    let world = World::new();
    let engine = Arc::new(Engine::new(many));
    let server = world.within(engine.clone());
    let address = server.address().to_string();
    let options = [
        "locate",
        "--json",
        "--kmip-version",
        "1.4",
        "-s",
        &address,
        "--ca",
    ];
    let mut command = common::kmip();
    command.args(options).arg(world.path("dev/ca.crt"));
    command.arg("--cert").arg(world.path("dev/client.crt"));
    let output = command
        .arg("--key")
        .arg(world.path("dev/client.key"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    // No bar where there is no terminal.
    assert_eq!(errors, "");
    let list = serde_json::from_slice(&output.stdout).unwrap();
    (list, engine.handler().messages.load(Ordering::SeqCst))
}

#[test]
fn a_long_list_takes_a_message_for_fifty_objects() {
    let objects = objects();
    let (list, messages) = listed(Many {
        objects,
        ..Many::default()
    });
    assert_eq!(list.len(), objects);
    assert_eq!(list[objects - 1]["id"], id(objects - 1));
    assert!(
        list.iter()
            .all(|one| one["state"] == "Active" && one["length"] == "256")
    );
    assert!(messages <= 1 + objects / 50, "{messages} messages");
}

#[test]
fn objects_that_go_meanwhile_do_not_hide_the_others() {
    let (list, messages) = listed(Many {
        objects: 120,
        gone: 50,
        ..Many::default()
    });
    assert_eq!(list.len(), 120);
    for (number, one) in list.iter().enumerate() {
        let error = one["error"].as_str();
        assert_eq!(error.is_some(), number < 50, "{one}");
        assert!(
            error.is_none_or(|error| error.contains("Item Not Found")),
            "{one}"
        );
    }
    // The first batch failed as a whole, so its objects were asked for one by one.
    assert_eq!(messages, 1 + 3 + 50);
}

#[test]
fn a_server_without_batches_is_asked_for_one_object_at_a_time() {
    let (list, _) = listed(Many {
        objects: 60,
        single: true,
        ..Many::default()
    });
    assert!(list.iter().all(|one| one["state"] == "Active"), "{list:?}");
    assert_eq!(list.len(), 60);
}
