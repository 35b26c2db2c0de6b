//! What can be read of a broken message.

use super::index::{Index, Node, Value};
use super::{Cursor, Rules};
use crate::codec::{Decoder, Error, Options, RawValue};
use crate::types::{AttributeReference, Tag};
use crate::version::ProtocolVersion;

/// An item of a JSON or XML message that may be broken; see `Reader::fragments` of
/// [`json`](crate::json::Reader::fragments) and [`xml`](crate::xml::Reader::fragments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// How many structures it is in.
    pub depth: usize,
    /// Its tag, if it has a known one.
    pub tag: Option<Tag>,
    /// Its value, if that can be read. The items of a structure are fragments of their own.
    pub value: Option<RawValue<'a>>,
    /// What is wrong with it.
    pub fault: Option<Error>,
}

/// The items of an index, in the order of the text.
pub(crate) fn fragments<'a>(
    index: &Index,
    text: &'a str,
    rules: Rules,
    options: &Options,
) -> Vec<Fragment<'a>> {
    let mut fragments: Vec<Fragment<'a>> = Vec::new();
    // Items in an Attribute of KMIP 1.x have the names of the attribute that stands before them.
    let mut attribute = None;
    for (at, node) in index.items() {
        let parent = (node.parent as usize).checked_sub(1);
        let depth = parent.map_or(0, |parent| fragments[parent].depth + 1);
        let tag = (node.tag != 0).then_some(Tag(node.tag));
        let meaning = match tag {
            Some(Tag::ATTRIBUTE_VALUE) => attribute.unwrap_or(Tag::ATTRIBUTE_VALUE),
            tag => tag.unwrap_or_default(),
        };
        let (value, wrong) = if is_structure(at, node) {
            (Some(RawValue::default()), None)
        } else if node.item_type == 0 {
            (None, None)
        } else {
            match value(index, text, rules, options, at, meaning) {
                Ok(value) => (Some(value), None),
                Err(error) => (None, Some(error)),
            }
        };
        if let (Some(Tag::ATTRIBUTE_NAME), Some(RawValue::TextString(name))) = (tag, &value) {
            attribute = match AttributeReference::from_name(name.clone()) {
                AttributeReference::Standard(tag) => Some(tag),
                AttributeReference::Custom { .. } => None,
            };
        }
        fragments.push(Fragment {
            depth,
            tag,
            value,
            fault: index.fault_of(at).cloned().or(wrong),
        });
    }
    fragments
}

/// A node that lacks its end may lack its type as well.
fn is_structure(at: u32, node: &Node) -> bool {
    let has_items = node.next > at + 1 || node.value == Value::Items;
    node.item_type == 1 || node.item_type == 0 && has_items
}

fn value<'a>(
    index: &Index,
    text: &'a str,
    rules: Rules,
    options: &Options,
    at: u32,
    meaning: Tag,
) -> Result<RawValue<'a>, Error> {
    let mut cursor = Cursor::before(index, text, rules, at);
    let mut decoder = Decoder::new(&mut cursor, ProtocolVersion::LATEST, options)?;
    let mut value = RawValue::default();
    value.read_as(meaning, &mut decoder)?;
    Ok(value)
}
