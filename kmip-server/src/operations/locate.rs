//! Locate: which objects have certain attributes (KMIP 1.4, 4.9; 2.1, 6.1.24).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, CryptographicAlgorithm, LocateRequest, LocateResponse,
    ObjectGroupMember, ObjectType, ProtocolVersion, StorageStatusMask, Tag,
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
    let mut found = context.view()?.find(filter.exact(), wanted)?;
    let group = request.attributes.object_group();
    let member = request.object_group_member;
    if found.is_empty() && member == Some(ObjectGroupMember::GROUP_MEMBER_FRESH) {
        if let Some(group) = group.filter(|group| is_default(context, group)) {
            let new = new_member(context, group)?;
            let mut objects = context.begin()?;
            found.push(objects.add(new)?);
            objects.commit()?;
        }
    }
    let turn = group.filter(|_| member == Some(ObjectGroupMember::GROUP_MEMBER_DEFAULT));
    let mut located: Vec<&StoredObject> = found.iter().collect();
    // Until 1.3 pages begin with the oldest objects, since 1.4 with the newest (TC-OFFSET-1).
    let in_pages = request.offset_items.is_some() || request.maximum_items.is_some();
    if in_pages && context.version() < ProtocolVersion::V1_4 || turn.is_some() {
        located.reverse();
    }
    if let Some(group) = turn {
        let groups = &context.volatile.groups;
        groups.take_turn(context.owner(), group, &mut located);
    }

    let offset = count(request.offset_items, "Offset Items")?.unwrap_or(0);
    let maximum = count(request.maximum_items, "Maximum Items")?.unwrap_or(usize::MAX);
    let page = located.iter().skip(offset).take(maximum);
    // Who goes through the results in pages is told how many there are.
    let total = i32::try_from(located.len()).unwrap_or(i32::MAX);
    Ok(LocateResponse {
        located_items: request.offset_items.map(|_| total),
        unique_identifier: page.map(|object| object.unique_identifier()).collect(),
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
