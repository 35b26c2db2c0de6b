//! The types of KMIP messages.
//!
//! Structures, enumerations, masks, operation payloads and attributes are generated from the
//! tables of `kmip-spec`; `cargo run -p codegen -- print NAME` shows one of them with its rows.
//! Written by hand are the primitive values and the few items whose form depends on more than
//! their table: [`Attributes`], [`UniqueIdentifier`], [`KeyValue`], [`Data`] and the raw items.

#[cfg(feature = "arbitrary")]
mod arbitrary;
mod attribute;
mod attributes;
mod data;
mod enumeration;
mod identifier;
mod key;
mod legacy;
mod message;
mod name_index;
mod owned;
mod primitive;
mod reference;
mod secret;
mod tag;
mod time;

pub use crate::codec::{Extra, RawItem, RawValue};
pub use crate::version::ProtocolVersion;
pub use attribute::{Attribute, CustomAttribute};
pub use attributes::Attributes;
pub use data::Data;
pub use enumeration::{Enumeration, EnumerationTable, EnumerationValue, Mask, Names};
pub use identifier::UniqueIdentifier;
pub use key::KeyValue;
pub use legacy::ExtensionType;
pub use message::{OperationRequest, UnexpectedPayload};
pub use owned::IntoOwned;
pub use primitive::{BigInteger, DateTime, DateTimeExtended, Interval};
pub use reference::AttributeReference;
pub use secret::{Secret, SecretText};
pub use tag::{AttributeInfo, AttributeRules, Tag, TagInfo};
pub use time::ParseTimeError;
pub(crate) use time::date_time_digits;

pub use generated::*;

#[allow(unused_imports, reason = "each of the files needs some of them")]
mod generated {
    use std::borrow::Cow;

    use super::name_index::NameIndex;
    use super::*;
    use crate::codec::{
        Choice, Decoder, Encoder, Error, ErrorKind, ExtraCursor, Item, Layout, Message, Progress,
        Result, Row, Structure,
    };

    include!(concat!(env!("OUT_DIR"), "/tags.rs"));
    include!(concat!(env!("OUT_DIR"), "/enumerations.rs"));
    include!(concat!(env!("OUT_DIR"), "/structures.rs"));
    include!(concat!(env!("OUT_DIR"), "/payloads.rs"));
    include!(concat!(env!("OUT_DIR"), "/attributes.rs"));
}
