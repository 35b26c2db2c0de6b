//! The items of a broken JSON or XML message, for the tree.

use kmip::codec::{ErrorKind, RawValue};
use kmip::json::Fragment;
use kmip::types::Tag;

use crate::tree::{Fault, Meanings, Node, Value};

/// A node for each item.
pub(crate) fn nodes<'f>(fragments: &'f [Fragment<'_>]) -> Vec<Node<'f>> {
    let mut meanings = Meanings::default();
    // Whether the structures around the item hold a secret, from the outermost on.
    let mut secrets: Vec<bool> = Vec::new();
    let node = |fragment: &'f Fragment<'_>| {
        let tag = fragment.tag.unwrap_or_default();
        let value = fragment.value.as_ref().map_or(Value::Unreadable, shown);
        let meaning = meanings.of(tag, value);
        secrets.truncate(fragment.depth);
        let outer = secrets.last().copied().unwrap_or_default();
        secrets.push(outer || tag.is_secret());
        // The name of a key may be misspelled.
        let unknown = tag == Tag(0) || outer && tag.info().is_none();
        let fault = fragment.fault.as_ref().map(|error| Fault {
            what: error.kind().to_string(),
            quotes: matches!(
                error.kind(),
                ErrorKind::InvalidValue(..) | ErrorKind::UnknownName { .. }
            ),
        });
        Node {
            depth: fragment.depth,
            tag,
            value,
            meaning,
            secret: value.is_telling() && (meaning.is_secret() || unknown),
            fault,
        }
    };
    fragments.iter().map(node).collect()
}

fn shown<'v>(value: &'v RawValue<'_>) -> Value<'v> {
    match value {
        RawValue::Structure(_) => Value::Structure,
        RawValue::Integer(value) => Value::Integer(*value),
        RawValue::LongInteger(value) => Value::LongInteger(*value),
        RawValue::BigInteger(value) => Value::BigInteger(&value.0),
        RawValue::Enumeration(value) => Value::Enumeration(*value),
        RawValue::Boolean(value) => Value::Boolean(*value),
        RawValue::TextString(text) => Value::Text(text),
        RawValue::ByteString(bytes) => Value::Bytes(bytes),
        RawValue::DateTime(time) => Value::DateTime(time.0),
        RawValue::Interval(interval) => Value::Interval(interval.0),
        RawValue::DateTimeExtended(time) => Value::DateTimeExtended(time.0),
        _ => Value::Unreadable,
    }
}
