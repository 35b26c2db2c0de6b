//! Operations with keys: against published values, and against each other.

mod at_once;
mod ciphers;
mod codes;
#[path = "../common/mod.rs"]
mod common;

use common::{Identifier, World, hex, in_use, wrong_state};
use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, Data, DateTime, EncryptRequest, HashRequest, HashingAlgorithm,
    ResultReason, RngRetrieveRequest, UsageLimits, UsageLimitsUnit,
};

/// Versions from which on the operations exist, and those that changed them.
pub(crate) const VERSIONS: [ProtocolVersion; 5] = [
    ProtocolVersion::V1_2,
    ProtocolVersion::V1_3,
    ProtocolVersion::V1_4,
    ProtocolVersion::V2_0,
    ProtocolVersion::V2_1,
];

pub(crate) fn symmetric(
    world: &World,
    version: ProtocolVersion,
    algorithm: CryptographicAlgorithm,
    key: &[u8],
    usage: CryptographicUsageMask,
    more: impl IntoIterator<Item = Attribute<'static>>,
) -> Identifier {
    let mut attributes = in_use(usage);
    attributes.list.extend(more);
    world.register_key(version, algorithm, key, attributes)
}

pub(crate) fn both() -> CryptographicUsageMask {
    CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT
}

pub(crate) fn mode(mode: BlockCipherMode) -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        ..CryptographicParameters::default()
    }
}

pub(crate) fn data(bytes: &[u8]) -> Option<Data<'_>> {
    Some(Data::from(bytes))
}

pub(crate) fn bytes(data: Option<Data<'_>>) -> Vec<u8> {
    data.unwrap().as_bytes().unwrap().to_vec()
}

#[test]
fn keys_are_used_only_for_what_they_are_and_when_they_may_be() {
    for version in VERSIONS {
        let world = World::new();
        let aes = CryptographicAlgorithm::AES;
        let encrypt = |id: &Identifier| {
            let request = EncryptRequest {
                unique_identifier: Some(id.clone()),
                cryptographic_parameters: Some(mode(BlockCipherMode::ECB)),
                data: data(&[0; 16]),
                ..EncryptRequest::default()
            };
            world.call(version, request).map(drop)
        };
        let other = symmetric(
            &world,
            version,
            aes,
            &[1; 16],
            CryptographicUsageMask::DECRYPT,
            [],
        );
        assert_eq!(
            encrypt(&other).unwrap_err(),
            match version {
                ProtocolVersion::V2_0 | ProtocolVersion::V2_1 => {
                    ResultReason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK
                }
                _ => ResultReason::PERMISSION_DENIED,
            }
        );
        let stop = Attribute::protect_stop_date(DateTime(common::NOW.0 + 10));
        let key = symmetric(&world, version, aes, &[1; 16], both(), [stop]);
        encrypt(&key).unwrap();
        world.clock.advance(10);
        assert_eq!(encrypt(&key), Err(wrong_state(version)));
        let limits = Attribute::usage_limits(UsageLimits {
            usage_limits_total: 32,
            usage_limits_unit: UsageLimitsUnit::BYTE,
            usage_limits_count: None,
            ..UsageLimits::default()
        });
        // Written without the count, as clients do.
        let key = world.create(version, [limits]);
        world.activate(version, &key).unwrap();
        encrypt(&key).unwrap();
        encrypt(&key).unwrap();
        assert_eq!(encrypt(&key), Err(ResultReason::PERMISSION_DENIED));
    }
}

#[test]
fn hashes_and_random_numbers_are_given_without_a_key() {
    for version in VERSIONS {
        let world = World::new();
        let request = HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            data: data(b"abc"),
            ..HashRequest::default()
        };
        let digest = bytes(world.call(version, request).unwrap().data);
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest, hex(expected));
        let random = |length| {
            let request = RngRetrieveRequest {
                data_length: length,
                ..RngRetrieveRequest::default()
            };
            world.call(version, request).map(|answer| answer.data)
        };
        assert_eq!(random(32).unwrap().as_bytes().unwrap().len(), 32);
        assert_ne!(random(32).unwrap(), random(32).unwrap());
        for length in [0, -1, i32::MAX] {
            assert_eq!(random(length).unwrap_err(), ResultReason::INVALID_FIELD);
        }
    }
}
