//! Register: an object that the client brings along (KMIP 1.4, 4.3; 2.1, 6.1.45).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CryptographicUsageMask, IntoOwned, KeyFormatType,
    LinkType, ManagedObject, ObjectType, ProtocolVersion, RegisterRequest, RegisterResponse,
    ResultReason,
};

use super::create::missing;
use super::create_key_pair::link;
use super::pkcs12;
use super::protection::keep;
use crate::context::{Context, Objects};
use crate::object::{NewObject, key_block, object_type_of};
use crate::refusal;

pub(super) fn register(
    context: &Context<'_>,
    request: RegisterRequest<'_>,
) -> Result<RegisterResponse<'static>, Failure> {
    let content = request.managed_object.ok_or_else(|| {
        Failure::new(
            ResultReason::INVALID_MESSAGE,
            "the object itself is missing",
        )
    })?;
    if object_type_of(&content) != request.object_type {
        return Err(refusal::wrong_type("the object is of another Object Type"));
    }
    let content = content.into_owned();
    check_content(&content)?;
    let opened = open(context, &content, request.object_type, &request.attributes)?;
    let mut objects = context.begin()?;
    let mut given = objects.given_for(request.object_type, &request.attributes)?;
    if let ManagedObject::Template(template) = &content {
        // The name by which the template is referred to may stand inside it.
        given.extend(names(template.attributes.iter()));
    }
    if let Some(opened) = opened {
        let mut found = vec![
            AttributeValue::CryptographicAlgorithm(opened.algorithm),
            AttributeValue::CryptographicLength(opened.length),
        ];
        let name = opened.name.map(Into::into);
        found.extend(name.map(AttributeValue::Pkcs12FriendlyName));
        for value in found {
            let known = given.iter().any(|own| own.value.tag() == value.tag());
            given.extend((!known).then(|| value.into()));
        }
    }
    if let Some(wrapping_key) = wrapping_key(context, &objects, &content) {
        let to_key = link(LinkType::WRAPPING_KEY_LINK, &wrapping_key);
        given.push(to_key.into());
    }
    let mut new = NewObject::new(content, given, context.version())?;
    supply_usage(&mut new, request.object_type, context.version());
    check_attributes(&new, request.object_type)?;
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    let object = objects.add(new)?;
    objects.commit()?;
    Ok(RegisterResponse {
        unique_identifier: object.unique_identifier(),
        ..RegisterResponse::default()
    })
}

/// The key on this server with which an object is wrapped. Links to it came with KMIP 2.0 (2.1, 6.1.43).
fn wrapping_key(
    context: &Context<'_>,
    objects: &Objects<'_>,
    content: &ManagedObject<'static>,
) -> Option<String> {
    if context.version() < ProtocolVersion::V2_0 {
        return None;
    }
    let data = key_block(content)?.key_wrapping_data.as_ref()?;
    let information = data.encryption_key_information.as_ref();
    let given = &information?.unique_identifier;
    let key = objects.get(Some(given)).ok()?;
    Some(key.identifier)
}

/// Opens a key that comes as PKCS#12. How long that takes, the client chooses: it is done before the
/// transaction for which others wait.
fn open(
    context: &Context<'_>,
    content: &ManagedObject<'static>,
    object_type: ObjectType,
    attributes: &Attributes<'_>,
) -> Result<Option<pkcs12::Opened>, Failure> {
    let Some(block) = key_block(content) else {
        return Ok(None);
    };
    if block.key_format_type != KeyFormatType::PKCS_12 || block.key_wrapping_data.is_some() {
        return Ok(None);
    }
    let objects = context.view()?;
    let given = objects.given_for(object_type, attributes)?;
    let password = pkcs12::password(&objects, &given, context.version())?;
    drop(objects);
    pkcs12::open(block, &password).map(Some)
}

fn names<'l>(
    attributes: impl Iterator<Item = &'l Attribute<'static>>,
) -> impl Iterator<Item = Attribute<'static>> {
    attributes
        .filter(|attribute| matches!(attribute.value, AttributeValue::Name(_)))
        .cloned()
}

/// Whether the object is complete, as far as the server can tell.
fn check_content(content: &ManagedObject<'static>) -> Result<(), Failure> {
    let Some(block) = key_block(content) else {
        return Ok(());
    };
    match (&block.key_value, &block.key_wrapping_data) {
        (Some(kmip::types::KeyValue::Wrapped(_)), None) => Err(refusal::invalid_field(
            "a wrapped key needs Key Wrapping Data",
        )),
        _ => Ok(()),
    }
}

/// Since KMIP 2.0 the server says for what a key may be used if the client does not (2.1, 4).
fn supply_usage(new: &mut NewObject, object_type: ObjectType, version: ProtocolVersion) {
    let usage = match object_type {
        _ if version < ProtocolVersion::V2_0 => return,
        ObjectType::SYMMETRIC_KEY => {
            CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT
        }
        ObjectType::PRIVATE_KEY => CryptographicUsageMask::SIGN,
        ObjectType::PUBLIC_KEY => CryptographicUsageMask::VERIFY,
        _ => return,
    };
    new.attributes
        .set_default(AttributeValue::CryptographicUsageMask(usage));
}

/// Attributes without which an object of the type could not be used.
fn check_attributes(new: &NewObject, object_type: ObjectType) -> Result<(), Failure> {
    let keys = [
        ObjectType::SYMMETRIC_KEY,
        ObjectType::PUBLIC_KEY,
        ObjectType::PRIVATE_KEY,
    ];
    if !keys.contains(&object_type) {
        return Ok(());
    }
    let attributes = &new.attributes;
    if attributes.cryptographic_algorithm().is_none() {
        return Err(missing("Cryptographic Algorithm"));
    }
    match attributes.cryptographic_usage_mask() {
        None => Err(missing("Cryptographic Usage Mask")),
        Some(_) => Ok(()),
    }
}
