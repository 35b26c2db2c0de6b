//! What requests say beside their payloads: as little as need be, and no identifier twice.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kmip::ProtocolVersion as V;
use kmip::client::{Batch, ClientBuilder};
use kmip::types::{
    BatchErrorContinuationOption, IntoOwned, LocateRequest, LocateResponse, RequestMessage,
    ResponseBatchItem,
};
use support::{answering, response};

type Seen = Arc<Mutex<Vec<RequestMessage<'static>>>>;

/// A client of a server that finds nothing, and the requests that have come there.
fn watched() -> (ClientBuilder, Seen) {
    let seen = Seen::default();
    let server = answering({
        let seen = seen.clone();
        move |request| {
            seen.lock().unwrap().push(request.clone().into_owned());
            let items = request.batch_item.iter().map(|item| ResponseBatchItem {
                unique_batch_item_id: item.unique_batch_item_id.clone().into_owned(),
                ..ResponseBatchItem::success(LocateResponse::default())
            });
            let version = request.request_header.protocol_version;
            Some(response(version, items.collect()))
        }
    });
    (server, seen)
}

fn three() -> Batch<'static> {
    let locate = LocateRequest::default;
    Batch::new().with(locate()).with(locate()).with(locate())
}

#[test]
fn nothing_optional_is_said_unless_it_is_wanted() {
    for version in V::ALL {
        let (settings, seen) = watched();
        let mut client = settings.version(version).connect().unwrap();
        client.locate([], None).unwrap();
        let seen = seen.lock().unwrap();
        let header = &seen[0].request_header;
        let plain = kmip::types::RequestHeader {
            protocol_version: version,
            batch_count: 1,
            ..kmip::types::RequestHeader::default()
        };
        assert_eq!(*header, plain, "{version}");
    }
}

#[test]
fn what_is_wanted_is_said_with_each_request() {
    for version in V::ALL {
        let (settings, seen) = watched();
        let settings = settings
            .version(version)
            .maximum_response_size(8192)
            .client_correlation_value("backup of Monday");
        let mut client = settings.connect().unwrap();
        client.locate([], None).unwrap();
        client.send_batch(three()).unwrap();
        let undoing = three().on_error(BatchErrorContinuationOption::UNDO);
        client.send_batch(undoing).unwrap();
        let seen = seen.lock().unwrap();
        for request in seen.iter() {
            let header = &request.request_header;
            assert_eq!(header.maximum_response_size, Some(8192));
            let named = header.client_correlation_value.as_deref();
            let expected = (version >= V::V1_4).then_some("backup of Monday");
            assert_eq!(named, expected, "{version}");
        }
        let options = seen.iter().map(|request| {
            let header = &request.request_header;
            (
                header.batch_order_option,
                header.batch_error_continuation_option,
            )
        });
        // In order is the default from 2.0 on, and Stop always.
        let ordered = (version < V::V2_0).then_some(true);
        let undo = Some(BatchErrorContinuationOption::UNDO);
        let expected = [(None, None), (ordered, None), (ordered, undo)];
        assert_eq!(options.collect::<Vec<_>>(), expected, "{version}");
    }
}

#[test]
fn no_item_has_the_identifier_of_another() {
    let (settings, seen) = watched();
    let mut client = settings.version(V::V1_4).connect().unwrap();
    for _ in 0..5 {
        client.send_batch(three()).unwrap();
        client.disconnect();
    }
    let seen = seen.lock().unwrap();
    let items = seen.iter().flat_map(|request| &request.batch_item);
    let identifiers: BTreeSet<_> = items
        .map(|item| item.unique_batch_item_id.clone().expect("an identifier"))
        .collect();
    assert_eq!(identifiers.len(), 15);
}
