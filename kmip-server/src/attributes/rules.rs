//! Who may set, change and delete which attribute (the rules of each attribute in KMIP 1.4,
//! section 3; 2.1, section 4). The tables say it for each version; what they only say in words is
//! here.

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeReference, AttributeValue, ProtocolVersion, ResultReason, State, Tag,
};

use crate::refusal;

/// What happens to an attribute that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// One value becomes another.
    Modify,
    /// A value goes away.
    Delete,
}

/// Attributes that the server alone sets, so that a new object must not come with them. The tables
/// say the same of some that clients do give, such as Cryptographic Length.
const SERVER_MANAGED: [Tag; 25] = [
    Tag::UNIQUE_IDENTIFIER,
    Tag::SHORT_UNIQUE_IDENTIFIER,
    Tag::STATE,
    Tag::INITIAL_DATE,
    Tag::LAST_CHANGE_DATE,
    Tag::DESTROY_DATE,
    Tag::COMPROMISE_DATE,
    Tag::COMPROMISE_OCCURRENCE_DATE,
    Tag::ARCHIVE_DATE,
    Tag::REVOCATION_REASON,
    Tag::DIGEST,
    Tag::LEASE_TIME,
    Tag::ALWAYS_SENSITIVE,
    Tag::NEVER_EXTRACTABLE,
    Tag::KEY_VALUE_PRESENT,
    Tag::CERTIFICATE_LENGTH,
    Tag::X_509_CERTIFICATE_IDENTIFIER,
    Tag::X_509_CERTIFICATE_ISSUER,
    Tag::X_509_CERTIFICATE_SUBJECT,
    Tag::CERTIFICATE_IDENTIFIER,
    Tag::CERTIFICATE_ISSUER,
    Tag::CERTIFICATE_SUBJECT,
    Tag::ROTATE_DATE,
    Tag::ROTATE_GENERATION,
    Tag::ROTATE_LATEST,
];

/// Whether an object can have several values of an attribute, in any version.
pub(crate) fn has_instances(reference: &AttributeReference<'_>) -> bool {
    let AttributeReference::Standard(tag) = reference else {
        return true;
    };
    let info = tag.attribute();
    let rules = |version: &ProtocolVersion| info.and_then(|info| info.rules(*version));
    ProtocolVersion::ALL
        .iter()
        .filter_map(rules)
        .any(|rules| rules.multiple_instances)
}

/// Whether a client may give an attribute to a new object.
///
/// # Errors
/// If the version does not have it, or only the server sets it.
pub(crate) fn check_new(
    attribute: &Attribute<'_>,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    let reference = attribute.reference();
    check_known(attribute, version)?;
    match reference {
        AttributeReference::Standard(tag) if SERVER_MANAGED.contains(&tag) => {
            Err(refusal::read_only(&reference))
        }
        _ => Ok(()),
    }
}

/// Whether a client may add a value to an object that may have some.
///
/// # Errors
/// If the version does not have the attribute, only the server sets it, or there is a value and
/// no room for another.
pub(crate) fn check_added(
    attribute: &Attribute<'_>,
    exists: bool,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    let reference = attribute.reference();
    check_known(attribute, version).map_err(refusal::of_adding)?;
    let AttributeReference::Standard(tag) = reference else {
        return Ok(());
    };
    let rules = tag.attribute().and_then(|info| info.rules(version));
    let settable = rules.is_some_and(|rules| rules.settable_by_client);
    if !settable || SERVER_MANAGED.contains(&tag) || tag == Tag::OBJECT_TYPE {
        return Err(refusal::of_adding(refusal::read_only(&reference)));
    }
    if exists && rules.is_some_and(|rules| !rules.multiple_instances) {
        return Err(refusal::single_valued(&reference, version));
    }
    Ok(())
}

/// Whether a client may change a value to another one, with the object in this state.
///
/// # Errors
/// If it may not.
pub(crate) fn check_changed(
    new: &Attribute<'_>,
    version: ProtocolVersion,
    state: Option<State>,
) -> Result<(), Failure> {
    check_known(new, version)?;
    check_allowed(&new.reference(), Change::Modify, version, state)
}

/// Whether a client may delete an attribute.
///
/// # Errors
/// If it may not.
pub(crate) fn check_deleted(
    reference: &AttributeReference<'_>,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    check_allowed(reference, Change::Delete, version, None)
}

fn check_allowed(
    reference: &AttributeReference<'_>,
    change: Change,
    version: ProtocolVersion,
    state: Option<State>,
) -> Result<(), Failure> {
    let tag = match reference {
        AttributeReference::Standard(tag) => *tag,
        AttributeReference::Custom { vendor, .. } if vendor == "y" => {
            return Err(refusal::read_only(reference));
        }
        AttributeReference::Custom { .. } => return Ok(()),
    };
    let rules = tag.attribute().and_then(|info| info.rules(version));
    let Some(rules) = rules else {
        return Err(refusal::unsupported_attribute(reference));
    };
    let allowed = match change {
        Change::Modify => rules.modifiable_by_client,
        Change::Delete => rules.deletable_by_client,
    };
    let in_time = match tag {
        Tag::ACTIVATION_DATE | Tag::PROCESS_START_DATE => {
            state.is_none_or(|state| state == State::PRE_ACTIVE)
        }
        Tag::DEACTIVATION_DATE | Tag::PROTECT_STOP_DATE => {
            state.is_none_or(|state| [State::PRE_ACTIVE, State::ACTIVE].contains(&state))
        }
        _ => true,
    };
    match (allowed, in_time) {
        (false, _) => Err(refusal::read_only(reference)),
        (true, false) => Err(refusal::wrong_state(
            version,
            format!("{reference} can no longer be changed"),
        )),
        (true, true) => Ok(()),
    }
}

/// Refuses what the version does not have: attributes of newer versions, names that are neither
/// standard nor custom, and the server's own custom attributes.
fn check_known(attribute: &Attribute<'_>, version: ProtocolVersion) -> Result<(), Failure> {
    let reference = attribute.reference();
    if let AttributeValue::Absent(_) = attribute.value {
        let message = format!("the attribute {reference} has no value");
        return Err(Failure::new(ResultReason::INVALID_FIELD, message));
    }
    match &reference {
        AttributeReference::Custom { vendor, .. } if vendor.is_empty() => {
            Err(refusal::unsupported_attribute(&reference))
        }
        AttributeReference::Custom { vendor, .. } if vendor == "y" => {
            Err(refusal::read_only(&reference))
        }
        AttributeReference::Custom { .. } => Ok(()),
        AttributeReference::Standard(tag) => {
            match tag.attribute().and_then(|info| info.rules(version)) {
                Some(_) => Ok(()),
                None => Err(refusal::unsupported_attribute(&reference)),
            }
        }
    }
}
