//! Servers of others: what they announce, and what is peculiar to them.

use std::fmt;
use std::str::FromStr;

use kmip::Encoding;
use kmip::codec::{Options, RawItem, RawValue};
use kmip::server::Failure;
use kmip::transport::tls::Protocol;
use kmip::ttlv;
use kmip::types::{
    CryptographicUsageMask, Enumeration, KeyFormatType, ManagedObject, ObjectType, Operation,
    ProtocolVersion, RegisterRequest, RequestBatchItem, RequestHeader, RequestMessage,
    RequestPayload, ResultReason, ServerInformation, Tag,
};
use openssl::ssl::SslVersion;
use zeroize::Zeroizing;

use super::tree;
use crate::configuration::Configuration;

/// A vendor whose server this one passes for, so that clients can be tested without it. Only what is
/// known to trip clients is imitated; beyond that, it is this server that answers.
///
/// | name | what it does |
/// |---|---|
/// | `gklm` | introduces itself as IBM GKLM, with a vendor's item in Server Information; Names are unique; Description and Comment are refused |
/// | `vault` | speaks 1.0 to 1.4; every response has a Server Correlation Value, whatever its version, and that of Register an Object Type; Secret Data needs a Cryptographic Usage Mask, and symmetric keys are Raw |
/// | `pykmip` | speaks 1.0 to 2.0 over TLS 1.2; announces no types of objects and few operations, and has no more; the ID Placeholder is refused by Activate and Revoke; batches need Unique Batch Item IDs; custom attributes, Description, Comment and Link are refused; an unknown version is answered in 1.0; Names are not unique |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Personality {
    /// IBM Security Guardium Key Lifecycle Manager.
    Gklm,
    /// The KMIP secrets engine of HashiCorp Vault.
    Vault,
    /// PyKMIP 0.11.
    PyKmip,
}

const NAMES: [(&str, Personality); 3] = [
    ("gklm", Personality::Gklm),
    ("vault", Personality::Vault),
    ("pykmip", Personality::PyKmip),
];

/// What PyKMIP can do, and since which version.
const PYKMIP: [(Operation, ProtocolVersion); 21] = [
    (Operation::CREATE, ProtocolVersion::V1_0),
    (Operation::CREATE_KEY_PAIR, ProtocolVersion::V1_0),
    (Operation::REGISTER, ProtocolVersion::V1_0),
    (Operation::DERIVE_KEY, ProtocolVersion::V1_0),
    (Operation::LOCATE, ProtocolVersion::V1_0),
    (Operation::GET, ProtocolVersion::V1_0),
    (Operation::GET_ATTRIBUTES, ProtocolVersion::V1_0),
    (Operation::GET_ATTRIBUTE_LIST, ProtocolVersion::V1_0),
    (Operation::ACTIVATE, ProtocolVersion::V1_0),
    (Operation::REVOKE, ProtocolVersion::V1_0),
    (Operation::DESTROY, ProtocolVersion::V1_0),
    (Operation::QUERY, ProtocolVersion::V1_0),
    (Operation::DISCOVER_VERSIONS, ProtocolVersion::V1_1),
    (Operation::ENCRYPT, ProtocolVersion::V1_2),
    (Operation::DECRYPT, ProtocolVersion::V1_2),
    (Operation::SIGN, ProtocolVersion::V1_2),
    (Operation::SIGNATURE_VERIFY, ProtocolVersion::V1_2),
    (Operation::MAC, ProtocolVersion::V1_2),
    // These it does not announce.
    (Operation::MODIFY_ATTRIBUTE, ProtocolVersion::V1_0),
    (Operation::DELETE_ATTRIBUTE, ProtocolVersion::V1_0),
    (Operation::SET_ATTRIBUTE, ProtocolVersion::V2_0),
];
const PYKMIP_ANNOUNCES: usize = 18;

