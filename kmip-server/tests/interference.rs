//! Servers that misbehave on purpose, seen by our client and byte by byte.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kmip::ProtocolVersion;
use kmip::client::{Client, NewKey};
use kmip::codec::Options;
use kmip::transport::tls::TlsConnector;
use kmip::transport::{Deadline, ServerAddress, Stream};
use kmip::types::{
    ActivateRequest, Attribute, CreateRequest, GetRequest, IntoOwned, KeyBlock, KeyFormatType,
    KeyMaterial, KeyValue, ManagedObject, ObjectType, Operation, PlainKeyValue, QueryFunction,
    QueryRequest, RawValue, RegisterRequest, RequestBatchItem, RequestMessage, ResponseMessage,
    ResultReason, ResultStatus, Secret, SecretData, SecretDataType, Tag,
};
use kmip_server::testing::{Fault, Personality, Server};

/// One connection, without a client that understands what goes over it.
struct Wire(Box<dyn Stream>);

impl Wire {
    fn new(server: &Server) -> Self {
        let connector = TlsConnector::new(server.client_tls("wire")).unwrap();
        let address: ServerAddress = server.address().to_string().parse().unwrap();
        let stream = TcpStream::connect(server.address()).unwrap();
        let stream = kmip::transport::TcpStream::from(stream);
        let deadline = Deadline::after(Duration::from_secs(60));
        Wire(Box::new(
            connector.connect(stream, &address, deadline).unwrap(),
        ))
    }

    /// Sends a request. The lengths of the parts in which the response comes, and the response.
    fn exchange(&mut self, request: &RequestMessage<'_>) -> (Vec<usize>, Vec<u8>) {
        let mut bytes = Vec::new();
        kmip::ttlv::encode(request, &mut bytes).unwrap();
        self.0.write_all(&bytes).unwrap();
        let (mut parts, mut response) = (Vec::new(), Vec::new());
        loop {
            let mut buffer = [0; 4096];
            let count = self.0.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection has ended");
            parts.push(count);
            response.extend_from_slice(&buffer[..count]);
            if let Some(length) = response.get(4..8) {
                let length = u32::from_be_bytes(length.try_into().unwrap());
                if response.len() == 8 + length as usize {
                    return (parts, response);
                }
            }
        }
    }

    fn answer(&mut self, request: &RequestMessage<'_>) -> ResponseMessage<'static> {
        let (_, response) = self.exchange(request);
        let answer: ResponseMessage<'_> =
            kmip::ttlv::decode(&response, &Options::default()).unwrap();
        answer.into_owned()
    }
}

fn query(functions: &[QueryFunction]) -> QueryRequest<'static> {
    QueryRequest {
        query_function: functions.to_vec(),
        ..QueryRequest::default()
    }
}

fn client(server: &Server) -> Client {
    server.client().connect().unwrap()
}

fn get(key: &kmip::types::UniqueIdentifier<'static>) -> GetRequest<'static> {
    GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    }
}

#[test]
fn a_dropped_response_does_not_undo_what_was_done() {
    let server = Server::builder()
        .fault("drop,operation=Create,count=1")
        .start();
    let mut first = client(&server);
    first.create(NewKey::aes(256).name("lost")).unwrap_err();
    // The name is in use: the key is there.
    let mut second = client(&server);
    let again = second.create(NewKey::aes(256).name("lost")).unwrap_err();
    assert!(again.result_reason().is_some(), "{again}");
    second.create(NewKey::aes(256).name("found")).unwrap();
}

#[test]
fn a_delay_hits_the_operation_that_it_is_for() {
    let server = Server::builder().fault("delay=400,operation=Get").start();
    let mut client = client(&server);
    let key = client.create(NewKey::aes(256)).unwrap();
    let begin = Instant::now();
    client.call(get(&key)).unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(400));
}

#[test]
fn bytes_come_in_records_of_their_own() {
    let server = Server::builder().fault("one-byte-records").start();
    let request = RequestMessage::single(
        ProtocolVersion::V1_4,
        query(&[QueryFunction::QUERY_OPERATIONS]),
    );
    let (parts, response) = Wire::new(&server).exchange(&request);
    assert_eq!(parts.len(), response.len());
    let mut client = client(&server);
    let key = client.create(NewKey::aes(256)).unwrap();
    client.call(get(&key)).unwrap();
    for encoding in kmip::Encoding::ALL {
        let server = Server::builder()
            .https("/kmip")
            .fault("one-byte-records")
            .start();
        let mut client = server.client().https("/kmip", encoding).connect().unwrap();
        client.create(NewKey::aes(256)).unwrap();
    }
}

