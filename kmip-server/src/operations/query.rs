//! Query: what the server can do (KMIP 1.4, 4.25; 2.1, 6.1.38).

use kmip::server::Failure;
use kmip::types::{
    CapabilityInformation, DestroyAction, Enumeration, ObjectType, Operation, ProfileInformation,
    ProfileName, ProtectionStorageMask, ProtectionStorageMasks, ProtocolVersion, QueryFunction,
    QueryRequest, QueryResponse, RngMode, RngParameters, ServerInformation, ShreddingAlgorithm,
    UnwrapMode,
};

use super::{is_defined_in, supported};
use crate::context::Context;

pub(super) fn query(
    context: &Context<'_>,
    request: &QueryRequest<'_>,
) -> Result<QueryResponse<'static>, Failure> {
    let version = context.version();
    let configuration = context.configuration;
    let mut answer = QueryResponse::default();
    for function in &request.query_function {
        match *function {
            QueryFunction::QUERY_OPERATIONS => {
                answer.operation = supported(version);
                if configuration.notices.is_some() {
                    let from_server = [Operation::NOTIFY, Operation::PUT];
                    answer.operation.extend(from_server);
                }
            }
            QueryFunction::QUERY_OBJECTS => answer.object_type = object_types(version),
            QueryFunction::QUERY_SERVER_INFORMATION => {
                let vendor = configuration.vendor_identification.clone();
                answer.vendor_identification = Some(vendor.into());
                answer.server_information = Some(server_information(context));
            }
            QueryFunction::QUERY_RNGS => answer.rng_parameters = vec![rng_parameters(context)],
            QueryFunction::QUERY_PROFILES => {
                answer.profile_information = profiles(context);
            }
            QueryFunction::QUERY_CAPABILITIES => {
                answer.capability_information =
                    vec![capabilities(configuration.attestation.is_some())];
            }
            QueryFunction::QUERY_VALIDATIONS => {
                let told = &configuration.query.validation_information;
                answer.validation_information.clone_from(told);
            }
            QueryFunction::QUERY_CLIENT_REGISTRATION_METHODS => {
                let told = &configuration.query.client_registration_method;
                answer.client_registration_method.clone_from(told);
            }
            QueryFunction::QUERY_DEFAULTS_INFORMATION => {
                answer.defaults_information = context.view()?.setting()?;
            }
            QueryFunction::QUERY_STORAGE_PROTECTION_MASKS => {
                let told = configuration.query.protection_storage_masks.clone();
                let software = || ProtectionStorageMasks {
                    protection_storage_mask: vec![ProtectionStorageMask::SOFTWARE],
                    ..ProtectionStorageMasks::default()
                };
                answer.protection_storage_masks = Some(told.unwrap_or_else(software));
            }
            QueryFunction::QUERY_APPLICATION_NAMESPACES => {
                let told = &configuration.query.application_namespace;
                answer.application_namespace.clone_from(told);
            }
            QueryFunction::QUERY_EXTENSION_LIST | QueryFunction::QUERY_EXTENSION_MAP => {
                let told = &configuration.query.extension_information;
                answer.extension_information.clone_from(told);
            }
            QueryFunction::QUERY_ATTESTATION_TYPES => {
                let verifier = configuration.attestation.as_ref();
                answer.attestation_type = match verifier {
                    Some(verifier) => verifier.types(),
                    None => configuration.query.attestation_type.clone(),
                };
            }
            // Of the others there is nothing to tell.
            _ => {}
        }
    }
    tell_too(&mut answer, &configuration.query, version);
    tell_instead(&mut answer, &configuration.query);
    for capabilities in &mut answer.capability_information {
        if version < ProtocolVersion::V1_4 {
            capabilities.batch_undo_capability = None;
            capabilities.batch_continue_capability = None;
        }
        if version < ProtocolVersion::V2_0 {
            capabilities.quantum_safe_capability = None;
        }
    }
    Ok(answer)
}

/// Operations and object types that the configuration adds to what was asked for.
fn tell_too(
    answer: &mut QueryResponse<'static>,
    told: &QueryResponse<'static>,
    version: ProtocolVersion,
) {
    if !answer.operation.is_empty() {
        for operation in &told.operation {
            if is_defined_in(*operation, version) && !answer.operation.contains(operation) {
                answer.operation.push(*operation);
            }
        }
    }
    if !answer.object_type.is_empty() {
        for object_type in &told.object_type {
            if !answer.object_type.contains(object_type) {
                answer.object_type.push(*object_type);
            }
        }
    }
}

/// What the configuration has in place of what was asked for and found out.
fn tell_instead(answer: &mut QueryResponse<'static>, told: &QueryResponse<'static>) {
    fn replace<T: Clone>(answer: &mut Vec<T>, told: &[T]) {
        if !answer.is_empty() && !told.is_empty() {
            *answer = told.to_vec();
        }
    }
    replace(&mut answer.rng_parameters, &told.rng_parameters);
    replace(&mut answer.profile_information, &told.profile_information);
    replace(
        &mut answer.capability_information,
        &told.capability_information,
    );
}

fn server_information(context: &Context<'_>) -> ServerInformation<'static> {
    let information = context.configuration.server_information.clone();
    match context.version() >= ProtocolVersion::V2_0 {
        true => information,
        // Before, the structure has no fields but those of the vendor.
        false => ServerInformation {
            extra: information.extra,
            ..ServerInformation::default()
        },
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

fn rng_parameters(context: &Context<'_>) -> RngParameters<'static> {
    let generator = context.configuration.random_number_generator.clone();
    RngParameters {
        rng_algorithm: generator.rng_algorithm,
        cryptographic_algorithm: generator.cryptographic_algorithm,
        cryptographic_length: generator.cryptographic_length,
        drbg_algorithm: generator.drbg_algorithm,
        ..RngParameters::default()
    }
}

fn capabilities(attestation: bool) -> CapabilityInformation<'static> {
    CapabilityInformation {
        streaming_capability: Some(true),
        asynchronous_capability: Some(true),
        attestation_capability: Some(attestation),
        batch_undo_capability: Some(true),
        batch_continue_capability: Some(true),
        unwrap_mode: Some(UnwrapMode::NOT_PROCESSED),
        destroy_action: Some(DestroyAction::KEY_MATERIAL_DELETED),
        shredding_algorithm: Some(ShreddingAlgorithm::UNSUPPORTED),
        rng_mode: Some(RngMode::SHARED_INSTANTIATION),
        quantum_safe_capability: Some(false),
        ..CapabilityInformation::default()
    }
}
