//! Certify and Re-certify: certificates by the authority of the server (KMIP 1.4, 4.7 and 4.8; 2.1,
//! 6.1.6 and 6.1.42).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, Certificate, CertificateRequestType, CertificateType,
    CertifyRequest, CertifyResponse, LinkType, ManagedObject, ObjectType, ProtocolVersion,
    ReCertifyRequest, ReCertifyResponse, Tag,
};

use super::create_key_pair::link;
use super::protection::keep;
use super::re_key::{check_offset, inherited, is_replacement, rotate, set_dates};
use crate::context::{Context, Objects};
use crate::crypto;
use crate::object::{NewObject, StoredObject};
use crate::refusal;

pub(super) fn certify(
    context: &Context<'_>,
    request: &CertifyRequest<'_>,
) -> Result<CertifyResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    let asked = asked(
        request.certificate_request_type,
        request.certificate_request_value.as_deref(),
    );
    let given_id = request.unique_identifier.as_ref();
    let key = match (given_id, &asked) {
        // The request has the key: the ID Placeholder does not mean another one.
        (None, Some(_)) => None,
        _ => Some(objects.get_online(given_id)?),
    };
    let certificate = issue(context, &mut objects, key.as_ref(), asked)?;
    let given = given(&objects, request.attributes.as_ref())?;
    let mut new = NewObject::new(certificate, given, context.version())?;
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    let made = AttributeValue::OriginalCreationDate(context.now);
    new.attributes.set(made);
    let key = key.filter(|key| key.object_type == ObjectType::PUBLIC_KEY);
    if let Some(key) = &key {
        let to_key = link(LinkType::PUBLIC_KEY_LINK, &key.identifier);
        new.attributes.add(to_key);
    }
    let new = objects.add(new)?;
    if let Some(key) = key {
        point_to(context, &mut objects, key, &new)?;
    }
    objects.commit()?;
    Ok(CertifyResponse {
        unique_identifier: new.unique_identifier(),
        ..CertifyResponse::default()
    })
}

pub(super) fn re_certify(
    context: &Context<'_>,
    request: &ReCertifyRequest<'_>,
) -> Result<ReCertifyResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let mut old = objects.get_online(request.unique_identifier.as_ref())?;
    let key = linked(&old, LinkType::PUBLIC_KEY_LINK)
        .filter(|_| matches!(objects.content(&old), Ok(ManagedObject::Certificate(_))))
        .ok_or_else(|| refusal::cannot_be(version, "certified anew"))?;
    if old.attributes.iter().any(is_replacement) {
        let message = format!("the certificate `{}` is replaced already", old.identifier);
        return Err(refusal::wrong_state(version, message));
    }
    let key = objects.by_identifier(&key)?;
    let asked = asked(
        request.certificate_request_type,
        request.certificate_request_value.as_deref(),
    );
    let certificate = issue(context, &mut objects, Some(&key), asked)?;
    let given = given(&objects, request.attributes.as_ref())?;
    let mut new = NewObject::new(certificate, [], version)?;
    let taken_over: Vec<_> = inherited(&old.attributes, &given)
        .filter(|attribute| {
            // What the new certificate says of itself stays.
            let tag = attribute.value.tag();
            let about_itself = tag.is_some_and(|tag| {
                new.attributes.value(tag).is_some() || tag == Tag::X_509_CERTIFICATE_IDENTIFIER
            });
            !about_itself
        })
        .collect();
    check_offset(request.offset, &given, &old.attributes, version)?;
    for attribute in &given {
        crate::attributes::check_new(attribute, version)?;
    }
    let now = context.now;
    set_dates(&mut new.attributes, &old.attributes, request.offset, now);
    // The indices of names and links have run the other way round since 1.2.
    let newest_first = version >= ProtocolVersion::V1_2;
    let (first, then) = match newest_first {
        true => (given, taken_over),
        false => (taken_over, given),
    };
    for attribute in first.into_iter().chain(then) {
        match crate::attributes::has_instances(&attribute.reference()) {
            true => new.attributes.add(attribute.value),
            false => new.attributes.set(attribute.value),
        }
    }
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    let made = AttributeValue::OriginalCreationDate(now);
    new.attributes.set(made);
    let mut links = [
        link(LinkType::REPLACED_OBJECT_LINK, &old.identifier),
        link(LinkType::PUBLIC_KEY_LINK, &key.identifier),
    ];
    if newest_first {
        links.reverse();
    }
    links.into_iter().for_each(|link| new.attributes.add(link));
    old.attributes
        .add(link(LinkType::REPLACEMENT_OBJECT_LINK, &new.identifier));
    // The name goes to the new certificate, so that whoever looks for it finds the one to use.
    old.attributes.clear(Tag::NAME);
    rotate(&mut new.attributes, &mut old.attributes, now);
    old.attributes.touch(now);
    objects.save(&old)?;
    let new = objects.add(new)?;
    point_to(context, &mut objects, key, &new)?;
    objects.commit()?;
    Ok(ReCertifyResponse {
        unique_identifier: new.unique_identifier(),
        ..ReCertifyResponse::default()
    })
}

