//! What holds for every store.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    reason = "an array of one is compared with a list"
)]

use std::sync::Arc;

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, DateTime, GetRequest, LocateRequest, ManagedObject, Name,
    ObjectType, OpaqueObject, RawValue, ResultReason, State, Tag, UniqueIdentifier,
};
use kmip_server::{Added, Addition, AttributeSet, Store, StoreError, StoredObject};

use super::{Identifier, World, create, name};

fn located(world: &World, version: ProtocolVersion, by: Attribute<'static>) -> Vec<Identifier> {
    let request = LocateRequest {
        attributes: [by].into(),
        ..LocateRequest::default()
    };
    world.call(version, request).unwrap().unique_identifier
}

/// Objects are found by what they have, and only by that; also after a change. The store may hold
/// others, and is left with what it had.
pub(crate) fn keeps_what_it_is_given(store: Arc<dyn Store>) {
    let world = World::with(store, |_| {});
    for version in [ProtocolVersion::V1_4, ProtocolVersion::V2_1] {
        let group =
            |text: &str| Attribute::from(AttributeValue::ObjectGroup(text.to_owned().into()));
        let mark = |number| Attribute::custom("x", "mark", RawValue::LongInteger(number));
        let first = world.create(version, [name("one"), name("two"), group("g"), mark(1)]);
        let second = world.create(version, [name("three"), group("g"), mark(2)]);

        for text in ["one", "two"] {
            assert_eq!(located(&world, version, name(text)), [first.clone()]);
        }
        assert_eq!(located(&world, version, name("four")), []);
        // Newest first.
        let both = [second.clone(), first.clone()];
        assert_eq!(located(&world, version, group("g")), both);
        assert_eq!(located(&world, version, mark(2)), [second.clone()]);
        assert_eq!(located(&world, version, mark(3)), []);
        let identifier = |key: &Identifier| {
            let text = key.as_text().unwrap().to_owned();
            Attribute::from(AttributeValue::UniqueIdentifier(UniqueIdentifier::from(
                text,
            )))
        };
        assert_eq!(
            located(&world, version, identifier(&first)),
            [first.clone()]
        );
        let everything = world.call(version, LocateRequest::default()).unwrap();
        assert_eq!(everything.unique_identifier, both);

        let taken = world.call(version, create([name("three")]));
        let reason = match super::is_2x(version) {
            true => ResultReason::NON_UNIQUE_NAME_ATTRIBUTE,
            false => ResultReason::INVALID_FIELD,
        };
        assert_eq!(taken.unwrap_err(), reason);
        world.activate(version, &second).unwrap();
        let attributes = world.attributes(version, &second, &[Tag::STATE.into()]);
        assert_eq!(attributes.unwrap().state(), Some(&State::ACTIVE));

        world
            .revoke(
                version,
                &second,
                kmip::types::RevocationReasonCode::UNSPECIFIED,
            )
            .unwrap();
        for key in [&first, &second] {
            world.destroy(version, key).unwrap();
            let request = GetRequest {
                unique_identifier: Some(key.clone()),
                ..GetRequest::default()
            };
            assert!(world.call(version, request).is_err());
        }
        // Its name is free again.
        let third = world.create(version, [name("three")]);
        assert_eq!(located(&world, version, name("three")), [third.clone()]);
        world.destroy(version, &third).unwrap();
    }
}

const THREADS: usize = 8;
const ADDITIONS: usize = 20;
/// How many objects [`adds_what_comes_together`] leaves.
pub(crate) const ADDED: usize = 2 + THREADS * ADDITIONS + ADDITIONS;
const OWNER: &str = "who adds";

fn a_name(text: &str) -> Name<'static> {
    Name {
        name_value: text.to_owned().into(),
        ..Name::default()
    }
}

fn addition(identifier: &str, name: &str) -> Addition {
    let attributes = vec![Attribute::name(a_name(name))];
    let object = StoredObject {
        identifier: identifier.to_owned(),
        owner: OWNER.to_owned(),
        object_type: ObjectType::OPAQUE_OBJECT,
        archived: false,
        attributes: AttributeSet::from_stored(attributes),
    };
    let content = ManagedObject::OpaqueObject(OpaqueObject::default());
    let mut addition = Addition::new(object, content, DateTime(0));
    addition.unique_names = vec![a_name(name)];
    addition
}

/// How many objects are there of those that are added here.
pub(crate) fn added(store: &dyn Store) -> usize {
    let all = store.view().unwrap().list(None, 10_000).unwrap();
    all.iter().filter(|object| object.owner == OWNER).count()
}

/// Additions are made on their conditions, and those of many threads at a time do not get into each other's
/// way.
pub(crate) fn adds_what_comes_together(store: &dyn Store) {
    assert_eq!(store.add(addition("first", "first")).unwrap(), Added::Done);
    let in_use = store.add(addition("other", "first")).unwrap();
    assert_eq!(in_use, Added::NameInUse(a_name("first")));
    let mut other = addition("other", "other");
    let content = Some(other.content.clone());
    let there = ("first".to_owned(), content.clone());
    for (expected, outcome) in [
        (vec![("first".to_owned(), None)], Added::Hindered),
        (
            vec![there.clone(), ("none".to_owned(), content)],
            Added::Hindered,
        ),
        (vec![there, ("none".to_owned(), None)], Added::Done),
    ] {
        other.expected_contents = expected;
        assert_eq!(store.add(other.clone()).unwrap(), outcome);
    }

    let common: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn(move || {
                    let common = (0..ADDITIONS).filter(|key| {
                        let own = format!("{number} {key}");
                        let alone = store.add(addition(&own, &own));
                        assert_eq!(alone.unwrap(), Added::Done);
                        // All want this identifier. Who does not get it spoils nothing for the others.
                        let common = format!("common {key}");
                        match store.add(addition(&common, &format!("{own} also"))) {
                            Ok(Added::Done) => true,
                            Err(StoreError::Duplicate(identifier)) => {
                                assert_eq!(identifier, common);
                                false
                            }
                            other => panic!("{other:?}"),
                        }
                    });
                    common.count()
                })
            })
            .collect();
        let threads = threads.into_iter();
        threads.map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(common, ADDITIONS);
    assert_eq!(added(store), ADDED);
}
