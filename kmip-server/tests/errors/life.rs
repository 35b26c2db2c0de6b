//! Activate, Revoke, Destroy, Archive and what else changes the life of an object.

use super::*;

#[test]
fn life() {
    check(&[
        Row {
            what: "Activate, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| world.activate(version, &nobody().expect("an identifier")),
        },
        Row {
            what: "Activate, active",
            since: V1_0,
            reasons: WRONG_STATE,
            ask: |world, version| {
                let key = active(world, version);
                world.activate(version, &key)
            },
        },
        Row {
            what: "Activate, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version).expect("a key");
                world.activate(version, &key)
            },
        },
        Row {
            what: "Revoke, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| {
                let key = nobody().expect("an identifier");
                world.revoke(version, &key, RevocationReasonCode::SUPERSEDED)
            },
        },
        Row {
            what: "Revoke, reason of no table",
            since: V1_0,
            reasons: [Reason::INVALID_FIELD; 3],
            ask: |world, version| {
                let key = active(world, version);
                let code = kmip::types::Enumeration::new(0x4000_0000);
                world.revoke(version, &key, code)
            },
        },
        Row {
            what: "Destroy, no such object",
            since: V1_0,
            reasons: MISSING,
            ask: |world, version| world.destroy(version, &nobody().expect("an identifier")),
        },
        Row {
            what: "Destroy, active",
            since: V1_0,
            reasons: WRONG_STATE,
            ask: |world, version| {
                let key = active(world, version);
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Destroy, destroyed",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::OBJECT_DESTROYED,
                Reason::OBJECT_DESTROYED,
            ],
            ask: |world, version| {
                let key = world.create(version, []);
                world.destroy(version, &key)?;
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Destroy, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let key = archived(world, version).expect("a key");
                world.destroy(version, &key)
            },
        },
        Row {
            what: "Archive, archived",
            since: V1_0,
            reasons: ARCHIVED,
            ask: |world, version| {
                let request = ArchiveRequest {
                    unique_identifier: archived(world, version),
                    ..ArchiveRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Obtain Lease, compromised",
            since: V1_0,
            reasons: [Reason::PERMISSION_DENIED; 3],
            ask: |world, version| {
                let key = active(world, version);
                world.revoke(version, &key, RevocationReasonCode::KEY_COMPROMISE)?;
                let request = ObtainLeaseRequest {
                    unique_identifier: Some(key),
                    ..ObtainLeaseRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Usage Allocation, no Usage Limits",
            since: V1_0,
            reasons: [
                Reason::ILLEGAL_OPERATION,
                Reason::ATTRIBUTE_NOT_FOUND,
                Reason::ATTRIBUTE_NOT_FOUND,
            ],
            ask: |world, version| {
                let request = GetUsageAllocationRequest {
                    unique_identifier: Some(active(world, version)),
                    usage_limits_count: 1,
                    ..GetUsageAllocationRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Get Usage Allocation, too much",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::USAGE_LIMIT_EXCEEDED,
                Reason::USAGE_LIMIT_EXCEEDED,
            ],
            ask: |world, version| {
                let key = [Attribute::activation_date(NOW), limits(10)];
                let request = GetUsageAllocationRequest {
                    unique_identifier: Some(world.create(version, key)),
                    usage_limits_count: 11,
                    ..GetUsageAllocationRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Check, Cryptographic Usage Mask",
            since: V1_0,
            reasons: [
                Reason::PERMISSION_DENIED,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
                Reason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
            ],
            ask: |world, version| {
                let request = CheckRequest {
                    unique_identifier: Some(active(world, version)),
                    cryptographic_usage_mask: Some(CryptographicUsageMask::SIGN),
                    ..CheckRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
        Row {
            what: "Poll, nothing waits",
            since: V1_0,
            reasons: [
                Reason::ITEM_NOT_FOUND,
                Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
                Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE,
            ],
            ask: |world, version| {
                let mut message = kmip::types::RequestMessage::single(
                    version,
                    PollRequest {
                        asynchronous_correlation_value: vec![1, 2].into(),
                        ..PollRequest::default()
                    },
                );
                message.batch_item[0].unique_batch_item_id = None;
                let answer = world.exchange(&world.peer, &message);
                Err(answer.batch_item[0].result_reason.expect("a reason"))
            },
        },
        Row {
            what: "Cancel, nothing waits",
            since: V2_0,
            reasons: [Reason::INVALID_ASYNCHRONOUS_CORRELATION_VALUE; 3],
            ask: |world, version| {
                let request = CancelRequest {
                    asynchronous_correlation_value: vec![1, 2].into(),
                    ..CancelRequest::default()
                };
                world.call(version, request).map(drop)
            },
        },
    ]);
}
