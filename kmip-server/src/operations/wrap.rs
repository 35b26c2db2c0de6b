//! Wrapping a key for a client: encrypted, with a MAC or a signature, or both (Key Wrapping Specification:
//! KMIP 1.4, 2.1.6; 2.1, 3.9; Wrapping Method: KMIP 1.4, 9.1.3.2.5; 2.1, 11.57).

use kmip::server::Failure;
use kmip::types::{
    AttributeReference, Attributes, CryptographicAlgorithm, CryptographicParameters,
    CryptographicUsageMask, EncodingOption, EncryptionKeyInformation, IntoOwned, KeyBlock,
    KeyValue, KeyWrappingData, KeyWrappingSpecification, MacSignatureKeyInformation, ManagedObject,
    ObjectType, Operation, ProtocolVersion, ResultReason, Secret, Tag, UniqueIdentifier,
    WrappingMethod,
};
use zeroize::Zeroizing;

use super::key_use::KeyUse;
use crate::attributes::{older_parameters, visible};
use crate::context::{Context, Objects};
use crate::crypto::{self, Signed, WrappingKey, encode_key_value, wrap};
use crate::object::{StoredObject, key_block, key_block_mut};
use crate::refusal;

/// What a MAC or a signature is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Authenticated {
    /// The key value as it is before it is encrypted.
    Plain,
    /// The encrypted key value.
    Encrypted,
}

/// Whether a method encrypts, and what it makes a MAC or a signature of. `None` for TR-31 and unknown
/// methods.
pub(super) fn steps(method: WrappingMethod) -> Option<(bool, Option<Authenticated>)> {
    Some(match method {
        WrappingMethod::ENCRYPT => (true, None),
        WrappingMethod::MAC_SIGN => (false, Some(Authenticated::Plain)),
        WrappingMethod::ENCRYPT_THEN_MAC_SIGN => (true, Some(Authenticated::Encrypted)),
        WrappingMethod::MAC_SIGN_THEN_ENCRYPT => (true, Some(Authenticated::Plain)),
        _ => return None,
    })
}

/// Whether a method hides the key. Of those that the server does not know, what was registered is
/// believed.
pub(super) fn encrypts(method: WrappingMethod) -> bool {
    method != WrappingMethod::MAC_SIGN
}

/// Wraps the key in `content` as a client specifies it, and says which uses of keys are to be
/// [counted](super::key_use::count) for that.
///
/// # Errors
/// If the server does not have the method, or the wrapping keys are missing or not fit for it.
pub(super) fn wrap_content(
    context: &Context<'_>,
    objects: &Objects<'_>,
    object: &StoredObject,
    content: &mut ManagedObject<'static>,
    specification: &KeyWrappingSpecification<'_>,
) -> Result<Vec<KeyUse>, Failure> {
    let version = context.version();
    let mut uses = Vec::new();
    let method = specification.wrapping_method;
    let (encrypting, authenticated) = steps(method).ok_or_else(|| {
        refusal::not_supported(format!("keys are not wrapped by the method {method:?}"))
    })?;
    let encryption = needed(
        specification.encryption_key_information.as_ref(),
        encrypting,
        "Encryption Key Information",
    )?;
    let authentication = needed(
        specification.mac_signature_key_information.as_ref(),
        authenticated.is_some(),
        "MAC/Signature Key Information",
    )?;
    let encoding = match specification.encoding_option {
        Some(encoding) => encoding,
        None => context.configuration.default_encoding_option,
    };
    // The answer says how the key is wrapped unless the request has left it to the default of the
    // specification.
    let told = specification
        .encoding_option
        .or((encoding != EncodingOption::TTLV_ENCODING).then_some(encoding));
    let mut data = KeyWrappingData {
        wrapping_method: method,
        encoding_option: told.filter(|_| version >= ProtocolVersion::V1_1),
        ..KeyWrappingData::default()
    };
    let block =
        key_block_mut(content).ok_or_else(|| refusal::wrong_object(version, Operation::GET))?;
    let mut value = value_to_wrap(object, block, &specification.attribute_name, version)?;
    let plain = encode_key_value(&value, encoding, version)?;
    if let Some(information) = encryption {
        let (used, key, parameters) = wrapping_key(context, objects, information)?;
        uses.push(KeyUse::of(&used, context.operation(), &plain));
        let wrapped = wrap(&key, &parameters, &plain)?;
        value = KeyValue::Wrapped(Secret::owned(wrapped));
        data.encryption_key_information = Some(EncryptionKeyInformation {
            unique_identifier: information.unique_identifier.clone().into_owned(),
            cryptographic_parameters: Some(parameters),
            ..EncryptionKeyInformation::default()
        });
    }
    if let (Some(information), Some(authenticated)) = (authentication, authenticated) {
        let bytes = match (authenticated, value.as_bytes()) {
            (Authenticated::Encrypted, Some(wrapped)) => wrapped,
            _ => &plain[..],
        };
        let (used, code, parameters) = authenticate(context, objects, information, bytes)?;
        uses.push(used);
        data.mac_signature = Some(code.into());
        data.mac_signature_key_information = Some(Box::new(MacSignatureKeyInformation {
            unique_identifier: information.unique_identifier.clone().into_owned(),
            cryptographic_parameters: Some(parameters),
            ..MacSignatureKeyInformation::default()
        }));
    }
    block.key_value = Some(value);
    block.key_wrapping_data = Some(data);
    Ok(uses)
}

