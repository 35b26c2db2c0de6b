//! No log of messages shows a secret, wherever in a message it is.

use kmip::client::{NewObject, Redacted};
use kmip::types::{
    AttestationCredential, Attribute, BigInteger, Credential, DateTimeExtended, DecryptRequest,
    DecryptResponse, DerivationParameters, DeriveKeyRequest, DeviceCredential, EncryptRequest,
    ExportResponse, GetResponse, HashRequest, KeyBlock, KeyFormatType, KeyMaterial, KeyValue,
    LoginResponse, LogoutRequest, MacRequest, ManagedObject, ObjectType, OpaqueObject,
    Pkcs11Request, PrivateKey, RegisterRequest, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponseMessage, ResponsePayload, RngRetrieveResponse, RngSeedRequest, Secret, SecretData,
    SignRequest, SplitKey, SymmetricKey, Ticket, TransparentRsaPrivateKey, TransparentSymmetricKey,
    UniqueIdentifier,
};
use kmip::{Encoding, ProtocolVersion};

const SECRET: &str = "swordfish-swordfish-swordfish-24";

fn secret() -> Secret<'static> {
    Secret::owned(SECRET.as_bytes().to_vec())
}

fn number() -> BigInteger<'static> {
    BigInteger(SECRET.as_bytes().into())
}

fn ticket() -> Ticket<'static> {
    Ticket {
        ticket_value: secret(),
        ..Ticket::default()
    }
}

fn block(key_format_type: KeyFormatType, material: KeyMaterial<'static>) -> KeyBlock<'static> {
    KeyBlock {
        key_format_type,
        key_value: Some(KeyValue::new(material)),
        ..KeyBlock::default()
    }
}

fn objects() -> Vec<ManagedObject<'static>> {
    let raw = || block(KeyFormatType::RAW, KeyMaterial::Bytes(secret()));
    let transparent = KeyMaterial::TransparentSymmetricKey(TransparentSymmetricKey {
        key: secret(),
        ..TransparentSymmetricKey::default()
    });
    let rsa = KeyMaterial::TransparentRsaPrivateKey(TransparentRsaPrivateKey {
        private_exponent: Some(number()),
        p: Some(number()),
        q: Some(number()),
        ..TransparentRsaPrivateKey::default()
    });
    vec![
        ManagedObject::SymmetricKey(SymmetricKey {
            key_block: raw(),
            ..SymmetricKey::default()
        }),
        ManagedObject::SymmetricKey(SymmetricKey {
            key_block: block(KeyFormatType::TRANSPARENT_SYMMETRIC_KEY, transparent),
            ..SymmetricKey::default()
        }),
        ManagedObject::SymmetricKey(SymmetricKey {
            key_block: KeyBlock {
                key_value: Some(KeyValue::Wrapped(secret())),
                ..KeyBlock::default()
            },
            ..SymmetricKey::default()
        }),
        ManagedObject::PrivateKey(PrivateKey {
            key_block: block(KeyFormatType::TRANSPARENT_RSA_PRIVATE_KEY, rsa),
            ..PrivateKey::default()
        }),
        ManagedObject::SplitKey(SplitKey {
            key_block: raw(),
            ..SplitKey::default()
        }),
        ManagedObject::SecretData(SecretData {
            key_block: raw(),
            ..SecretData::default()
        }),
        ManagedObject::OpaqueObject(OpaqueObject {
            opaque_data_value: secret(),
            ..OpaqueObject::default()
        }),
    ]
}

