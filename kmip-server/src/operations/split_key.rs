//! Create Split Key and Join Split Key (KMIP 1.4, 4.40 and 4.41; 2.1, 6.1.10 and 6.1.23).

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, CreateSplitKeyRequest, CreateSplitKeyResponse,
    CryptographicAlgorithm, JoinSplitKeyRequest, JoinSplitKeyResponse, KeyBlock, KeyFormatType,
    KeyMaterial, KeyValue, ManagedObject, ObjectType, Operation, ResultReason, Secret, SecretData,
    SplitKey, SymmetricKey, UniqueIdentifier,
};
use zeroize::Zeroizing;

use super::create::{missing, new_key};
use super::protection::keep;
use crate::context::{Context, Objects};
use crate::crypto;
use crate::object::{NewObject, StoredObject, key_block};
use crate::refusal;

pub(super) fn create(
    context: &Context<'_>,
    request: &CreateSplitKeyRequest<'_>,
) -> Result<CreateSplitKeyResponse<'static>, Failure> {
    let version = context.version();
    let number = |number| u8::try_from(number).ok();
    let (parts, threshold) = number(request.split_key_parts)
        .zip(number(request.split_key_threshold))
        .filter(|(parts, threshold)| *parts >= 2 && (2..=*parts).contains(threshold))
        .ok_or_else(|| refusal::invalid_field("there are 2 to 255 parts, not fewer than needed"))?;
    let mut objects = context.begin()?;
    let given = objects.given_for(ObjectType::SPLIT_KEY, &request.attributes)?;
    let whole = match &request.unique_identifier {
        Some(identifier) => Whole::existing(context, &objects, identifier)?,
        // Here this does not mean the ID Placeholder.
        None => Whole::new(context, &given)?,
    };
    let mut made = Vec::new();
    let method = request.split_key_method;
    let shared = crypto::split(
        method,
        &whole.secret,
        parts,
        threshold,
        request.prime_field_size.as_ref(),
    )?;
    for (number, part) in shared.parts {
        let content = ManagedObject::SplitKey(SplitKey {
            split_key_parts: request.split_key_parts,
            key_part_identifier: number.into(),
            split_key_threshold: request.split_key_threshold,
            split_key_method: method,
            prime_field_size: shared.prime.clone(),
            key_block: KeyBlock {
                key_format_type: KeyFormatType::RAW,
                key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
                    part.to_vec(),
                )))),
                cryptographic_algorithm: whole.algorithm,
                cryptographic_length: whole.length,
                ..KeyBlock::default()
            },
            ..SplitKey::default()
        });
        let mut new = NewObject::new(content, given.clone(), version)?;
        protect(&mut new, whole.sensitive);
        keep(context, &mut new, request.protection_storage_masks.as_ref())?;
        made.push(objects.add(new)?.unique_identifier());
    }
    objects.commit()?;
    Ok(CreateSplitKeyResponse {
        unique_identifier: made,
        ..CreateSplitKeyResponse::default()
    })
}

/// What is split.
struct Whole {
    secret: Zeroizing<Vec<u8>>,
    algorithm: Option<CryptographicAlgorithm>,
    length: Option<i32>,
    sensitive: bool,
}

impl Whole {
    fn existing(
        context: &Context<'_>,
        objects: &Objects<'_>,
        identifier: &UniqueIdentifier<'_>,
    ) -> Result<Self, Failure> {
        let object = objects.get_online(Some(identifier))?;
        let content = objects.content(&object)?;
        if object.attributes.extractable().copied() == Some(false) {
            let message = "the key is not extractable";
            return Err(Failure::new(ResultReason::PERMISSION_DENIED, message));
        }
        let operation = Operation::CREATE_SPLIT_KEY;
        let block = key_block(&content)
            .ok_or_else(|| refusal::wrong_object(context.version(), operation))?;
        Whole::of(block, is_sensitive(&object))
    }

    /// A key that nobody has as a whole.
    fn new(context: &Context<'_>, given: &[Attribute<'static>]) -> Result<Self, Failure> {
        let wanted = Attributes::from(given.to_vec());
        let algorithm = wanted.cryptographic_algorithm().copied();
        let algorithm = algorithm.ok_or_else(|| missing("Cryptographic Algorithm"))?;
        let length = wanted.cryptographic_length().copied();
        let length = length.ok_or_else(|| missing("Cryptographic Length"))?;
        let kind = ObjectType::SYMMETRIC_KEY;
        let new = new_key(context, kind, Some(algorithm), length, given.to_vec())?;
        let block = key_block(&new.content).ok_or_else(Failure::internal)?;
        Whole::of(block, false)
    }

    fn of(block: &KeyBlock<'_>, sensitive: bool) -> Result<Self, Failure> {
        Ok(Whole {
            secret: Zeroizing::new(crypto::symmetric_bytes(block)?.to_vec()),
            algorithm: block.cryptographic_algorithm,
            length: block.cryptographic_length,
            sensitive,
        })
    }
}

