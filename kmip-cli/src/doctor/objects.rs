//! Probes of Get and of attributes.

use kmip::ProtocolVersion;
use kmip::client::Error;
use kmip::types::{
    Attribute, AttributeReference, Link, LinkType, ManagedObject, Tag, UniqueIdentifier,
};

use super::probe::{Made, usage};
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

/// The key in clear, if the server gives it out.
pub(super) fn clear_get(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    report: &mut Report,
) -> Result<Option<Vec<u8>>, Failure> {
    match made.client.get(key) {
        Ok(got) => {
            let bytes = match &got.managed_object {
                ManagedObject::SymmetricKey(key) => key.key_block.key_value.as_ref(),
                _ => None,
            };
            let bytes = bytes.and_then(|value| value.as_bytes()).map(<[u8]>::to_vec);
            match bytes.as_deref().map(<[u8]>::len) {
                Some(32) => report.good("Get", "the key has 32 bytes")?,
                other => report.bad(
                    "Get",
                    format!("the key has {other:?} bytes instead of 32"),
                    "report it to the vendor",
                )?,
            }
            Ok(bytes)
        }
        Err(error) => {
            report.doubtful(
                "Get",
                brief(&error),
                "keys may leave this server only wrapped",
            )?;
            Ok(None)
        }
    }
}

/// Adds one attribute after the other, and looks whether it is there.
pub(super) fn attributes(
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
    let mut probes: Vec<(&str, Attribute<'static>, ProtocolVersion, &mut bool)> = vec![
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
            Attribute::custom("x", "zkey-doctor", text("custom")),
            ProtocolVersion::V1_0,
            &mut kept.custom,
        ),
        (
            "custom (zkey)",
            Attribute::custom("zkey", "doctor", text("vendor")),
            ProtocolVersion::V2_0,
            &mut kept.vendor,
        ),
    ];
    let mut works = Vec::new();
    let mut fails = Vec::new();
    for (name, attribute, since, flag) in &mut probes {
        if version < *since {
            continue;
        }
        match keeps(made, key, attribute) {
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
            let advice = "a profile (--profile) makes the plugin do without them";
            report.doubtful("attributes", found, advice)?;
        } else {
            let advice = "zkey keeps its properties in custom attributes: it cannot work with this \
                          server";
            report.bad("attributes", found, advice)?;
        }
    }
    Ok(kept)
}

fn keeps(
    made: &mut Made<'_>,
    key: &UniqueIdentifier<'static>,
    attribute: &Attribute<'static>,
) -> Result<bool, Error> {
    made.client.add_attribute(key, attribute.clone())?;
    let reference = attribute.reference();
    let found = made.client.get_attributes(key, [reference.clone()])?;
    let there = found.find(&reference);
    Ok(there.is_some_and(|there| there.value == attribute.value))
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