impl FromStr for Personality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, personality)| *personality)
            .ok_or_else(|| "the personalities are gklm, vault and pykmip".to_owned())
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, personality)| personality == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl Personality {
    /// Sets what the server announces, and what is a setting of it anyhow.
    pub fn configure(self, configuration: &mut Configuration) {
        let introduction = match self {
            Personality::Gklm => "GKLM 4.2.0.0 KMIP 2.1 KMIP_SSL_TIMEOUT 5",
            Personality::Vault => "HashiCorp Vault",
            Personality::PyKmip => "PyKMIP 0.11.0 Software Server",
        };
        configuration.vendor_identification = introduction.to_owned();
        configuration.server_information = ServerInformation::default();
        configuration.unique_names = self == Personality::Gklm;
        match self {
            Personality::Gklm => {
                let role = RawItem {
                    tag: Tag(0x54_0001),
                    value: RawValue::from("master"),
                };
                configuration.server_information.extra.push(role);
            }
            Personality::Vault => {
                let newest = ProtocolVersion::V1_4;
                configuration.versions.retain(|version| *version <= newest);
            }
            Personality::PyKmip => {
                let newest = ProtocolVersion::V2_0;
                configuration.versions.retain(|version| *version <= newest);
                let announced = PYKMIP[..PYKMIP_ANNOUNCES].iter();
                configuration.query.operation =
                    announced.map(|(operation, _)| *operation).collect();
            }
        }
    }

    /// TLS as the vendor's server speaks it.
    pub fn protocol(self) -> Protocol {
        match self {
            Personality::PyKmip => Protocol::default().maximum_version(SslVersion::TLS1_2),
            _ => Protocol::default(),
        }
    }

    /// Whether the vendor's server would process a message.
    ///
    /// # Errors
    /// If it would not.
    pub(crate) fn admit(
        self,
        header: &RequestHeader<'_>,
        items: &[RequestBatchItem<'_>],
    ) -> Result<(), Failure> {
        let version = header.protocol_version;
        let several = items.len() > 1;
        if self == Personality::PyKmip
            && several
            && items.iter().any(|item| item.unique_batch_item_id.is_none())
        {
            return invalid_message("Batch item ID is undefined.");
        }
        let mut items = items.iter();
        items.try_for_each(|item| match self {
            Personality::Gklm => refuse_attributes(item, version, &["Description", "Comment"]),
            Personality::Vault => as_vault(&item.request_payload),
            Personality::PyKmip => as_pykmip(item, version),
        })
    }

    /// Makes a response what the vendor's server would have sent.
    pub(super) fn alter(self, encoding: Encoding, request: &[u8], response: &mut Vec<u8>) {
        match self {
            Personality::Gklm => {}
            Personality::Vault => {
                let registered = registered(encoding, request);
                tree::edit(encoding, response, |message| {
                    correlate(message);
                    name_types(message, &registered);
                });
            }
            Personality::PyKmip => tree::edit(encoding, response, |message| {
                answer_unknown_version(message);
                let version = asked_version(encoding, request);
                for item in tree::all(message, Tag::BATCH_ITEM) {
                    announce_less(item, version);
                }
            }),
        }
    }
}

fn invalid_message(text: &'static str) -> Result<(), Failure> {
    Err(Failure::new(ResultReason::INVALID_MESSAGE, text))
}

fn as_vault(request: &RequestPayload<'_>) -> Result<(), Failure> {
    let RequestPayload::Register(RegisterRequest {
        managed_object: Some(object),
        attributes,
        ..
    }) = request
    else {
        return Ok(());
    };
    let refuse = |text| Err(Failure::new(ResultReason::INVALID_FIELD, text));
    match object {
        ManagedObject::SecretData(_) if usage(attributes).is_none() => {
            refuse("the Cryptographic Usage Mask is missing")
        }
        ManagedObject::SymmetricKey(key) if key.key_block.key_format_type != KeyFormatType::RAW => {
            refuse("the Key Format Type of a symmetric key is Raw")
        }
        _ => Ok(()),
    }
}

fn usage<'a>(attributes: &kmip::types::Attributes<'a>) -> Option<CryptographicUsageMask> {
    attributes.cryptographic_usage_mask().copied()
}

fn as_pykmip(item: &RequestBatchItem<'_>, version: ProtocolVersion) -> Result<(), Failure> {
    const PARSE: &str = "Error parsing request message. See server logs for more information.";
    let known = PYKMIP.iter().find(|(known, _)| *known == item.operation);
    match known {
        Some((_, since)) if *since <= version => {}
        None if !matches!(item.operation, Operation::RE_KEY | Operation::CHECK) => {
            return invalid_message(PARSE);
        }
        _ => return Err(Failure::operation_not_supported(item.operation)),
    }
    let placeholder = match &item.request_payload {
        RequestPayload::Activate(request) => request.unique_identifier.is_none(),
        RequestPayload::Revoke(request) => request.unique_identifier.is_none(),
        _ => false,
    };
    if placeholder {
        return invalid_message(PARSE);
    }
    refuse_attributes(
        item,
        version,
        &["Description", "Comment", "Link", "x-", "y-"],
    )
}

/// Refuses a request that gives an attribute with one of these names, or one that begins so if it
/// ends with a dash.
fn refuse_attributes(
    item: &RequestBatchItem<'_>,
    version: ProtocolVersion,
    refused: &[&str],
) -> Result<(), Failure> {
    let (tag, mut bytes) = (Tag::REQUEST_PAYLOAD, Zeroizing::new(Vec::new()));
    let written = ttlv::encode_item(&item.request_payload, tag, version, &mut bytes);
    written.map_err(|_| Failure::internal())?;
    let payload = ttlv::decode_item(&bytes, tag, version, &Options::default());
    let payload: RawValue<'_> = payload.map_err(|_| Failure::internal())?;
    let mut names = Vec::new();
    attribute_names(&payload, &mut names);
    let is_refused = |name: &String| {
        refused.iter().any(|refused| match refused.ends_with('-') {
            true => name.starts_with(refused),
            false => name == refused,
        })
    };
    match names.iter().find(|name| is_refused(name)) {
        Some(name) => {
            let message = format!("The {name} attribute is unsupported.");
            Err(Failure::new(ResultReason::INVALID_FIELD, message))
        }
        None => Ok(()),
    }
}

