//! Adding, changing and deleting attributes by the rules of every version.

mod common;

use common::{Identifier, World, create, is_2x, name, wrong_state};
use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, AdjustAttributeRequest, AdjustmentType, Attribute, AttributeReference,
    AttributeValue, Attributes, CryptographicParameters, DateTime, DeleteAttributeRequest,
    GetAttributeListRequest, HashingAlgorithm, Interval, Link, LinkType, ManagedObject,
    MaskGenerator, ModifyAttributeRequest, ObjectType, PaddingMethod, RawValue, RegisterRequest,
    ResultReason, SetAttributeRequest, State, Tag, Template, UniqueIdentifier,
};

fn add(
    world: &World,
    version: ProtocolVersion,
    object: &Identifier,
    attribute: Attribute<'static>,
) -> Result<Option<Attribute<'static>>, ResultReason> {
    let request = AddAttributeRequest {
        unique_identifier: Some(object.clone()),
        new_attribute: Some(attribute),
        ..AddAttributeRequest::default()
    };
    world.call(version, request).map(|answer| answer.attribute)
}

fn modify(
    world: &World,
    version: ProtocolVersion,
    object: &Identifier,
    attribute: Attribute<'static>,
    current: Option<Attribute<'static>>,
) -> Result<(), ResultReason> {
    let request = ModifyAttributeRequest {
        unique_identifier: Some(object.clone()),
        new_attribute: attribute,
        current_attribute: current,
        ..ModifyAttributeRequest::default()
    };
    world.call(version, request).map(drop)
}

fn delete(
    world: &World,
    version: ProtocolVersion,
    object: &Identifier,
    reference: impl Into<AttributeReference<'static>>,
    index: Option<i32>,
) -> Result<(), ResultReason> {
    let request = DeleteAttributeRequest {
        unique_identifier: Some(object.clone()),
        attribute_reference: Some(reference.into()),
        attribute_index: index,
        ..DeleteAttributeRequest::default()
    };
    world.call(version, request).map(drop)
}

fn custom(text: &'static str) -> Attribute<'static> {
    Attribute::custom("x", "zkey-volumes", RawValue::TextString(text.into()))
}

fn custom_reference() -> AttributeReference<'static> {
    AttributeReference::custom("x", "zkey-volumes")
}

fn contacts<'l>(attributes: &'l Attributes<'static>) -> Option<&'l str> {
    attributes.contact_information().map(|text| &**text)
}

#[test]
fn an_attribute_with_one_value_is_added_changed_and_deleted() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, []);
        let first = Attribute::contact_information("alice");
        let second = Attribute::contact_information("bob");
        let added = add(&world, version, &key, first.clone()).unwrap();
        assert_eq!(added, Some(first).filter(|_| !is_2x(version)));
        let again = add(&world, version, &key, second.clone()).unwrap_err();
        assert_eq!(
            again,
            match is_2x(version) {
                true => ResultReason::ATTRIBUTE_SINGLE_VALUED,
                false => ResultReason::ILLEGAL_OPERATION,
            }
        );
        world.clock.advance(5);
        modify(&world, version, &key, second, None).unwrap();
        let attributes = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(contacts(&attributes), Some("bob"));
        let changed = DateTime(common::NOW.0 + 5);
        assert_eq!(attributes.last_change_date(), Some(&changed));
        delete(&world, version, &key, Tag::CONTACT_INFORMATION, None).unwrap();
        let attributes = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(contacts(&attributes), None);
        let gone = delete(&world, version, &key, Tag::CONTACT_INFORMATION, None);
        assert_eq!(
            gone.unwrap_err(),
            match is_2x(version) {
                true => ResultReason::ATTRIBUTE_NOT_FOUND,
                false => ResultReason::ITEM_NOT_FOUND,
            }
        );
    }
}

#[test]
fn a_custom_attribute_is_replaced_as_zkey_does_it() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, []);
        delete(&world, version, &key, custom_reference(), None).unwrap_err();
        for text in ["/dev/dasda1", " ", "/dev/dasdb1,/dev/dasdc1"] {
            let _ = delete(&world, version, &key, custom_reference(), None);
            add(&world, version, &key, custom(text)).unwrap();
            let asked = [custom_reference()];
            let attributes = world.attributes(version, &key, &asked).unwrap();
            assert_eq!(attributes.len(), 1);
            let value = attributes.custom("x", "zkey-volumes");
            assert_eq!(value, Some(&RawValue::TextString(text.into())));
        }
    }
}

