//! Published TTLV decodes to types and encodes to the same bytes again.
//!
//! The vectors are not part of the repository, see `test_support::reference`.

mod common;

use kmip::ProtocolVersion;
use kmip::codec::{Decoder, Item, Message, Options, RawValue};
use kmip::ttlv;
use kmip::types::{
    Authentication, Credential, CredentialType, CredentialValue, EncryptionKeyInformation,
    Enumeration, KeyWrappingData, KeyWrappingSpecification, MacSignatureKeyInformation, Operation,
    RequestBatchItem, RequestMessage, RequestPayload, ResponseHeader, ResponseMessage,
    ResponsePayload, Tag,
};
use serde_json::Value;

/// One published entry.
struct Vector {
    place: String,
    name: String,
    direction: String,
    bytes: Vec<u8>,
}

fn vectors() -> Option<Vec<Vector>> {
    let directory = test_support::reference("conformance/hex")?;
    let mut vectors = Vec::new();
    for version in std::fs::read_dir(directory).expect("the directory of vectors") {
        let version = version.expect("an entry").path();
        for file in std::fs::read_dir(&version).expect("the files of a version") {
            let file = file.expect("an entry").path();
            let text = std::fs::read_to_string(&file).expect("a file of vectors");
            let entries: Value = serde_json::from_str(&text).expect("JSON");
            for entry in entries.as_array().expect("a list") {
                let text = |key: &str| entry[key].as_str().expect(key).to_owned();
                vectors.push(Vector {
                    place: format!("{} {}", file.display(), text("name")),
                    name: text("name"),
                    direction: text("direction"),
                    bytes: common::from_hex(&text("hex")),
                });
            }
        }
    }
    Some(vectors)
}

/// Name and root of entries that contradict the specification.
fn defects() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("data/published-ttlv-defects.tsv")
        .lines()
        .skip(1);
    rows.map(|row| {
        let mut columns = row.split('\t');
        let mut column = || columns.next().expect("a column");
        (column(), column())
    })
    .collect()
}

