//! Who a client is besides its certificate, and what it gives to all.

mod common;

use common::{World, create};
use kmip::ProtocolVersion;
use kmip::types::{
    Authentication, Credential, CredentialType, CredentialValue, DeviceCredential,
    GetAttributesRequest, OperationRequest, RequestMessage, ResponseBatchItem, ResponsePayload,
    ResultReason, ResultStatus, RngSeedRequest, UniqueIdentifier,
};
use kmip_server::SeedPolicy;

fn send<'a, R: OperationRequest<'a>>(
    world: &World,
    version: ProtocolVersion,
    request: R,
    change: impl FnOnce(&mut RequestMessage<'a>),
) -> ResponseBatchItem<'static> {
    let mut message = RequestMessage::single(version, request);
    change(&mut message);
    world.exchange(&world.peer, &message).batch_item.remove(0)
}

fn given(kind: CredentialType, value: CredentialValue<'_>) -> Authentication<'_> {
    Authentication {
        credential: vec![Credential {
            credential_type: kind,
            credential_value: value,
            ..Credential::default()
        }],
        ..Authentication::default()
    }
}

fn attributes_of(object: &UniqueIdentifier<'static>) -> GetAttributesRequest<'static> {
    GetAttributesRequest {
        unique_identifier: Some(object.clone()),
        ..GetAttributesRequest::default()
    }
}

#[test]
fn devices_do_not_see_each_others_objects() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let as_device = |serial: &'static str, object: Option<&UniqueIdentifier<'static>>| {
        let device = CredentialValue::Device(DeviceCredential {
            device_serial_number: Some(serial.into()),
            ..DeviceCredential::default()
        });
        let authentication = Some(given(CredentialType::DEVICE, device));
        match object {
            None => send(&world, version, create([]), |message| {
                message.request_header.authentication = authentication;
            }),
            Some(object) => send(&world, version, attributes_of(object), |message| {
                message.request_header.authentication = authentication;
            }),
        }
    };
    let made = as_device("one", None);
    let Some(ResponsePayload::Create(made)) = made.response_payload else {
        panic!("no key was made");
    };
    let key = made.unique_identifier;
    let seen = as_device("one", Some(&key));
    assert_eq!(seen.result_status, ResultStatus::SUCCESS);
    let refused = as_device("two", Some(&key));
    assert_eq!(refused.result_reason, Some(ResultReason::PERMISSION_DENIED));
}

#[test]
fn seeds_are_taken_as_the_configuration_says() {
    for (policy, expected) in [
        (SeedPolicy::Accept, Ok(32)),
        (SeedPolicy::Partial, Ok(16)),
        (SeedPolicy::Ignore, Ok(0)),
        (SeedPolicy::Deny, Err(ResultReason::PERMISSION_DENIED)),
    ] {
        let world = World::configured(|configuration| configuration.seed_policy = policy);
        let request = RngSeedRequest {
            data: vec![7; 32].into(),
            ..RngSeedRequest::default()
        };
        let taken = world
            .call(ProtocolVersion::V2_1, request)
            .map(|answer| answer.data_length);
        assert_eq!(taken, expected, "{policy:?}");
    }
}
