//! A server without a network: requests as structs, answers as structs, everything between in
//! bytes.

#![allow(dead_code, reason = "every test binary uses a part")]

pub(crate) mod conflicts;
pub(crate) mod process;
pub(crate) mod stores;
pub(crate) mod wrapping;

use std::net::SocketAddr;
use std::sync::Arc;

use kmip::ProtocolVersion;
use kmip::codec::Options;
use kmip::server::{Engine, Peer};
use kmip::types::{
    ActivateRequest, Attribute, AttributeReference, Attributes, BlockCipherMode,
    CreateKeyPairRequest, CreateRequest, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, Data, DateTime, DestroyRequest, EncryptRequest, GetAttributesRequest,
    IntoOwned, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject, ObjectType,
    OperationRequest, RegisterRequest, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponseMessage, ResultReason, ResultStatus, RevocationReason, RevocationReasonCode,
    RevokeRequest, Secret, SymmetricKey, UniqueIdentifier,
};
use kmip_server::{Configuration, KeyServer, ManualClock, MemoryStore, Store};
use test_support::Authority;

/// When the tests take place.
pub(crate) const NOW: DateTime = DateTime(1_800_000_000);

pub(crate) type Identifier = UniqueIdentifier<'static>;

pub(crate) struct World {
    pub(crate) engine: Engine<KeyServer>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) peer: Peer,
}

impl World {
    pub(crate) fn new() -> Self {
        World::with(Arc::new(MemoryStore::new()), |_| {})
    }

    pub(crate) fn configured(change: impl FnOnce(&mut Configuration)) -> Self {
        World::with(Arc::new(MemoryStore::new()), change)
    }

    pub(crate) fn with(store: Arc<dyn Store>, change: impl FnOnce(&mut Configuration)) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let mut configuration = Configuration::default();
        configuration.clock = clock.clone();
        configuration.report = Arc::new(|error| panic!("the server reports: {error:?}"));
        change(&mut configuration);
        World {
            engine: Engine::new(KeyServer::new(configuration, store)),
            clock,
            peer: Peer::local(),
        }
    }

    /// Sends a message as `peer` and reads the answer strictly.
    pub(crate) fn exchange(
        &self,
        peer: &Peer,
        message: &RequestMessage<'_>,
    ) -> ResponseMessage<'static> {
        let (mut request, mut response) = (Vec::new(), Vec::new());
        kmip::ttlv::encode(message, &mut request).expect("request");
        self.engine.respond(peer, &request, &mut response);
        let answer: ResponseMessage<'_> =
            kmip::ttlv::decode(&response, &Options::strict()).expect("response");
        answer.into_owned()
    }

    pub(crate) fn batch(
        &self,
        version: ProtocolVersion,
        requests: Vec<RequestPayload<'_>>,
    ) -> Vec<ResponseBatchItem<'static>> {
        let mut message = RequestMessage::default();
        message.request_header.protocol_version = version;
        message.request_header.batch_count = requests.len() as i32;
        for (number, request) in requests.into_iter().enumerate() {
            let mut item = kmip::types::RequestBatchItem::new(request);
            item.unique_batch_item_id = Some(vec![number as u8].into());
            message.batch_item.push(item);
        }
        self.exchange(&self.peer, &message).batch_item
    }

    pub(crate) fn call_as<'a, R: OperationRequest<'a>>(
        &self,
        peer: &Peer,
        version: ProtocolVersion,
        request: R,
    ) -> Result<R::Response<'static>, ResultReason> {
        let mut answer = self.exchange(peer, &RequestMessage::single(version, request));
        let item = answer.batch_item.remove(0);
        match item.result_status {
            ResultStatus::SUCCESS => {
                let payload = item.response_payload.expect("payload");
                Ok(R::Response::try_from(payload).expect("payload of the operation"))
            }
            _ => Err(item.result_reason.expect("reason")),
        }
    }

    pub(crate) fn call<'a, R: OperationRequest<'a>>(
        &self,
        version: ProtocolVersion,
        request: R,
    ) -> Result<R::Response<'static>, ResultReason> {
        self.call_as(&self.peer, version, request)
    }

    /// Creates an AES-256 key.
    pub(crate) fn create(
        &self,
        version: ProtocolVersion,
        more: impl IntoIterator<Item = Attribute<'static>>,
    ) -> Identifier {
        self.call(version, create(more))
            .expect("create")
            .unique_identifier
    }

    /// Registers the bytes of a symmetric key.
    pub(crate) fn register_key(
        &self,
        version: ProtocolVersion,
        algorithm: CryptographicAlgorithm,
        key: &[u8],
        attributes: impl Into<Attributes<'static>>,
    ) -> Identifier {
        let request = RegisterRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            attributes: attributes.into(),
            managed_object: Some(symmetric_key(algorithm, key)),
            ..RegisterRequest::default()
        };
        self.call(version, request).unwrap().unique_identifier
    }

    pub(crate) fn activate(
        &self,
        version: ProtocolVersion,
        object: &Identifier,
    ) -> Result<(), ResultReason> {
        let request = ActivateRequest {
            unique_identifier: Some(object.clone()),
            ..ActivateRequest::default()
        };
        self.call(version, request).map(drop)
    }

    pub(crate) fn revoke(
        &self,
        version: ProtocolVersion,
        object: &Identifier,
        code: RevocationReasonCode,
    ) -> Result<(), ResultReason> {
        let request = RevokeRequest {
            unique_identifier: Some(object.clone()),
            revocation_reason: RevocationReason {
                revocation_reason_code: code,
                ..RevocationReason::default()
            },
            ..RevokeRequest::default()
        };
        self.call(version, request).map(drop)
    }

    pub(crate) fn destroy(
        &self,
        version: ProtocolVersion,
        object: &Identifier,
    ) -> Result<(), ResultReason> {
        let request = DestroyRequest {
            unique_identifier: Some(object.clone()),
            ..DestroyRequest::default()
        };
        self.call(version, request).map(drop)
    }

    pub(crate) fn attributes(
        &self,
        version: ProtocolVersion,
        object: &Identifier,
        asked: &[AttributeReference<'static>],
    ) -> Result<Attributes<'static>, ResultReason> {
        let request = GetAttributesRequest {
            attribute_reference: asked.to_vec(),
            ..attributes_of(object)
        };
        self.call(version, request).map(|answer| answer.attributes)
    }
}

