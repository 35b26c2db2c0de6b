//! A client and what servers may answer: one result for each request, or one error.

#![no_main]

use kmip::ProtocolVersion;
use kmip::client::{Batch, Session};
use kmip::types::{
    ActivateRequest, CreateRequest, GetAttributesRequest, GetRequest, LocateRequest, QueryFunction,
    QueryRequest,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else {
        return;
    };
    let batch = match choice & 3 {
        0 => Batch::new().with(GetRequest::default()),
        1 => Batch::new().with(QueryRequest {
            query_function: vec![QueryFunction::QUERY_OPERATIONS],
            ..QueryRequest::default()
        }),
        2 => Batch::new()
            .with(CreateRequest::default())
            .with(ActivateRequest::default()),
        _ => Batch::new()
            .with(LocateRequest::default())
            .with(GetRequest::default())
            .with(GetAttributesRequest::default()),
    };
    let session = Session::new("fuzzer", ProtocolVersion::V1_4);
    let expected = batch.len();
    let request = session
        .encode(batch, &mut Vec::new())
        .expect("requests that 1.4 has");
    // The same bytes as they are, and as what makes a sound message.
    let answers = [rest.to_vec(), kmip_fuzz::message(rest, false)];
    for answer in &answers[usize::from(choice >> 7)..] {
        match session.decode(answer, &request) {
            Ok(results) => assert_eq!(results.len(), expected),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
