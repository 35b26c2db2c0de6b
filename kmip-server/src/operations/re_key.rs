//! Re-key: a new key with the attributes of an old one (KMIP 1.4, 4.4; 2.1, 6.1.42).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, DateTime, Interval, KeyMaterial, KeyValue, LinkType,
    ManagedObject, ProtocolVersion, ReKeyRequest, ReKeyResponse, ResultReason, Secret, Tag,
};

use super::create::missing;
use super::create_key_pair::link;
use super::protection::keep;
use crate::attributes::{AttributeSet, check_new};
use crate::context::{Context, Objects};
use crate::crypto::generate_symmetric;
use crate::object::{NewObject, StoredObject, key_block, key_block_mut};
use crate::refusal;

/// The dates that come after the Activation Date.
const LATER: [Tag; 3] = [
    Tag::PROCESS_START_DATE,
    Tag::PROTECT_STOP_DATE,
    Tag::DEACTIVATION_DATE,
];

pub(super) fn re_key(
    context: &Context<'_>,
    request: &ReKeyRequest<'_>,
) -> Result<ReKeyResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let mut old = objects.get_online(request.unique_identifier.as_ref())?;
    let mut content = objects.content(&old)?;
    if !matches!(content, ManagedObject::SymmetricKey(_)) {
        return Err(refusal::cannot_be(version, "re-keyed"));
    }
    if old.attributes.iter().any(is_replacement) {
        let message = format!("the key `{}` is replaced already", old.identifier);
        return Err(refusal::wrong_state(version, message));
    }
    if key_block(&content).is_some_and(|block| block.key_value.is_none()) {
        return Err(refusal::value_not_present());
    }
    let given = given(&objects, request.attributes.as_ref(), context)?;
    check_offset(request.offset, &given, &old.attributes, version)?;
    renew(&mut content, &old.attributes)?;
    let is_format = |own: &&Attribute<'_>| matches!(own.value, AttributeValue::KeyFormatType(_));
    let format = given.iter().find(is_format).cloned();
    let mut new = NewObject::made(content, format, version)?;
    for attribute in inherited(&old.attributes, &given) {
        new.attributes.add(attribute.value);
    }
    let now = context.now;
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    new.attributes
        .set(AttributeValue::OriginalCreationDate(now));
    new.attributes.set(AttributeValue::RandomNumberGenerator(
        context.configuration.random_number_generator.clone(),
    ));
    if let Some(limits) = old.attributes.usage_limits() {
        let mut limits = limits.clone();
        limits.usage_limits_count = Some(limits.usage_limits_total);
        new.attributes.set(AttributeValue::UsageLimits(limits));
    }
    set_dates(&mut new.attributes, &old.attributes, request.offset, now);
    for attribute in given {
        match crate::attributes::has_instances(&attribute.reference()) {
            true => new.attributes.add(attribute.value),
            false => new.attributes.set(attribute.value),
        }
    }
    new.attributes
        .add(link(LinkType::REPLACED_OBJECT_LINK, &old.identifier));
    old.attributes
        .add(link(LinkType::REPLACEMENT_OBJECT_LINK, &new.identifier));
    // The name goes to the new key, so that whoever looks for it finds the one to use.
    old.attributes.clear(Tag::NAME);
    rotate(&mut new.attributes, &mut old.attributes, now);
    old.attributes.touch(now);
    objects.save(&old)?;
    let new: StoredObject = objects.add(new)?;
    objects.commit()?;
    Ok(ReKeyResponse {
        unique_identifier: new.unique_identifier(),
        ..ReKeyResponse::default()
    })
}

pub(super) fn is_replacement(attribute: &Attribute<'_>) -> bool {
    matches!(&attribute.value, AttributeValue::Link(link)
        if link.link_type == LinkType::REPLACEMENT_OBJECT_LINK)
}

fn given(
    objects: &Objects<'_>,
    attributes: Option<&Attributes<'_>>,
    context: &Context<'_>,
) -> Result<Vec<Attribute<'static>>, Failure> {
    let given = match attributes {
        Some(attributes) => objects.given(attributes)?,
        None => Vec::new(),
    };
    for attribute in &given {
        check_new(attribute, context.version())?;
    }
    Ok(given)
}

/// Puts a new key in the place of the old one.
fn renew(content: &mut ManagedObject<'static>, old: &AttributeSet) -> Result<(), Failure> {
    let algorithm = old.cryptographic_algorithm().copied();
    let algorithm = algorithm.ok_or_else(|| missing("Cryptographic Algorithm"))?;
    let length = old.cryptographic_length().copied();
    let length = length.ok_or_else(|| missing("Cryptographic Length"))?;
    let key = generate_symmetric(algorithm, length)?;
    let block = key_block_mut(content).ok_or_else(Failure::internal)?;
    block.key_format_type = kmip::types::KeyFormatType::RAW;
    block.key_wrapping_data = None;
    block.key_value = Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
        key.to_vec(),
    ))));
    Ok(())
}

