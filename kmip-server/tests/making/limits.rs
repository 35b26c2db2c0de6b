//! What a new key is good for: its limits and its uses.

use kmip::ProtocolVersion;
use kmip::types::{
    AddAttributeRequest, Attribute, BlockCipherMode, CryptographicAlgorithm,
    CryptographicUsageMask, DeleteAttributeRequest, GetUsageAllocationRequest,
    ModifyAttributeRequest, ResultReason, Tag, UsageLimits, UsageLimitsUnit,
};

use crate::common::{Identifier, World, in_use, is_2x, name};

fn limits(total: i64, count: i64) -> Attribute<'static> {
    Attribute::usage_limits(UsageLimits {
        usage_limits_total: total,
        usage_limits_count: Some(count),
        usage_limits_unit: UsageLimitsUnit::BYTE,
        ..UsageLimits::default()
    })
}

/// How much of the Usage Limits of a key is left, and of how much.
fn left(world: &World, version: ProtocolVersion, key: &Identifier) -> Option<(i64, i64)> {
    let own = world.attributes(version, key, &[Tag::USAGE_LIMITS.into()]);
    let own = own.unwrap();
    let limits = own.usage_limits()?;
    Some((limits.usage_limits_count?, limits.usage_limits_total))
}

#[test]
fn clients_set_the_total_of_usage_limits_until_some_are_used_and_never_what_is_left() {
    for version in ProtocolVersion::ALL {
        let world = World::new();
        let key = world.create(version, [limits(100, 1_000_000)]);
        world.activate(version, &key).unwrap();
        assert_eq!(left(&world, version, &key), Some((100, 100)));
        let modify = |total, count| {
            let request = ModifyAttributeRequest {
                unique_identifier: Some(key.clone()),
                new_attribute: limits(total, count),
                ..ModifyAttributeRequest::default()
            };
            world.call(version, request).map(drop)
        };
        modify(50, 1_000_000).unwrap();
        assert_eq!(left(&world, version, &key), Some((50, 50)));
        let request = GetUsageAllocationRequest {
            unique_identifier: Some(key.clone()),
            usage_limits_count: 20,
            ..GetUsageAllocationRequest::default()
        };
        world.call(version, request).unwrap();
        let read_only = match is_2x(version) {
            true => ResultReason::ATTRIBUTE_READ_ONLY,
            false => ResultReason::PERMISSION_DENIED,
        };
        assert_eq!(modify(50, 50), Err(read_only), "{version}");
        let delete = |key: &Identifier| {
            let request = DeleteAttributeRequest {
                unique_identifier: Some(key.clone()),
                attribute_reference: Some(Tag::USAGE_LIMITS.into()),
                ..DeleteAttributeRequest::default()
            };
            world.call(version, request).map(drop)
        };
        assert_eq!(delete(&key), Err(read_only), "{version}");
        assert_eq!(left(&world, version, &key), Some((30, 50)));
        // Another attribute does not give back what is used.
        let request = AddAttributeRequest {
            unique_identifier: Some(key.clone()),
            new_attribute: Some(name("used")),
            ..AddAttributeRequest::default()
        };
        world.call(version, request).unwrap();
        assert_eq!(left(&world, version, &key), Some((30, 50)));

        let unused = world.create(version, []);
        let request = AddAttributeRequest {
            unique_identifier: Some(unused.clone()),
            new_attribute: Some(limits(10, 1_000_000)),
            ..AddAttributeRequest::default()
        };
        world.call(version, request).unwrap();
        assert_eq!(left(&world, version, &unused), Some((10, 10)));
        delete(&unused).unwrap();
        assert_eq!(left(&world, version, &unused), None);
    }
}

#[test]
fn an_unrestricted_key_serves_for_everything_since_2_0() {
    for version in ProtocolVersion::ALL {
        if version < ProtocolVersion::V1_2 {
            continue;
        }
        let world = World::new();
        let key = world.register_key(
            version,
            CryptographicAlgorithm::AES,
            &[3; 16],
            in_use(CryptographicUsageMask::UNRESTRICTED),
        );
        let request = crate::common::encrypt(&key, BlockCipherMode::ECB, 16);
        let expected = match is_2x(version) {
            true => Ok(()),
            false => Err(ResultReason::PERMISSION_DENIED),
        };
        assert_eq!(
            world.call(version, request).map(drop),
            expected,
            "{version}"
        );
    }
}
