//! Which operations may be sent again when nobody knows whether the server has done them.

use crate::types::Operation;

/// Operations that change nothing on the server, so that doing them twice is doing them once.
///
/// Not among them are those that count uses (Get Usage Allocation, Encrypt, Sign, ...), that
/// prolong something (Obtain Lease), and of course all that create, change or destroy.
const REPEATABLE: [Operation; 12] = [
    Operation::LOCATE,
    Operation::CHECK,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::GET_ATTRIBUTE_LIST,
    Operation::VALIDATE,
    Operation::QUERY,
    Operation::DISCOVER_VERSIONS,
    Operation::EXPORT,
    Operation::GET_CONSTRAINTS,
    Operation::QUERY_ASYNCHRONOUS_REQUESTS,
    Operation::PING,
];

/// Whether an operation can be sent again when its response is lost, because it changes nothing.
pub fn is_repeatable(operation: Operation) -> bool {
    REPEATABLE.contains(&operation)
}
