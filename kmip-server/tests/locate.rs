//! Finding objects by their attributes.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    reason = "an array of one is compared with a list"
)]

mod common;

use common::{Identifier, NOW, World, is_2x, name};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CryptographicAlgorithm, CryptographicUsageMask,
    DateTime, LocateRequest, ObjectGroupMember, ObjectType, RawItem, RawValue, ResultReason, State,
    StorageStatusMask, Tag,
};

fn locate(
    world: &World,
    version: ProtocolVersion,
    attributes: impl Into<Attributes<'static>>,
) -> Vec<Identifier> {
    let request = LocateRequest {
        attributes: attributes.into(),
        ..LocateRequest::default()
    };
    world.call(version, request).unwrap().unique_identifier
}

fn custom(value: &'static str) -> Attribute<'static> {
    Attribute::custom("x", "volume-type", RawValue::TextString(value.into()))
}

#[test]
fn all_conditions_have_to_be_met() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let luks = world.create(version, [name("a"), custom("luks2")]);
        let plain = world.create(version, [name("b"), custom("plain")]);
        let pair = [plain.clone(), luks.clone()];
        assert_eq!(locate(&world, version, []), pair);
        assert_eq!(locate(&world, version, [name("a")]), [luks.clone()]);
        assert_eq!(locate(&world, version, [custom("plain")]), [plain.clone()]);
        let nothing: [Identifier; 0] = [];
        assert_eq!(
            locate(&world, version, [name("a"), custom("plain")]),
            nothing
        );
        assert_eq!(locate(&world, version, [name("c")]), nothing);
        assert_eq!(locate(&world, version, [custom("")]), nothing);
        assert_eq!(
            locate(
                &world,
                version,
                [Attribute::custom("x", "volume", RawValue::Integer(1))]
            ),
            nothing
        );
        let aes = Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES);
        let des = Attribute::cryptographic_algorithm(CryptographicAlgorithm::DES3);
        assert_eq!(locate(&world, version, [aes.clone()]), pair);
        assert_eq!(locate(&world, version, [des]), nothing);
        let key = Attribute::object_type(ObjectType::SYMMETRIC_KEY);
        assert_eq!(locate(&world, version, [key.clone(), aes.clone()]), pair);
        let public = Attribute::object_type(ObjectType::PUBLIC_KEY);
        assert_eq!(locate(&world, version, [public]), nothing);
        assert_eq!(
            locate(
                &world,
                version,
                [Attribute::unique_identifier(luks.clone())]
            ),
            [luks.clone()]
        );

        // What zkey asks for.
        let active = Attribute::state(State::ACTIVE);
        let asked = [active.clone(), key, aes, custom("luks2")];
        assert_eq!(locate(&world, version, asked.clone()), nothing);
        world.activate(version, &luks).unwrap();
        assert_eq!(locate(&world, version, asked), [luks.clone()]);
        assert_eq!(locate(&world, version, [active]), [luks]);
    }
}

#[test]
fn states_are_those_of_the_moment() {
    let version = ProtocolVersion::V1_4;
    let world = World::new();
    let later = Attribute::activation_date(DateTime(NOW.0 + 10));
    let key = world.create(version, [later]);
    let active = Attribute::state(State::ACTIVE);
    assert_eq!(locate(&world, version, [active.clone()]), []);
    world.clock.advance(10);
    assert_eq!(locate(&world, version, [active]), [key]);
}

#[test]
fn one_date_is_meant_exactly_and_two_are_a_range() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let first = world.create(version, []);
        world.clock.advance(100);
        let second = world.create(version, []);
        let date = |offset: i64| Attribute::initial_date(DateTime(NOW.0 + offset));
        assert_eq!(locate(&world, version, [date(100)]), [second.clone()]);
        assert_eq!(locate(&world, version, [date(50)]), []);
        assert_eq!(
            locate(&world, version, [date(0), date(99)]),
            [first.clone()]
        );
        assert_eq!(
            locate(&world, version, [date(99), date(0)]),
            [first.clone()]
        );
        assert_eq!(
            locate(&world, version, [date(0), date(100)]),
            [second, first]
        );
    }
}

#[test]
fn usage_masks_match_if_they_have_all_bits() {
    let version = ProtocolVersion::V1_0;
    let world = World::new();
    let key = world.create(version, []);
    let mask = Attribute::cryptographic_usage_mask;
    let encrypt = CryptographicUsageMask::ENCRYPT;
    assert_eq!(locate(&world, version, [mask(encrypt)]), [key]);
    let sign = encrypt | CryptographicUsageMask::SIGN;
    assert_eq!(locate(&world, version, [mask(sign)]), []);
}