/// What a method needs must be there, and what it does not need must not: whoever gives a key wants it
/// used.
fn needed<'i, T>(given: Option<&'i T>, needed: bool, what: &str) -> Result<Option<&'i T>, Failure> {
    match (given, needed) {
        (None, true) => Err(refusal::invalid_field(format!("the {what} is missing"))),
        (Some(_), false) => Err(refusal::invalid_field(format!(
            "the Wrapping Method has no use for {what}"
        ))),
        (given, _) => Ok(given),
    }
}

/// The MAC or the signature of a key value, and the parameters that it was made with. It is one of data that
/// the client chooses, for which it needs the same rights as for the operation.
fn authenticate(
    context: &Context<'_>,
    objects: &Objects<'_>,
    information: &MacSignatureKeyInformation<'_>,
    bytes: &[u8],
) -> Result<(KeyUse, Vec<u8>, CryptographicParameters<'static>), Failure> {
    let version = context.version();
    let (object, content) = found(objects, &information.unique_identifier, version)?;
    let block = key_of(&object, &content, version)?;
    object.check_protects(version, context.now)?;
    let given = information.cryptographic_parameters.clone().into_owned();
    let own = || object.attributes.cryptographic_parameters().cloned();
    let parameters = given.or_else(own).unwrap_or_default();
    let (operation, usage) = match object.object_type {
        ObjectType::SYMMETRIC_KEY => (Operation::MAC, CryptographicUsageMask::MAC_GENERATE),
        ObjectType::PRIVATE_KEY => (Operation::SIGN, CryptographicUsageMask::SIGN),
        _ => return Err(unsuitable(&object)),
    };
    check_usage(&object, usage, version)?;
    if !context.may(operation, &object) {
        return Err(refusal::not_yours(&object.identifier));
    }
    let code = if operation == Operation::MAC {
        let algorithm = object.attributes.cryptographic_algorithm().copied();
        let key = crypto::symmetric_bytes(block)?;
        crypto::mac(key, algorithm, &parameters, bytes)?
    } else {
        let key = crypto::private_key(block)?;
        crypto::sign(&*key, &parameters, Signed::Data(bytes))?
    };
    let used = KeyUse::of(&object, operation, bytes);
    Ok((used, code, older_parameters(parameters, version)))
}

