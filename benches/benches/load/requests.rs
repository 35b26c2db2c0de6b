//! Requests that are encoded beforehand, so that what is measured is the server.

use std::sync::atomic::{AtomicU64, Ordering};

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, Attributes, CreateRequest, CryptographicAlgorithm, CryptographicUsageMask,
    GetRequest, LocateRequest, Name, NameType, ObjectType, RequestMessage, UniqueIdentifier,
};

const VERSION: ProtocolVersion = ProtocolVersion::V1_4;

pub(crate) fn name(text: &str) -> Attribute<'static> {
    Attribute::name(Name {
        name_value: text.to_owned().into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    })
}

pub(crate) fn get(key: &UniqueIdentifier<'_>) -> Vec<u8> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    encoded(&RequestMessage::single(VERSION, request))
}

pub(crate) fn create(text: &str) -> Vec<u8> {
    let attributes: Attributes<'static> = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(
            CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
        ),
        name(text),
    ]
    .into();
    let request = CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes,
        ..CreateRequest::default()
    };
    encoded(&RequestMessage::single(VERSION, request))
}

/// Without a maximum, all that are found are told.
pub(crate) fn locate(
    attributes: impl Into<Attributes<'static>>,
    maximum_items: Option<i32>,
) -> Vec<u8> {
    let request = LocateRequest {
        attributes: attributes.into(),
        maximum_items,
        ..LocateRequest::default()
    };
    encoded(&RequestMessage::single(VERSION, request))
}

fn encoded(message: &RequestMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    kmip::ttlv::encode(message, &mut bytes).expect("a request");
    bytes
}

/// Requests for keys with names that nobody else has.
pub(crate) struct Creates {
    pattern: Vec<u8>,
    at: usize,
    number: AtomicU64,
}

const DIGITS: usize = 16;

impl Creates {
    pub(crate) fn new() -> Self {
        let digits = "#".repeat(DIGITS);
        let pattern = create(&digits);
        let found = pattern
            .windows(DIGITS)
            .position(|part| part == digits.as_bytes());
        Creates {
            at: found.expect("the name"),
            pattern,
            number: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self) -> Vec<u8> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let mut request = self.pattern.clone();
        let digits = format!("{number:0DIGITS$}");
        request[self.at..self.at + DIGITS].copy_from_slice(digits.as_bytes());
        request
    }
}