#[test]
fn fields_in_another_order_are_understood_by_a_lenient_client_only() {
    let server = Server::builder().fault("reorder-fields").start();
    let request = RequestMessage::single(
        ProtocolVersion::V1_4,
        query(&[
            QueryFunction::QUERY_OPERATIONS,
            QueryFunction::QUERY_SERVER_INFORMATION,
        ]),
    );
    let (_, response) = Wire::new(&server).exchange(&request);
    let strict = kmip::ttlv::decode::<ResponseMessage<'_>>(&response, &Options::strict());
    assert!(strict.is_err());
    let mut client = client(&server);
    let key = client.create(NewKey::aes(256).name("disk")).unwrap();
    let got = client.call(get(&key)).unwrap();
    assert_eq!(got.unique_identifier, key);
    for encoding in kmip::Encoding::ALL {
        let server = Server::builder()
            .https("/kmip")
            .fault("reorder-fields")
            .start();
        let mut client = server.client().https("/kmip", encoding).connect().unwrap();
        client.create(NewKey::aes(256)).unwrap();
    }
}

#[test]
fn unknown_values_of_enumerations_come_through() {
    let server = Server::builder()
        .fault("unknown-enumeration,operation=Get")
        .start();
    let mut client = client(&server);
    let key = client.create(NewKey::aes(256)).unwrap();
    let got = client.call(get(&key)).unwrap();
    let ManagedObject::SymmetricKey(got) = got.managed_object else {
        panic!("another object");
    };
    let algorithm = got.key_block.cryptographic_algorithm.unwrap();
    assert_eq!(algorithm.0, 0x8FFF_FFF0);
}

#[test]
fn conditions_are_kept() {
    let never = Server::builder().fault("drop,probability=0").start();
    client(&never).create(NewKey::aes(256)).unwrap();
    let none = Server::builder().fault("drop,count=0").start();
    client(&none).create(NewKey::aes(256)).unwrap();
    let always = Server::builder().fault("drop,probability=1").start();
    assert!(always.client().connect().is_err());
    for (wrong, message) in [
        ("", "the faults are"),
        ("explode", "the faults are"),
        ("drop=1", "the faults are"),
        ("delay", "the faults are"),
        ("delay=-1", "no delay"),
        ("delay=700000", "no delay"),
        ("drop,operation=Gett", "no operation `Gett`"),
        ("drop,probability=2", "no probability"),
        ("drop,probability=NaN", "no probability"),
        ("drop,count=x", "no count"),
        ("drop,often", "`often` is no condition"),
    ] {
        let error = wrong.parse::<Fault>().unwrap_err().to_string();
        assert!(error.contains(message), "{wrong}: {error}");
    }
    for right in [
        "drop,operation=get_attributes",
        "drop , operation = MAC Verify",
    ] {
        right.parse::<Fault>().unwrap();
    }
}

fn custom() -> Attribute<'static> {
    Attribute::custom("x", "text", RawValue::TextString("value".into()))
}

fn refused<'a>(
    wire: &mut Wire,
    version: ProtocolVersion,
    request: impl kmip::types::OperationRequest<'a>,
) -> (Option<Operation>, Option<ResultReason>) {
    let mut answer = wire.answer(&RequestMessage::single(version, request));
    let item = answer.batch_item.remove(0);
    assert_eq!(item.result_status, ResultStatus::OPERATION_FAILED);
    (item.operation, item.result_reason)
}

#[test]
fn pykmip_is_as_its_clients_know_it() {
    let server = Server::builder().personality(Personality::PyKmip).start();
    let mut wire = Wire::new(&server);
    let version = ProtocolVersion::V1_2;
    let mut client = client(&server);
    assert_eq!(client.version(), ProtocolVersion::V2_0);
    let functions = [
        QueryFunction::QUERY_OPERATIONS,
        QueryFunction::QUERY_OBJECTS,
        QueryFunction::QUERY_SERVER_INFORMATION,
    ];
    let answer = client.call(query(&functions)).unwrap();
    let vendor = answer.vendor_identification.as_deref();
    assert_eq!(vendor, Some("PyKMIP 0.11.0 Software Server"));
    assert!(answer.object_type.is_empty());
    assert!(answer.operation.contains(&Operation::CREATE));
    assert!(!answer.operation.contains(&Operation::ADD_ATTRIBUTE));

    let key = client.create(NewKey::aes(256).name("disk")).unwrap();
    client.create(NewKey::aes(256).name("disk")).unwrap();
    client.activate(&key).unwrap();
    let invalid = (None, Some(ResultReason::INVALID_MESSAGE));
    let placeholder = ActivateRequest::default();
    assert_eq!(refused(&mut wire, version, placeholder), invalid);
    let mut own = common::create([custom()]);
    let field = (None, Some(ResultReason::INVALID_FIELD));
    assert_eq!(refused(&mut wire, version, own.clone()), field);
    assert_eq!(
        refused(&mut wire, ProtocolVersion::V2_0, own.clone()),
        field
    );

    own = common::create([]);
    let mut batch = RequestMessage::default();
    batch.request_header.protocol_version = version;
    batch.request_header.batch_count = 2;
    batch.batch_item = vec![RequestBatchItem::new(own.clone()); 2];
    let answer = wire.answer(&batch);
    assert_eq!(answer.batch_item[0].result_reason, invalid.1);
    assert_eq!(answer.batch_item.len(), 1);

    let unknown = wire.answer(&RequestMessage::single(ProtocolVersion::V2_1, own));
    let version = unknown.response_header.protocol_version;
    assert_eq!(version, ProtocolVersion::V1_0);
    assert_eq!(unknown.batch_item[0].result_reason, invalid.1);
    assert!(!speaks_tls_1_3(&server));
    assert!(speaks_tls_1_3(&Server::start()));
}

