//! Counting the uses of keys by operations that only read otherwise.

use kmip::server::Failure;
use kmip::types::Operation;

use crate::context::Context;
use crate::object::StoredObject;

/// A use of a key that is to be counted.
pub(super) struct KeyUse {
    key: String,
    has_limits: bool,
    operation: Operation,
    bytes: usize,
}

impl KeyUse {
    pub(super) fn of(object: &StoredObject, operation: Operation, bytes: &[u8]) -> Self {
        KeyUse {
            key: object.identifier.clone(),
            has_limits: object.attributes.usage_limits().is_some(),
            operation,
            bytes: bytes.len(),
        }
    }
}

/// Counts what keys were used for, before the client is given it.
///
/// # Errors
/// If their Usage Limits, or the ticket of the client, do not allow so much.
pub(super) fn count(context: &Context<'_>, uses: &[KeyUse]) -> Result<(), Failure> {
    let has_limits = uses.iter().any(|one| one.has_limits);
    if uses.is_empty() || !has_limits && context.ticket().is_none() {
        return Ok(());
    }
    context.repeated(|| {
        let mut objects = context.begin()?;
        let mut counted = false;
        for one in uses {
            let mut object = objects.by_identifier(&one.key)?;
            object.check_protects(context.version(), context.now)?;
            counted |= objects.count(&mut object, one.operation, one.bytes)?;
        }
        match counted {
            true => objects.commit(),
            false => Ok(()),
        }
    })
}
