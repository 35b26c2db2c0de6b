//! The content of objects: keys, certificates and so on.

use kmip::types::{KeyBlock, ManagedObject, ObjectType, Tag};

/// The type of an object.
pub(crate) fn object_type_of(content: &ManagedObject<'_>) -> ObjectType {
    match content {
        ManagedObject::Certificate(_) => ObjectType::CERTIFICATE,
        ManagedObject::SymmetricKey(_) => ObjectType::SYMMETRIC_KEY,
        ManagedObject::PublicKey(_) => ObjectType::PUBLIC_KEY,
        ManagedObject::PrivateKey(_) => ObjectType::PRIVATE_KEY,
        ManagedObject::SplitKey(_) => ObjectType::SPLIT_KEY,
        ManagedObject::Template(_) => ObjectType::TEMPLATE,
        ManagedObject::SecretData(_) => ObjectType::SECRET_DATA,
        ManagedObject::OpaqueObject(_) => ObjectType::OPAQUE_OBJECT,
        ManagedObject::PgpKey(_) => ObjectType::PGP_KEY,
        ManagedObject::CertificateRequest(_) => ObjectType::CERTIFICATE_REQUEST,
        _ => ObjectType::default(),
    }
}

/// The tag of an object in messages.
pub(crate) fn content_tag(content: &ManagedObject<'_>) -> Tag {
    match content {
        ManagedObject::Certificate(_) => Tag::CERTIFICATE,
        ManagedObject::SymmetricKey(_) => Tag::SYMMETRIC_KEY,
        ManagedObject::PublicKey(_) => Tag::PUBLIC_KEY,
        ManagedObject::PrivateKey(_) => Tag::PRIVATE_KEY,
        ManagedObject::SplitKey(_) => Tag::SPLIT_KEY,
        ManagedObject::Template(_) => Tag::TEMPLATE,
        ManagedObject::SecretData(_) => Tag::SECRET_DATA,
        ManagedObject::OpaqueObject(_) => Tag::OPAQUE_OBJECT,
        ManagedObject::PgpKey(_) => Tag::PGP_KEY,
        ManagedObject::CertificateRequest(_) => Tag::CERTIFICATE_REQUEST,
        _ => Tag::default(),
    }
}

/// The key in an object that has one.
pub(crate) fn key_block<'o, 'a>(content: &'o ManagedObject<'a>) -> Option<&'o KeyBlock<'a>> {
    Some(match content {
        ManagedObject::SymmetricKey(key) => &key.key_block,
        ManagedObject::PublicKey(key) => &key.key_block,
        ManagedObject::PrivateKey(key) => &key.key_block,
        ManagedObject::SplitKey(key) => &key.key_block,
        ManagedObject::SecretData(secret) => &secret.key_block,
        ManagedObject::PgpKey(key) => &key.key_block,
        _ => return None,
    })
}

/// The key in an object that has one.
pub(crate) fn key_block_mut<'o, 'a>(
    content: &'o mut ManagedObject<'a>,
) -> Option<&'o mut KeyBlock<'a>> {
    Some(match content {
        ManagedObject::SymmetricKey(key) => &mut key.key_block,
        ManagedObject::PublicKey(key) => &mut key.key_block,
        ManagedObject::PrivateKey(key) => &mut key.key_block,
        ManagedObject::SplitKey(key) => &mut key.key_block,
        ManagedObject::SecretData(secret) => &mut secret.key_block,
        ManagedObject::PgpKey(key) => &mut key.key_block,
        _ => return None,
    })
}