fn requests() -> Vec<RequestPayload<'static>> {
    let data = || Some(SECRET.as_bytes().into());
    let custom = Attribute::custom("vendor", "Comment", SECRET);
    let described = NewObject::aes_key(vec![1; 16]).attribute(custom);
    let mut requests: Vec<RequestPayload<'static>> = vec![
        EncryptRequest {
            data: data(),
            ..EncryptRequest::default()
        }
        .into(),
        DecryptRequest {
            data: data(),
            ..DecryptRequest::default()
        }
        .into(),
        SignRequest {
            data: data(),
            ..SignRequest::default()
        }
        .into(),
        MacRequest {
            data: data(),
            ..MacRequest::default()
        }
        .into(),
        HashRequest {
            data: data(),
            ..HashRequest::default()
        }
        .into(),
        RngSeedRequest {
            data: SECRET.as_bytes().into(),
            ..RngSeedRequest::default()
        }
        .into(),
        DeriveKeyRequest {
            unique_identifier: vec![UniqueIdentifier::from("base")],
            derivation_parameters: DerivationParameters {
                derivation_data: vec![secret()],
                ..DerivationParameters::default()
            },
            ..DeriveKeyRequest::default()
        }
        .into(),
        LogoutRequest {
            ticket: ticket(),
            ..LogoutRequest::default()
        }
        .into(),
        Pkcs11Request {
            pkcs_11_input_parameters: Some(secret()),
            ..Pkcs11Request::default()
        }
        .into(),
        RegisterRequest::from(described).into(),
    ];
    for object in objects() {
        requests.push(RegisterRequest::from(NewObject::new(object)).into());
    }
    requests
}

fn responses() -> Vec<ResponsePayload<'static>> {
    let mut responses: Vec<ResponsePayload<'static>> = vec![
        DecryptResponse {
            data: Some(SECRET.as_bytes().into()),
            ..DecryptResponse::default()
        }
        .into(),
        RngRetrieveResponse {
            data: SECRET.as_bytes().into(),
            ..RngRetrieveResponse::default()
        }
        .into(),
        LoginResponse {
            ticket: ticket(),
            ..LoginResponse::default()
        }
        .into(),
    ];
    for object in objects() {
        let got = GetResponse {
            object_type: ObjectType::SYMMETRIC_KEY,
            managed_object: object.clone(),
            ..GetResponse::default()
        };
        let exported = ExportResponse {
            managed_object: object,
            ..ExportResponse::default()
        };
        responses.extend([got.into(), exported.into()]);
    }
    responses
}

fn credentials() -> Vec<Credential<'static>> {
    let text = || SECRET.to_owned();
    vec![
        Credential::username_and_password("me", text()),
        Credential::device(DeviceCredential {
            device_identifier: Some("device".into()),
            password: Some(kmip::types::SecretText::owned(text())),
            ..DeviceCredential::default()
        }),
        Credential::attestation(AttestationCredential {
            attestation_measurement: Some(SECRET.as_bytes().into()),
            ..AttestationCredential::default()
        }),
        Credential::one_time_password("me", Some(text()), text()),
        Credential::hashed_password("me", DateTimeExtended(1), None, SECRET.into()),
        Credential::ticket(ticket()),
    ]
}

fn check(text: &str, of: &str) {
    let digits: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    // A part of it would be too much as well.
    for part in [&SECRET[4..14], &digits[8..28]] {
        let lower = text.to_lowercase();
        assert!(!lower.contains(part), "{of}: {text}");
    }
    assert!(text.contains("redacted"), "{of}: {text}");
    assert!(!text.contains("not shown"), "{of}: {text}");
}

#[test]
fn secrets_are_not_shown_wherever_they_are() {
    let version = ProtocolVersion::V2_1;
    for encoding in Encoding::ALL {
        for payload in requests() {
            let operation = payload.operation();
            let message = RequestMessage::single(version, payload);
            let mut bytes = Vec::new();
            encoding.encode(&message, &mut bytes).unwrap();
            check(
                &Redacted::request(encoding, &bytes).to_string(),
                &format!("{operation:?}"),
            );
        }
        for payload in responses() {
            let operation = payload.operation();
            let mut message = ResponseMessage::default();
            message.response_header.protocol_version = version;
            message.response_header.batch_count = 1;
            message.batch_item.push(ResponseBatchItem::success(payload));
            let mut bytes = Vec::new();
            encoding.encode(&message, &mut bytes).unwrap();
            check(
                &Redacted::response(encoding, &bytes).to_string(),
                &format!("{operation:?}"),
            );
        }
        for credential in credentials() {
            let kind = format!("{:?}", credential.credential_type);
            let locate = kmip::types::LocateRequest::default();
            let mut message = RequestMessage::single(version, locate);
            message.request_header.authentication = Some(credential.clone().into());
            let mut bytes = Vec::new();
            encoding.encode(&message, &mut bytes).unwrap();
            check(&Redacted::request(encoding, &bytes).to_string(), &kind);
        }
    }
}
