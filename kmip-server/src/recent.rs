//! The last messages, without their secrets.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use kmip::client::Redacted;
use kmip::server::{Delivery, Exchange};
use kmip::types::DateTime;

/// How many exchanges are kept.
const MOST: usize = 100;
/// How much of the text of one is kept, in bytes.
const LONGEST: usize = 16 << 10;

/// The last exchanges, for people to look at.
#[derive(Debug, Default)]
pub struct RecentMessages {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    number: u64,
    exchanges: VecDeque<RecentMessage>,
}

/// A request and its response.
#[derive(Debug, Clone)]
pub(crate) struct RecentMessage {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) time: DateTime,
    /// Who has asked.
    pub(crate) client: String,
    /// Both messages.
    pub(crate) text: String,
}

impl RecentMessages {
    pub(crate) fn keep(&self, exchange: &Exchange<'_>, delivery: Delivery) {
        let mut text = messages(exchange, delivery);
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or_default());
            text.push_str("\n  [the rest is not kept]\n");
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.number += 1;
        let message = RecentMessage {
            number: kept.number,
            time: DateTime::now(),
            client: client(exchange),
            text,
        };
        if kept.exchanges.len() >= MOST {
            kept.exchanges.pop_back();
        }
        kept.exchanges.push_front(message);
    }

    /// The exchanges, newest first.
    pub(crate) fn list(&self) -> Vec<RecentMessage> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.exchanges.iter().cloned().collect()
    }
}

/// An exchange as lines of text.
pub(crate) fn describe(exchange: &Exchange<'_>, delivery: Delivery) -> String {
    format!("{}\n{}", client(exchange), messages(exchange, delivery))
}

fn client(exchange: &Exchange<'_>) -> String {
    let name = exchange.peer.common_name();
    match (name, exchange.peer.address()) {
        (Some(name), Some(address)) => format!("{name} at {address}"),
        (None, Some(address)) => address.to_string(),
        (name, None) => name.unwrap_or_else(|| "local".to_owned()),
    }
}

fn messages(exchange: &Exchange<'_>, delivery: Delivery) -> String {
    let (encoding, response) = (exchange.encoding, &*exchange.response);
    let how = match delivery {
        Delivery::Whole => "",
        Delivery::ByteByByte => ", byte by byte",
        _ => ", not sent",
    };
    format!(
        "> {} bytes, {encoding:?}\n{}< {} bytes{how}\n{}",
        exchange.request.len(),
        Redacted::request(encoding, exchange.request),
        response.len(),
        Redacted::response(encoding, response),
    )
}