/// A symmetric key in the format Raw.
pub(crate) fn symmetric_key(algorithm: CryptographicAlgorithm, key: &[u8]) -> ManagedObject<'_> {
    ManagedObject::SymmetricKey(SymmetricKey {
        key_block: KeyBlock {
            key_format_type: KeyFormatType::RAW,
            key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::borrowed(key)))),
            cryptographic_algorithm: Some(algorithm),
            cryptographic_length: Some(key.len() as i32 * 8),
            ..KeyBlock::default()
        },
        ..SymmetricKey::default()
    })
}

/// The answer to a request whose message was changed before it was sent.
pub(crate) fn send<'a, R: OperationRequest<'a>>(
    world: &World,
    version: ProtocolVersion,
    request: R,
    change: impl FnOnce(&mut RequestMessage<'a>),
) -> ResponseBatchItem<'static> {
    let mut message = RequestMessage::single(version, request);
    change(&mut message);
    world.exchange(&world.peer, &message).batch_item.remove(0)
}

pub(crate) fn attributes_of(object: &Identifier) -> GetAttributesRequest<'static> {
    GetAttributesRequest {
        unique_identifier: Some(object.clone()),
        ..GetAttributesRequest::default()
    }
}

/// A request for an AES-256 key.
pub(crate) fn create(more: impl IntoIterator<Item = Attribute<'static>>) -> CreateRequest<'static> {
    let mut attributes: Attributes<'static> = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
        Attribute::cryptographic_length(256),
        Attribute::cryptographic_usage_mask(
            CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT,
        ),
    ]
    .into();
    for attribute in more {
        attributes.push(attribute);
    }
    CreateRequest {
        object_type: ObjectType::SYMMETRIC_KEY,
        attributes,
        ..CreateRequest::default()
    }
}

/// An RSA key pair of the server: private and public key.
/// Encrypt of so many zero bytes.
pub(crate) fn encrypt(
    key: &Identifier,
    mode: BlockCipherMode,
    bytes: usize,
) -> EncryptRequest<'static> {
    EncryptRequest {
        unique_identifier: Some(key.clone()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(mode),
            ..CryptographicParameters::default()
        }),
        data: Some(Data::from(vec![0; bytes])),
        ..EncryptRequest::default()
    }
}

pub(crate) fn pair(world: &World, version: ProtocolVersion) -> (Identifier, Identifier) {
    let attributes = |usage| -> Attributes<'static> {
        [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::RSA),
            Attribute::cryptographic_length(2048),
            Attribute::cryptographic_usage_mask(usage),
        ]
        .into()
    };
    let request = CreateKeyPairRequest {
        private_key_attributes: Some(attributes(CryptographicUsageMask::SIGN)),
        public_key_attributes: Some(attributes(CryptographicUsageMask::VERIFY)),
        ..CreateKeyPairRequest::default()
    };
    let made = world.call(version, request).expect("a key pair");
    (
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    )
}

/// A client with a certificate.
pub(crate) fn peer(authority: &Authority, name: &str) -> Peer {
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    Peer::new(address, Some(authority.client(name).certificate))
}

/// The attributes of a key that has been active for an hour.
pub(crate) fn in_use(usage: CryptographicUsageMask) -> Attributes<'static> {
    let attributes = [
        Attribute::cryptographic_usage_mask(usage),
        Attribute::activation_date(DateTime(NOW.0 - 3600)),
    ];
    attributes.into()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

pub(crate) fn name(text: &str) -> Attribute<'static> {
    Attribute::name(kmip::types::Name {
        name_value: text.to_owned().into(),
        name_type: kmip::types::NameType::UNINTERPRETED_TEXT_STRING,
        ..kmip::types::Name::default()
    })
}

pub(crate) fn is_2x(version: ProtocolVersion) -> bool {
    version >= ProtocolVersion::V2_0
}

/// A reason as each version tells it.
pub(crate) fn not_found(version: ProtocolVersion) -> ResultReason {
    match is_2x(version) {
        true => ResultReason::OBJECT_NOT_FOUND,
        false => ResultReason::ITEM_NOT_FOUND,
    }
}

/// A wrong state, as each version tells it.
pub(crate) fn wrong_state(version: ProtocolVersion) -> ResultReason {
    match version >= ProtocolVersion::V2_1 {
        true => ResultReason::WRONG_KEY_LIFECYCLE_STATE,
        false => ResultReason::PERMISSION_DENIED,
    }
}
