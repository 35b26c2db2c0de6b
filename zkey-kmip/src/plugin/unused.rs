//! Objects that were made at the server, and that nobody gets to use.

use kmip::client::{self, Client};
use kmip::types::UniqueIdentifier;

use super::left_behind;
use crate::abi::PluginError;
use crate::config::HeldIntent;

/// An object that was to be made was not made, or nobody knows: then the intent stays.
pub(super) fn give_up(intent: HeldIntent, error: client::Error) -> PluginError {
    if error.failure().is_some() {
        forget(intent);
    }
    error.into()
}

/// There is no object for this intent. If it cannot be removed, the next command finds that out.
pub(super) fn forget(intent: HeldIntent) {
    let _ = intent.withdraw();
}

/// Destroys a key that was made in vain; tells in the error if that fails, too.
pub(super) fn discard(
    client: &mut Client,
    id: &UniqueIdentifier<'_>,
    intent: HeldIntent,
    error: PluginError,
) -> PluginError {
    let Err(failure) = left_behind::destroy(client, id) else {
        forget(intent);
        return error;
    };
    let text = format!(
        "{error}. The key {id} stays at the server, since {failure}; the next command will try it again"
    );
    PluginError::new(error.errno(), text)
}