#[test]
fn custom_attributes_are_found_under_both_names_across_versions() {
    let world = World::new();
    let key = world.create(ProtocolVersion::V2_1, []);
    let vendor = Attribute::custom("zkey", "volumes", RawValue::TextString("a".into()));
    add(&world, ProtocolVersion::V2_1, &key, vendor).unwrap();
    let old = world.attributes(ProtocolVersion::V1_4, &key, &[custom_reference()]);
    assert_eq!(old.unwrap().len(), 1);
    delete(
        &world,
        ProtocolVersion::V1_4,
        &key,
        custom_reference(),
        None,
    )
    .unwrap();
    let reference = AttributeReference::custom("zkey", "volumes");
    let new = world.attributes(ProtocolVersion::V2_1, &key, &[reference]);
    assert!(new.unwrap().is_empty());
}

#[test]
fn indices_stay_with_their_values_in_1x() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let key = world.create(version, [name("zero"), name("one"), name("two")]);
    let names = || -> Vec<(i32, String)> {
        let attributes = world
            .attributes(version, &key, &[Tag::NAME.into()])
            .unwrap();
        let entry = |attribute: &Attribute<'_>| match &attribute.value {
            AttributeValue::Name(name) => (
                attribute.index.unwrap_or(0),
                name.name_value.clone().into_owned(),
            ),
            other => panic!("{other:?}"),
        };
        attributes.iter().map(entry).collect()
    };
    let expected = |list: &[(i32, &str)]| -> Vec<(i32, String)> {
        list.iter()
            .map(|(index, name)| (*index, (*name).to_owned()))
            .collect()
    };
    delete(&world, version, &key, Tag::NAME, Some(1)).unwrap();
    assert_eq!(names(), expected(&[(0, "zero"), (2, "two")]));
    let mut changed = name("deux");
    changed.index = Some(2);
    modify(&world, version, &key, changed, None).unwrap();
    assert_eq!(names(), expected(&[(0, "zero"), (2, "deux")]));
    let added = add(&world, version, &key, name("three")).unwrap().unwrap();
    assert_eq!(added.index, Some(3));
    let gone = delete(&world, version, &key, Tag::NAME, Some(1)).unwrap_err();
    assert_eq!(gone, ResultReason::ITEM_NOT_FOUND);
    let mut chosen = name("chosen");
    chosen.index = Some(7);
    let refused = add(&world, version, &key, chosen).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_FIELD);
}

#[test]
fn in_2x_current_attribute_says_which_of_several_is_meant() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = world.create(version, [name("one"), name("two")]);
    let unclear = modify(&world, version, &key, name("three"), None).unwrap_err();
    assert_eq!(unclear, ResultReason::MULTI_VALUED_ATTRIBUTE);
    let nowhere = modify(&world, version, &key, name("three"), Some(name("zero")));
    assert_eq!(
        nowhere.unwrap_err(),
        ResultReason::ATTRIBUTE_INSTANCE_NOT_FOUND
    );
    modify(&world, version, &key, name("three"), Some(name("two"))).unwrap();
    let request = DeleteAttributeRequest {
        unique_identifier: Some(key.clone()),
        current_attribute: Some(name("one")),
        ..DeleteAttributeRequest::default()
    };
    world.call(version, request).unwrap();
    let attributes = world
        .attributes(version, &key, &[Tag::NAME.into()])
        .unwrap();
    assert_eq!(attributes.list, [name("three")]);
    // A reference means all of them.
    add(&world, version, &key, name("four")).unwrap();
    delete(&world, version, &key, Tag::NAME, None).unwrap();
    assert!(
        world
            .attributes(version, &key, &[Tag::NAME.into()])
            .unwrap()
            .is_empty()
    );
}

#[test]
fn links_are_deleted_one_by_one_or_together() {
    let link = |link_type, id: &'static str| {
        Attribute::link(Link {
            link_type,
            linked_object_identifier: UniqueIdentifier::from(id),
            ..Link::default()
        })
    };
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(
            version,
            [
                link(LinkType::PREVIOUS_LINK, "a"),
                link(LinkType::NEXT_LINK, "b"),
            ],
        );
        delete(&world, version, &key, Tag::LINK, None).unwrap();
        let left = world
            .attributes(version, &key, &[Tag::LINK.into()])
            .unwrap();
        assert_eq!(left.len(), usize::from(!is_2x(version)));
        if let Some(link) = left.link() {
            assert_eq!(link.link_type, LinkType::NEXT_LINK);
        }
    }
}