pub(super) fn join(
    context: &Context<'_>,
    request: &JoinSplitKeyRequest<'_>,
) -> Result<JoinSplitKeyResponse<'static>, Failure> {
    let version = context.version();
    let mut objects = context.begin()?;
    let Joined {
        secret,
        like,
        sensitive,
    } = whole(context, &objects, request)?;
    let given = match &request.attributes {
        Some(attributes) => objects.given(attributes)?,
        None => Vec::new(),
    };
    let wanted = Attributes::from(given.clone());
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_value: Some(KeyValue::new(KeyMaterial::Bytes(Secret::owned(
            secret.to_vec(),
        )))),
        cryptographic_algorithm: wanted
            .cryptographic_algorithm()
            .copied()
            .or(like.cryptographic_algorithm),
        cryptographic_length: i32::try_from(secret.len() * 8).ok(),
        ..KeyBlock::default()
    };
    let content = match request.object_type {
        ObjectType::SYMMETRIC_KEY => ManagedObject::SymmetricKey(SymmetricKey {
            key_block,
            ..SymmetricKey::default()
        }),
        ObjectType::SECRET_DATA => ManagedObject::SecretData(SecretData {
            secret_data_type: request.secret_data_type.unwrap_or_default(),
            key_block,
            ..SecretData::default()
        }),
        _ => {
            return Err(refusal::wrong_type(
                "the parts of a key make no object of this type",
            ));
        }
    };
    let mut new = NewObject::new(content, given, version)?;
    protect(&mut new, sensitive);
    keep(context, &mut new, request.protection_storage_masks.as_ref())?;
    let object = objects.add(new)?;
    objects.commit()?;
    Ok(JoinSplitKeyResponse {
        unique_identifier: object.unique_identifier(),
        ..JoinSplitKeyResponse::default()
    })
}

/// What was protected in one form stays so in the other.
fn protect(new: &mut NewObject, sensitive: bool) {
    if sensitive {
        new.attributes.set(AttributeValue::Sensitive(true));
    }
}

fn is_sensitive(object: &StoredObject) -> bool {
    object.attributes.sensitive().copied() == Some(true)
}

/// What the parts of a key tell of it.
struct Joined {
    secret: Zeroizing<Vec<u8>>,
    /// The key block of a part.
    like: KeyBlock<'static>,
    /// Whether a part is.
    sensitive: bool,
}

fn whole(
    context: &Context<'_>,
    objects: &Objects<'_>,
    request: &JoinSplitKeyRequest<'_>,
) -> Result<Joined, Failure> {
    let fails = |message: &'static str| Failure::new(ResultReason::CRYPTOGRAPHIC_FAILURE, message);
    let mut parts: Vec<SplitKey<'static>> = Vec::new();
    let mut sensitive = false;
    for identifier in &request.unique_identifier {
        let object = objects.get_online(Some(identifier))?;
        sensitive |= is_sensitive(&object);
        match objects.content(&object)? {
            ManagedObject::SplitKey(part) => parts.push(part),
            _ => {
                let operation = Operation::JOIN_SPLIT_KEY;
                return Err(refusal::wrong_object(context.version(), operation));
            }
        }
    }
    let first = parts.first().ok_or_else(|| fails("there are no parts"))?;
    let like = |part: &SplitKey<'static>| {
        (
            part.split_key_parts,
            part.split_key_threshold,
            part.split_key_method,
            part.prime_field_size.clone(),
        )
    };
    if parts.iter().any(|part| like(part) != like(first)) {
        return Err(fails("the parts are not of one key"));
    }
    let mut shares: Vec<crypto::Part> = Vec::new();
    for part in &parts {
        let number = u8::try_from(part.key_part_identifier);
        let number = number.map_err(|_| fails("a part has an impossible number"))?;
        if number == 0 || shares.iter().any(|(known, _)| *known == number) {
            return Err(fails("a part is given twice"));
        }
        let bytes = crypto::symmetric_bytes(&part.key_block)?;
        shares.push((number, Zeroizing::new(bytes.to_vec())));
    }
    if usize::try_from(first.split_key_threshold).is_ok_and(|needed| shares.len() < needed) {
        return Err(fails("more parts are needed"));
    }
    let length = first.key_block.cryptographic_length;
    let length = length.and_then(|bits| usize::try_from(bits).ok());
    Ok(Joined {
        secret: crypto::join(
            first.split_key_method,
            &shares,
            first.prime_field_size.as_ref(),
            length.map(|bits| bits.div_ceil(8)),
        )?,
        like: first.key_block.clone(),
        sensitive,
    })
}
