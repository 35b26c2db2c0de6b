//! The Rust types of items.

use std::fmt;

use kmip_spec::Spec;
use kmip_spec::model::{EnumerationKind, FieldRow, ItemKind};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::has;
use crate::enumerations;
use crate::error::GenerateError;
use crate::names::type_ident;

/// The Rust type of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// An attribute list, see [`Form::Flat`](super::Form::Flat).
    Attributes,
    /// One of several structures, told apart by their tags.
    ManagedObject,
    /// Any other type; the flag says that it borrows from the message.
    Named(String, bool),
    Text,
    Bytes,
}

impl FieldType {
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            FieldType::Attributes => quote! { Attributes<'a> },
            FieldType::ManagedObject => quote! { ManagedObject<'a> },
            FieldType::Text => quote! { Cow<'a, str> },
            FieldType::Bytes => quote! { Cow<'a, [u8]> },
            FieldType::Named(name, borrows) => {
                let name = format_ident!("{name}");
                if *borrows {
                    quote! { #name<'a> }
                } else {
                    quote! { #name }
                }
            }
        }
    }

    fn owned(name: &str) -> Self {
        FieldType::Named(name.to_owned(), false)
    }

    fn borrowing(name: impl fmt::Display) -> Self {
        FieldType::Named(name.to_string(), true)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens().fmt(f)
    }
}

/// The Rust type of an item with this tag in a structure or as an attribute.
pub(crate) fn item_type(
    spec: &Spec,
    tag: &str,
    kinds: &[ItemKind],
    enumeration: Option<&str>,
) -> Option<FieldType> {
    if let Some(hand_written) = hand_written(tag) {
        return Some(hand_written);
    }
    if let (Some(name), [ItemKind::Enumeration | ItemKind::Integer]) = (enumeration, kinds) {
        let is_mask = spec
            .enumeration(name)
            .is_some_and(|e| e.kind == EnumerationKind::Mask);
        if is_mask == (kinds == [ItemKind::Integer]) {
            return Some(FieldType::owned(
                &enumerations::type_ident(name).to_string(),
            ));
        }
    }
    let secret = spec.tag(tag).is_some_and(|tag| tag.secret);
    Some(match kinds {
        [] => FieldType::borrowing("RawValue"),
        [ItemKind::Structure] => structure_type(spec, tag),
        [ItemKind::Integer] => FieldType::owned("i32"),
        [ItemKind::LongInteger] => FieldType::owned("i64"),
        [ItemKind::BigInteger] => FieldType::borrowing("BigInteger"),
        [ItemKind::Boolean] => FieldType::owned("bool"),
        [ItemKind::TextString] if secret => FieldType::borrowing("SecretText"),
        [ItemKind::TextString] => FieldType::Text,
        [ItemKind::ByteString] if secret => FieldType::borrowing("Secret"),
        [ItemKind::ByteString] => FieldType::Bytes,
        [ItemKind::DateTime] => FieldType::owned("DateTime"),
        [ItemKind::Interval] => FieldType::owned("Interval"),
        [ItemKind::DateTimeExtended] => FieldType::owned("DateTimeExtended"),
        _ => return None,
    })
}

/// Items whose form depends on more than their row.
fn hand_written(tag: &str) -> Option<FieldType> {
    Some(match tag {
        "Unique Identifier"
        | "Private Key Unique Identifier"
        | "Public Key Unique Identifier"
        | "Replaced Unique Identifier"
        | "Certificate Request Unique Identifier"
        | "Linked Object Identifier" => FieldType::borrowing("UniqueIdentifier"),
        "Data" => FieldType::borrowing("Data"),
        "Key Value" => FieldType::borrowing("KeyValue"),
        "Key Material" => FieldType::borrowing("KeyMaterial"),
        "Credential Value" => FieldType::borrowing("CredentialValue"),
        "Request Payload" => FieldType::borrowing("RequestPayload"),
        "Response Payload" => FieldType::borrowing("ResponsePayload"),
        "Protocol Version" => FieldType::owned("ProtocolVersion"),
        "Extension Type" => FieldType::owned("ExtensionType"),
        "Asynchronous Indicator" => FieldType::owned("AsynchronousIndicator"),
        "Attribute Reference" => FieldType::borrowing("AttributeReference"),
        "New Attribute" | "Current Attribute" => FieldType::borrowing("Attribute"),
        "Template-Attribute"
        | "Common Template-Attribute"
        | "Private Key Template-Attribute"
        | "Public Key Template-Attribute"
        | "Attributes"
        | "Common Attributes"
        | "Private Key Attributes"
        | "Public Key Attributes" => FieldType::Attributes,
        _ => return None,
    })
}

/// Structures that have the layout of another one, and its type.
pub(crate) fn same_layout(structure: &str) -> Option<&'static str> {
    match structure {
        "Common Protection Storage Masks"
        | "Private Protection Storage Masks"
        | "Public Protection Storage Masks" => Some("Protection Storage Masks"),
        _ => None,
    }
}

fn structure_type(spec: &Spec, tag: &str) -> FieldType {
    let tag = same_layout(tag).unwrap_or(tag);
    if spec
        .structures
        .iter()
        .any(|structure| structure.tag_name == tag)
    {
        FieldType::borrowing(type_ident(tag))
    } else {
        // Free content, such as Vendor Extension.
        FieldType::borrowing("RawValue")
    }
}

pub(super) fn field_type(
    spec: &Spec,
    structure: &str,
    table: &[FieldRow],
    row: &FieldRow,
) -> Result<FieldType, GenerateError> {
    let Some(tag) = &row.tag else {
        return Ok(FieldType::ManagedObject);
    };
    if tag == "Batch Item" {
        let side = structure.split(' ').next().unwrap_or_default();
        return Ok(FieldType::borrowing(format_args!("{side}BatchItem")));
    }
    if tag == "Attribute" {
        return Ok(if row.repeat {
            FieldType::Attributes
        } else {
            FieldType::borrowing("Attribute")
        });
    }
    if tag == "Attribute Name" && has(table, "Attribute Reference") {
        return Ok(FieldType::borrowing("AttributeReference"));
    }
    item_type(spec, tag, &row.kinds, row.enumeration.as_deref()).ok_or_else(|| {
        GenerateError::NoType {
            structure: structure.to_owned(),
            field: row.name.clone(),
            kinds: row
                .kinds
                .iter()
                .map(|kind| kind.name())
                .collect::<Vec<_>>()
                .join(", "),
        }
    })
}
