//! What holds for every store.

#![allow(
    clippy::cloned_ref_to_slice_refs,
    reason = "an array of one is compared with a list"
)]

use std::sync::Arc;

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, AttributeValue, GetRequest, LocateRequest, RawValue, ResultReason, State, Tag,
    UniqueIdentifier,
};
use kmip_server::Store;

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
