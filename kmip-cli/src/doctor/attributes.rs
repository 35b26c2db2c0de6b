//! Probes of attributes: which the server keeps, and how they are changed and found.

use kmip::ProtocolVersion;
use kmip::client::Error;
use kmip::types::{
    Attribute, AttributeReference, DeleteAttributeRequest, Link, LinkType, LocateRequest,
    SetAttributeRequest, Tag, UniqueIdentifier,
};
use zkey_needs::server_traits::ServerTrait;

use super::probe::{Made, is_refusal, usage};
use super::report::Report;
use super::{brief, reason};
use crate::failure::Failure;

/// Attributes that a server keeps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attributes {
    pub(super) link: bool,
    pub(super) description: bool,
    pub(super) comment: bool,
    /// As attribute of the vendor `x`, or with a name `x-...` in 1.x.
    pub(super) custom: bool,
    /// As attribute of the vendor `zkey`.
    pub(super) vendor: bool,
    pub(super) sensitive: bool,
    pub(super) always_sensitive: bool,
}

/// Gives the key one attribute after the other, and looks whether it is there.
pub(super) fn examine(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    report: &mut Report,
) -> Result<Attributes, Failure> {
    let version = made.client.version();
    let mut kept = Attributes::default();
    let link = Attribute::link(Link {
        link_type: LinkType::NEXT_LINK,
        linked_object_identifier: key.clone(),
        ..Link::default()
    });
    let text = |kind: &str| format!("kmip doctor, {kind}");
    let custom = Attribute::custom("x", "zkey-doctor", text("custom"));
    let vendor = Attribute::custom("zkey", "doctor", text("vendor"));
    type Probe<'k> = (
        &'static str,
        Attribute<'static>,
        ProtocolVersion,
        &'k mut bool,
    );
    let mut probes: Vec<Probe<'_>> = vec![
        ("Link", link, ProtocolVersion::V1_2, &mut kept.link),
        (
            "Description",
            Attribute::description(text("description")),
            ProtocolVersion::V1_4,
            &mut kept.description,
        ),
        (
            "Comment",
            Attribute::comment(text("comment")),
            ProtocolVersion::V1_4,
            &mut kept.comment,
        ),
        (
            "custom (x)",
            custom.clone(),
            ProtocolVersion::V1_0,
            &mut kept.custom,
        ),
        (
            "custom (zkey)",
            vendor.clone(),
            ProtocolVersion::V2_0,
            &mut kept.vendor,
        ),
    ];
    probes.retain(|(_, _, since, _)| version >= *since);
    let can_add = can_add(
        made,
        key,
        &probes.iter().map(|one| &one.1).collect::<Vec<_>>(),
    );
    if !can_add {
        made.traits.insert(ServerTrait::NoAddAttribute);
        let instead = "attributes are made with the object, and modified later; no XTS pairs of keys \
                       that exist already";
        report.adapted("Add Attribute", "is refused for all attributes", instead)?;
    }
    let mut works = Vec::new();
    let mut fails = Vec::new();
    for (name, attribute, _, flag) in &mut probes {
        let outcome = match can_add {
            true => added(made, key, attribute),
            false => created_with(made, attribute),
        };
        match outcome {
            Ok(true) => {
                **flag = true;
                works.push(*name);
            }
            Ok(false) => fails.push(format!("{name} (accepted and lost)")),
            Err(error) => fails.push(format!("{name} ({})", reason(&error))),
        }
    }
    drop(probes);
    sensitive(made, &mut kept, &mut works, &mut fails);
    if !works.is_empty() {
        report.good("attributes", format!("{} are kept", works.join(", ")))?;
    }
    if !fails.is_empty() {
        let found = format!("not kept: {}", fails.join("; "));
        if kept.custom || kept.vendor {
            let instead = "zkey does without them";
            report.adapted("attributes", found, instead)?;
        } else {
            let advice = "zkey keeps its properties in custom attributes: it cannot work with this \
                          server";
            report.bad("attributes", found, advice)?;
        }
    }
    if kept.custom || kept.vendor {
        let own = if kept.custom { custom } else { vendor };
        change(made, key, &own, report)?;
        search(made, key, &own, report)?;
    }
    Ok(kept)
}