fn speaks_tls_1_3(server: &Server) -> bool {
    use kmip::transport::tls::Protocol;
    use openssl::ssl::SslVersion;
    let only = Protocol::default().minimum_version(SslVersion::TLS1_3);
    let tls = server.client_tls("new").protocol(only);
    let address = server.address().to_string().parse().unwrap();
    Client::builder(address).tls(tls).connect().is_ok()
}

#[test]
fn vault_answers_old_clients_with_new_fields() {
    let server = Server::builder().personality(Personality::Vault).start();
    assert_eq!(client(&server).version(), ProtocolVersion::V1_4);
    let mut wire = Wire::new(&server);
    let old = ProtocolVersion::V1_0;
    let request = RequestMessage::single(old, common::create([]));
    let (_, response) = wire.exchange(&request);
    let strict = kmip::ttlv::decode::<ResponseMessage<'_>>(&response, &Options::strict());
    assert!(strict.is_err());
    let answer: ResponseMessage<'_> = kmip::ttlv::decode(&response, &Options::default()).unwrap();
    assert_eq!(answer.batch_item[0].result_status, ResultStatus::SUCCESS);
    let mut extra = answer.response_header.extra.iter();
    assert!(extra.any(|item| item.tag == Tag::SERVER_CORRELATION_VALUE));

    let secret = |usage: bool| {
        let mut attributes = kmip::types::Attributes::default();
        if usage {
            let usage = kmip::types::CryptographicUsageMask::VERIFY;
            attributes.push(Attribute::cryptographic_usage_mask(usage));
        }
        RegisterRequest {
            object_type: ObjectType::SECRET_DATA,
            attributes,
            managed_object: Some(ManagedObject::SecretData(SecretData {
                secret_data_type: SecretDataType::PASSWORD,
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::OPAQUE,
                    key_value: Some(KeyValue::Plain(PlainKeyValue {
                        key_material: KeyMaterial::Bytes(Secret::owned(vec![1; 16])),
                        ..PlainKeyValue::default()
                    })),
                    ..KeyBlock::default()
                },
                ..SecretData::default()
            })),
            ..RegisterRequest::default()
        }
    };
    let (_, reason) = refused(&mut wire, old, secret(false));
    assert_eq!(reason, Some(ResultReason::INVALID_FIELD));
    let answer = wire.answer(&RequestMessage::single(old, secret(true)));
    let Some(kmip::types::ResponsePayload::Register(registered)) =
        &answer.batch_item[0].response_payload
    else {
        panic!("{answer:?}");
    };
    let mut extra = registered.extra.iter();
    assert!(extra.any(|item| item.tag == Tag::OBJECT_TYPE));
}

#[test]
fn gklm_has_no_descriptions_and_unique_names() {
    let server = Server::builder().personality(Personality::Gklm).start();
    let mut client = client(&server);
    let functions = [QueryFunction::QUERY_SERVER_INFORMATION];
    let answer = client.call(query(&functions)).unwrap();
    assert!(
        answer
            .vendor_identification
            .unwrap()
            .starts_with("GKLM 4.2")
    );
    let information = answer.server_information.unwrap();
    let role = information.extra.iter().next().unwrap();
    assert_eq!(role.value.as_text(), Some("master"));
    client.create(NewKey::aes(256).name("disk")).unwrap();
    client.create(NewKey::aes(256).name("disk")).unwrap_err();
    let described: CreateRequest<'_> = common::create([Attribute::description("for tests")]);
    let error = client.call(described).unwrap_err();
    assert_eq!(error.result_reason(), Some(ResultReason::INVALID_FIELD));
}
