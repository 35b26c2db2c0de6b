//! Import and Export: objects with all their attributes (KMIP 1.4, 4.42 and 4.43; 2.1, 6.1.22 and
//! 6.1.17).

use kmip::server::Failure;
use kmip::types::{
    AttributeReference, AttributeValue, ExportRequest, ExportResponse, GetRequest, ImportRequest,
    ImportResponse, IntoOwned, KeyBlock, KeyWrapType, ManagedObject, ObjectType, PrivateKey,
    PublicKey, ResultReason, SymmetricKey, Tag, UniqueIdentifier,
};

use super::get::get;
use super::unwrap::unwrap_content;
use crate::attributes::visible;
use crate::context::Context;
use crate::object::{NewObject, StoredObject, object_type_of};
use crate::refusal;

pub(super) fn import(
    context: &Context<'_>,
    request: ImportRequest<'_>,
) -> Result<ImportResponse<'static>, Failure> {
    let identifier = match &request.unique_identifier {
        UniqueIdentifier::Text(text) if !text.is_empty() => text.clone().into_owned(),
        _ => return Err(refusal::invalid_field("the Unique Identifier is no text")),
    };
    let mut content = request.managed_object.into_owned();
    let object_type = object_type_of(&content);
    if request
        .object_type
        .is_some_and(|given| given != object_type)
    {
        return Err(refusal::invalid_field(
            "the object is of another Object Type",
        ));
    }
    if request.key_wrap_type == Some(KeyWrapType::NOT_WRAPPED) {
        unwrap_content(context, &context.view()?, &mut content)?;
    }
    let mut new = NewObject::new(content, [], context.version())?;
    new.identifier = identifier;
    let mut objects = context.begin()?;
    for attribute in objects.given(&request.attributes)? {
        match &attribute.value {
            // What another server says of the past of a key proves nothing here.
            AttributeValue::AlwaysSensitive(_) | AttributeValue::NeverExtractable(_) => {}
            AttributeValue::Absent(AttributeReference::Standard(Tag(_))) => {}
            value if crate::attributes::has_instances(&attribute.reference()) => {
                new.attributes.add(value.clone());
            }
            value => new.attributes.set(value.clone()),
        }
    }
    let object = objects.import(new, request.replace_existing == Some(true))?;
    objects.commit()?;
    Ok(ImportResponse {
        unique_identifier: object.unique_identifier(),
        ..ImportResponse::default()
    })
}

pub(super) fn export(
    context: &Context<'_>,
    request: ExportRequest<'_>,
) -> Result<ExportResponse<'static>, Failure> {
    let object = context
        .view()?
        .get_online(request.unique_identifier.as_ref())?;
    let attributes = visible(&object.attributes, &[], context.version());
    if let Some(remains) = remains(&object) {
        return Ok(ExportResponse {
            object_type: object.object_type,
            unique_identifier: object.unique_identifier(),
            attributes,
            managed_object: remains,
            ..ExportResponse::default()
        });
    }
    let get_request = GetRequest {
        unique_identifier: request.unique_identifier,
        key_format_type: request.key_format_type,
        key_wrap_type: request.key_wrap_type,
        key_compression_type: request.key_compression_type,
        key_wrapping_specification: request.key_wrapping_specification,
        ..GetRequest::default()
    };
    let got = get(context, &get_request)?;
    Ok(ExportResponse {
        object_type: got.object_type,
        unique_identifier: got.unique_identifier,
        attributes,
        managed_object: got.managed_object,
        ..ExportResponse::default()
    })
}

/// What can be told of a key that is destroyed: all but its value (KMIP 1.4, 4.40; 2.1, 6.1.18). Other objects
/// are nothing without theirs.
fn remains(object: &StoredObject) -> Option<ManagedObject<'static>> {
    let attributes = &object.attributes;
    let format = attributes.key_format_type().copied();
    let key_block = KeyBlock {
        key_format_type: format.filter(|_| object.is_destroyed())?,
        cryptographic_algorithm: attributes.cryptographic_algorithm().copied(),
        cryptographic_length: attributes.cryptographic_length().copied(),
        ..KeyBlock::default()
    };
    Some(match object.object_type {
        ObjectType::SYMMETRIC_KEY => ManagedObject::SymmetricKey(SymmetricKey {
            key_block,
            ..SymmetricKey::default()
        }),
        ObjectType::PUBLIC_KEY => ManagedObject::PublicKey(PublicKey {
            key_block,
            ..PublicKey::default()
        }),
        ObjectType::PRIVATE_KEY => ManagedObject::PrivateKey(PrivateKey {
            key_block,
            ..PrivateKey::default()
        }),
        _ => return None,
    })
}

/// An identifier that is in use.
pub(crate) fn exists(identifier: &str) -> Failure {
    let message = format!("there is an object `{identifier}` already");
    Failure::new(ResultReason::OBJECT_ALREADY_EXISTS, message)
}