/// Whether any attribute can be added.
fn can_add(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    attributes: &[&Attribute<'static>],
) -> bool {
    let mut attributes = attributes.iter().rev();
    attributes.any(|one| made.client.add_attribute(key, (*one).clone()).is_ok())
}

/// Whether an attribute is there after it was added.
fn added(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    attribute: &Attribute<'static>,
) -> Result<bool, Error> {
    if has(made, key, attribute).unwrap_or(false) {
        return Ok(true);
    }
    made.client.add_attribute(key, attribute.clone())?;
    has(made, key, attribute)
}

/// Whether a new object has the attribute that it was made with.
fn created_with(made: &mut Made<'_>, attribute: &Attribute<'static>) -> Result<bool, Error> {
    let with = [attribute.clone()];
    let key = made.client.create_symmetric_key(256, usage(), with)?;
    made.note(&key);
    has(made, &key, attribute)
}

fn has(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    attribute: &Attribute<'static>,
) -> Result<bool, Error> {
    let reference = attribute.reference();
    let found = made.client.get_attributes(key, [reference])?;
    Ok(found.iter().any(|there| there.value == attribute.value))
}

/// How a custom attribute gets another value, and how it goes.
fn change(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    attribute: &Attribute<'static>,
    report: &mut Report,
) -> Result<(), Failure> {
    const CHECK: &str = "change attributes";
    let is_2x = made.client.version() >= ProtocolVersion::V2_0;
    let AttributeReference::Custom { vendor, name } = attribute.reference() else {
        return Ok(());
    };
    let with = |name: &str, text: &'static str| {
        Attribute::custom(vendor.to_string(), name.to_owned(), text.to_owned())
    };
    let mut ways = Vec::new();
    if is_2x {
        let new = with(&format!("{name}-set"), "set");
        let request = SetAttributeRequest {
            unique_identifier: Some(key.clone()),
            new_attribute: new.clone(),
            ..SetAttributeRequest::default()
        };
        let set = made.client.call(request).map(drop);
        if set.and_then(|()| has(made, key, &new)).unwrap_or(false) {
            made.traits.insert(ServerTrait::SetAttribute);
            ways.push("Set Attribute");
        }
    }
    let new = with(&name, "modified");
    let modified = made
        .client
        .modify_attribute(key, is_2x.then(|| attribute.clone()), new.clone());
    let modified = modified.and_then(|()| has(made, key, &new));
    let present = match modified {
        Ok(true) => {
            ways.push("Modify Attribute");
            new
        }
        _ => attribute.clone(),
    };
    let delete = DeleteAttributeRequest {
        unique_identifier: Some(key.clone()),
        attribute_reference: Some(present.reference()),
        ..DeleteAttributeRequest::default()
    };
    let deleted = made.client.call(delete);
    let mut gone = !has(made, key, &present).unwrap_or(true);
    if gone {
        ways.push("Delete Attribute");
    } else {
        let by_value = made.client.delete_attribute(key, present.clone());
        gone = by_value.is_ok() && !has(made, key, &present).unwrap_or(true);
        if gone {
            ways.push("Delete Attribute by value");
        }
        if is_2x && deleted.is_ok() {
            made.traits.insert(ServerTrait::DeleteByValue);
            let instead = "attributes are deleted by their values";
            let found = "Delete Attribute by name reports success and does nothing";
            report.adapted(CHECK, found, instead)?;
        }
    }
    let changes = ways.iter().any(|way| !way.starts_with("Delete"));
    match changes && gone {
        true => report.good(CHECK, format!("{} work", ways.join(", "))),
        false => {
            let found = match ways.is_empty() {
                true => "neither changed nor deleted".to_owned(),
                false => format!("only {} works", ways.join(", ")),
            };
            let advice = "what zkey knows of a key cannot be changed or removed later";
            report.doubtful(CHECK, found, advice)
        }
    }
}

/// Whether the key is found by a custom attribute.
fn search(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    like: &Attribute<'static>,
    report: &mut Report,
) -> Result<(), Failure> {
    const CHECK: &str = "Locate by attribute";
    // A key of its own: the other one has lost the attribute meanwhile.
    let AttributeReference::Custom { vendor, name } = like.reference() else {
        return Ok(());
    };
    let text = format!("kmip doctor {}", std::process::id());
    let custom = Attribute::custom(vendor.to_string(), format!("{name}-search"), text);
    let with = [custom.clone()];
    let marked = match made.client.create_symmetric_key(256, usage(), with) {
        Ok(marked) => marked,
        Err(_) => {
            // Then it is added.
            if made.client.add_attribute(key, custom.clone()).is_err() {
                return Ok(());
            }
            key.clone()
        }
    };
    if marked != *key {
        made.note(&marked);
    }
    let request = LocateRequest {
        attributes: [custom].into(),
        ..LocateRequest::default()
    };
    match made.client.call(request) {
        Ok(found) if found.unique_identifier == [marked.clone()] => {
            report.good(CHECK, "finds the key by a custom attribute")
        }
        Ok(found) if found.unique_identifier.contains(&marked) => {
            let instead = "zkey looks through what is found";
            report.adapted(CHECK, "custom attributes are ignored", instead)
        }
        Ok(_) => {
            let advice = "zkey finds no keys by the volumes that they are for";
            report.doubtful(CHECK, "does not find the key by a custom attribute", advice)
        }
        Err(error) if is_refusal(&error) => {
            made.traits.insert(ServerTrait::CoarseLocate);
            let instead = "zkey looks through all keys";
            report.adapted(CHECK, brief(&error), instead)
        }
        Err(error) => report.bad(CHECK, brief(&error), "keys cannot be listed"),
    }
}

/// A key that may not leave the server in clear.
fn sensitive(
    made: &mut Made<'_>,
    kept: &mut Attributes,
    works: &mut Vec<&str>,
    fails: &mut Vec<String>,
) {
    if made.client.version() < ProtocolVersion::V1_4 {
        return;
    }
    let attribute = [Attribute::sensitive(true)];
    let key = match made.client.create_symmetric_key(256, usage(), attribute) {
        Ok(key) => key,
        Err(error) => return fails.push(format!("Sensitive ({})", reason(&error))),
    };
    made.note(&key);
    let wanted: [AttributeReference<'_>; 2] = [Tag::SENSITIVE.into(), Tag::ALWAYS_SENSITIVE.into()];
    if let Ok(found) = made.client.get_attributes(&key, wanted) {
        kept.sensitive = found.sensitive() == Some(&true);
        kept.always_sensitive = found.always_sensitive() == Some(&true);
    }
    let _ = made.client.activate(&key);
    match (kept.sensitive, made.client.get(&key)) {
        (true, Err(_)) => works.push("Sensitive"),
        (true, Ok(_)) => {
            // It protects nothing, and zkey would believe that it does.
            fails.push("Sensitive (the key leaves in clear all the same)".to_owned());
            kept.sensitive = false;
            kept.always_sensitive = false;
        }
        (false, _) => fails.push("Sensitive (accepted and lost)".to_owned()),
    }
}
