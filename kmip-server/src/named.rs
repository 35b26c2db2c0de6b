//! Which objects a payload names, at whatever place.

use kmip::codec::{Item, Options, RawValue};
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{ProtocolVersion, RequestPayload, Tag};
use zeroize::Zeroizing;

/// The identifiers of all objects that a request names; one that is no text is empty.
///
/// # Errors
/// If the request cannot be looked through.
pub(crate) fn named_objects(
    request: &RequestPayload<'_>,
    version: ProtocolVersion,
) -> Result<Vec<String>, Failure> {
    let named = identifiers(request, Tag::REQUEST_PAYLOAD, version)?;
    Ok(named.into_iter().map(|one| one.identifier).collect())
}

/// An identifier in a payload, and where it stands.
pub(crate) struct Named {
    pub(crate) identifier: String,
    /// How many structures it is within, besides the payload.
    pub(crate) depth: usize,
    /// How many with its tag stand before it in its structure.
    pub(crate) position: usize,
}

/// As [`named_objects`], for the payload with this tag.
///
/// # Errors
/// If the payload cannot be looked through.
pub(crate) fn identifiers<'a>(
    payload: &impl Item<'a>,
    tag: Tag,
    version: ProtocolVersion,
) -> Result<Vec<Named>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let written = ttlv::encode_item(payload, tag, version, &mut bytes);
    written.map_err(|_| Failure::internal())?;
    let item = ttlv::decode_item::<RawValue<'_>>(&bytes, tag, version, &Options::default());
    let mut named = Vec::new();
    collect(&item.map_err(|_| Failure::internal())?, 0, &mut named);
    Ok(named)
}

fn collect(value: &RawValue<'_>, depth: usize, named: &mut Vec<Named>) {
    const IDENTIFIERS: [Tag; 3] = [
        Tag::UNIQUE_IDENTIFIER,
        Tag::PRIVATE_KEY_UNIQUE_IDENTIFIER,
        Tag::PUBLIC_KEY_UNIQUE_IDENTIFIER,
    ];
    let RawValue::Structure(items) = value else {
        return;
    };
    let mut before = [0; IDENTIFIERS.len()];
    for item in items {
        let Some(which) = IDENTIFIERS.iter().position(|tag| *tag == item.tag) else {
            collect(&item.value, depth + 1, named);
            continue;
        };
        named.push(Named {
            identifier: match &item.value {
                RawValue::TextString(text) => text.to_string(),
                _ => String::new(),
            },
            depth,
            position: before[which],
        });
        before[which] += 1;
    }
}
