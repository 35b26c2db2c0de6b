//! Dates: those of objects in the place of others, and those by which objects are located.

mod common;

use common::{Identifier, NOW, World, create, name};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, CertifyRequest, CreateKeyPairRequest, CryptographicAlgorithm,
    CryptographicUsageMask, DateTime, Interval, LocateRequest, ReCertifyRequest,
    ReKeyKeyPairRequest, ReKeyRequest, RevocationReasonCode, State,
};

const HOUR: i64 = 3600;

fn at(hours: i64) -> DateTime {
    DateTime(NOW.0 + hours * HOUR)
}

/// Active for an hour, to be used for protection for another one and not at all after two.
fn life() -> Vec<Attribute<'static>> {
    vec![
        Attribute::activation_date(at(-1)),
        AttributeValue::ProcessStartDate(at(-1)).into(),
        AttributeValue::ProtectStopDate(at(1)).into(),
        AttributeValue::DeactivationDate(at(2)).into(),
    ]
}

fn re_key(
    world: &World,
    version: ProtocolVersion,
    old: &Identifier,
    offset: Option<Interval>,
) -> Identifier {
    let request = ReKeyRequest {
        unique_identifier: Some(old.clone()),
        offset,
        ..ReKeyRequest::default()
    };
    world.call(version, request).unwrap().unique_identifier
}

#[test]
fn a_new_key_has_the_dates_of_the_old_one_unless_there_is_an_offset() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        for compromised in [false, true] {
            let old = world.create(version, life());
            if compromised {
                let reason = RevocationReasonCode::KEY_COMPROMISE;
                world.revoke(version, &old, reason).unwrap();
            }
            let new = re_key(&world, version, &old, None);
            let own = world.attributes(version, &new, &[]).unwrap();
            assert_eq!(own.state(), Some(&State::ACTIVE), "{version}");
            assert_eq!(own.activation_date(), Some(&at(-1)));
            assert_eq!(own.process_start_date(), Some(&at(-1)));
            assert_eq!(own.protect_stop_date(), Some(&at(1)));
            assert_eq!(own.deactivation_date(), Some(&at(2)));
            assert_eq!(own.compromise_date(), None);
        }
        let old = world.create(version, life());
        let new = re_key(&world, version, &old, Some(Interval(HOUR as u32)));
        let own = world.attributes(version, &new, &[]).unwrap();
        assert_eq!(own.activation_date(), Some(&at(1)));
        assert_eq!(own.process_start_date(), Some(&at(1)));
        assert_eq!(own.protect_stop_date(), Some(&at(3)));
        assert_eq!(own.deactivation_date(), Some(&at(4)));
    }
}

#[test]
fn the_date_of_a_revocation_ends_no_other_life() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        for turns_out_compromised in [false, true] {
            let old = world.create(version, [Attribute::activation_date(at(-1))]);
            let reason = RevocationReasonCode::CESSATION_OF_OPERATION;
            world.revoke(version, &old, reason).unwrap();
            if turns_out_compromised {
                world.clock.advance(HOUR);
                let reason = RevocationReasonCode::KEY_COMPROMISE;
                world.revoke(version, &old, reason).unwrap();
            }
            let new = re_key(&world, version, &old, None);
            let own = world.attributes(version, &new, &[]).unwrap();
            assert_eq!(own.deactivation_date(), None);
            assert_eq!(own.state(), Some(&State::ACTIVE));
        }
    }
}

#[test]
fn pairs_and_certificates_keep_their_dates_too() {
    for version in &ProtocolVersion::ALL[1..] {
        let version = *version;
        let world = World::new();
        let mut common = vec![
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
            Attribute::cryptographic_length(256),
            Attribute::cryptographic_usage_mask(CryptographicUsageMask::SIGN),
        ];
        let dates = [
            Attribute::activation_date(at(-1)),
            AttributeValue::DeactivationDate(at(2)).into(),
        ];
        common.extend(dates.clone());
        let request = CreateKeyPairRequest {
            common_attributes: Some(common.into()),
            ..CreateKeyPairRequest::default()
        };
        let pair = world.call(version, request).unwrap();
        let request = CertifyRequest {
            unique_identifier: Some(pair.public_key_unique_identifier),
            attributes: Some(dates.into()),
            ..CertifyRequest::default()
        };
        let certificate = world.call(version, request).unwrap().unique_identifier;
        let request = ReCertifyRequest {
            unique_identifier: Some(certificate.clone()),
            attributes: Some([AttributeValue::DeactivationDate(at(5)).into()].into()),
            ..ReCertifyRequest::default()
        };
        let renewed = world.call(version, request).unwrap().unique_identifier;
        let request = ReKeyKeyPairRequest {
            private_key_unique_identifier: Some(pair.private_key_unique_identifier),
            ..ReKeyKeyPairRequest::default()
        };
        let new = world.call(version, request).unwrap();
        for (object, end) in [
            (new.private_key_unique_identifier, at(2)),
            (new.public_key_unique_identifier, at(2)),
            // What the request says counts.
            (renewed, at(5)),
        ] {
            let own = world.attributes(version, &object, &[]).unwrap();
            assert_eq!(own.activation_date(), Some(&at(-1)), "{version}");
            assert_eq!(own.deactivation_date(), Some(&end), "{version}");
        }
    }
}

#[test]
fn it_is_counted_how_often_a_key_was_replaced() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let first = world.create(version, []);
    let second = re_key(&world, version, &first, None);
    world.clock.advance(60);
    let third = re_key(&world, version, &second, None);
    let second = world.attributes(version, &second, &[]).unwrap();
    assert_eq!(second.rotate_generation(), Some(&1));
    assert_eq!(second.rotate_latest(), Some(&false));
    let third = world.attributes(version, &third, &[]).unwrap();
    assert_eq!(third.rotate_generation(), Some(&2));
    assert_eq!(third.rotate_latest(), Some(&true));
    assert_eq!(third.rotate_date(), Some(&DateTime(NOW.0 + 60)));
    // Clients do not tell it.
    let forged = AttributeValue::RotateGeneration(7);
    assert!(world.call(version, create([forged.into()])).is_err());
}

#[test]
fn the_largest_date_locates_what_has_none() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let never = world.create(version, [name("never")]);
        world.create(version, [Attribute::activation_date(at(1))]);
        let request = LocateRequest {
            attributes: [Attribute::activation_date(DateTime(i64::MAX))].into(),
            ..LocateRequest::default()
        };
        let found = world.call(version, request).unwrap().unique_identifier;
        assert_eq!(found, [never], "{version}");
    }
}

#[test]
fn an_index_is_no_condition() {
    for version in ProtocolVersion::ALL {
        if version >= ProtocolVersion::V2_0 {
            continue;
        }
        let world = World::new();
        let key = world.create(version, [name("first"), name("second")]);
        for index in [0, 1, 7] {
            let mut wanted = name("second");
            wanted.index = Some(index);
            let request = LocateRequest {
                attributes: [wanted].into(),
                ..LocateRequest::default()
            };
            let found = world.call(version, request).unwrap().unique_identifier;
            assert_eq!(found, std::slice::from_ref(&key), "{version}");
        }
    }
}
