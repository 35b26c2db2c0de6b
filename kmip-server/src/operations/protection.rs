//! How new objects are kept: what the client finds acceptable (Protection Storage Masks: KMIP 2.1, 7.33).

use kmip::server::Failure;
use kmip::types::{AttributeValue, ProtectionStorageMask, ProtectionStorageMasks, ResultReason};

use crate::context::Context;
use crate::object::NewObject;

/// Notes the first of the masks that the server satisfies in its entirety.
///
/// # Errors
/// If there are masks, and it satisfies none of them.
pub(super) fn keep(
    context: &Context<'_>,
    new: &mut NewObject,
    acceptable: Option<&ProtectionStorageMasks<'_>>,
) -> Result<(), Failure> {
    let reason = ResultReason::PROTECTION_STORAGE_UNAVAILABLE;
    keep_or(context, new, acceptable, reason)
}

/// As [`keep`], for the private and the public key of a pair: what is acceptable for both goes for the one
/// for which nothing else is said.
///
/// # Errors
/// As for `keep`, with a reason for each of them.
pub(super) fn keep_pair(
    context: &Context<'_>,
    keys: [&mut NewObject; 2],
    own: [Option<&ProtectionStorageMasks<'_>>; 2],
    common: Option<&ProtectionStorageMasks<'_>>,
) -> Result<(), Failure> {
    let reasons = [
        ResultReason::PRIVATE_PROTECTION_STORAGE_UNAVAILABLE,
        ResultReason::PUBLIC_PROTECTION_STORAGE_UNAVAILABLE,
    ];
    for ((new, own), reason) in keys.into_iter().zip(own).zip(reasons) {
        keep_or(context, new, own.or(common), reason)?;
    }
    Ok(())
}

/// As [`keep`], with another reason to refuse it.
///
/// # Errors
/// As for `keep`.
fn keep_or(
    context: &Context<'_>,
    new: &mut NewObject,
    acceptable: Option<&ProtectionStorageMasks<'_>>,
    reason: ResultReason,
) -> Result<(), Failure> {
    let acceptable = acceptable.map(|masks| &masks.protection_storage_mask[..]);
    let Some(acceptable @ [_, ..]) = acceptable else {
        return Ok(());
    };
    let told = &context.configuration.query.protection_storage_masks;
    let own = match told {
        Some(masks) => &masks.protection_storage_mask[..],
        None => &[ProtectionStorageMask::SOFTWARE],
    };
    let satisfied = |wanted: &&ProtectionStorageMask| own.iter().any(|own| own.contains(**wanted));
    let mask = acceptable.iter().find(satisfied).ok_or_else(|| {
        let message = "the server keeps no objects in such a way";
        Failure::new(reason, message)
    })?;
    new.attributes
        .set(AttributeValue::ProtectionStorageMask(*mask));
    Ok(())
}
