//! Get: the object itself, plain or wrapped (KMIP 1.4, 4.11; 2.1, 6.1.18).

use kmip::server::Failure;
use kmip::types::{
    AttributeReference, AttributeValue, Attributes, CryptographicAlgorithm,
    CryptographicParameters, CryptographicUsageMask, EncodingOption, EncryptionKeyInformation,
    GetRequest, GetResponse, IntoOwned, KeyBlock, KeyFormatType, KeyValue, KeyWrapType,
    KeyWrappingData, KeyWrappingSpecification, ManagedObject, ObjectType, ProtocolVersion,
    ResultReason, Secret, Tag, WrappingMethod,
};
use zeroize::Zeroizing;

use super::pkcs12;
use super::unwrap::unwrap_content;
use crate::attributes::{older_parameters, visible};
use crate::context::{Context, Objects};
use crate::crypto::{self, WrappingKey, convert, wrap};
use crate::object::{StoredObject, key_block, key_block_mut};
use crate::refusal;

pub(super) fn get(
    context: &Context<'_>,
    request: &GetRequest<'_>,
) -> Result<GetResponse<'static>, Failure> {
    let objects = context.view()?;
    let object = objects.get_online(request.unique_identifier.as_ref())?;
    let mut content = objects.content(&object)?;
    // There is no way to say that a key is wrapped twice.
    let anew = request.key_wrapping_specification.is_some();
    if anew || request.key_wrap_type == Some(KeyWrapType::NOT_WRAPPED) {
        unwrap_content(context, &objects, &mut content)?;
    }
    check_form(&object, &content, request, context.version())?;
    match request.key_format_type {
        Some(KeyFormatType::PKCS_12) => {
            pkcs12::enclose(&objects, &object, &mut content, context.version())?;
        }
        Some(format) => convert(&mut content, format)?,
        None => {}
    }
    if request.key_compression_type.is_some() {
        let message = "this server does not compress keys";
        let reason = ResultReason::KEY_COMPRESSION_TYPE_NOT_SUPPORTED;
        return Err(Failure::new(reason, message));
    }
    if let Some(specification) = &request.key_wrapping_specification {
        wrap_content(context, &objects, &object, &mut content, specification)?;
    }
    drop(objects);
    if object.attributes.fresh().copied() == Some(true) {
        // Of a group, what Locate has found in the same message is for one client only. Who names the
        // object wants that one, whoever else gets it.
        let in_turn = object.attributes.object_group().is_some();
        let found = request.unique_identifier.is_none();
        let spent = spend(context, &object.identifier, in_turn && found);
        // No member of a group is given out and stays fresh. Others are given out even if the store
        // is full and takes no changes.
        if in_turn {
            spent?;
        }
    }
    Ok(GetResponse {
        object_type: object.object_type,
        unique_identifier: object.unique_identifier(),
        managed_object: content,
        ..GetResponse::default()
    })
}

/// Whether an object may leave the server as it is.
pub(crate) fn may_leave(object: &StoredObject, content: &ManagedObject<'_>) -> bool {
    check_form(
        object,
        content,
        &GetRequest::default(),
        ProtocolVersion::LATEST,
    )
    .is_ok()
}

/// An object that was given out is no longer fresh. For one client only, it must be so until now.
fn spend(context: &Context<'_>, identifier: &str, once: bool) -> Result<(), Failure> {
    let mut objects = context.begin()?;
    let mut object = objects.by_identifier(identifier)?;
    if object.attributes.fresh().copied() != Some(true) {
        return match once {
            true => Err(Failure::new(
                ResultReason::GENERAL_FAILURE,
                "another client has got this member of the group meanwhile: locate the next one",
            )),
            false => Ok(()),
        };
    }
    object.attributes.set(AttributeValue::Fresh(false));
    objects.save(&object)?;
    objects.commit()
}

/// Whether the client may have the object in the form in which it wants it: sensitive ones only
/// wrapped, those that are not extractable not at all.
fn check_form(
    object: &StoredObject,
    content: &ManagedObject<'_>,
    request: &GetRequest<'_>,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    let registered_wrapped = key_block(content).is_some_and(|block| {
        matches!(block.key_value, Some(KeyValue::Wrapped(_))) || block.key_wrapping_data.is_some()
    });
    let wrapped = request.key_wrapping_specification.is_some() || registered_wrapped;
    let refuse = |reason, message: &str| {
        // The reasons came with the attributes.
        let reason = match version >= ProtocolVersion::V1_4 {
            true => reason,
            false => ResultReason::PERMISSION_DENIED,
        };
        Err(Failure::new(reason, message.to_owned()))
    };
    if object.attributes.extractable().copied() == Some(false) {
        return refuse(
            ResultReason::NOT_EXTRACTABLE,
            "the object is not extractable",
        );
    }
    // Whoever has the pad reads all that was encrypted with it.
    let is_pad = object.attributes.cryptographic_algorithm().copied()
        == Some(CryptographicAlgorithm::ONE_TIME_PAD);
    if is_pad && key_block(content).is_some_and(|block| block.key_value.is_some()) {
        let message = "a one-time pad that the server holds does not leave it";
        return Err(Failure::new(ResultReason::PERMISSION_DENIED, message));
    }
    if object.attributes.sensitive().copied() == Some(true) && !wrapped {
        let message = "the object is sensitive: it leaves the server only wrapped";
        return refuse(ResultReason::SENSITIVE, message);
    }
    Ok(())
}

