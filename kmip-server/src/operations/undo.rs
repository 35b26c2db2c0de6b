//! Taking back what a batch has done before it failed (Batch Error Continuation Option Undo).

use kmip::server::Failure;
use kmip::types::{Operation, ResponsePayload, UniqueIdentifier};

use crate::context::Context;

/// Whether an operation can be taken back: those that only make objects, and those that change
/// nothing.
pub(crate) fn can_undo(operation: Operation) -> bool {
    is_creation(operation) || is_reading(operation)
}

fn is_creation(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CREATE | Operation::CREATE_KEY_PAIR | Operation::REGISTER
    )
}

fn is_reading(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::LOCATE
            | Operation::CHECK
            | Operation::GET
            | Operation::GET_ATTRIBUTES
            | Operation::GET_ATTRIBUTE_LIST
            | Operation::QUERY
            | Operation::DISCOVER_VERSIONS
            | Operation::HASH
            | Operation::RNG_RETRIEVE
            | Operation::INTEROP
            | Operation::PING
    )
}

/// Takes an operation back.
///
/// # Errors
/// If it cannot be taken back.
pub(crate) fn undo(context: &Context<'_>, done: &ResponsePayload<'_>) -> Result<(), Failure> {
    let made: Vec<&UniqueIdentifier<'_>> = match done {
        ResponsePayload::Create(made) => vec![&made.unique_identifier],
        ResponsePayload::Register(made) => vec![&made.unique_identifier],
        ResponsePayload::CreateKeyPair(made) => vec![
            &made.private_key_unique_identifier,
            &made.public_key_unique_identifier,
        ],
        done if is_reading(done.operation()) => return Ok(()),
        done => return Err(Failure::operation_not_supported(done.operation())),
    };
    let mut objects = context.begin()?;
    for identifier in made {
        let object = objects.get(Some(identifier))?;
        objects.remove(&object.identifier)?;
    }
    objects.commit()
}
