//! The attributes of an object as a client of some version gets to see them.

use kmip::ttlv;
use kmip::types::{
    Attribute, AttributeReference, AttributeValue, Attributes, Digest, ProtocolVersion, Tag,
};

use super::{AttributeSet, same_name};

/// The attributes that are asked for, or all, in the form of `version`. What the version does not
/// have is left out.
pub(crate) fn visible(
    attributes: &AttributeSet,
    asked: &[AttributeReference<'_>],
    version: ProtocolVersion,
) -> Attributes<'static> {
    if asked.is_empty() {
        return attributes
            .iter()
            .filter_map(|a| adapt(a, version))
            .collect();
    }
    let mut list = Vec::new();
    for reference in asked {
        let positions = attributes.positions(reference, version);
        let found = positions.into_iter().map(|at| attributes.at(at));
        list.extend(found.filter_map(|attribute| adapt(attribute, version)));
    }
    list.into()
}

/// The names of the attributes that an object has in `version`, each once.
pub(crate) fn references(
    attributes: &AttributeSet,
    version: ProtocolVersion,
) -> Vec<AttributeReference<'static>> {
    let mut seen: Vec<Attribute<'static>> = Vec::new();
    for attribute in attributes.iter().filter_map(|a| adapt(a, version)) {
        let reference = attribute.reference();
        let known = |old: &Attribute<'_>| match version < ProtocolVersion::V2_0 {
            true => same_name(old, &reference),
            false => old.reference() == reference,
        };
        if !seen.iter().any(known) {
            seen.push(attribute);
        }
    }
    seen.iter().map(Attribute::reference).collect()
}

/// An attribute in the answer to the operation that changed it. It is none since KMIP 2.0.
pub(crate) fn answered(
    attribute: Option<Attribute<'static>>,
    version: ProtocolVersion,
) -> Option<Attribute<'static>> {
    let mut attribute = attribute.filter(|_| version < ProtocolVersion::V2_0)?;
    attribute.index = shown_index(attribute.index, version);
    Some(attribute)
}

/// The index that clients see. The test cases of KMIP 1.0 have none for the first instance, and do not
/// let it be added.
fn shown_index(index: Option<i32>, version: ProtocolVersion) -> Option<i32> {
    let has_index = version < ProtocolVersion::V2_0;
    let may_be_zero = version > ProtocolVersion::V1_0;
    index.filter(|index| has_index && (may_be_zero || *index != 0))
}

/// The attribute as this version can express it; `None` if it cannot.
pub(crate) fn adapt(
    attribute: &Attribute<'static>,
    version: ProtocolVersion,
) -> Option<Attribute<'static>> {
    let mut adapted = attribute.clone();
    adapted.index = shown_index(adapted.index, version);
    if is_expressible(&adapted, version) {
        return Some(adapted);
    }
    adapted.value = match adapted.value {
        AttributeValue::CryptographicParameters(parameters) => {
            AttributeValue::CryptographicParameters(older_parameters(parameters, version))
        }
        AttributeValue::RandomNumberGenerator(_) => return None,
        AttributeValue::Digest(digest) => AttributeValue::Digest(Digest {
            key_format_type: None,
            ..digest
        }),
        _ => return None,
    };
    is_expressible(&adapted, version).then_some(adapted)
}

/// Cryptographic Parameters without the fields that came after `version`.
pub(crate) fn older_parameters(
    mut parameters: kmip::types::CryptographicParameters<'static>,
    version: ProtocolVersion,
) -> kmip::types::CryptographicParameters<'static> {
    if version < ProtocolVersion::V1_4 {
        parameters.salt_length = None;
        parameters.mask_generator = None;
        parameters.mask_generator_hashing_algorithm = None;
        parameters.p_source = None;
        parameters.trailer_field = None;
    }
    if version < ProtocolVersion::V1_2 {
        parameters.digital_signature_algorithm = None;
        parameters.cryptographic_algorithm = None;
        parameters.random_iv = None;
        parameters.iv_length = None;
        parameters.tag_length = None;
        parameters.fixed_field_length = None;
        parameters.invocation_field_length = None;
        parameters.counter_length = None;
        parameters.initial_counter_value = None;
    }
    parameters
}

fn is_expressible(attribute: &Attribute<'_>, version: ProtocolVersion) -> bool {
    let tag = match version >= ProtocolVersion::V2_0 {
        true => Tag::NEW_ATTRIBUTE,
        false => Tag::ATTRIBUTE,
    };
    ttlv::encode_item(attribute, tag, version, &mut Vec::new()).is_ok()
}
