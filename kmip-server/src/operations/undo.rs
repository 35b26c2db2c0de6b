//! Taking back what a batch has done before it failed (Batch Error Continuation Option Undo).

use kmip::server::Failure;
use kmip::types::Operation;

use super::SUPPORTED;
use crate::context::Context;
use crate::journal;

/// Whether an operation can be taken back. What it tells the client or the random number generator
/// cannot, but objects become what they were.
pub(crate) fn can_undo(operation: Operation) -> bool {
    SUPPORTED.contains(&operation)
}

/// Takes the last operation back that was not taken back yet.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn undo(context: &Context<'_>) -> Result<(), Failure> {
    let changes = journal::take_item();
    if changes.is_empty() {
        return Ok(());
    }
    let mut objects = context.begin()?;
    for before in changes.into_iter().rev() {
        objects.restore(before)?;
    }
    objects.commit()
}
