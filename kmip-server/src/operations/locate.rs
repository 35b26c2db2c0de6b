//! Locate: which objects have certain attributes (KMIP 1.4, 4.9; 2.1, 6.1.24).

use std::ops::ControlFlow;

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, CryptographicAlgorithm, LocateRequest, LocateResponse,
    ObjectGroupMember, ObjectType, ProtocolVersion, StorageStatusMask, Tag, UniqueIdentifier,
};

use super::create::new_key;
use crate::attributes::Filter;
use crate::context::Context;
use crate::object::{NewObject, StoredObject};
use crate::refusal;

pub(super) fn locate(
    context: &Context<'_>,
    request: &LocateRequest<'_>,
) -> Result<LocateResponse<'static>, Failure> {
    if let Some(item) = request.extra.iter().next() {
        // It may be a condition: what it excludes must not be found.
        let message = format!("Locate has no field {} in this version", item.tag);
        return Err(refusal::invalid_field(message));
    }
    let version = context.version();
    let filter = Filter::new(&request.attributes, version)?;
    let status = request.storage_status_mask;
    let status = status.unwrap_or(StorageStatusMask::ON_LINE_STORAGE);
    let wanted = |object: &StoredObject| {
        is_stored(object, status, filter.is_about(Tag::STATE))
            && is_member(object, request.object_group_member)
            && filter.matches(object)
    };
    let group = request.attributes.object_group();
    let member = request.object_group_member;
    let is_telling = !request.attributes.is_empty() || member.is_some();
    let turn = group.filter(|_| member == Some(ObjectGroupMember::GROUP_MEMBER_DEFAULT));
    let offset = count(request.offset_items, "Offset Items")?;
    let maximum = count(request.maximum_items, "Maximum Items")?;
    // Until 1.3 pages begin with the oldest objects, since 1.4 with the newest (TC-OFFSET-1).
    let in_pages = offset.is_some() || maximum.is_some();
    let is_reversed = in_pages && version < ProtocolVersion::V1_4 || turn.is_some();
    // Who goes through the results in pages is told how many there are.
    let enough = maximum.filter(|_| offset.is_none() && !is_reversed);

    // There may be very many, of which no more is needed than this.
    let mut located: Vec<String> = Vec::new();
    let objects = context.view()?;
    objects.locate(filter.exact(), is_telling, &mut |object| {
        if wanted(&object) {
            located.push(object.identifier);
        }
        match enough.is_some_and(|enough| located.len() >= enough.max(1)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    drop(objects);
    if located.is_empty() && member == Some(ObjectGroupMember::GROUP_MEMBER_FRESH) {
        if let Some(group) = group.filter(|group| is_default(context, group)) {
            let new = new_member(context, group)?;
            let mut objects = context.begin()?;
            located.push(objects.add(new)?.identifier);
            objects.commit()?;
        }
    }
    if is_reversed {
        located.reverse();
    }
    if let Some(group) = turn {
        let groups = &context.volatile.groups;
        groups.take_turn(context.owner(), group, &mut located);
    }

    let total = i32::try_from(located.len()).unwrap_or(i32::MAX);
    let page = located.into_iter().skip(offset.unwrap_or(0));
    let page = page.take(maximum.unwrap_or(usize::MAX));
    Ok(LocateResponse {
        located_items: offset.map(|_| total),
        unique_identifier: page.map(UniqueIdentifier::from).collect(),
        ..LocateResponse::default()
    })
}

fn is_default(context: &Context<'_>, group: &str) -> bool {
    context.configuration.default_group.as_deref() == Some(group)
}

/// A new key in a group of which the server always has a fresh member.
fn new_member(context: &Context<'_>, group: &str) -> Result<NewObject, Failure> {
    let group = Attribute::from(AttributeValue::ObjectGroup(group.to_owned().into()));
    let algorithm = CryptographicAlgorithm::AES;
    new_key(
        context,
        ObjectType::SYMMETRIC_KEY,
        Some(algorithm),
        256,
        vec![group],
    )
}

/// Whether an object lies where it is searched. Destroyed objects are found only if they are meant:
/// by the mask, or by their state.
fn is_stored(object: &StoredObject, status: StorageStatusMask, by_state: bool) -> bool {
    if object.is_destroyed() {
        return by_state || status.contains(StorageStatusMask::DESTROYED_STORAGE);
    }
    status.contains(match object.archived {
        true => StorageStatusMask::ARCHIVAL_STORAGE,
        false => StorageStatusMask::ON_LINE_STORAGE,
    })
}

fn is_member(object: &StoredObject, member: Option<ObjectGroupMember>) -> bool {
    match member {
        Some(ObjectGroupMember::GROUP_MEMBER_FRESH) => {
            object.attributes.fresh().copied() == Some(true)
        }
        _ => true,
    }
}

fn count(number: Option<i32>, field: &str) -> Result<Option<usize>, Failure> {
    let convert = |number| {
        usize::try_from(number).map_err(|_| refusal::invalid_field(format!("{field} is negative")))
    };
    number.map(convert).transpose()
}
