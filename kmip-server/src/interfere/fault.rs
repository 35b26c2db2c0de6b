//! Faults of responses.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use kmip::codec::{Options, RawValue};
use kmip::server::{Delivery, Exchange};
use kmip::types::{Enumeration, Operation, RequestMessage, Tag};

use super::tree;

/// The longest delay. Longer ones would only be taken for a hang.
const LONGEST_DELAY: Duration = Duration::from_secs(600);
/// A value of no enumeration: one of a vendor's (KMIP 2.1, 11).
const UNKNOWN: u32 = 0x8FFF_FFF0;

/// Something that goes wrong with responses.
///
/// Written as its name, and with commas which requests it hits: `delay=250,operation=Get,count=3`.
///
/// | name | what happens |
/// |---|---|
/// | `drop` | the connection is closed in place of the response; the operation was performed |
/// | `delay=MS` | the response waits for so many milliseconds |
/// | `one-byte-records` | each byte of the response comes in a TLS record of its own |
/// | `reorder-fields` | the fields of each Response Payload come in the reverse order |
/// | `unknown-enumeration` | the last enumeration of each Response Payload has an unknown value |
///
/// | condition | which requests |
/// |---|---|
/// | `operation=NAME` | those with such an operation |
/// | `probability=P` | each with this probability, from 0 to 1 |
/// | `count=N` | the first so many that fulfil the others |
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Kind,
    operation: Option<Operation>,
    probability: f64,
    /// How many more, for all copies together; without it, there is no end.
    left: Option<Arc<AtomicU32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Drop,
    Delay(Duration),
    OneByteRecords,
    ReorderFields,
    UnknownEnumeration,
}

/// A fault that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultError(String);

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FaultError {}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut parts = text.split(',').map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (part.trim(), None),
        });
        let kind = match parts.next() {
            Some(("drop", None)) => Kind::Drop,
            Some(("delay", Some(value))) => Kind::Delay(milliseconds(value)?),
            Some(("one-byte-records", None)) => Kind::OneByteRecords,
            Some(("reorder-fields", None)) => Kind::ReorderFields,
            Some(("unknown-enumeration", None)) => Kind::UnknownEnumeration,
            _ => {
                let known = "drop, delay=MS, one-byte-records, reorder-fields and \
                             unknown-enumeration";
                return Err(FaultError(format!("the faults are {known}")));
            }
        };
        let mut fault = Fault {
            kind,
            operation: None,
            probability: 1.0,
            left: None,
        };
        for part in parts {
            match part {
                ("operation", Some(name)) => fault.operation = Some(operation(name)?),
                ("probability", Some(value)) => fault.probability = probability(value)?,
                ("count", Some(value)) => {
                    let count = value.parse();
                    let wrong = |_| FaultError(format!("`{value}` is no count"));
                    fault.left = Some(Arc::new(AtomicU32::new(count.map_err(wrong)?)));
                }
                (name, _) => {
                    let known = "operation=NAME, probability=P and count=N";
                    let message = format!("`{name}` is no condition: there are {known}");
                    return Err(FaultError(message));
                }
            }
        }
        Ok(fault)
    }
}

fn milliseconds(value: &str) -> Result<Duration, FaultError> {
    let time = value.parse().map(Duration::from_millis).ok();
    time.filter(|time| *time <= LONGEST_DELAY)
        .ok_or_else(|| FaultError(format!("`{value}` is no delay from 0 to 600000 ms")))
}

fn probability(value: &str) -> Result<f64, FaultError> {
    let number = value.parse().ok();
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| FaultError(format!("`{value}` is no probability from 0 to 1")))
}

fn operation(name: &str) -> Result<Operation, FaultError> {
    crate::names::by_name(Operation::TABLE, name)
        .map(Operation::new)
        .ok_or_else(|| FaultError(format!("there is no operation `{name}`")))
}

impl Fault {
    /// Does its damage if the request is one that it hits, and says how the response is to be sent.
    pub(super) fn strike(&self, exchange: &mut Exchange<'_>) -> Delivery {
        if !self.hits(exchange) {
            return Delivery::Whole;
        }
        match self.kind {
            Kind::Drop => return Delivery::Withheld,
            Kind::OneByteRecords => return Delivery::ByteByByte,
            Kind::Delay(time) => thread::sleep(time),
            Kind::ReorderFields => each_payload(exchange, reorder),
            Kind::UnknownEnumeration => each_payload(exchange, forget_enumeration),
        }
        Delivery::Whole
    }

    fn hits(&self, exchange: &Exchange<'_>) -> bool {
        self.operation.is_none_or(|wanted| has(exchange, wanted)) && self.chance() && self.count()
    }

    fn chance(&self) -> bool {
        if self.probability >= 1.0 {
            return true;
        }
        let mut bytes = [0; 4];
        // Without random numbers there is no TLS either.
        let _ = openssl::rand::rand_bytes(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) < self.probability * f64::from(u32::MAX)
    }

    fn count(&self) -> bool {
        let Some(left) = &self.left else {
            return true;
        };
        let less = |left: u32| left.checked_sub(1);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

fn has(exchange: &Exchange<'_>, wanted: Operation) -> bool {
    let options = Options::default();
    let decoded = exchange.encoding.decode(exchange.request, &options);
    decoded.is_ok_and(|message: RequestMessage<'_>| {
        let mut items = message.batch_item.iter();
        items.any(|item| item.operation == wanted)
    })
}

fn each_payload(exchange: &mut Exchange<'_>, change: fn(&mut RawValue<'_>)) {
    tree::edit(exchange.encoding, exchange.response, |message| {
        for item in tree::all(message, Tag::BATCH_ITEM) {
            tree::all(item, Tag::RESPONSE_PAYLOAD).for_each(change);
        }
    });
}

/// The fields in the reverse order; values of the same field stay as they follow each other.
fn reorder(payload: &mut RawValue<'_>) {
    let Some(fields) = tree::list(payload) else {
        return;
    };
    let mut order: Vec<Tag> = Vec::new();
    for field in &*fields {
        if !order.contains(&field.tag) {
            order.insert(0, field.tag);
        }
    }
    fields.sort_by_key(|field| order.iter().position(|tag| *tag == field.tag));
}

fn forget_enumeration(payload: &mut RawValue<'_>) {
    last_enumeration(payload);
}

/// Whether there was an enumeration to be changed.
fn last_enumeration(value: &mut RawValue<'_>) -> bool {
    for item in tree::items(value).iter_mut().rev() {
        if let RawValue::Enumeration(number) = &mut item.value {
            *number = UNKNOWN;
            return true;
        }
        if last_enumeration(&mut item.value) {
            return true;
        }
    }
    false
}
