//! Operations on attributes.

use super::*;

#[test]
fn attributes() {
    check(&[
        Row {
            what: "Get Attributes, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| {
                let request = GetAttributesRequest {
                    unique_identifier: nobody(),
                    ..GetAttributesRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Attributes, the same name twice",
            since: V1_0,
            reasons: [Reason::INVALID_MESSAGE; 3],
            ask: |world, version| {
                let twice: AttributeReference<'static> = Tag::STATE.into();
                let request = GetAttributesRequest {
                    unique_identifier: Some(world.create(version, [])),
                    attribute_reference: vec![twice.clone(), twice],
                    ..GetAttributesRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Add Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| add(world, version, nobody(), contact()),
        },
        Row {
            what: "Add Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| add(world, version, archived(world, version), contact()),
        },
        Row {
            what: "Add Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::READ_ONLY_ATTRIBUTE,
                Reason::READ_ONLY_ATTRIBUTE,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                add(world, version, Some(key), state())
            },
        },
        Row {
            what: "Add Attribute, exists already",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::ATTRIBUTE_SINGLE_VALUED,
                Reason::ATTRIBUTE_SINGLE_VALUED,
            ],
            ask: |world, version| {
                let key = world.create(version, [contact()]);
                add(world, version, Some(key), contact())
            },
        },
        Row {
            what: "Add Attribute, Name in use",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
            ],
            ask: |world, version| {
                world.create(version, [name("one")]);
                let key = world.create(version, []);
                add(world, version, Some(key), name("one"))
            },
        },
        Row {
            what: "Modify Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| modify(world, version, nobody(), contact()),
        },
        Row {
            what: "Modify Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| modify(world, version, archived(world, version), contact()),
        },
        Row {
            what: "Modify Attribute, the object does not have it",
            since: V1_0,
            reasons: [
                Reason::INVALID_FIELD,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                modify(world, version, Some(key), contact())
            },
        },
        Row {
            what: "Modify Attribute, not this instance",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::ATTRIBUTE_INSTANCE_NOT_FOUND,
                Reason::ATTRIBUTE_INSTANCE_NOT_FOUND,
            ],
            ask: |world, version| {
                let request = ModifyAttributeRequest {
                    unique_identifier: Some(world.create(version, [name("one")])),
                    current_attribute: Some(name("two")).filter(|_| version >= V2_0),
                    new_attribute: Attribute {
                        index: Some(3).filter(|_| version < V2_0),
                        ..name("three")
                    },
                    ..ModifyAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Modify Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::ATTRIBUTE_READ_ONLY,
                Reason::ATTRIBUTE_READ_ONLY,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                modify(world, version, Some(key), state())
            },
        },
        Row {
            what: "Modify Attribute, Name in use",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
                Reason::NON_UNIQUE_NAME_ATTRIBUTE,
            ],
            ask: |world, version| {
                world.create(version, [name("one")]);
                let key = world.create(version, [name("two")]);
                modify(world, version, Some(key), name("one"))
            },
        },
        Row {
            what: "Delete Attribute, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| delete(world, version, nobody(), Tag::CONTACT_INFORMATION),
        },
        Row {
            what: "Delete Attribute, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version);
                delete(world, version, key, Tag::CONTACT_INFORMATION)
            },
        },
        Row {
            what: "Delete Attribute, read-only",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::ATTRIBUTE_READ_ONLY,
                Reason::ATTRIBUTE_READ_ONLY,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                delete(world, version, Some(key), Tag::STATE)
            },
        },
        Row {
            what: "Delete Attribute, the object does not have it",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                delete(world, version, Some(key), Tag::CONTACT_INFORMATION)
            },
        },
        Row {
            what: "Set Attribute, read-only",
            since: V2_0,
            reasons: [Reason::READ_ONLY_ATTRIBUTE; 3],
            ask: |world, version| {
                let request = SetAttributeRequest {
                    unique_identifier: Some(world.create(version, [])),
                    new_attribute: state(),
                    ..SetAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Set Attribute, several values",
            since: V2_0,
            reasons: [Reason::MULTI_VALUED_ATTRIBUTE; 3],
            ask: |world, version| {
                let request = SetAttributeRequest {
                    unique_identifier: Some(world.create(version, [name("one"), name("two")])),
                    new_attribute: name("three"),
                    ..SetAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Adjust Attribute, neither a number nor a boolean",
            since: V2_0,
            reasons: [Reason::INVALID_DATA_TYPE; 3],
            ask: |world, version| {
                let request = AdjustAttributeRequest {
                    unique_identifier: Some(world.create(version, [contact()])),
                    attribute_reference: Tag::CONTACT_INFORMATION.into(),
                    adjustment_type: AdjustmentType::INCREMENT,
                    ..AdjustAttributeRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}
