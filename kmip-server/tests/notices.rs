//! What clients are told without asking (Put and Notify), and the PKCS#11 token.

mod common;

use std::sync::{Arc, Mutex};

use common::{Identifier, World, name};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, Attribute, AttributeReference, DeleteAttributeRequest, Enumeration,
    GetRequest, NotifyRequest, Pkcs11Function, Pkcs11Request, Pkcs11Response, Pkcs11ReturnCode,
    PutFunction, PutRequest, ReKeyRequest, RequestMessage, RequestPayload, ResultReason, Secret,
    State, Tag,
};
use kmip_server::Notices;

/// Keeps what the server sends.
#[derive(Default)]
struct Kept(Mutex<Vec<(String, RequestMessage<'static>)>>);

impl Notices for Kept {
    fn send(&self, owner: &str, request: RequestMessage<'static>) {
        self.0.lock().unwrap().push((owner.to_owned(), request));
    }
}

impl Kept {
    /// The requests since the last call, which must be valid in their version.
    fn take(&self) -> Vec<RequestPayload<'static>> {
        let sent = std::mem::take(&mut *self.0.lock().unwrap());
        sent.into_iter()
            .map(|(owner, mut message)| {
                assert_eq!(owner, "local");
                let mut bytes = Vec::new();
                kmip::ttlv::encode(&message, &mut bytes).expect("a valid request");
                message.batch_item.remove(0).request_payload
            })
            .collect()
    }

    fn put(&self) -> PutRequest<'static> {
        match self.take().pop() {
            Some(RequestPayload::Put(put)) => put,
            other => panic!("no Put: {other:?}"),
        }
    }

    fn notify(&self) -> NotifyRequest<'static> {
        match self.take().pop() {
            Some(RequestPayload::Notify(notify)) => notify,
            other => panic!("no Notify: {other:?}"),
        }
    }
}

fn listening() -> (World, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let notices = kept.clone();
    let world = World::configured(move |configuration| configuration.notices = Some(notices));
    (world, kept)
}

