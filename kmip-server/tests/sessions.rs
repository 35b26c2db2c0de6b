//! Who a client is besides its certificate, and what it gives to all.

mod common;

use common::{World, attributes_of, create, send};
use kmip::ProtocolVersion;
use kmip::types::{
    Credential, DeviceCredential, ResponsePayload, ResultReason, ResultStatus, RngSeedRequest,
    UniqueIdentifier,
};
use kmip_server::SeedPolicy;

#[test]
fn devices_do_not_see_each_others_objects() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let as_device = |serial: &'static str, object: Option<&UniqueIdentifier<'static>>| {
        let device = Credential::device(DeviceCredential {
            device_serial_number: Some(serial.into()),
            ..DeviceCredential::default()
        });
        let authentication = Some(device.into());
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
