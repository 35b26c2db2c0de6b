//! How a new object is kept: as the client demands, or not at all (Protection Storage Masks).

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, CertifyRequest, CreateKeyPairRequest, CreateRequest, CreateSplitKeyRequest,
    CryptographicAlgorithm, CryptographicUsageMask, JoinSplitKeyRequest, LocateRequest, ObjectType,
    ProtectionStorageMask, ProtectionStorageMasks, ReCertifyRequest, ReKeyKeyPairRequest,
    ReKeyRequest, RegisterRequest, ResultReason, SplitKeyMethod,
};

use super::versions_2x;
use crate::common::{Identifier, World, create, in_use, symmetric_key};

type Made = Result<Vec<Identifier>, ResultReason>;

const ON_SYSTEM: ProtectionStorageMask = ProtectionStorageMask::ON_SYSTEM;
const HARDWARE: ProtectionStorageMask = ProtectionStorageMask::HARDWARE;

/// A server that keeps objects in software on the system.
fn world() -> World {
    World::configured(|configuration| {
        let both = ProtectionStorageMask::SOFTWARE | ON_SYSTEM;
        configuration.query.protection_storage_masks = masks(&[both]);
    })
}

fn masks(masks: &[ProtectionStorageMask]) -> Option<ProtectionStorageMasks<'static>> {
    Some(ProtectionStorageMasks {
        protection_storage_mask: masks.to_vec(),
        ..ProtectionStorageMasks::default()
    })
}

/// How an object is kept.
fn kept(world: &World, version: ProtocolVersion, object: &Identifier) -> ProtectionStorageMask {
    let own = world.attributes(version, object, &[]).unwrap();
    *own.protection_storage_mask().expect("a mask")
}

fn count(world: &World, version: ProtocolVersion) -> usize {
    let all = world.call(version, LocateRequest::default()).unwrap();
    all.unique_identifier.len()
}

/// A request that says how its objects are to be kept.
struct Row {
    what: &'static str,
    /// Makes the objects that it needs.
    prepare: fn(&World, ProtocolVersion) -> Vec<Identifier>,
    ask: fn(&World, ProtocolVersion, &[Identifier], &[ProtectionStorageMask]) -> Made,
}

const ROWS: [Row; 7] = [
    Row {
        what: "Create",
        prepare: |_, _| Vec::new(),
        ask: |world, version, _, acceptable| {
            let request = CreateRequest {
                protection_storage_masks: masks(acceptable),
                ..create([])
            };
            let made = world.call(version, request)?;
            Ok(vec![made.unique_identifier])
        },
    },
    Row {
        what: "Register",
        prepare: |_, _| Vec::new(),
        ask: |world, version, _, acceptable| {
            let request = RegisterRequest {
                object_type: ObjectType::SYMMETRIC_KEY,
                attributes: in_use(CryptographicUsageMask::ENCRYPT),
                managed_object: Some(symmetric_key(CryptographicAlgorithm::AES, &[7; 16])),
                protection_storage_masks: masks(acceptable),
                ..RegisterRequest::default()
            };
            let made = world.call(version, request)?;
            Ok(vec![made.unique_identifier])
        },
    },
    Row {
        what: "Re-key",
        prepare: |world, version| vec![world.create(version, [])],
        ask: |world, version, given, acceptable| {
            let request = ReKeyRequest {
                unique_identifier: Some(given[0].clone()),
                protection_storage_masks: masks(acceptable),
                ..ReKeyRequest::default()
            };
            let made = world.call(version, request)?;
            Ok(vec![made.unique_identifier])
        },
    },
    Row {
        what: "Certify",
        prepare: |world, version| elliptic(world, version).to_vec(),
        ask: certify,
    },
    Row {
        what: "Re-certify",
        prepare: |world, version| {
            let pair = elliptic(world, version);
            certify(world, version, &pair, &[ON_SYSTEM]).unwrap()
        },
        ask: |world, version, given, acceptable| {
            let request = ReCertifyRequest {
                unique_identifier: Some(given[0].clone()),
                protection_storage_masks: masks(acceptable),
                ..ReCertifyRequest::default()
            };
            let made = world.call(version, request)?;
            Ok(vec![made.unique_identifier])
        },
    },
    Row {
        what: "Create Split Key",
        prepare: |world, version| vec![world.create(version, [])],
        ask: split,
    },
    Row {
        what: "Join Split Key",
        prepare: |world, version| {
            let key = world.create(version, []);
            split(world, version, &[key], &[ON_SYSTEM]).unwrap()
        },
        ask: |world, version, given, acceptable| {
            let request = JoinSplitKeyRequest {
                object_type: ObjectType::SYMMETRIC_KEY,
                unique_identifier: given.to_vec(),
                attributes: Some(in_use(CryptographicUsageMask::ENCRYPT)),
                protection_storage_masks: masks(acceptable),
                ..JoinSplitKeyRequest::default()
            };
            let made = world.call(version, request)?;
            Ok(vec![made.unique_identifier])
        },
    },
];

fn certify(
    world: &World,
    version: ProtocolVersion,
    pair: &[Identifier],
    acceptable: &[ProtectionStorageMask],
) -> Made {
    let request = CertifyRequest {
        unique_identifier: Some(pair[1].clone()),
        protection_storage_masks: masks(acceptable),
        ..CertifyRequest::default()
    };
    let made = world.call(version, request)?;
    Ok(vec![made.unique_identifier])
}