fn add(key: &Identifier, attribute: Attribute<'static>) -> AddAttributeRequest<'static> {
    AddAttributeRequest {
        unique_identifier: Some(key.clone()),
        new_attribute: Some(attribute),
        ..AddAttributeRequest::default()
    }
}

#[test]
fn new_objects_are_put_and_changes_notified_in_every_version() {
    for version in ProtocolVersion::ALL {
        let (world, kept) = listening();
        let key = world.create(version, [name("disk")]);
        let put = kept.put();
        assert_eq!(put.unique_identifier, key);
        assert_eq!(put.put_function, PutFunction::NEW);
        let attributes = put.attributes.expect("attributes");
        assert_eq!(attributes.cryptographic_length(), Some(&256), "{version}");

        let contact = Attribute::contact_information("me");
        world.call(version, add(&key, contact.clone())).unwrap();
        let notify = kept.notify();
        assert_eq!(notify.unique_identifier, key);
        let told = notify.attributes.expect("attributes");
        let tags: Vec<_> = told.iter().filter_map(|own| own.value.tag()).collect();
        assert_eq!(tags, [Tag::CONTACT_INFORMATION, Tag::LAST_CHANGE_DATE]);

        let delete = DeleteAttributeRequest {
            unique_identifier: Some(key.clone()),
            attribute_reference: Some(AttributeReference::from(Tag::CONTACT_INFORMATION)),
            ..DeleteAttributeRequest::default()
        };
        world.call(version, delete).unwrap();
        let notify = kept.notify();
        match common::is_2x(version) {
            true => assert_eq!(notify.attribute_reference, [contact.reference()]),
            false => {
                let told = notify.attributes.expect("attributes");
                let gone = told
                    .iter()
                    .find(|own| own.reference() == contact.reference());
                assert!(gone.is_some_and(|gone| gone.value != contact.value));
            }
        }

        world.destroy(version, &key).unwrap();
        let told = kept.notify().attributes.expect("attributes");
        assert_eq!(told.state(), Some(&State::DESTROYED));
    }
}

#[test]
fn a_replacement_says_what_it_replaces() {
    let (world, kept) = listening();
    let version = ProtocolVersion::V2_1;
    let key = world.create(version, []);
    kept.take();
    let request = ReKeyRequest {
        unique_identifier: Some(key.clone()),
        ..ReKeyRequest::default()
    };
    let new = world.call(version, request).unwrap().unique_identifier;
    let sent = kept.take();
    let [RequestPayload::Put(put), RequestPayload::Notify(notify)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(
        (&put.unique_identifier, put.put_function),
        (&new, PutFunction::REPLACE)
    );
    assert_eq!(put.replaced_unique_identifier.as_ref(), Some(&key));
    assert_eq!(notify.unique_identifier, key);
}

#[test]
fn what_changes_nothing_is_no_news() {
    let (world, kept) = listening();
    let version = ProtocolVersion::V2_1;
    let key = world.create(version, []);
    kept.take();
    let get = GetRequest {
        unique_identifier: Some(key.clone()),
        ..GetRequest::default()
    };
    world.call(version, get).unwrap();
    assert!(
        world
            .call(version, add(&key, Attribute::state(State::ACTIVE)))
            .is_err()
    );
    assert_eq!(kept.take(), []);
}

#[test]
fn sensitive_keys_are_not_put() {
    let (world, kept) = listening();
    world.create(ProtocolVersion::V2_1, [Attribute::sensitive(true)]);
    world.create(ProtocolVersion::V2_1, [Attribute::extractable(false)]);
    assert_eq!(kept.take(), []);
}

fn pkcs11(
    world: &World,
    function: Pkcs11Function,
    correlation: Option<&[u8]>,
    input: Option<Vec<u8>>,
) -> Result<Pkcs11Response<'static>, ResultReason> {
    let request = Pkcs11Request {
        pkcs_11_function: function,
        correlation_value: correlation.map(|value| value.to_vec().into()),
        pkcs_11_input_parameters: input.map(Secret::owned),
        ..Pkcs11Request::default()
    };
    world.call(ProtocolVersion::V2_1, request)
}

#[test]
fn the_token_serves_who_has_initialized_it() {
    let world = World::new();
    let code = |answer: Result<Pkcs11Response<'static>, _>| answer.unwrap().pkcs_11_return_code;
    let early = pkcs11(&world, Pkcs11Function::C_GETINFO, None, None);
    assert_eq!(code(early), Pkcs11ReturnCode::CRYPTOKI_NOT_INITIALIZED);
    let begun = pkcs11(&world, Pkcs11Function::C_INITIALIZE, None, None).unwrap();
    let correlation = begun.correlation_value.expect("a correlation value");
    let correlation = Some(&correlation[..]);
    let told = pkcs11(&world, Pkcs11Function::C_GETINFO, correlation, None).unwrap();
    let information = told.pkcs_11_output_parameters.expect("CK_INFO");
    assert_eq!(information.expose().len(), 2 + 32 + 8 + 32 + 2);
    assert_eq!(
        &information.expose()[2..34],
        format!("{:32}", "kmip-server").as_bytes()
    );
    let unsupported = pkcs11(&world, Pkcs11Function::C_SIGN, correlation, None);
    assert_eq!(code(unsupported), Pkcs11ReturnCode::FUNCTION_NOT_SUPPORTED);
    let wrong = pkcs11(
        &world,
        Pkcs11Function::C_GETINFO,
        correlation,
        Some(vec![9]),
    );
    assert_eq!(wrong.unwrap_err(), ResultReason::PKCS_11_CODEC_ERROR);
    let unknown = pkcs11(&world, Pkcs11Function::new(9999), correlation, None);
    assert_eq!(unknown.unwrap_err(), ResultReason::PKCS_11_INVALID_FUNCTION);
    assert_eq!(
        code(pkcs11(
            &world,
            Pkcs11Function::C_FINALIZE,
            correlation,
            None
        )),
        Pkcs11ReturnCode::OK
    );
    let late = pkcs11(&world, Pkcs11Function::C_GETINFO, correlation, None);
    assert_eq!(code(late), Pkcs11ReturnCode::CRYPTOKI_NOT_INITIALIZED);
}
