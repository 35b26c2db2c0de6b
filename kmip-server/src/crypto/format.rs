//! Giving a key in another format than the stored one (Key Format Type of Get).

use kmip::server::Failure;
use kmip::types::{
    KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject, ResultReason, Secret,
    TransparentSymmetricKey,
};

use super::{private_key, private_material, public_key, public_material};
use crate::object::key_block_mut;
use crate::refusal;

/// Converts the key in `content` to a format.
///
/// # Errors
/// If the server cannot.
pub(crate) fn convert(
    content: &mut ManagedObject<'static>,
    format: KeyFormatType,
) -> Result<(), Failure> {
    let is_public = matches!(content, ManagedObject::PublicKey(_));
    let is_private = matches!(content, ManagedObject::PrivateKey(_));
    let Some(block) = key_block_mut(content) else {
        return match content {
            ManagedObject::Certificate(_) if format == KeyFormatType::X_509 => Ok(()),
            _ => Err(unsupported(format)),
        };
    };
    if block.key_format_type == format {
        return Ok(());
    }
    let material = match (is_public, is_private) {
        (true, _) => public_material(&*public_key(block)?, format)?,
        (_, true) => private_material(&*private_key(block)?, format)?,
        _ => symmetric_material(block, format)?,
    };
    let attributes = match block.key_value.take() {
        Some(KeyValue::Plain(plain)) => plain.attributes,
        _ => None,
    };
    let mut value = KeyValue::new(material);
    if let KeyValue::Plain(plain) = &mut value {
        plain.attributes = attributes;
    }
    block.key_value = Some(value);
    block.key_format_type = format;
    Ok(())
}

fn symmetric_material(
    block: &KeyBlock<'static>,
    format: KeyFormatType,
) -> Result<KeyMaterial<'static>, Failure> {
    let Some(KeyValue::Plain(plain)) = &block.key_value else {
        return Err(unsupported(format));
    };
    let key = match &plain.key_material {
        KeyMaterial::Bytes(bytes) => bytes.clone(),
        KeyMaterial::TransparentSymmetricKey(transparent) => transparent.key.clone(),
        _ => return Err(unsupported(format)),
    };
    match format {
        KeyFormatType::RAW | KeyFormatType::OPAQUE => Ok(KeyMaterial::Bytes(key)),
        KeyFormatType::TRANSPARENT_SYMMETRIC_KEY => {
            Ok(KeyMaterial::from(TransparentSymmetricKey {
                key,
                ..TransparentSymmetricKey::default()
            }))
        }
        _ => Err(unsupported(format)),
    }
}

/// The bytes of a symmetric key or secret data.
///
/// # Errors
/// If it is neither given as bytes nor as a transparent key.
pub(crate) fn symmetric_bytes<'b>(block: &'b KeyBlock<'_>) -> Result<&'b [u8], Failure> {
    let bytes: Option<&Secret<'_>> = match &block.key_value {
        None => return Err(refusal::value_not_present()),
        Some(KeyValue::Plain(plain)) => match &plain.key_material {
            KeyMaterial::Bytes(bytes) => Some(bytes),
            KeyMaterial::TransparentSymmetricKey(transparent) => Some(&transparent.key),
            _ => None,
        },
        _ => None,
    };
    let bytes = bytes.ok_or_else(|| unsupported(block.key_format_type))?;
    Ok(bytes.expose())
}

fn unsupported(format: KeyFormatType) -> Failure {
    let message = format!("this object cannot be given as {format:?}");
    Failure::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, message)
}
