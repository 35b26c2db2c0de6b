//! Random but valid requests and responses, at least one of each operation.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use kmip::ProtocolVersion;
use kmip::types::{
    Enumeration, IntoOwned, Operation, RequestMessage, RequestPayload, ResponseMessage,
    ResponsePayload,
};

/// Operations that only a server sends, to a client.
const TO_CLIENTS: [Operation; 2] = [Operation::NOTIFY, Operation::PUT];

/// Random messages in which each operation of a version has to occur.
const MESSAGES: u64 = 3000;

/// A request and its response.
pub(crate) type Pair = (RequestPayload<'static>, ResponsePayload<'static>);

/// The operations that a client of a version has, by the tables.
pub(crate) fn operations(version: ProtocolVersion) -> Vec<Operation> {
    let values = Operation::TABLE.values.iter();
    let defined = values.filter(|value| value.is_defined_in(version));
    let operations = defined.map(|value| Operation(value.value));
    operations.filter(|one| !TO_CLIENTS.contains(one)).collect()
}

/// One pair for each operation of a version.
pub(crate) fn pairs(version: ProtocolVersion) -> BTreeMap<u32, Pair> {
    let wanted = operations(version);
    let mut requests = BTreeMap::new();
    let mut responses = BTreeMap::new();
    for seed in 0..MESSAGES {
        if requests.len() == wanted.len() && responses.len() == wanted.len() {
            break;
        }
        let noise = noise(seed);
        let mut u = Unstructured::new(&noise);
        let payloads = requests_of(&mut u, version).into_iter();
        for payload in payloads.filter(|payload| !needs_an_earlier_item(payload)) {
            requests
                .entry(payload.operation().value())
                .or_insert(payload);
        }
        let response = ResponseMessage::arbitrary_of(&mut u, version).expect("noise");
        let payloads = response.batch_item.into_iter();
        for payload in payloads.filter_map(|item| item.response_payload) {
            let number = payload.operation().value();
            responses
                .entry(number)
                .or_insert_with(|| payload.into_owned());
        }
        let wanted = |number: &u32| wanted.contains(&Operation(*number));
        requests.retain(|number, _| wanted(number));
        responses.retain(|number, _| wanted(number));
    }
    let pair = |operation: Operation| {
        let number = operation.value();
        let request = requests.remove(&number);
        let pair = request.zip(responses.remove(&number));
        let pair = pair.unwrap_or_else(|| panic!("no {operation:?} of {version}"));
        (number, pair)
    };
    wanted.into_iter().map(pair).collect()
}

/// Whether the data of a request are those of an earlier item of its batch. Alone, such a request is
/// refused.
fn needs_an_earlier_item(request: &RequestPayload<'_>) -> bool {
    let data = match request {
        RequestPayload::Encrypt(request) => request.data.as_ref(),
        RequestPayload::Decrypt(request) => request.data.as_ref(),
        RequestPayload::Sign(request) => request.data.as_ref(),
        RequestPayload::SignatureVerify(request) => request.data.as_ref(),
        RequestPayload::Mac(request) => request.data.as_ref(),
        RequestPayload::MacVerify(request) => request.data.as_ref(),
        RequestPayload::Hash(request) => request.data.as_ref(),
        RequestPayload::RngSeed(request) => Some(&request.data),
        _ => None,
    };
    data.is_some_and(|data| data.as_bytes().is_none())
}

/// Random requests of a version.
pub(crate) fn requests(version: ProtocolVersion, seed: u64) -> Vec<RequestPayload<'static>> {
    requests_of(&mut Unstructured::new(&noise(seed)), version)
}

fn requests_of(u: &mut Unstructured<'_>, version: ProtocolVersion) -> Vec<RequestPayload<'static>> {
    let request = RequestMessage::arbitrary_of(u, version).expect("noise");
    let items = request.batch_item.into_iter();
    items
        .map(|item| item.request_payload.into_owned())
        .collect()
}

/// Random bytes; most messages need less.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = (seed + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..4000).map(next).collect()
}