fn wrap_content(
    context: &Context<'_>,
    objects: &Objects<'_>,
    object: &StoredObject,
    content: &mut ManagedObject<'static>,
    specification: &KeyWrappingSpecification<'_>,
) -> Result<(), Failure> {
    let version = context.version();
    let method = specification.wrapping_method;
    if method != WrappingMethod::ENCRYPT || specification.mac_signature_key_information.is_some() {
        return Err(refusal::not_supported(format!(
            "keys are not wrapped by the method {method:?}"
        )));
    }
    let information = specification.encryption_key_information.as_ref();
    let information = information
        .ok_or_else(|| refusal::invalid_field("the Encryption Key Information is missing"))?;
    let (key, parameters) = wrapping_key(context, objects, information)?;
    let encoding = match specification.encoding_option {
        Some(encoding) => encoding,
        None => context.configuration.default_encoding_option,
    };
    // The answer says how the key is wrapped unless the request has left it to the default of the
    // specification.
    let told = specification
        .encoding_option
        .or((encoding != EncodingOption::TTLV_ENCODING).then_some(encoding));
    let block = key_block_mut(content)
        .ok_or_else(|| refusal::wrong_object(version, kmip::types::Operation::GET))?;
    let value = value_to_wrap(object, block, &specification.attribute_name, version)?;
    let wrapped = wrap(&key, &parameters, &value, encoding, version)?;
    block.key_value = Some(KeyValue::Wrapped(Secret::owned(wrapped)));
    block.key_wrapping_data = Some(Box::new(KeyWrappingData {
        wrapping_method: method,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: information.unique_identifier.clone().into_owned(),
            cryptographic_parameters: Some(parameters),
            ..EncryptionKeyInformation::default()
        }),
        encoding_option: told.filter(|_| version >= ProtocolVersion::V1_1),
        ..KeyWrappingData::default()
    }));
    Ok(())
}

/// The key value with the attributes that are to be wrapped with it.
fn value_to_wrap(
    object: &StoredObject,
    block: &KeyBlock<'static>,
    names: &[std::borrow::Cow<'_, str>],
    version: ProtocolVersion,
) -> Result<KeyValue<'static>, Failure> {
    let mut value = block
        .key_value
        .clone()
        .ok_or_else(refusal::value_not_present)?;
    if let (KeyValue::Plain(plain), false) = (&mut value, names.is_empty()) {
        let asked: Vec<AttributeReference<'_>> = names
            .iter()
            .map(|name| match version >= ProtocolVersion::V2_0 {
                // 2.x kept the text field; it holds the name of the tag.
                true => Tag::by_spelling(name).map_or_else(
                    || AttributeReference::from_name(name.clone()),
                    AttributeReference::from,
                ),
                false => AttributeReference::from_name(name.clone()),
            })
            .collect();
        let attributes: Attributes<'static> = visible(&object.attributes, &asked, version);
        plain.attributes = Some(attributes).filter(|attributes| !attributes.is_empty());
    }
    Ok(value)
}

/// The wrapping key that a specification names and the parameters to use it with: those of the
/// specification, or else the first ones among the attributes of the key.
fn wrapping_key(
    context: &Context<'_>,
    objects: &Objects<'_>,
    information: &EncryptionKeyInformation<'_>,
) -> Result<(WrappingKey, CryptographicParameters<'static>), Failure> {
    let version = context.version();
    let as_wrapping_key = |failure: Failure| {
        let reason = match failure.reason() {
            _ if version < ProtocolVersion::V2_0 => return failure,
            ResultReason::OBJECT_NOT_FOUND => ResultReason::WRAPPING_OBJECT_NOT_FOUND,
            ResultReason::OBJECT_ARCHIVED => ResultReason::WRAPPING_OBJECT_ARCHIVED,
            ResultReason::OBJECT_DESTROYED => ResultReason::WRAPPING_OBJECT_DESTROYED,
            _ => return failure,
        };
        Failure::new(reason, format!("wrapping key: {}", failure.message()))
    };
    let given = Some(&information.unique_identifier);
    let object = objects.get_online(given).map_err(as_wrapping_key)?;
    let content = objects.content(&object).map_err(as_wrapping_key)?;
    let is_key = [
        ObjectType::PUBLIC_KEY,
        ObjectType::SYMMETRIC_KEY,
        ObjectType::PRIVATE_KEY,
    ]
    .contains(&object.object_type);
    let block = key_block(&content).filter(|_| is_key);
    let block = block.ok_or_else(|| refusal::wrong_object(version, kmip::types::Operation::GET))?;
    object.check_protects(version, context.now)?;
    let mask = object.attributes.cryptographic_usage_mask().copied();
    if !mask
        .unwrap_or_default()
        .contains(CryptographicUsageMask::WRAP_KEY)
    {
        let message = format!("the key `{}` may not wrap keys", object.identifier);
        return Err(refusal::wrong_usage(version, message));
    }
    let algorithm = object.attributes.cryptographic_algorithm().copied();
    let key = match (object.object_type, algorithm) {
        (ObjectType::PUBLIC_KEY, Some(CryptographicAlgorithm::RSA)) => {
            WrappingKey::Rsa(crypto::public_key(block)?)
        }
        (ObjectType::SYMMETRIC_KEY, Some(CryptographicAlgorithm::AES)) => {
            let bytes = crypto::symmetric_bytes(block)?;
            WrappingKey::Aes(Zeroizing::new(bytes.to_vec()))
        }
        _ => return Err(unsuitable(&object)),
    };
    let given = information.cryptographic_parameters.clone().into_owned();
    let own = || object.attributes.cryptographic_parameters().cloned();
    let parameters = given.or_else(own).unwrap_or_default();
    Ok((key, older_parameters(parameters, version)))
}

fn unsuitable(object: &StoredObject) -> Failure {
    refusal::not_supported(format!(
        "this server does not wrap with the object `{}`",
        object.identifier
    ))
}
