//! What may differ between the request of a case and that of a client, by the same list as for
//! responses.

use super::node::Node;
use super::variations::Place;

/// Values that are the client's own.
pub(super) const OWN: [&str; 3] = ["UniqueBatchItemID", "ClientCorrelationValue", "TimeStamp"];

/// Whether a client may leave out an element of the case.
pub(super) fn may_be_absent(place: &Place<'_>, node: &Node) -> bool {
    OWN.contains(&node.name.as_str())
        || place.is_dispensable_anywhere(node)
        || place.item.operation != "Locate" && is_name(node)
}

/// Whether a client may send an element that the case does not have.
pub(super) fn may_be_extra(place: &Place<'_>, node: &Node) -> bool {
    let credentials = node.name == "Authentication" && place.parent() == "RequestHeader";
    // In a request of its own, an item cannot mean the object of the item before.
    let named = place.item.is_of_batch && node.name == "UniqueIdentifier";
    credentials || named || OWN.contains(&node.name.as_str()) || place.is_dispensable_anywhere(node)
}

/// A name by which the documents find their objects again.
fn is_name(node: &Node) -> bool {
    match node.name.as_str() {
        "Name" => true,
        "Attribute" => ["Name", "x-ID"]
            .map(Some)
            .contains(&node.text("AttributeName")),
        _ => false,
    }
}

/// Whether a text is that of the case with a prefix of the client's own, where that may be.
pub(super) fn is_prefixed(place: &Place<'_>, node: &Node, wanted: &str, value: &str) -> bool {
    let id = node.name == "NameValue"
        || node.name == "AttributeValue"
            && place.attribute.is_none_or(|name| name.starts_with("x-"));
    let text = node.item_type == "TextString";
    place.item.is_request && id && text && value.len() > wanted.len() && value.ends_with(wanted)
}