#[test]
fn answers_come_in_pages() {
    for version in [ProtocolVersion::V1_3, ProtocolVersion::V2_1] {
        let world = World::new();
        let mut keys: Vec<_> = (0..5).map(|_| world.create(version, [])).collect();
        if version >= ProtocolVersion::V1_4 {
            keys.reverse();
        }
        let page = |maximum, offset| {
            let request = LocateRequest {
                maximum_items: maximum,
                offset_items: offset,
                ..LocateRequest::default()
            };
            world.call(version, request)
        };
        let answer = page(Some(2), Some(1)).unwrap();
        assert_eq!(answer.unique_identifier, keys[1..3]);
        assert_eq!(answer.located_items, Some(5));
        assert_eq!(
            page(Some(10), Some(4)).unwrap().unique_identifier,
            keys[4..]
        );
        assert_eq!(page(None, Some(9)).unwrap().unique_identifier, []);
        assert_eq!(page(Some(0), None).unwrap().unique_identifier, []);
        assert_eq!(
            page(Some(-1), None).unwrap_err(),
            ResultReason::INVALID_FIELD
        );
        assert_eq!(
            page(None, Some(-1)).unwrap_err(),
            ResultReason::INVALID_FIELD
        );
    }
}

#[test]
fn destroyed_and_archived_objects_are_found_only_if_they_are_meant() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let destroyed = world.create(version, []);
        world.destroy(version, &destroyed).unwrap();
        let archived = world.create(version, []);
        let request = kmip::types::ArchiveRequest {
            unique_identifier: Some(archived.clone()),
            ..kmip::types::ArchiveRequest::default()
        };
        world.call(version, request).unwrap();
        assert_eq!(locate(&world, version, []), []);
        let by_state = [Attribute::state(State::DESTROYED)];
        assert_eq!(locate(&world, version, by_state), [destroyed.clone()]);
        let stored = |mask| {
            let request = LocateRequest {
                storage_status_mask: Some(mask),
                ..LocateRequest::default()
            };
            world.call(version, request).unwrap().unique_identifier
        };
        assert_eq!(stored(StorageStatusMask::ARCHIVAL_STORAGE), [archived]);
        if is_2x(version) {
            assert_eq!(stored(StorageStatusMask::DESTROYED_STORAGE), [destroyed]);
        }
    }
}

#[test]
fn conditions_that_are_not_understood_find_nothing_but_an_error() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        world.create(version, []);
        let mut request = LocateRequest::default();
        // In 1.x the attributes stand beside the other fields.
        let extra = match is_2x(version) {
            true => &mut request.attributes.extra,
            false => &mut request.extra,
        };
        extra.push(RawItem {
            tag: Tag(0x54_0001),
            value: RawValue::Integer(1),
        });
        let refused = world.call(version, request).unwrap_err();
        assert_eq!(refused, ResultReason::INVALID_FIELD, "{version}");
    }
    // A name of a newer version is no custom attribute that everything could have.
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    world.create(ProtocolVersion::V1_4, [Attribute::sensitive(true)]);
    let newer = Attribute::custom("", "Sensitive", RawValue::Boolean(true));
    assert_eq!(locate(&world, version, [newer]), []);
    let nameless = Attribute {
        index: None,
        value: AttributeValue::Absent(Tag::NAME.into()),
    };
    let request = LocateRequest {
        attributes: [nameless].into(),
        ..LocateRequest::default()
    };
    assert_eq!(
        world.call(version, request).unwrap_err(),
        ResultReason::INVALID_FIELD
    );
}

#[test]
fn members_of_a_group_take_turns_and_the_default_group_never_runs_out() {
    let version = ProtocolVersion::V1_2;
    let world = World::configured(|configuration| {
        configuration.default_group = Some("default".to_owned());
    });
    let group = |text: &str| {
        Attribute::from(kmip::types::AttributeValue::ObjectGroup(
            text.to_owned().into(),
        ))
    };
    let locate = |text: &str, member| {
        let request = LocateRequest {
            maximum_items: Some(1),
            object_group_member: Some(member),
            attributes: [group(text)].into(),
            ..LocateRequest::default()
        };
        world.call(version, request).unwrap().unique_identifier
    };
    let keys: Vec<_> = (0..3)
        .map(|_| world.create(version, [group("turns")]))
        .collect();
    for key in keys.iter().chain(&keys) {
        let found = locate("turns", ObjectGroupMember::GROUP_MEMBER_DEFAULT);
        assert_eq!(found, [key.clone()]);
    }
    let fresh = ObjectGroupMember::GROUP_MEMBER_FRESH;
    let first = locate("default", fresh);
    assert_eq!(first.len(), 1);
    assert_eq!(locate("default", fresh), first);
    let get = kmip::types::GetRequest {
        unique_identifier: Some(first[0].clone()),
        ..kmip::types::GetRequest::default()
    };
    world.call(version, get).unwrap();
    let second = locate("default", fresh);
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
    assert_eq!(locate("elsewhere", fresh), []);
}
