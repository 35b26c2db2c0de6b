//! Building the messages.

use kmip::codec::Message;
use kmip::types::{
    Attribute, Attributes, Certificate, CertificateType, CreateRequest, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, DateTime, Digest, EncodingOption,
    EncryptionKeyInformation, GetAttributesResponse, GetRequest, GetResponse, HashingAlgorithm,
    Interval, KeyBlock, KeyFormatType, KeyValue, KeyWrappingData, LocateResponse, ManagedObject,
    Name, NameType, ObjectType, OpaqueDataType, OpaqueObject, PaddingMethod, RegisterRequest,
    RequestBatchItem, RequestMessage, ResponseBatchItem, ResponseHeader, ResponseMessage,
    ResponsePayload, Secret, State, SymmetricKey, WrappingMethod,
};
use kmip::{Encoding, ProtocolVersion};

/// A message of the benchmarks.
pub struct Sample {
    /// Its letter.
    pub letter: char,
    /// What it is.
    pub title: &'static str,
    /// Whether it is a request.
    pub is_request: bool,
    /// It in TTLV.
    pub ttlv: Vec<u8>,
    /// It in JSON without white space.
    pub json: Vec<u8>,
    /// It in XML without white space.
    pub xml: Vec<u8>,
    /// In TTLV, the same message with a payload of a few bytes, if its own is large.
    pub small: Option<Vec<u8>>,
}

impl Sample {
    /// The message in an encoding.
    pub fn bytes(&self, encoding: Encoding) -> &[u8] {
        match encoding {
            Encoding::Json => &self.json,
            Encoding::Xml => &self.xml,
            _ => &self.ttlv,
        }
    }
}

/// All messages, in order of their letters.
pub fn samples() -> Vec<Sample> {
    let v1_2 = ProtocolVersion::V1_2;
    let v1_4 = ProtocolVersion::V1_4;
    let v2_1 = ProtocolVersion::V2_1;
    let create = |version| RequestMessage::single(version, create());
    vec![
        request('a', "Create, 1.2", &create(v1_2)),
        response('b', "Get, 32-byte key, 1.2", &get_key(v1_2)),
        response('c', "Get, wrapped key, 1.4", &get_wrapped(v1_4)),
        response('d', "Locate, 1,000 identifiers, 1.2", &located(v1_2)),
        request('e', "batch of 100 Gets, 1.4", &batch_of_gets(v1_4)),
        Sample {
            small: Some(ttlv(&register_certificate(v1_4, SMALL))),
            ..request(
                'f',
                "Register, 4 KiB certificate, 1.4",
                &register_certificate(v1_4, 4096),
            )
        },
        request('g', "Create, 2.1", &create(v2_1)),
        response('h', "Get Attributes, 25 attributes, 2.1", &attributes(v2_1)),
        Sample {
            small: Some(ttlv(&get_opaque(v1_4, SMALL))),
            ..response(
                'i',
                "Get, opaque object of 1 MiB, 1.4",
                &get_opaque(v1_4, 1 << 20),
            )
        },
    ]
}

/// Bytes of a small payload.
const SMALL: usize = 16;

fn request(letter: char, title: &'static str, message: &RequestMessage<'_>) -> Sample {
    sample(letter, title, true, message)
}

fn response(letter: char, title: &'static str, message: &ResponseMessage<'_>) -> Sample {
    sample(letter, title, false, message)
}

fn sample<'a>(
    letter: char,
    title: &'static str,
    is_request: bool,
    message: &impl Message<'a>,
) -> Sample {
    Sample {
        letter,
        title,
        is_request,
        ttlv: ttlv(message),
        json: encoded(Encoding::Json, message),
        xml: encoded(Encoding::Xml, message),
        small: None,
    }
}

fn ttlv<'a>(message: &impl Message<'a>) -> Vec<u8> {
    encoded(Encoding::Ttlv, message)
}

fn encoded<'a>(encoding: Encoding, message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = encoding.encode(message, &mut bytes);
    written.expect("a message of its version");
    bytes
}

fn respond<'a>(
    version: ProtocolVersion,
    payload: impl Into<ResponsePayload<'a>>,
) -> ResponseMessage<'a> {
    ResponseMessage {
        response_header: ResponseHeader {
            protocol_version: version,
            time_stamp: DateTime(1_700_000_000),
            batch_count: 1,
            ..ResponseHeader::default()
        },
        batch_item: vec![ResponseBatchItem::success(payload)],
        ..ResponseMessage::default()
    }
}

/// Looks like a random UUID, but is the same in every run.
fn identifier(number: u32) -> String {
    let mixed = u128::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let hex = format!("{mixed:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Bytes without a pattern, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(next).collect()
}

fn name() -> Name<'static> {
    Name {
        name_value: "my-aes-256-key".into(),
        name_type: NameType::UNINTERPRETED_TEXT_STRING,
        ..Name::default()
    }
}

fn create() -> CreateRequest<'static> {
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes: [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(
                CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
            ),
            Attribute::name(name()),
        ]
        .into(),
        ..CreateRequest::default()
    }
}

fn get_key(version: ProtocolVersion) -> ResponseMessage<'static> {
    let key = KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(Secret::owned(noise(32)))),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
        ..KeyBlock::default()
    };
    get_symmetric(version, key)
}

