//! Query: what the server can do (KMIP 1.4, 4.25; 2.1, 6.1.38).

use kmip::types::{
    CapabilityInformation, DestroyAction, Enumeration, ObjectType, ProfileInformation, ProfileName,
    ProtocolVersion, QueryFunction, QueryRequest, QueryResponse, RngMode, RngParameters,
    ServerInformation, ShreddingAlgorithm, UnwrapMode,
};

use super::supported;
use crate::context::Context;
use crate::crypto::generator;

pub(super) fn query(context: &Context<'_>, request: &QueryRequest<'_>) -> QueryResponse<'static> {
    let version = context.version();
    let configuration = context.configuration;
    let mut answer = QueryResponse::default();
    for function in &request.query_function {
        match *function {
            QueryFunction::QUERY_OPERATIONS => answer.operation = supported(version),
            QueryFunction::QUERY_OBJECTS => answer.object_type = object_types(version),
            QueryFunction::QUERY_SERVER_INFORMATION => {
                let vendor = configuration.vendor_identification.clone();
                answer.vendor_identification = Some(vendor.into());
                answer.server_information = server_information(context);
            }
            QueryFunction::QUERY_RNGS => answer.rng_parameters = vec![rng_parameters()],
            QueryFunction::QUERY_PROFILES => {
                answer.profile_information = profiles(context);
            }
            QueryFunction::QUERY_CAPABILITIES => {
                answer.capability_information = vec![capabilities(version)];
            }
            // Of the others there is nothing to tell.
            _ => {}
        }
    }
    answer
}

fn server_information(context: &Context<'_>) -> Option<ServerInformation<'static>> {
    let information = context.configuration.server_information.clone();
    match context.version() >= ProtocolVersion::V2_0 {
        true => Some(information),
        // Before, the structure has no fields but those of the vendor.
        false if !information.extra.is_empty() => Some(ServerInformation {
            extra: information.extra,
            ..ServerInformation::default()
        }),
        false => None,
    }
}

fn object_types(version: ProtocolVersion) -> Vec<ObjectType> {
    let types = [
        ObjectType::CERTIFICATE,
        ObjectType::SYMMETRIC_KEY,
        ObjectType::PUBLIC_KEY,
        ObjectType::PRIVATE_KEY,
        ObjectType::SPLIT_KEY,
        ObjectType::TEMPLATE,
        ObjectType::SECRET_DATA,
        ObjectType::OPAQUE_OBJECT,
        ObjectType::PGP_KEY,
        ObjectType::CERTIFICATE_REQUEST,
    ];
    let defined = |object_type: &ObjectType| {
        let value = ObjectType::TABLE.by_value(object_type.value());
        value.is_some_and(|value| value.is_defined_in(version))
    };
    types.into_iter().filter(defined).collect()
}

fn profiles(context: &Context<'_>) -> Vec<ProfileInformation<'static>> {
    let defined = |profile: &&ProfileName| {
        let value = ProfileName::TABLE.by_value(profile.value());
        value.is_none_or(|value| value.is_defined_in(context.version()))
    };
    let profiles = context.configuration.profiles.iter().filter(defined);
    profiles
        .map(|profile| ProfileInformation {
            profile_name: *profile,
            ..ProfileInformation::default()
        })
        .collect()
}

fn rng_parameters() -> RngParameters<'static> {
    let generator = generator();
    RngParameters {
        rng_algorithm: generator.rng_algorithm,
        cryptographic_algorithm: generator.cryptographic_algorithm,
        cryptographic_length: generator.cryptographic_length,
        drbg_algorithm: generator.drbg_algorithm,
        ..RngParameters::default()
    }
}

fn capabilities(version: ProtocolVersion) -> CapabilityInformation<'static> {
    let batch = (version >= ProtocolVersion::V1_4).then_some(true);
    CapabilityInformation {
        streaming_capability: Some(true),
        asynchronous_capability: Some(false),
        attestation_capability: Some(false),
        batch_undo_capability: batch,
        batch_continue_capability: batch,
        unwrap_mode: Some(UnwrapMode::NOT_PROCESSED),
        destroy_action: Some(DestroyAction::KEY_MATERIAL_DELETED),
        shredding_algorithm: Some(ShreddingAlgorithm::UNSUPPORTED),
        rng_mode: Some(RngMode::SHARED_INSTANTIATION),
        quantum_safe_capability: (version >= ProtocolVersion::V2_0).then_some(false),
        ..CapabilityInformation::default()
    }
}
