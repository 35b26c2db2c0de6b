//! Commands about sessions, and about operations that a server does later.

use std::fs;
use std::time::Instant;

use kmip::ProtocolVersion;
use kmip::client::Batch;
use kmip::types::{
    Enumeration, Interval, LoginRequest, LogoutRequest, PollRequest, ResponseBatchItem,
    ResponseHeader, ResponseMessage, ResponsePayload, ResultStatus,
};
use serde_json::json;

use super::show;
use crate::arguments::{Cancel, Color, Log, Login, Logout, Ping, Poll};
use crate::connect::{connect, ticket};
use crate::failure::Failure;
use crate::paint::Paint;
use crate::{decode, files, tree, values};

pub(super) fn login(options: &Login) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
    let answer = client.call(LoginRequest {
        lease_time: options.lease_time.map(Interval),
        request_count: options.requests,
        ..LoginRequest::default()
    })?;
    files::write(&options.output, ticket::to_text(&answer.ticket).as_bytes())?;
    match options.online.show.json {
        true => show::json(&json!({ "ticket": options.output })),
        false => show::line(&format!("ticket in {}", options.output.display())),
    }
}

pub(super) fn logout(options: &Logout) -> Result<(), Failure> {
    let ticket = ticket::read(&options.file)?;
    let mut client = connect(&options.online.server)?;
    client.call(LogoutRequest {
        ticket,
        ..LogoutRequest::default()
    })?;
    fs::remove_file(&options.file).map_err(Failure::writing(&options.file))?;
    match options.online.show.json {
        true => show::json(&json!({ "removed": options.file })),
        false => show::line("logged out"),
    }
}

pub(super) fn log(options: &Log) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
    client.log(&options.text)?;
    match options.online.show.json {
        true => show::json(&json!({ "logged": options.text })),
        false => Ok(()),
    }
}

pub(super) fn ping(options: &Ping) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
    let json = options.online.show.json;
    let mut times = Vec::new();
    for _ in 0..options.count {
        let start = Instant::now();
        client.ping()?;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        if !json {
            let server = show::printable(client.server());
            let version = client.version();
            show::line(&format!(
                "{server} answers in {milliseconds:.1} ms, KMIP {version}"
            ))?;
        }
        times.push(milliseconds);
    }
    match json {
        true => show::json(&json!({
            "server": client.server(),
            "version": client.version().to_string(),
            "milliseconds": times,
        })),
        false => Ok(()),
    }
}

pub(super) fn poll(options: &Poll) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
    let request = PollRequest {
        asynchronous_correlation_value: options.correlation.0.as_slice().into(),
        ..PollRequest::default()
    };
    let results = client.send_batch(Batch::new().with(request))?;
    let Some(result) = results.into_iter().next() else {
        return Err(Failure::Answer(
            "the server has answered nothing".to_owned(),
        ));
    };
    let payload = match result {
        Ok(payload) => payload,
        Err(error) => {
            return match error.asynchronous_correlation_value() {
                None => Err(error.into()),
                Some(_) if options.online.show.json => show::json(&json!({ "status": "pending" })),
                Some(_) => show::line("pending"),
            };
        }
    };
    let version = client.version();
    if options.online.show.json {
        let operation = payload.operation();
        let operation = operation.name().unwrap_or_default();
        return show::json(&json!({ "status": "done", "operation": operation }));
    }
    show::line("done")?;
    let shown = shown(payload, version, options.show_secrets)?;
    print!("{shown}");
    Ok(())
}

/// The payload of an answer as a tree.
fn shown(
    payload: ResponsePayload<'static>,
    version: ProtocolVersion,
    secrets: bool,
) -> Result<String, Failure> {
    let message = ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem {
            operation: Some(payload.operation()),
            result_status: ResultStatus::SUCCESS,
            response_payload: Some(payload),
            ..ResponseBatchItem::default()
        }],
        ..ResponseMessage::default()
    };
    let mut ttlv = Vec::new();
    kmip::Encoding::Ttlv
        .encode(&message, &mut ttlv)
        .map_err(|error| Failure::Answer(error.to_string()))?;
    let (nodes, _) = tree::read(&ttlv);
    let item = nodes
        .iter()
        .position(|node| node.tag == kmip::types::Tag::BATCH_ITEM);
    let nodes = &nodes[item.unwrap_or_default()..];
    Ok(decode::text(
        nodes,
        version,
        Paint::new(Color::Auto),
        secrets,
    ))
}

pub(super) fn cancel(options: &Cancel) -> Result<(), Failure> {
    let mut client = connect(&options.online.server)?;
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