fn get_symmetric<'a>(version: ProtocolVersion, key_block: KeyBlock<'a>) -> ResponseMessage<'a> {
    let key = SymmetricKey {
        key_block,
        ..SymmetricKey::default()
    };
    get(version, key.into())
}

fn get<'a>(version: ProtocolVersion, object: ManagedObject<'a>) -> ResponseMessage<'a> {
    let payload = GetResponse {
        object_type: object.object_type(),
        unique_identifier: identifier(1).into(),
        managed_object: object,
        ..GetResponse::default()
    };
    respond(version, payload)
}

fn get_wrapped(version: ProtocolVersion) -> ResponseMessage<'static> {
    let key = KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::Wrapped(Secret::owned(noise(256)))),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
        key_wrapping_data: Some(KeyWrappingData {
            wrapping_method: WrappingMethod::ENCRYPT,
            encryption_key_information: Some(EncryptionKeyInformation {
                unique_identifier: identifier(3).into(),
                cryptographic_parameters: Some(CryptographicParameters {
                    padding_method: Some(PaddingMethod::OAEP),
                    hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                    cryptographic_algorithm: Some(CryptographicAlgorithm::RSA),
                    ..CryptographicParameters::default()
                }),
                ..EncryptionKeyInformation::default()
            }),
            encoding_option: Some(EncodingOption::NO_ENCODING),
            ..KeyWrappingData::default()
        }),
        ..KeyBlock::default()
    };
    get_symmetric(version, key)
}

fn located(version: ProtocolVersion) -> ResponseMessage<'static> {
    let payload = LocateResponse {
        unique_identifier: (0..1000).map(|number| identifier(number).into()).collect(),
        ..LocateResponse::default()
    };
    respond(version, payload)
}

fn batch_of_gets(version: ProtocolVersion) -> RequestMessage<'static> {
    let mut message = RequestMessage::single(version, GetRequest::default());
    message.request_header.batch_count = 100;
    message.batch_item = (0..100)
        .map(|number: u32| RequestBatchItem {
            unique_batch_item_id: Some(u64::from(number + 1).to_be_bytes().to_vec().into()),
            ..RequestBatchItem::new(GetRequest {
                unique_identifier: Some(identifier(number).into()),
                ..GetRequest::default()
            })
        })
        .collect();
    message
}

fn register_certificate(version: ProtocolVersion, length: usize) -> RequestMessage<'static> {
    let certificate = Certificate {
        certificate_type: CertificateType::X_509,
        certificate_value: noise(length).into(),
        ..Certificate::default()
    };
    let payload = RegisterRequest {
        object_type: ObjectType::CERTIFICATE,
        attributes: [
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::VERIFY),
            Attribute::name(Name {
                name_value: "my-cert".into(),
                ..name()
            }),
        ]
        .into(),
        managed_object: Some(certificate.into()),
        ..RegisterRequest::default()
    };
    RequestMessage::single(version, payload)
}

fn attributes(version: ProtocolVersion) -> ResponseMessage<'static> {
    let now = DateTime(1_700_000_000);
    let list = Attributes::new()
        .with(Attribute::activation_date(now))
        .with(Attribute::alternative_name(kmip::types::AlternativeName {
            alternative_name_value: "urn:example:alt".into(),
            alternative_name_type: kmip::types::AlternativeNameType::UNINTERPRETED_TEXT_STRING,
            ..Default::default()
        }))
        .with(Attribute::always_sensitive(true))
        .with(Attribute::application_specific_information(
            kmip::types::ApplicationSpecificInformation {
                application_namespace: "ssl".into(),
                application_data: Some("www.example.com".into()),
                ..Default::default()
            },
        ))
        .with(Attribute::comment("a comment on the key"))
        .with(Attribute::contact_information("ops@example.com"))
        .with(Attribute::cryptographic_algorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(Attribute::cryptographic_length(256))
        .with(Attribute::cryptographic_usage_mask(
            CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
        ))
        .with(Attribute::deactivation_date(DateTime(now.0 + 31_536_000)))
        .with(Attribute::description("AES key of the payment service"))
        .with(Attribute::digest(Digest {
            hashing_algorithm: HashingAlgorithm::SHA_256,
            digest_value: Some(noise(32).into()),
            key_format_type: Some(KeyFormatType::RAW),
            ..Digest::default()
        }))
        .with(Attribute::extractable(true))
        .with(Attribute::fresh(false))
        .with(Attribute::initial_date(DateTime(now.0 - 1000)))
        .with(Attribute::key_format_type(KeyFormatType::RAW))
        .with(Attribute::key_value_present(true))
        .with(Attribute::last_change_date(now))
        .with(Attribute::lease_time(Interval(3600)))
        .with(Attribute::name(name()))
        .with(Attribute::never_extractable(false))
        .with(Attribute::object_group("payment-keys"))
        .with(Attribute::original_creation_date(DateTime(now.0 - 1000)))
        .with(Attribute::sensitive(true))
        .with(Attribute::state(State::ACTIVE));
    let payload = GetAttributesResponse {
        unique_identifier: identifier(1).into(),
        attributes: list,
        ..GetAttributesResponse::default()
    };
    respond(version, payload)
}

fn get_opaque(version: ProtocolVersion, length: usize) -> ResponseMessage<'static> {
    let object = OpaqueObject {
        opaque_data_type: OpaqueDataType(0x8000_0001),
        opaque_data_value: Secret::owned(noise(length)),
        ..OpaqueObject::default()
    };
    get(version, object.into())
}
