//! Create: a new symmetric key (KMIP 1.4, 4.1; 2.1, 6.1.8).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CreateRequest, CreateResponse, CryptographicAlgorithm,
    CryptographicUsageMask, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, ManagedObject,
    ObjectType, ProtocolVersion, ResultReason, Secret, SecretData, SecretDataType, SymmetricKey,
};

use super::protection::keep;
use crate::context::Context;
use crate::crypto::{generate_secret, generate_symmetric, usual_length};
use crate::object::{FinishedObject, NewObject, StoredObject};
use crate::refusal;

pub(super) fn create(
    context: &Context<'_>,
    request: &CreateRequest<'_>,
) -> Result<CreateResponse<'static>, Failure> {
    // Few clients have defaults or templates that say more. Without, it is made while nobody waits for it.
    if request.attributes.names.is_empty() {
        let given = context.given(&request.attributes);
        if let Ok(new) = given.and_then(|given| finished(context, request, given)) {
            if let Some(object) = context.add(new)? {
                return Ok(answer(&object));
            }
        }
    }
    let mut objects = context.begin()?;
    let given = objects.given_for(request.object_type, &request.attributes)?;
    let object = objects.add_finished(finished(context, request, given)?)?;
    objects.commit()?;
    Ok(answer(&object))
}

fn answer(object: &StoredObject) -> CreateResponse<'static> {
    CreateResponse {
        object_type: object.object_type,
        unique_identifier: object.unique_identifier(),
        ..CreateResponse::default()
    }
}

/// The new object.
///
/// # Errors
/// As for [`new_key`], or if an attribute is missing.
fn finished(
    context: &Context<'_>,
    request: &CreateRequest<'_>,
    given: Vec<Attribute<'static>>,
) -> Result<FinishedObject, Failure> {
    let wanted = Attributes::from(given.clone());
    // Since KMIP 2.0 the server supplies what the client omits (2.1, 4).
    let supplies = context.version() >= ProtocolVersion::V2_0
        && request.object_type == ObjectType::SYMMETRIC_KEY;
    let algorithm = wanted.cryptographic_algorithm().copied();
    let algorithm = algorithm.or(supplies.then_some(CryptographicAlgorithm::AES));
    // What a secret is for need not be known.
    if algorithm.is_none() && request.object_type != ObjectType::SECRET_DATA {
        return Err(missing("Cryptographic Algorithm"));
    }
    let length = wanted.cryptographic_length().copied();
    let length = length.unwrap_or_else(|| usual_length(algorithm));
    let mut new = new_key(context, request.object_type, algorithm, length, given)?;
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    Ok(context.finish(new))
}

/// A key with the attributes that are given.
///
/// # Errors
/// If the server does not make such keys, or an attribute is not for clients to set.
pub(super) fn new_key(
    context: &Context<'_>,
    object_type: ObjectType,
    algorithm: Option<CryptographicAlgorithm>,
    length: i32,
    given: Vec<Attribute<'static>>,
) -> Result<NewObject, Failure> {
    let is_safe =
        |attribute: &Attribute<'_>| matches!(attribute.value, AttributeValue::QuantumSafe(true));
    let quantum_safe = given.iter().any(is_safe);
    if quantum_safe && length < 256 {
        let message = "keys below 256 bits are not safe from quantum computers";
        return Err(Failure::new(ResultReason::GENERAL_FAILURE, message));
    }
    let key = match algorithm {
        Some(algorithm) => generate_symmetric(algorithm, length)?,
        None => generate_secret(length)?,
    };
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
            key.to_vec(),
        )))),
        cryptographic_algorithm: algorithm,
        cryptographic_length: Some(length),
        ..KeyBlock::default()
    };
    let content = match object_type {
        ObjectType::SYMMETRIC_KEY => ManagedObject::SymmetricKey(SymmetricKey {
            key_block,
            ..SymmetricKey::default()
        }),
        ObjectType::SECRET_DATA => ManagedObject::SecretData(SecretData {
            secret_data_type: SecretDataType::SEED,
            key_block,
            ..SecretData::default()
        }),
        _ => return Err(refusal::wrong_type("objects of this type are not created")),
    };
    let mut new = NewObject::made(content, given, context.version())?;
    let usage = CryptographicUsageMask::ENCRYPT | CryptographicUsageMask::DECRYPT;
    new.attributes
        .set_default(AttributeValue::CryptographicUsageMask(usage));
    let now = context.now;
    new.attributes
        .set_default(AttributeValue::OriginalCreationDate(now));
    new.attributes
        .set_default(AttributeValue::RandomNumberGenerator(
            context.configuration.random_number_generator.clone(),
        ));
    Ok(new)
}

/// An attribute without which nothing can be made.
pub(super) fn missing(attribute: &str) -> Failure {
    let message = format!("the attribute {attribute} is missing");
    Failure::new(ResultReason::INVALID_MESSAGE, message)
}