/// Checks the MAC or the signature of a key that was registered wrapped.
///
/// # Errors
/// If it is wrong, or the server does not have the key or may not use it.
pub(super) fn check_authentication(
    context: &Context<'_>,
    objects: &Objects<'_>,
    data: &KeyWrappingData<'_>,
    bytes: &[u8],
) -> Result<(), Failure> {
    let version = context.version();
    let wrong = || {
        let reason = ResultReason::CRYPTOGRAPHIC_FAILURE;
        Failure::new(
            reason,
            "the MAC or the signature of the wrapped key is wrong",
        )
    };
    let information = data.mac_signature_key_information.as_ref();
    let (information, code) = information
        .zip(data.mac_signature.as_deref())
        .ok_or_else(wrong)?;
    let (object, content) = found(objects, &information.unique_identifier, version)?;
    object.check_processes(version, context.now)?;
    let block = key_block(&content);
    let given = information.cryptographic_parameters.clone().into_owned();
    let own = || object.attributes.cryptographic_parameters().cloned();
    let parameters = given.or_else(own).unwrap_or_default();
    let valid = match (&content, block) {
        (ManagedObject::SymmetricKey(_), Some(block)) => {
            check_usage(&object, CryptographicUsageMask::MAC_VERIFY, version)?;
            let algorithm = object.attributes.cryptographic_algorithm().copied();
            let bytes = crypto::mac(
                crypto::symmetric_bytes(block)?,
                algorithm,
                &parameters,
                bytes,
            )?;
            // Compared as secrets: how far they agree must not show in the time it takes.
            Secret::borrowed(&bytes) == Secret::borrowed(code)
        }
        (ManagedObject::PublicKey(_), Some(block)) => {
            check_usage(&object, CryptographicUsageMask::VERIFY, version)?;
            let key = crypto::public_key(block)?;
            crypto::verify(&*key, &parameters, Signed::Data(bytes), code)?
        }
        // What this server has signed names the key that it was signed with.
        (ManagedObject::PrivateKey(_), Some(block)) => {
            check_usage(&object, CryptographicUsageMask::SIGN, version)?;
            let key = crypto::private_key(block)?;
            crypto::verify(&*key, &parameters, Signed::Data(bytes), code)?
        }
        _ => return Err(unsuitable(&object)),
    };
    match valid {
        true => Ok(()),
        false => Err(wrong()),
    }
}

fn check_usage(
    object: &StoredObject,
    usage: CryptographicUsageMask,
    version: ProtocolVersion,
) -> Result<(), Failure> {
    match object.allows(usage, version) {
        true => Ok(()),
        false => {
            let message = format!("the key `{}` may not {usage:?}", object.identifier);
            Err(refusal::wrong_usage(version, message))
        }
    }
}

/// The key in an object that is to wrap others.
fn key_of<'c>(
    object: &StoredObject,
    content: &'c ManagedObject<'static>,
    version: ProtocolVersion,
) -> Result<&'c KeyBlock<'static>, Failure> {
    let keys = [
        ObjectType::PUBLIC_KEY,
        ObjectType::SYMMETRIC_KEY,
        ObjectType::PRIVATE_KEY,
    ];
    let block = key_block(content).filter(|_| keys.contains(&object.object_type));
    block.ok_or_else(|| refusal::wrong_object(version, Operation::GET))
}

/// A key that a specification names.
fn found(
    objects: &Objects<'_>,
    identifier: &UniqueIdentifier<'_>,
    version: ProtocolVersion,
) -> Result<(StoredObject, ManagedObject<'static>), Failure> {
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
    let object = objects
        .get_online(Some(identifier))
        .map_err(as_wrapping_key)?;
    let content = objects.content(&object).map_err(as_wrapping_key)?;
    Ok((object, content))
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
) -> Result<(StoredObject, WrappingKey, CryptographicParameters<'static>), Failure> {
    let version = context.version();
    let (object, content) = found(objects, &information.unique_identifier, version)?;
    let block = key_of(&object, &content, version)?;
    object.check_protects(version, context.now)?;
    check_usage(&object, CryptographicUsageMask::WRAP_KEY, version)?;
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
    Ok((object, key, older_parameters(parameters, version)))
}

fn unsuitable(object: &StoredObject) -> Failure {
    refusal::not_supported(format!(
        "this server does not wrap with the object `{}`",
        object.identifier
    ))
}