fn split(
    world: &World,
    version: ProtocolVersion,
    given: &[Identifier],
    acceptable: &[ProtectionStorageMask],
) -> Made {
    let request = CreateSplitKeyRequest {
        object_type: ObjectType::SPLIT_KEY,
        unique_identifier: Some(given[0].clone()),
        split_key_parts: 3,
        split_key_threshold: 2,
        split_key_method: SplitKeyMethod::POLYNOMIAL_SHARING_GF_2_8,
        protection_storage_masks: masks(acceptable),
        ..CreateSplitKeyRequest::default()
    };
    let made = world.call(version, request)?;
    assert_eq!(made.unique_identifier.len(), 3);
    Ok(made.unique_identifier)
}

#[test]
fn objects_are_kept_as_the_client_demands_or_not_at_all() {
    for version in versions_2x() {
        for Row { what, prepare, ask } in ROWS {
            let world = world();
            let given = prepare(&world, version);
            let before = count(&world, version);
            assert_eq!(
                ask(&world, version, &given, &[HARDWARE | ON_SYSTEM]),
                Err(ResultReason::PROTECTION_STORAGE_UNAVAILABLE),
                "{what}, {version}"
            );
            assert_eq!(count(&world, version), before, "{what}, {version}");
            // The first of those that it can satisfy.
            let acceptable = [HARDWARE, ON_SYSTEM, ProtectionStorageMask::SOFTWARE];
            let made = ask(&world, version, &given, &acceptable).expect(what);
            for object in made {
                assert_eq!(kept(&world, version, &object), ON_SYSTEM, "{what}");
            }
        }
    }
}

/// What is acceptable for both keys of a pair, for the private and for the public one.
#[derive(Clone, Copy, Default)]
struct Acceptable {
    common: Option<ProtectionStorageMask>,
    private: Option<ProtectionStorageMask>,
    public: Option<ProtectionStorageMask>,
}

type Pair = Result<[Identifier; 2], ResultReason>;

fn create_pair(world: &World, version: ProtocolVersion, acceptable: Acceptable) -> Pair {
    let common = [
        Attribute::cryptographic_algorithm(CryptographicAlgorithm::EC),
        Attribute::cryptographic_length(256),
    ];
    let request = CreateKeyPairRequest {
        common_attributes: Some(common.into()),
        common_protection_storage_masks: acceptable.common.and_then(|mask| masks(&[mask])),
        private_protection_storage_masks: acceptable.private.and_then(|mask| masks(&[mask])),
        public_protection_storage_masks: acceptable.public.and_then(|mask| masks(&[mask])),
        ..CreateKeyPairRequest::default()
    };
    let made = world.call(version, request)?;
    Ok([
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ])
}

/// Private and public key.
fn elliptic(world: &World, version: ProtocolVersion) -> [Identifier; 2] {
    create_pair(world, version, Acceptable::default()).unwrap()
}

/// Makes a pair in the place of another one, which has been there before.
fn re_key_pair(world: &World, version: ProtocolVersion, acceptable: Acceptable) -> Pair {
    let [private, _] = elliptic(world, version);
    let request = ReKeyKeyPairRequest {
        private_key_unique_identifier: Some(private),
        common_protection_storage_masks: acceptable.common.and_then(|mask| masks(&[mask])),
        private_protection_storage_masks: acceptable.private.and_then(|mask| masks(&[mask])),
        public_protection_storage_masks: acceptable.public.and_then(|mask| masks(&[mask])),
        ..ReKeyKeyPairRequest::default()
    };
    let made = world.call(version, request)?;
    Ok([
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ])
}

#[test]
fn each_key_of_a_pair_is_kept_as_the_client_demands_or_none() {
    let software = ProtectionStorageMask::SOFTWARE;
    let (no_private, no_public) = (
        ResultReason::PRIVATE_PROTECTION_STORAGE_UNAVAILABLE,
        ResultReason::PUBLIC_PROTECTION_STORAGE_UNAVAILABLE,
    );
    let common = |mask| Acceptable {
        common: Some(mask),
        ..Acceptable::default()
    };
    let private = |mask, rest| Acceptable {
        private: Some(mask),
        ..rest
    };
    let public = |mask, rest| Acceptable {
        public: Some(mask),
        ..rest
    };
    let rows = [
        (common(ON_SYSTEM), Ok([ON_SYSTEM; 2])),
        (common(HARDWARE), Err(no_private)),
        // What is said of one key counts for that.
        (
            private(software, common(ON_SYSTEM)),
            Ok([software, ON_SYSTEM]),
        ),
        (
            public(software, common(ON_SYSTEM)),
            Ok([ON_SYSTEM, software]),
        ),
        (
            private(software, public(ON_SYSTEM, common(HARDWARE))),
            Ok([software, ON_SYSTEM]),
        ),
        (private(HARDWARE, common(ON_SYSTEM)), Err(no_private)),
        (public(HARDWARE, common(ON_SYSTEM)), Err(no_public)),
    ];
    for version in versions_2x() {
        let world = world();
        for (what, make, needed) in [
            ("Create Key Pair", create_pair as fn(&_, _, _) -> _, 0),
            ("Re-key Key Pair", re_key_pair, 2),
        ] {
            for (at, (acceptable, expected)) in rows.iter().enumerate() {
                let before = count(&world, version);
                let made: Pair = make(&world, version, *acceptable);
                let new = count(&world, version) - before - needed;
                assert_eq!(new, if expected.is_ok() { 2 } else { 0 }, "{what}, {at}");
                let made = made.map(|pair| pair.map(|key| kept(&world, version, &key)));
                assert_eq!(made, *expected, "{what}, {at}, {version}");
            }
        }
    }
}
