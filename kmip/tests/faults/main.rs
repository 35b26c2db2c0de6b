//! Both clients against a server that misbehaves in all the ways it can: nothing hangs, nothing is
//! done twice, no answer is taken for that of another request, and every error says what it should.

mod cancelled;
mod errors;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmip::client::{Problem, ResponseFault};
use kmip::transport::{Cause, FrameError};
use kmip::types::{
    GetAttributesResponse, ProtocolVersion, RawItem, RawValue, ResponseBatchItem, ResponseMessage,
    State, Tag,
};

use world::{Act, Server, answer, changing, each, encoded};

#[test]
fn one_byte_in_each_tls_record_is_enough() {
    let trickling = || Server::start(|_, request| Act::Trickle(encoded(&answer(request))));
    each(trickling, |server, subject| {
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
        subject.create().unwrap();
        assert_eq!((server.performed(), server.server.connections()), (2, 1));
    });
}

#[test]
fn a_connection_that_ends_in_a_header_is_an_error_and_the_next_request_works() {
    let closing = || {
        Server::start(|number, request| {
            let bytes = encoded(&answer(request));
            match number {
                0 => Act::SendAndClose(bytes[..3].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(closing, |server, subject| {
        let error = subject.create().unwrap_err();
        let Problem::Transport(transport) = error.problem() else {
            panic!("{error:?}");
        };
        assert!(matches!(
            transport.cause(),
            Cause::Closed { received: 3, .. }
        ));
        assert!(!error.is_retryable(), "it may have been performed");
        assert_eq!(server.performed(), 1, "and is not performed again");
        subject.create().unwrap();
        assert_eq!(server.performed(), 2);
    });
    each(closing, |_, subject| {
        assert!(subject.locate().unwrap_err().is_retryable());
    });
}

#[test]
fn on_a_connection_that_had_worked_only_what_is_harmless_is_repeated() {
    let closing_second = || {
        let answered = AtomicUsize::new(0);
        Server::start(move |number, request| {
            let bytes = encoded(&answer(request));
            match (number, answered.fetch_add(1, Ordering::SeqCst)) {
                (0, 1..) => Act::SendAndClose(bytes[..20].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(closing_second, |server, subject| {
        subject.locate().unwrap();
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
        assert_eq!(server.performed(), 3, "one, one lost, one repeated");
    });
    each(closing_second, |server, subject| {
        subject.locate().unwrap();
        subject.create().unwrap_err();
        assert_eq!(server.performed(), 2, "Create is not sent twice");
    });
}

#[test]
fn a_server_that_stalls_is_left_at_the_deadline() {
    let stalling = || {
        Server::start(|number, request| {
            let bytes = encoded(&answer(request));
            match number {
                0 => Act::SendAndStall(bytes[..bytes.len() / 2].to_vec()),
                _ => Act::Send(bytes),
            }
        })
    };
    each(stalling, |server, subject| {
        let error = subject.create().unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(server.performed(), 1);
        // The late half must not become part of another answer.
        assert_eq!(subject.locate().unwrap(), ["a".into()]);
    });
}

#[test]
fn responses_that_do_not_fit_are_refused_and_their_connection_is_left() {
    type Change = fn(&mut ResponseMessage<'static>);
    let wrong_count: Change = |response| response.response_header.batch_count = 7;
    let negative: Change = |response| response.response_header.batch_count = -1;
    let other_item: Change = |response| {
        response.batch_item[0].unique_batch_item_id = Some(b"another".to_vec().into());
    };
    let other_operation: Change = |response| {
        let id = response.batch_item[0].unique_batch_item_id.take();
        response.batch_item[0] = ResponseBatchItem {
            unique_batch_item_id: id,
            ..ResponseBatchItem::success(GetAttributesResponse::default())
        };
    };
    for (change, expected) in [
        (wrong_count, "announces 7 items and has 1"),
        (negative, "announces -1 items and has 1"),
        (other_item, "Unique Batch Item ID"),
        (other_operation, "instead of"),
    ] {
        each(
            || changing(change),
            |server, subject| {
                let error = subject.create().unwrap_err();
                assert!(matches!(error.problem(), Problem::Response(_)), "{error:?}");
                assert!(error.to_string().contains(expected), "{error}");
                assert!(error.to_string().contains("Create"), "{error}");
                assert_eq!(server.performed(), 1);
                subject.create().unwrap();
                assert_eq!(server.server.connections(), 2);
            },
        );
    }
}

#[test]
fn the_late_answer_to_another_request_is_not_taken_for_this_one() {
    // As a server would that answers the second request with what belongs to the first.
    let stale = || {
        let first = OnceLock::new();
        Server::start(move |_, request| {
            let bytes = encoded(&answer(request));
            Act::Send(first.get_or_init(|| bytes).clone())
        })
    };
    each(stale, |server, subject| {
        subject.create().unwrap();
        let error = subject.create().unwrap_err();
        let fault = |problem: &Problem| match problem {
            Problem::Response(fault) => Some(fault.clone()),
            _ => None,
        };
        assert_eq!(fault(error.problem()), Some(ResponseFault::ItemId));
        assert_eq!(server.performed(), 2);
    });
}

#[test]
fn what_is_new_or_misplaced_in_a_response_does_no_harm() {
    let newer: fn(&mut ResponseMessage<'static>) = |response| {
        response.response_header.protocol_version = ProtocolVersion::V1_0;
        response.response_header.extra.push(RawItem {
            tag: Tag::SERVER_CORRELATION_VALUE,
            value: RawValue::from("newer than 1.0"),
        });
    };
    let extra: fn(&mut ResponseMessage<'static>) = |response| {
        let item = &mut response.batch_item[0];
        for tag in [Tag(0x54_0001), Tag::OBJECT_TYPE, Tag::UNIQUE_BATCH_ITEM_ID] {
            let value = RawValue::from("out of place");
            item.extra.push(RawItem { tag, value });
        }
    };
    for change in [newer, extra] {
        each(
            || changing(change),
            |server, subject| {
                subject.create().unwrap();
                assert_eq!(subject.locate().unwrap(), ["a".into()]);
                assert_eq!((server.performed(), server.server.connections()), (2, 1));
            },
        );
    }
}

#[test]
fn unknown_enumerations_are_handed_over_as_they_are() {
    each(
        || changing(|_| ()),
        |_, subject| assert_eq!(subject.state().unwrap(), Some(State(0x8000_0123))),
    );
}

#[test]
fn a_length_of_four_gigabytes_is_refused_at_once() {
    let huge = || {
        Server::start(|number, request| match number {
            0 => Act::SendAndStall(b"\x42\x00\x7B\x01\xFF\xFF\xFF\xF8".to_vec()),
            _ => Act::Send(encoded(&answer(request))),
        })
    };
    each(huge, |_, subject| {
        let error = subject.create().unwrap_err();
        let Problem::Transport(transport) = error.problem() else {
            panic!("{error:?}");
        };
        let too_long = matches!(transport.cause(), Cause::Frame(FrameError::TooLong { .. }));
        assert!(too_long, "{error:?}");
        subject.locate().unwrap();
    });
}

#[test]
fn an_operation_that_is_dropped_takes_its_connection_along() {
    let answer_late = Server::start(|number, request| match number {
        0 => Act::SendAndStall(Vec::new()),
        _ => Act::Send(encoded(&answer(request))),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = answer_late.settings().connect_async().await.unwrap();
        let performed = || answer_late.performed() > 0;
        tokio::select! {
            biased;
            result = client.locate([], None) => panic!("{result:?}"),
            () = async {
                while !performed() {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        assert_eq!(client.locate([], None).await.unwrap(), ["a".into()]);
    });
    assert_eq!(answer_late.server.connections(), 2);
}
