//! Unwrapping a key that was registered wrapped, for a client that wants it plain or wrapped anew
//! (Key Wrap Type: KMIP 1.4, 9.1.3.2.43; 2.1, 11.24).

use kmip::server::Failure;
use kmip::types::{
    CryptographicUsageMask, EncodingOption, EncryptionKeyInformation, KeyBlock, KeyValue,
    ManagedObject, ObjectType, Operation, ProtocolVersion, ResultReason,
};
use zeroize::Zeroizing;

use super::wrap::{Authenticated, check_authentication, steps};
use crate::context::{Context, Objects};
use crate::crypto::{self, UnwrappingKey, decode_key_value, encode_key_value, unwrap};
use crate::object::{StoredObject, key_block, key_block_mut};
use crate::refusal;

/// Unwraps the key in `content`, if it is wrapped, with the key that its Key Wrapping Data names.
///
/// # Errors
/// If the server does not have that key, may not use it, or does not know the way of wrapping; if a MAC
/// or a signature is wrong.
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
    let (encrypted, authenticated) = steps(data.wrapping_method).ok_or_else(unknown_way)?;
    let Some(value) = &block.key_value else {
        block.key_wrapping_data = None;
        return Ok(());
    };
    let encoding = data
        .encoding_option
        .unwrap_or(EncodingOption::TTLV_ENCODING);
    if authenticated == Some(Authenticated::Encrypted) {
        let bytes = value.as_bytes().ok_or_else(unknown_way)?;
        check_authentication(context, objects, data, bytes)?;
    }
    let version = ProtocolVersion::LATEST;
    let (plain, unwrapped) = match encrypted {
        true => {
            let information = data.encryption_key_information.as_ref();
            let plain = decrypted(
                context,
                objects,
                information.ok_or_else(unknown_way)?,
                value,
            )?;
            let unwrapped = decode_key_value(&plain, encoding, version)?;
            (plain, unwrapped)
        }
        // The bytes of what is not encrypted may be what is called wrapped.
        false => match value.as_bytes() {
            Some(bytes) => {
                let plain = Zeroizing::new(bytes.to_vec());
                (plain, decode_key_value(bytes, encoding, version)?)
            }
            None => (encode_key_value(value, encoding, version)?, value.clone()),
        },
    };
    if authenticated == Some(Authenticated::Plain) {
        check_authentication(context, objects, data, &plain)?;
    }
    block.key_value = Some(unwrapped);
    block.key_wrapping_data = None;
    Ok(())
}

fn unknown_way() -> Failure {
    let reason = ResultReason::KEY_WRAP_TYPE_NOT_SUPPORTED;
    Failure::new(reason, "the server cannot unwrap what was wrapped so")
}

/// What was encrypted.
fn decrypted(
    context: &Context<'_>,
    objects: &Objects<'_>,
    information: &EncryptionKeyInformation<'_>,
    value: &KeyValue<'_>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let object = objects.get_online(Some(&information.unique_identifier))?;
    object.check_processes(context.version(), context.now)?;
    let key = unwrapping_key(context, objects, &object)?;
    let given = information.cryptographic_parameters.clone();
    let own = || object.attributes.cryptographic_parameters().cloned();
    let parameters = given.or_else(own).unwrap_or_default();
    unwrap(&key, &parameters, value)
}

fn unwrapping_key(
    context: &Context<'_>,
    objects: &Objects<'_>,
    object: &StoredObject,
) -> Result<UnwrappingKey, Failure> {
    let allows = |usage| object.allows(usage, context.version());
    let by_wrapping =
        context.configuration.unwrap_with_wrapping_keys && allows(CryptographicUsageMask::WRAP_KEY);
    if !allows(CryptographicUsageMask::UNWRAP_KEY) && !by_wrapping {
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