#[test]
fn what_the_server_maintains_is_not_for_clients() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, []);
        let read_only = match is_2x(version) {
            true => ResultReason::ATTRIBUTE_READ_ONLY,
            false => ResultReason::PERMISSION_DENIED,
        };
        let state = || Attribute::state(State::COMPROMISED);
        assert_eq!(modify(&world, version, &key, state(), None), Err(read_only));
        // The table of Add Attribute has its own name for it.
        let added = match is_2x(version) {
            true => ResultReason::READ_ONLY_ATTRIBUTE,
            false => ResultReason::PERMISSION_DENIED,
        };
        assert_eq!(add(&world, version, &key, state()).unwrap_err(), added);
        assert_eq!(
            delete(&world, version, &key, Tag::STATE, None),
            Err(read_only)
        );
        assert_eq!(
            world.call(version, create([state()])).unwrap_err(),
            read_only
        );
        let server = || Attribute::custom("y", "owner", RawValue::Integer(1));
        assert_eq!(add(&world, version, &key, server()).unwrap_err(), added);
        let date = Attribute::initial_date(DateTime(0));
        assert_eq!(modify(&world, version, &key, date, None), Err(read_only));
        let attributes = world.attributes(version, &key, &[]).unwrap();
        assert_eq!(attributes.state(), Some(&State::PRE_ACTIVE));
        if is_2x(version) {
            let request = SetAttributeRequest {
                unique_identifier: Some(key.clone()),
                new_attribute: state(),
                ..SetAttributeRequest::default()
            };
            assert_eq!(world.call(version, request).unwrap_err(), added);
        }
    }
}

#[test]
fn set_attribute_gives_the_one_value() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = world.create(version, []);
    let set = |attribute| {
        world.call(
            version,
            SetAttributeRequest {
                unique_identifier: Some(key.clone()),
                new_attribute: attribute,
                ..SetAttributeRequest::default()
            },
        )
    };
    set(Attribute::description("first")).unwrap();
    set(Attribute::description("second")).unwrap();
    let attributes = world.attributes(version, &key, &[]).unwrap();
    assert_eq!(attributes.description().map(|text| &**text), Some("second"));
}

#[test]
fn dates_of_the_past_cannot_be_changed() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let key = world.create(version, []);
    let date = Attribute::activation_date(DateTime(common::NOW.0 + 100));
    add(&world, version, &key, date.clone()).unwrap();
    modify(&world, version, &key, date.clone(), None).unwrap();
    world.activate(version, &key).unwrap();
    let late = modify(&world, version, &key, date, None).unwrap_err();
    assert_eq!(late, wrong_state(version));
}

#[test]
fn unknown_attributes_are_refused_not_kept_by_accident() {
    // Sensitive exists since 1.4: to 1.2 it is a name like any other, but not a custom one.
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let key = world.create(version, []);
    let newer = Attribute::custom("", "Sensitive", RawValue::Boolean(true));
    let refused = add(&world, version, &key, newer).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_FIELD);
}

#[test]
fn newer_values_are_shown_to_older_clients_as_far_as_they_have_them() {
    let world = World::new();
    let key = world.create(ProtocolVersion::V2_1, []);
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::OAEP),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        mask_generator: Some(MaskGenerator::MGF1),
        ..CryptographicParameters::default()
    };
    let attribute = Attribute::cryptographic_parameters(parameters.clone());
    add(&world, ProtocolVersion::V2_1, &key, attribute).unwrap();
    for version in ProtocolVersion::ALL {
        let attributes = world.attributes(version, &key, &[]).unwrap();
        let mut expected = parameters.clone();
        if version < ProtocolVersion::V1_4 {
            expected.mask_generator = None;
        }
        assert_eq!(attributes.cryptographic_parameters(), Some(&expected));
    }
}

#[test]
fn the_list_names_each_attribute_once() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, [name("one"), name("two"), custom("a")]);
        let request = GetAttributeListRequest {
            unique_identifier: Some(key.clone()),
            ..GetAttributeListRequest::default()
        };
        let list = world.call(version, request).unwrap().attribute_reference;
        let count = |reference: AttributeReference<'static>| {
            list.iter().filter(|listed| **listed == reference).count()
        };
        assert_eq!(count(Tag::NAME.into()), 1);
        assert_eq!(count(Tag::STATE.into()), 1);
        assert_eq!(count(custom_reference()), 1);
        let twice = [Tag::STATE.into(), Tag::STATE.into()];
        let refused = world.attributes(version, &key, &twice).unwrap_err();
        assert_eq!(refused, ResultReason::INVALID_MESSAGE);
    }
}

