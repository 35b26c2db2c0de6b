//! Unwrapping a key that was registered wrapped, for a client that wants it plain or wrapped anew
//! (Key Wrap Type: KMIP 1.4, 9.1.3.2.43; 2.1, 11.24).

use kmip::server::Failure;
use kmip::types::{
    CryptographicUsageMask, EncodingOption, KeyBlock, ManagedObject, ObjectType, Operation,
    ProtocolVersion, ResultReason, WrappingMethod,
};
use zeroize::Zeroizing;

use crate::context::{Context, Objects};
use crate::crypto::{self, UnwrappingKey, unwrap};
use crate::object::{StoredObject, key_block, key_block_mut};
use crate::refusal;

/// Unwraps the key in `content`, if it is wrapped, with the key that its Key Wrapping Data names.
///
/// # Errors
/// If the server does not have that key, may not use it, or does not know the way of wrapping.
pub(super) fn unwrap_content(
    context: &Context<'_>,
    objects: &Objects<'_>,
    content: &mut ManagedObject<'static>,
) -> Result<(), Failure> {
    let Some(block) = key_block_mut(content) else {
        return Ok(());
    };
    let Some(data) = &block.key_wrapping_data else {
        return Ok(());
    };
    let information = data.encryption_key_information.as_ref();
    let information = information.filter(|_| data.wrapping_method == WrappingMethod::ENCRYPT);
    let information = information.ok_or_else(|| {
        let reason = ResultReason::KEY_WRAP_TYPE_NOT_SUPPORTED;
        Failure::new(reason, "the server cannot unwrap what was wrapped so")
    })?;
    let object = objects.get_online(Some(&information.unique_identifier))?;
    object.check_processes(context.version(), context.now)?;
    let key = unwrapping_key(context, objects, &object)?;
    let given = information.cryptographic_parameters.clone();
    let own = || object.attributes.cryptographic_parameters().cloned();
    let parameters = given.or_else(own).unwrap_or_default();
    let encoding = data
        .encoding_option
        .unwrap_or(EncodingOption::TTLV_ENCODING);
    block.key_value = match &block.key_value {
        Some(value) => {
            let version = ProtocolVersion::LATEST;
            Some(unwrap(&key, &parameters, value, encoding, version)?)
        }
        None => None,
    };
    block.key_wrapping_data = None;
    Ok(())
}

fn unwrapping_key(
    context: &Context<'_>,
    objects: &Objects<'_>,
    object: &StoredObject,
) -> Result<UnwrappingKey, Failure> {
    let mask = object.attributes.cryptographic_usage_mask().copied();
    let mask = mask.unwrap_or_default();
    let by_wrapping = context.configuration.unwrap_with_wrapping_keys
        && mask.contains(CryptographicUsageMask::WRAP_KEY);
    if !mask.contains(CryptographicUsageMask::UNWRAP_KEY) && !by_wrapping {
        let message = format!("the key `{}` may not unwrap keys", object.identifier);
        return Err(refusal::wrong_usage(context.version(), message));
    }
    let content = objects.content(object)?;
    let wrong = || refusal::wrong_object(context.version(), Operation::GET);
    let block: &KeyBlock<'_> = key_block(&content).ok_or_else(wrong)?;
    match object.object_type {
        ObjectType::PRIVATE_KEY => Ok(UnwrappingKey::Rsa(crypto::private_key(block)?)),
        ObjectType::SYMMETRIC_KEY => {
            let bytes = crypto::symmetric_bytes(block)?;
            Ok(UnwrappingKey::Aes(Zeroizing::new(bytes.to_vec())))
        }
        _ => Err(wrong()),
    }
}