#[test]
fn every_message_is_typed_and_encodes_to_the_same_bytes() {
    let Some(vectors) = vectors() else { return };
    let defects = defects();
    let mut checked = 0;
    let mut failures = Vec::new();
    for vector in &vectors {
        let checked_bytes = match vector.direction.as_str() {
            "request" => round_trip::<RequestMessage<'_>>(&vector.bytes),
            "response" => round_trip::<ResponseMessage<'_>>(&vector.bytes),
            _ => fragment(vector),
        };
        let root = vector.bytes[..3]
            .iter()
            .fold(0, |tag, byte| tag << 8 | u32::from(*byte));
        let root = Tag(root).to_string();
        let mut known = defects.iter();
        let defect = known.any(|(name, tag)| vector.name == *name && root == *tag);
        match checked_bytes {
            Ok(()) if defect => failures.push(format!("{}: no defect", vector.place)),
            Err(fault) if !defect => failures.push(format!("{} {root}: {fault}", vector.place)),
            _ => checked += 1,
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
    assert!(checked > 300, "only {checked} vectors");
}

fn round_trip<'a, M: Message<'a> + std::fmt::Debug>(bytes: &'a [u8]) -> Result<(), String> {
    let message: M = ttlv::decode(bytes, &Options::strict()).map_err(|e| e.to_string())?;
    let mut encoded = Vec::new();
    ttlv::encode(&message, &mut encoded).map_err(|e| e.to_string())?;
    compare(bytes, &encoded)?;
    common::check_typed(&message)
}

/// Fragments are single items of some version, not always that of the document.
fn fragment(vector: &Vector) -> Result<(), String> {
    let tag = ttlv::Reader::new(&vector.bytes)
        .map_err(|e| e.to_string())?
        .tag();
    let tag = tag.ok_or("nothing in it")?;
    let mut faults = Vec::new();
    for version in ProtocolVersion::ALL {
        match fragment_of(vector, tag, version) {
            Ok(()) => return Ok(()),
            Err(fault) => faults.push(format!("as {version}: {fault}")),
        }
    }
    Err(faults.join("; "))
}

fn fragment_of(vector: &Vector, tag: Tag, version: ProtocolVersion) -> Result<(), String> {
    let operation = operation(&vector.name).unwrap_or_default();
    let bytes = &vector.bytes;
    match tag {
        Tag::REQUEST_PAYLOAD => item::<RequestPayload<'_>>(bytes, tag, operation, version),
        Tag::RESPONSE_PAYLOAD => item::<ResponsePayload<'_>>(bytes, tag, operation, version),
        Tag::AUTHENTICATION => item::<Authentication<'_>>(bytes, tag, operation, version),
        Tag::CREDENTIAL => item::<Credential<'_>>(bytes, tag, operation, version),
        Tag::CREDENTIAL_VALUE => {
            let kinds = [
                CredentialType::USERNAME_AND_PASSWORD,
                CredentialType::DEVICE,
            ];
            let read = |kind: CredentialType| {
                item::<CredentialValue<'_>>(bytes, tag, Operation(kind.0), version)
            };
            read(kinds[0]).or_else(|_| read(kinds[1]))
        }
        Tag::BATCH_ITEM => item::<RequestBatchItem<'_>>(bytes, tag, operation, version),
        Tag::RESPONSE_HEADER => item::<ResponseHeader<'_>>(bytes, tag, operation, version),
        Tag::PROTOCOL_VERSION => item::<ProtocolVersion>(bytes, tag, operation, version),
        Tag::ENCRYPTION_KEY_INFORMATION => {
            item::<EncryptionKeyInformation<'_>>(bytes, tag, operation, version)
        }
        Tag::MAC_SIGNATURE_KEY_INFORMATION => {
            item::<MacSignatureKeyInformation<'_>>(bytes, tag, operation, version)
        }
        Tag::KEY_WRAPPING_DATA => item::<KeyWrappingData<'_>>(bytes, tag, operation, version),
        Tag::KEY_WRAPPING_SPECIFICATION => {
            item::<KeyWrappingSpecification<'_>>(bytes, tag, operation, version)
        }
        // The examples of the encoding have a tag that means nothing.
        Tag::COMPROMISE_DATE => item::<RawValue<'_>>(bytes, tag, operation, version),
        other => Err(format!("no type for {other}")),
    }
}

/// The operation of a payload without its batch item, from a name such as `test_create_key_pair:`.
fn operation(name: &str) -> Option<Operation> {
    let words = name
        .strip_prefix("test_")?
        .split(':')
        .next()?
        .replace('_', "");
    let mut values = Operation::TABLE.values.iter();
    let plain = |name: &str| name.to_lowercase().replace([' ', '-', '#'], "");
    values
        .find(|value| plain(value.name) == words)
        .map(|value| Operation(value.value))
}

fn item<'a, T: Item<'a> + std::fmt::Debug>(
    bytes: &'a [u8],
    tag: Tag,
    selector: Operation,
    version: ProtocolVersion,
) -> Result<(), String> {
    let mut value = T::default();
    let options = Options::strict();
    let mut decoder = Decoder::ttlv(bytes, version, &options).map_err(|e| e.to_string())?;
    decoder.select(selector.0);
    value.read(&mut decoder).map_err(|e| e.to_string())?;
    decoder.finish().map_err(|e| e.to_string())?;
    let mut encoded = Vec::new();
    ttlv::encode_item(&value, tag, version, &mut encoded).map_err(|e| e.to_string())?;
    compare(bytes, &encoded)?;
    if tag == Tag::COMPROMISE_DATE {
        Ok(())
    } else {
        common::check_typed(&value)
    }
}

fn compare(bytes: &[u8], encoded: &[u8]) -> Result<(), String> {
    if bytes == encoded {
        return Ok(());
    }
    let differ = bytes.iter().zip(encoded).position(|(a, b)| a != b);
    Err(format!("encodes to other bytes from byte {differ:?} on"))
}