/// The certificate request in a message. Without a type it is PKCS#10 (KMIP 1.1, 4.6).
fn asked(
    kind: Option<CertificateRequestType>,
    value: Option<&[u8]>,
) -> Option<(CertificateRequestType, &[u8])> {
    let value = value.filter(|value| !value.is_empty())?;
    Some((kind.unwrap_or(CertificateRequestType::PKCS_10), value))
}

fn given(
    objects: &Objects<'_>,
    attributes: Option<&Attributes<'_>>,
) -> Result<Vec<Attribute<'static>>, Failure> {
    attributes.map_or(Ok(Vec::new()), |attributes| objects.given(attributes))
}

fn issue(
    context: &Context<'_>,
    objects: &mut Objects<'_>,
    object: Option<&StoredObject>,
    asked: Option<(CertificateRequestType, &[u8])>,
) -> Result<ManagedObject<'static>, Failure> {
    let authority = objects.authority()?;
    let content = object.map(|object| objects.content(object)).transpose()?;
    let certificate = match (object, &content, asked) {
        (Some(object), Some(ManagedObject::PublicKey(key)), asked) => {
            let public = crypto::public_key(&key.key_block)?;
            authority.certify(&public, asked, &object.identifier)?
        }
        (_, Some(ManagedObject::CertificateRequest(own)), _) => {
            let kind = own.certificate_request_type;
            authority.certify_request(kind, &own.certificate_request_value)?
        }
        (None, _, Some((kind, bytes))) => authority.certify_request(kind, bytes)?,
        _ => return Err(refusal::cannot_be(context.version(), "certified")),
    };
    Ok(ManagedObject::Certificate(Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: certificate.into(),
        ..Certificate::default()
    }))
}

/// Links the key with its newest certificate.
fn point_to(
    context: &Context<'_>,
    objects: &mut Objects<'_>,
    mut key: StoredObject,
    certificate: &StoredObject,
) -> Result<(), Failure> {
    let is_link = |attribute: &Attribute<'_>| {
        matches!(&attribute.value, AttributeValue::Link(link)
            if link.link_type == LinkType::CERTIFICATE_LINK)
    };
    let new = link(LinkType::CERTIFICATE_LINK, &certificate.identifier);
    match key.attributes.iter().position(is_link) {
        Some(position) => key.attributes.replace(position, new),
        None => key.attributes.add(new),
    }
    key.attributes.touch(context.now);
    objects.save(&key)
}

/// The object in whose place another one is.
pub(crate) fn replaced(object: &StoredObject) -> Option<String> {
    linked(object, LinkType::REPLACED_OBJECT_LINK)
}

/// The object that another one is linked with.
pub(super) fn linked(object: &StoredObject, link_type: LinkType) -> Option<String> {
    object
        .attributes
        .iter()
        .find_map(|attribute| match &attribute.value {
            AttributeValue::Link(link) if link.link_type == link_type => {
                link.linked_object_identifier.as_text().map(str::to_owned)
            }
            _ => None,
        })
}