/// What the new key takes over: all that is not about the old key itself or its life so far
/// (table "Re-key Attribute Requirements").
pub(super) fn inherited<'o>(
    old: &'o AttributeSet,
    given: &'o [Attribute<'static>],
) -> impl Iterator<Item = Attribute<'static>> + 'o {
    const OWN: [Tag; 27] = [
        Tag::UNIQUE_IDENTIFIER,
        Tag::SHORT_UNIQUE_IDENTIFIER,
        Tag::OBJECT_TYPE,
        Tag::KEY_FORMAT_TYPE,
        Tag::CRYPTOGRAPHIC_ALGORITHM,
        Tag::CRYPTOGRAPHIC_LENGTH,
        Tag::DIGEST,
        Tag::STATE,
        Tag::INITIAL_DATE,
        Tag::ACTIVATION_DATE,
        Tag::PROCESS_START_DATE,
        Tag::PROTECT_STOP_DATE,
        Tag::DEACTIVATION_DATE,
        Tag::DESTROY_DATE,
        Tag::COMPROMISE_OCCURRENCE_DATE,
        Tag::COMPROMISE_DATE,
        Tag::REVOCATION_REASON,
        Tag::ARCHIVE_DATE,
        Tag::LINK,
        Tag::LAST_CHANGE_DATE,
        Tag::ORIGINAL_CREATION_DATE,
        Tag::FRESH,
        Tag::USAGE_LIMITS,
        Tag::RANDOM_NUMBER_GENERATOR,
        Tag::ROTATE_DATE,
        Tag::ROTATE_GENERATION,
        Tag::ROTATE_LATEST,
    ];
    old.iter()
        .filter(|attribute| {
            let own = attribute.value.tag().is_some_and(|tag| OWN.contains(&tag));
            // Of what an object can have several, new ones come in addition.
            let reference = attribute.reference();
            let replaced = !crate::attributes::has_instances(&reference)
                && given.iter().any(|given| given.reference() == reference);
            !own && !replaced
        })
        .cloned()
}

/// Counts that an object was replaced (Rotate Generation, Rotate Latest and Rotate Date: KMIP 2.1, 4.49, 4.50
/// and 4.52).
pub(super) fn rotate(new: &mut AttributeSet, old: &mut AttributeSet, now: DateTime) {
    let before = old.rotate_generation().copied().unwrap_or_default();
    let generation = before.saturating_add(1);
    new.set(AttributeValue::RotateGeneration(generation));
    for (attributes, latest) in [(new, true), (old, false)] {
        attributes.set(AttributeValue::RotateDate(now));
        attributes.set(AttributeValue::RotateLatest(latest));
    }
}

/// Whether an offset can be told from where the dates of the new key come.
///
/// # Errors
/// If the request has such dates as well, or the old key has some, but none to count them from.
pub(super) fn check_offset(
    offset: Option<Interval>,
    given: &[Attribute<'_>],
    old: &AttributeSet,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    if offset.is_none() {
        return Ok(());
    }
    let is_date = |attribute: &Attribute<'_>| {
        let tag = attribute.value.tag();
        tag.is_some_and(|tag| tag == Tag::ACTIVATION_DATE || LATER.contains(&tag))
    };
    if given.iter().any(is_date) {
        let message = "the Offset decides on the dates, so that the request cannot give them";
        return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
    }
    let has_later = LATER.into_iter().any(|tag| old.value(tag).is_some());
    match has_later && old.activation_date().is_none() {
        true => {
            let reason = match version >= ProtocolVersion::V2_0 {
                true => ResultReason::INVALID_FIELD,
                false => ResultReason::ILLEGAL_OPERATION,
            };
            let message = "the old key has no Activation Date to count its other dates from";
            Err(Failure::new(reason, message))
        }
        false => Ok(()),
    }
}

/// The dates of the new key: those of the old one, and with an offset moved so that the new key becomes
/// active that long from now (KMIP 1.4, 4.4; 2.1, 6.1.46).
pub(super) fn set_dates(
    new: &mut AttributeSet,
    old: &AttributeSet,
    offset: Option<Interval>,
    now: DateTime,
) {
    let Some(offset) = offset else {
        // When the old key was revoked is no date that was chosen for its life. It may have been
        // compromised since.
        let is_revoked = old.value(Tag::REVOCATION_REASON).is_some();
        let of_revocation = |value: &AttributeValue<'_>| match value {
            AttributeValue::DeactivationDate(date) => is_revoked && *date <= now,
            _ => false,
        };
        let dates = LATER.into_iter().chain([Tag::ACTIVATION_DATE]);
        for value in dates.filter_map(|tag| old.value(tag)) {
            if !of_revocation(value) {
                new.set(value.clone());
            }
        }
        return;
    };
    let activation = DateTime(now.0.saturating_add(offset.0.into()));
    let Some(before) = old.activation_date().copied() else {
        new.set(AttributeValue::ActivationDate(activation));
        return;
    };
    let moved =
        |date: &DateTime| DateTime(activation.0.saturating_add(date.0.saturating_sub(before.0)));
    new.set(AttributeValue::ActivationDate(activation));
    if let Some(date) = old.process_start_date() {
        new.set(AttributeValue::ProcessStartDate(moved(date)));
    }
    if let Some(date) = old.protect_stop_date() {
        new.set(AttributeValue::ProtectStopDate(moved(date)));
    }
    if let Some(date) = old.deactivation_date() {
        new.set(AttributeValue::DeactivationDate(moved(date)));
    }
}
