//! What the errors of both clients tell, to people and to programs.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use kmip::client::{Client, Error, Problem};
use kmip::types::{
    ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseMessage, ResultReason, ResultStatus,
};

use crate::support::failure;
use crate::world::{Act, Server, answer, changing, each, encoded};

/// An error and its causes, outermost first.
fn chain(error: &Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts
}

fn check(error: &Error, server: &Server, operation: &str, retryable: bool) {
    let texts = chain(error);
    let address = server.server.address().to_string();
    assert!(texts[0].contains(&address), "{texts:?}");
    assert!(texts[0].contains(operation), "{texts:?}");
    // What is wrong with an answer has no further cause.
    let is_last = matches!(error.problem(), Problem::Response(_));
    assert_eq!(texts.len() == 1, is_last, "{texts:?}");
    assert_eq!(error.is_retryable(), retryable, "{texts:?}");
    assert!(!error.is_not_found(), "{texts:?}");
    assert_eq!(error.result_reason(), None, "{texts:?}");
}

/// What a server does to its first connection instead of answering.
fn misbehaving(fault: fn(Vec<u8>) -> Act) -> Server {
    Server::start(move |number, request| {
        let bytes = encoded(&answer(request));
        match number {
            0 => fault(bytes),
            _ => Act::Send(bytes),
        }
    })
}

#[test]
fn errors_of_the_transport_name_server_and_operation_and_only_harmless_ones_are_retryable() {
    let faults: [fn(Vec<u8>) -> Act; 7] = [
        |_| Act::SendAndClose(Vec::new()),
        |bytes| Act::SendAndClose(bytes[..7].to_vec()),
        |bytes| Act::SendAndClose(bytes[..bytes.len() - 1].to_vec()),
        |bytes| Act::SendAndStall(bytes[..9].to_vec()),
        |_| Act::SendAndStall(b"\x42\x00\x7B\x01\xFF\xFF\xFF\xF8".to_vec()),
        |_| Act::SendAndStall(b"\x42\x00\x7B\x01\x00\x00\x00\x07".to_vec()),
        |_| Act::SendAndClose(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ];
    for fault in faults {
        each(
            || misbehaving(fault),
            |server, subject| {
                let error = subject.create().unwrap_err();
                check(&error, server, "Create", false);
                assert!(
                    matches!(error.problem(), Problem::Transport(_)),
                    "{error:?}"
                );
                assert_eq!(server.performed(), 1);
                subject.create().unwrap();
            },
        );
        each(
            || misbehaving(fault),
            |server, subject| {
                check(&subject.locate().unwrap_err(), server, "Locate", true);
                subject.locate().unwrap();
            },
        );
    }
}

#[test]
fn errors_of_the_answer_name_server_and_operation_and_are_not_retryable() {
    let damaged = |change: fn(&mut Vec<u8>)| {
        move || {
            Server::start(move |number, request| {
                let mut bytes = encoded(&answer(request));
                if number == 0 {
                    change(&mut bytes);
                }
                Act::Send(bytes)
            })
        }
    };
    let changes: [fn(&mut Vec<u8>); 4] = [
        // The header is no structure, an item is longer than what is around it, and of no type.
        |bytes| bytes[11] = 0x02,
        |bytes| bytes[15] = 0xF8,
        |bytes| bytes[11] = 0xEE,
        // There is no Batch Item.
        |bytes| {
            let header = u32::from_be_bytes(bytes[12..16].try_into().unwrap()) + 8;
            bytes[4..8].copy_from_slice(&header.to_be_bytes());
            bytes.truncate(8 + header as usize);
        },
    ];
    for change in changes {
        each(damaged(change), |server, subject| {
            let error = subject.locate().unwrap_err();
            check(&error, server, "Locate", false);
            assert!(matches!(error.problem(), Problem::Decode(_)), "{error:?}");
            subject.locate().unwrap();
        });
    }
    let one_more: fn(&mut ResponseMessage<'static>) = |response| {
        response.batch_item.push(response.batch_item[0].clone());
        response.response_header.batch_count = 2;
    };
    let no_payload: fn(&mut ResponseMessage<'static>) =
        |response| response.batch_item[0].response_payload = None;
    for change in [one_more, no_payload] {
        each(
            || changing(change),
            |server, subject| {
                let error = subject.create().unwrap_err();
                check(&error, server, "Create", false);
                assert!(matches!(error.problem(), Problem::Response(_)), "{error:?}");
                assert_eq!(server.performed(), 1);
                subject.create().unwrap();
            },
        );
    }
}

/// A server that refuses everything for this reason.
fn refusing(reason: ResultReason) -> Server {
    Server::start(move |_, request: &RequestMessage<'_>| {
        let mut response = answer(request);
        for item in &mut response.batch_item {
            *item = ResponseBatchItem {
                unique_batch_item_id: item.unique_batch_item_id.take(),
                result_message: Some("for this reason".into()),
                ..failure(item.operation, reason)
            };
        }
        Act::Send(encoded(&response))
    })
}

#[test]
fn a_refusal_tells_its_reason_even_an_unknown_one() {
    for (reason, not_found) in [
        (ResultReason::ITEM_NOT_FOUND, true),
        (ResultReason::OBJECT_NOT_FOUND, true),
        (ResultReason::PERMISSION_DENIED, false),
        (ResultReason(0x8000_0042), false),
    ] {
        each(
            || refusing(reason),
            |server, subject| {
                let error = subject.create().unwrap_err();
                assert_eq!(error.is_not_found(), not_found);
                assert_eq!(error.result_reason(), Some(reason));
                assert_eq!(error.result_status(), Some(ResultStatus::OPERATION_FAILED));
                assert_eq!(error.result_message(), Some("for this reason"));
                assert!(!error.is_retryable(), "the answer would be the same");
                let text = error.to_string();
                for part in [
                    "Create",
                    "for this reason",
                    &server.server.address().to_string(),
                ] {
                    assert!(text.contains(part), "{text}");
                }
                // The connection is all right.
                subject.create().unwrap_err();
                assert_eq!(server.server.connections(), 1);
            },
        );
    }
}

#[test]
fn an_unknown_status_is_no_success() {
    let unknown: fn(&mut ResponseMessage<'static>) =
        |response| response.batch_item[0].result_status = ResultStatus(0x8000_0001);
    each(
        || changing(unknown),
        |_, subject| {
            let error = subject.create().unwrap_err();
            assert_eq!(error.result_status(), Some(ResultStatus(0x8000_0001)));
            assert!(!error.is_retryable());
        },
    );
}

#[test]
fn a_server_that_is_not_there_can_be_tried_again_whatever_was_asked_for() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let settings = || {
        Client::builder(address.to_string().parse().unwrap())
            .without_tls()
            .version(ProtocolVersion::V1_4)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for error in [
        settings().connect().unwrap_err(),
        runtime.block_on(settings().connect_async()).unwrap_err(),
    ] {
        assert!(error.is_retryable() && error.is_transient(), "{error:?}");
        let texts = chain(&error);
        assert!(texts[0].contains(&address.to_string()), "{texts:?}");
        let refused = io::Error::from(ErrorKind::ConnectionRefused)
            .kind()
            .to_string();
        let all = texts.join("; ").to_lowercase();
        assert!(all.contains(&refused), "{all}");
    }
}
