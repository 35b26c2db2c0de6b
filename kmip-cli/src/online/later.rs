//! Commands about operations that a server does later.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use kmip::ProtocolVersion;
use kmip::client::{Batch, Client, Error};
use kmip::types::{
    AsynchronousCorrelationValues, Enumeration, Operations, PollRequest, ProcessRequest,
    QueryAsynchronousRequestsRequest, ResponseBatchItem, ResponseHeader, ResponseMessage,
    ResponsePayload, ResultReason, Tag,
};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

use super::show;
use crate::arguments::{Color, Correlated, Poll, QueryAsynchronousRequests};
use crate::connect::connect;
use crate::failure::{Failure, LATER};
use crate::paint::Paint;
use crate::tree::{self, Node};
use crate::{decode, values};

/// Time between two questions.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn poll(options: &Poll) -> Result<ExitCode, Failure> {
    let mut client = connect(&options.online)?;
    let correlation = &options.correlation.0;
    let mut answer = ask(&mut client, correlation);
    if options.online.server.kmip_version.is_none() {
        answer = in_other_versions(&mut client, correlation, answer);
    }
    let payload = loop {
        match answer {
            Ok(payload) => break payload,
            Err(error) if error.asynchronous_correlation_value().is_none() => {
                return Err(error.into());
            }
            Err(_) if options.wait => {
                thread::sleep(PAUSE);
                answer = ask(&mut client, correlation);
            }
            Err(_) => {
                match options.online.show.json {
                    true => show::json(&json!({ "status": "pending" }))?,
                    false => show::line("pending")?,
                }
                return Ok(ExitCode::from(LATER));
            }
        }
    };
    let version = client.version();
    if options.online.show.json {
        let operation = payload.operation();
        let operation = operation.name().unwrap_or_default();
        let tree = values_of(payload, version, options.show_secrets)?;
        show::json(&json!({ "status": "done", "operation": operation, "payload": tree }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = shown(payload, version, options.show_secrets)?;
    show::line(&format!("done\n{}", shown.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

fn ask(client: &mut Client, correlation: &[u8]) -> Result<ResponsePayload<'static>, Error> {
    let request = PollRequest {
        asynchronous_correlation_value: correlation.into(),
        ..PollRequest::default()
    };
    let mut results = client.send_batch(Batch::new().with(request))?;
    // As many results as requests: the client sees to it.
    results.remove(0)
}

/// Servers may know an operation only in the version in which it was asked for. Afterwards the
/// client speaks the version of the answer.
fn in_other_versions(
    client: &mut Client,
    correlation: &[u8],
    first: Result<ResponsePayload<'static>, Error>,
) -> Result<ResponsePayload<'static>, Error> {
    let unknown = |answer: &Result<_, Error>| matches!(answer, Err(error) if is_unknown(error));
    if !unknown(&first) {
        return first;
    }
    let own = client.version();
    let older = ProtocolVersion::ALL.into_iter().rev();
    for version in older.filter(|version| *version < own) {
        client.set_version(version);
        let answer = ask(client, correlation);
        let refuses_version = matches!(&answer, Err(error)
            if error.result_reason() == Some(ResultReason::UNSUPPORTED_PROTOCOL_VERSION));
        if !unknown(&answer) && !refuses_version {
            return answer;
        }
    }
    client.set_version(own);
    first
}

/// Whether the server does not know the correlation value.
fn is_unknown(error: &Error) -> bool {
    let unknown = [
        ResultReason::ITEM_NOT_FOUND,
        ResultReason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
        ResultReason::INVALID_FIELD,
    ];
    error
        .result_reason()
        .is_some_and(|reason| unknown.contains(&reason))
}

/// The payload of an answer as a tree.
fn shown(
    payload: ResponsePayload<'static>,
    version: ProtocolVersion,
    secrets: bool,
) -> Result<String, Failure> {
    let message = encoded(payload, version)?;
    let (nodes, _) = tree::read(&message);
    let item = from(&nodes, Tag::BATCH_ITEM);
    let paint = Paint::new(Color::Auto);
    Ok(decode::text(item, version, paint, secrets))
}

/// The payload of an answer for programs.
fn values_of(
    payload: ResponsePayload<'static>,
    version: ProtocolVersion,
    secrets: bool,
) -> Result<Json, Failure> {
    let message = encoded(payload, version)?;
    let (nodes, _) = tree::read(&message);
    Ok(show::to_json(
        from(&nodes, Tag::RESPONSE_PAYLOAD),
        version,
        secrets,
    ))
}

/// A message with nothing but the payload.
fn encoded(
    payload: ResponsePayload<'static>,
    version: ProtocolVersion,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let message = ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem::success(payload)],
        ..ResponseMessage::default()
    };
    let mut ttlv = Zeroizing::new(Vec::new());
    kmip::Encoding::Ttlv
        .encode(&message, &mut ttlv)
        .map_err(|error| Failure::Answer(error.to_string()))?;
    Ok(ttlv)
}

/// The items from the first one with a tag on.
fn from<'n, 'a>(nodes: &'n [Node<'a>], tag: Tag) -> &'n [Node<'a>] {
    let begin = nodes.iter().position(|node| node.tag == tag);
    &nodes[begin.unwrap_or_default()..]
}

pub(super) fn cancel(options: &Correlated) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let result = client.cancel(&options.correlation.0)?;
    let name = result.name().unwrap_or("unknown");
    match options.online.show.json {
        true => show::json(&json!({
            "correlation": values::to_hex(&options.correlation.0),
            "result": name,
        })),
        false => show::line(name),
    }
}

pub(super) fn process(options: &Correlated) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    client.call(ProcessRequest {
        asynchronous_correlation_value: options.correlation.0.as_slice().into(),
        ..ProcessRequest::default()
    })?;
    let correlation = values::to_hex(&options.correlation.0);
    match options.online.show.json {
        true => show::json(&json!({ "correlation": correlation, "processed": true })),
        false => show::line(&format!("{correlation} is processed")),
    }
}

pub(super) fn query(options: &QueryAsynchronousRequests) -> Result<(), Failure> {
    let mut client = connect(&options.online)?;
    let wanted = options
        .correlation
        .as_ref()
        .map(|one| AsynchronousCorrelationValues {
            asynchronous_correlation_value: Some(one.0.as_slice().into()),
            ..AsynchronousCorrelationValues::default()
        });
    let operations = (!options.operations.is_empty()).then(|| Operations {
        operation: options.operations.clone(),
        ..Operations::default()
    });
    let answer = client.call(QueryAsynchronousRequestsRequest {
        asynchronous_correlation_values: wanted,
        operations,
        ..QueryAsynchronousRequestsRequest::default()
    })?;
    let columns = ["correlation", "operation", "stage", "submitted"];
    let rows = answer.asynchronous_request.iter().map(|request| {
        [
            values::to_hex(&request.asynchronous_correlation_value),
            show::named(request.operation),
            show::named(request.processing_stage),
            request.submission_date.to_string(),
        ]
    });
    match options.online.show.json {
        true => {
            let named = |row: [String; 4]| -> Json {
                let pairs = columns.map(str::to_owned).into_iter().zip(row);
                pairs.map(|(name, text)| (name, Json::from(text))).collect()
            };
            show::json(&rows.map(named).collect())
        }
        false => show::table(&columns, rows.map(|row| row.to_vec()).collect()),
    }
}