#[test]
fn templates_give_what_the_request_does_not() {
    let version = ProtocolVersion::V1_2;
    let world = World::new();
    let template: Attributes<'static> = [
        Attribute::cryptographic_length(128),
        Attribute::contact_information("template"),
    ]
    .into();
    let request = RegisterRequest {
        object_type: ObjectType::TEMPLATE,
        attributes: [name("small")].into(),
        managed_object: Some(ManagedObject::Template(Template {
            attributes: template,
            ..Template::default()
        })),
        ..RegisterRequest::default()
    };
    world.call(version, request).unwrap();
    let mut request = create([Attribute::contact_information("request")]);
    request.attributes.list.remove(1);
    let AttributeValue::Name(small) = name("small").value else {
        unreachable!();
    };
    request.attributes.names = vec![small];
    let key = world.call(version, request).unwrap().unique_identifier;
    let attributes = world.attributes(version, &key, &[]).unwrap();
    assert_eq!(attributes.cryptographic_length(), Some(&128));
    assert_eq!(contacts(&attributes), Some("request"));
}

#[test]
fn numbers_are_counted_and_booleans_negated() {
    let version = ProtocolVersion::V2_1;
    let world = World::new();
    let counter = Attribute::custom("x", "counter", RawValue::Integer(7));
    let reference = AttributeReference::custom("x", "counter");
    let key = world.create(version, [counter]);
    let adjust = |reference: &AttributeReference<'static>, adjustment, by| {
        let request = AdjustAttributeRequest {
            unique_identifier: Some(key.clone()),
            attribute_reference: reference.clone(),
            adjustment_type: adjustment,
            adjustment_value: by,
            ..AdjustAttributeRequest::default()
        };
        world.call(version, request).map(drop)
    };
    let (up, down, negate) = (
        AdjustmentType::INCREMENT,
        AdjustmentType::DECREMENT,
        AdjustmentType::NEGATE,
    );
    adjust(&reference, up, None).unwrap();
    adjust(&reference, up, Some(RawValue::Integer(10))).unwrap();
    adjust(&reference, down, Some(RawValue::Integer(3))).unwrap();
    adjust(&reference, negate, None).unwrap();
    let found = world
        .attributes(version, &key, std::slice::from_ref(&reference))
        .unwrap();
    let expected = Attribute::custom("x", "counter", RawValue::Integer(-15));
    assert_eq!(found.iter().collect::<Vec<_>>(), [&expected]);

    // What has no value is counted from zero, or false.
    let more = AttributeReference::custom("x", "more");
    adjust(&more, down, Some(RawValue::LongInteger(3))).unwrap();
    let period = AttributeReference::from(Tag::PROTECTION_PERIOD);
    adjust(&period, up, Some(RawValue::Integer(60))).unwrap();
    let safe = AttributeReference::from(Tag::QUANTUM_SAFE);
    adjust(&safe, negate, None).unwrap();
    let asked = [more, period.clone(), safe];
    let found = world.attributes(version, &key, &asked).unwrap();
    assert_eq!(found.custom("x", "more"), Some(&RawValue::LongInteger(-3)));
    assert_eq!(found.protection_period(), Some(&Interval(60)));
    assert_eq!(found.quantum_safe(), Some(&true));
    let refused = adjust(&period, down, Some(RawValue::Integer(61))).unwrap_err();
    assert_eq!(refused, ResultReason::NUMERIC_RANGE);
    let text = AttributeReference::from(Tag::CONTACT_INFORMATION);
    let refused = adjust(&text, up, None).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_DATA_TYPE);
    let read_only = AttributeReference::from(Tag::ROTATE_GENERATION);
    let refused = adjust(&read_only, up, None).unwrap_err();
    assert_eq!(refused, ResultReason::READ_ONLY_ATTRIBUTE);

    // There is no room for the result, or it is no number.
    let most = Some(RawValue::LongInteger(i64::from(i32::MAX)));
    adjust(&reference, negate, None).unwrap();
    let refused = adjust(&reference, up, most).unwrap_err();
    assert_eq!(refused, ResultReason::NUMERIC_RANGE);
    let mask = AttributeReference::from(Tag::CRYPTOGRAPHIC_ALGORITHM);
    let refused = adjust(&mask, up, None).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_DATA_TYPE);
    // The protection of a key cannot be taken back in this way either.
    let sensitive = AttributeReference::from(Tag::SENSITIVE);
    adjust(&sensitive, negate, None).unwrap();
    let refused = adjust(&sensitive, negate, None).unwrap_err();
    assert_eq!(refused, ResultReason::INVALID_ATTRIBUTE_VALUE);
}
