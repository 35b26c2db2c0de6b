//! Derive Key (KMIP 1.4, 4.6; 2.1, 6.1.13).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, Attributes, CryptographicUsageMask, DerivationMethod, DeriveKeyRequest,
    DeriveKeyResponse, IntoOwned, KeyBlock, KeyFormatType, KeyMaterial, KeyValue, LinkType,
    ManagedObject, ObjectType, ResultReason, Secret, SecretData, SecretDataType, SymmetricKey,
};
use zeroize::Zeroizing;

use super::create::missing;
use super::create_key_pair::link;
use super::cryptography::{Key, UsableKey, Use};
use crate::context::Context;
use crate::crypto;
use crate::object::{NewObject, key_block};
use crate::refusal;

pub(super) fn derive_key(
    context: &Context<'_>,
    request: &DeriveKeyRequest<'_>,
) -> Result<DeriveKeyResponse<'static>, Failure> {
    let version = context.version();
    let bases = bases(context, request)?;
    let objects = context.view()?;
    let given = objects.given_for(request.object_type, &request.attributes)?;
    drop(objects);
    let wanted = Attributes::from(given.clone());
    let length = wanted.cryptographic_length().copied();
    let length = length.ok_or_else(|| missing("Cryptographic Length"))?;
    let algorithm = wanted.cryptographic_algorithm().copied();
    let bytes = crypto::key_bytes(algorithm, length).filter(|bytes| (1..=8192).contains(bytes));
    let bytes = bytes.ok_or_else(|| refusal::invalid_field("the Cryptographic Length is wrong"))?;
    let secret = derive(request, &bases, bytes)?;
    let content = match request.object_type {
        ObjectType::SYMMETRIC_KEY => {
            let algorithm = algorithm.ok_or_else(|| missing("Cryptographic Algorithm"))?;
            ManagedObject::SymmetricKey(SymmetricKey {
                key_block: KeyBlock {
                    cryptographic_algorithm: Some(algorithm),
                    ..block(&secret, length)
                },
                ..SymmetricKey::default()
            })
        }
        ObjectType::SECRET_DATA => ManagedObject::SecretData(SecretData {
            secret_data_type: SecretDataType::SEED,
            key_block: block(&secret, length),
            ..SecretData::default()
        }),
        _ => return Err(wrong()),
    };
    let mut new = NewObject::made(content, given, version)?;
    let attributes = &mut new.attributes;
    attributes.set_default(AttributeValue::OriginalCreationDate(context.now));
    let mut objects = context.begin()?;
    for base in bases {
        let base = base.object.identifier;
        attributes.add(link(LinkType::DERIVATION_BASE_OBJECT_LINK, &base));
        let mut object = objects.by_identifier(&base)?;
        object
            .attributes
            .add(link(LinkType::DERIVED_KEY_LINK, &new.identifier));
        objects.save(&object)?;
    }
    let object = objects.add(new)?;
    objects.commit()?;
    Ok(DeriveKeyResponse {
        unique_identifier: object.unique_identifier(),
        ..DeriveKeyResponse::default()
    })
}

fn bases(context: &Context<'_>, request: &DeriveKeyRequest<'_>) -> Result<Vec<UsableKey>, Failure> {
    let wanted = Use {
        usage: CryptographicUsageMask::DERIVE_KEY,
        protects: true,
        parameters: None,
        bytes: None,
    };
    let named = request.unique_identifier.iter().map(Some);
    let placeholder = request.unique_identifier.is_empty().then_some(None);
    named
        .chain(placeholder)
        .map(|given| UsableKey::new(context, Key::Given(given), &wanted))
        .collect()
}

fn derive(
    request: &DeriveKeyRequest<'_>,
    bases: &[UsableKey],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if request.derivation_method == DerivationMethod::ASYMMETRIC_KEY {
        let is = |wanted| {
            let mut found = bases
                .iter()
                .filter(move |base| base.object.object_type == wanted);
            found
                .next()
                .and_then(|base| key_block(&base.content))
                .ok_or_else(wrong)
        };
        let private = crypto::private_key(is(ObjectType::PRIVATE_KEY)?)?;
        let public = crypto::public_key(is(ObjectType::PUBLIC_KEY)?)?;
        let mut secret = crypto::agree(&private, &public)?;
        return match secret.len() >= length {
            true => {
                secret.truncate(length);
                Ok(secret)
            }
            false => {
                let message = "the keys agree on fewer bits";
                Err(Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message))
            }
        };
    }
    let mut parameters = request.derivation_parameters.clone().into_owned();
    let (base, data) = base_and_data(bases)?;
    if let Some(data) = data {
        if !parameters.derivation_data.is_empty() {
            let message = "there is Derivation Data beside the Secret Data that stands for it";
            return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
        }
        let data = crypto::symmetric_bytes(key_block(&data.content).ok_or_else(wrong)?)?;
        parameters
            .derivation_data
            .push(Secret::owned(data.to_vec()));
    }
    let attributes = &base.object.attributes;
    let own = || attributes.cryptographic_parameters().cloned();
    parameters.cryptographic_parameters = parameters.cryptographic_parameters.or_else(own);
    let secret = crypto::symmetric_bytes(key_block(&base.content).ok_or_else(wrong)?)?;
    let algorithm = attributes.cryptographic_algorithm().copied();
    crypto::derive(
        request.derivation_method,
        &parameters,
        secret,
        algorithm,
        length,
    )
}

/// The object to derive from, and beside it the Secret Data that stands for Derivation Data, if there is
/// some.
fn base_and_data(bases: &[UsableKey]) -> Result<(&UsableKey, Option<&UsableKey>), Failure> {
    let is_secret = |base: &UsableKey| base.object.object_type == ObjectType::SECRET_DATA;
    match bases {
        [base] => Ok((base, None)),
        [base, data] if is_secret(data) => Ok((base, Some(data))),
        [data, base] if is_secret(data) => Ok((base, Some(data))),
        _ => Err(wrong()),
    }
}

fn wrong() -> Failure {
    refusal::wrong_type("the object is not of a type for this")
}

fn block(secret: &[u8], length: i32) -> KeyBlock<'static> {
    KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
            secret.to_vec(),
        )))),
        cryptographic_length: Some(length),
        ..KeyBlock::default()
    }
}
