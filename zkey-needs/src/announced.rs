//! What a server announces, and what it should.

use kmip::types::{ObjectType, Operation, QueryResponse};

const OPERATIONS: [Operation; 9] = [
    Operation::QUERY,
    Operation::CREATE,
    Operation::REGISTER,
    Operation::ACTIVATE,
    Operation::REVOKE,
    Operation::DESTROY,
    Operation::GET,
    Operation::LOCATE,
    Operation::GET_ATTRIBUTES,
];

/// One of these is needed to change attributes.
const CHANGES: [Operation; 3] = [
    Operation::ADD_ATTRIBUTE,
    Operation::MODIFY_ATTRIBUTE,
    Operation::SET_ATTRIBUTE,
];

const OBJECT_TYPES: [ObjectType; 2] = [ObjectType::SYMMETRIC_KEY, ObjectType::PUBLIC_KEY];

/// What a server says of itself, with which profiles are compared: the first of Vendor Identification,
/// product name and server name that it tells, without control characters. Empty if it tells none.
pub fn introduction(about: &QueryResponse<'_>) -> String {
    let information = about.server_information.as_ref();
    let text = about
        .vendor_identification
        .as_deref()
        .or_else(|| information.and_then(|one| one.product_name.as_deref()))
        .or_else(|| information.and_then(|one| one.server_name.as_deref()))
        .unwrap_or_default();
    text.chars().filter(|one| !one.is_control()).collect()
}

/// What the plugin needs and the server does not announce, such as `operation Locate` or `object type
/// Public Key`. `about` is the answer to a Query for operations and objects.
pub fn missing(about: &QueryResponse<'_>) -> Vec<String> {
    let operations = OPERATIONS
        .iter()
        .filter(|operation| !about.operation.contains(operation));
    let can_change = CHANGES.iter().any(|one| about.operation.contains(one));
    let change = (!can_change).then_some(&CHANGES[0]);
    let types = OBJECT_TYPES
        .iter()
        .filter(|kind| !about.object_type.contains(kind));
    operations
        .chain(change)
        .map(|operation| format!("operation {operation:?}"))
        .chain(types.map(|kind| format!("object type {kind:?}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let mut about = QueryResponse {
            operation: [&OPERATIONS[..], &CHANGES[2..]].concat(),
            object_type: OBJECT_TYPES.to_vec(),
            ..QueryResponse::default()
        };
        assert!(missing(&about).is_empty());
        about.operation.pop();
        about.operation.retain(|one| *one != Operation::LOCATE);
        about.object_type.pop();
        let expected = [
            "operation Locate",
            "operation Add Attribute",
            "object type Public Key",
        ];
        assert_eq!(missing(&about), expected);
    }

    #[test]
    fn the_first_name_that_there_is_counts_and_has_one_line() {
        let mut about = QueryResponse::default();
        assert_eq!(introduction(&about), "");
        about.vendor_identification = Some("A\nserver".into());
        assert_eq!(introduction(&about), "Aserver");
    }
}
