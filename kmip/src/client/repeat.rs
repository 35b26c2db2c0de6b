//! Which operations may be sent again when nobody knows whether the server has done them.

use crate::types::Operation;

/// Operations that change nothing on the server, so that doing them twice is doing them once.
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
///
/// | operations | why | sent again |
/// |---|---|---|
/// | Locate, Check, Get, Get Attributes, Get Attribute List, Validate, Query, Discover Versions, Export, Get Constraints, Query Asynchronous Requests, Ping | nothing changes | yes |
/// | Create, Create Key Pair, Register, Import, Re-key, Re-key Key Pair, Derive Key, Certify, Re-certify, Create Split Key, Join Split Key, Re-Provision | there would be two objects, or two credentials | no |
/// | Activate, Revoke, Destroy, Archive, Recover, Add Attribute, Modify Attribute, Set Attribute, Adjust Attribute, Delete Attribute, Set Defaults, Set Constraints, Set Endpoint Role | the second time fails, counts twice, or undoes what another client has done meanwhile | no |
/// | Encrypt, Decrypt, Sign, Signature Verify, MAC, MAC Verify, Hash | they count as uses, or go on with a stream | no |
/// | Get Usage Allocation, Obtain Lease, RNG Retrieve, RNG Seed | they use something up or prolong it | no |
/// | Login, Delegated Login, Logout, Poll, Cancel, Process | tickets and results are handed out once | no |
/// | Log, Interop, PKCS#11 | there would be two lines, or nobody knows | no |
///
/// What is sent again is sent once more, over a new connection or to the next server. Whatever the
/// operation, a request is sent again also if the server cannot have processed it: the
/// connection could not be made, had been closed while it was idle, or broke off within the request.
/// A batch is repeated if all its operations are.
pub fn is_repeatable(operation: Operation) -> bool {
    REPEATABLE.contains(&operation)
}