/// Names of the attributes in a payload, as KMIP 1.x has them.
fn attribute_names(value: &RawValue<'_>, names: &mut Vec<String>) {
    let RawValue::Structure(items) = value else {
        return;
    };
    for item in items {
        match (item.tag, &item.value) {
            (Tag::ATTRIBUTE_NAME, RawValue::TextString(name)) => names.push(name.to_string()),
            // What a vendor or client has defined, in 2.x.
            (Tag::ATTRIBUTE, RawValue::Structure(fields))
                if fields
                    .iter()
                    .any(|field| field.tag == Tag::VENDOR_IDENTIFICATION) =>
            {
                names.push("x-".to_owned());
            }
            (tag, _) => {
                names.extend(tag.name().map(str::to_owned));
                attribute_names(&item.value, names);
            }
        }
    }
}

/// The types of the objects that a request registers, item by item.
fn registered(encoding: Encoding, request: &[u8]) -> Vec<Option<ObjectType>> {
    let decoded = encoding.decode(request, &Options::default());
    let message: RequestMessage<'_> = decoded.unwrap_or_default();
    let items = message.batch_item.iter();
    let types = items.map(|item| match &item.request_payload {
        RequestPayload::Register(request) => Some(request.object_type),
        _ => None,
    });
    types.collect()
}

/// A header field that came with 1.4.
fn correlate(message: &mut RawValue<'_>) {
    let Some(header) = tree::all(message, Tag::RESPONSE_HEADER).next() else {
        return;
    };
    if let Some(fields) = tree::list(header) {
        let last = fields.len().saturating_sub(1);
        let value = RawValue::from("7a1e8d3c-correlation");
        let tag = Tag::SERVER_CORRELATION_VALUE;
        fields.insert(last, RawItem { tag, value });
    }
}

/// A field that the answer to Register does not have.
fn name_types(message: &mut RawValue<'_>, registered: &[Option<ObjectType>]) {
    let items = tree::all(message, Tag::BATCH_ITEM);
    for (item, object_type) in items.zip(registered) {
        let Some(object_type) = object_type else {
            continue;
        };
        for payload in tree::all(item, Tag::RESPONSE_PAYLOAD) {
            if let Some(fields) = tree::list(payload) {
                let (tag, value) = (Tag::OBJECT_TYPE, object_type.value());
                let value = RawValue::Enumeration(value);
                fields.insert(0, RawItem { tag, value });
            }
        }
    }
}

fn answer_unknown_version(message: &mut RawValue<'_>) {
    let unsupported = ResultReason::UNSUPPORTED_PROTOCOL_VERSION.value();
    let mut unknown = false;
    for item in tree::all(message, Tag::BATCH_ITEM) {
        if tree::number(item, Tag::RESULT_REASON) == Some(unsupported) {
            unknown = true;
            for reason in tree::all(item, Tag::RESULT_REASON) {
                *reason = RawValue::Enumeration(ResultReason::INVALID_MESSAGE.value());
            }
        }
    }
    if !unknown {
        return;
    }
    for header in tree::all(message, Tag::RESPONSE_HEADER) {
        for version in tree::all(header, Tag::PROTOCOL_VERSION) {
            let parts = [
                (Tag::PROTOCOL_VERSION_MAJOR, 1),
                (Tag::PROTOCOL_VERSION_MINOR, 0),
            ];
            for (tag, number) in parts {
                for part in tree::all(version, tag) {
                    *part = RawValue::Integer(number);
                }
            }
        }
    }
}

/// Takes the types of objects and most operations out of the answer to Query.
fn announce_less(item: &mut RawValue<'_>, version: ProtocolVersion) {
    if tree::number(item, Tag::OPERATION) != Some(Operation::QUERY.value()) {
        return;
    }
    let announced = |number: u32| {
        let mut announced = PYKMIP[..PYKMIP_ANNOUNCES].iter();
        announced.any(|(operation, since)| operation.value() == number && *since <= version)
    };
    for payload in tree::all(item, Tag::RESPONSE_PAYLOAD) {
        if let Some(fields) = tree::list(payload) {
            fields.retain(|field| match (field.tag, &field.value) {
                (Tag::OBJECT_TYPE, _) => false,
                (Tag::OPERATION, RawValue::Enumeration(number)) => announced(*number),
                _ => true,
            });
        }
    }
}

fn asked_version(encoding: Encoding, request: &[u8]) -> ProtocolVersion {
    let decoded = encoding.decode(request, &Options::default());
    let message: RequestMessage<'_> = decoded.unwrap_or_default();
    message.request_header.protocol_version
}
