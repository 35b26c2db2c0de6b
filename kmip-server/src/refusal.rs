//! Why operations are refused, with the reasons that the versions have for it.
//!
//! Reasons that are newer than a version are replaced by the engine; here is what changed its
//! reason while both existed.

use kmip::server::Failure;
use kmip::types::{AttributeReference, Operation, ProtocolVersion, ResultReason};

/// No object has the identifier.
pub(crate) fn object_not_found(identifier: &str) -> Failure {
    let message = format!("there is no object `{identifier}`");
    Failure::new(ResultReason::OBJECT_NOT_FOUND, message)
}

/// The object is another client's.
pub(crate) fn not_yours(identifier: &str) -> Failure {
    let message = format!("access to the object `{identifier}` is denied");
    Failure::new(ResultReason::PERMISSION_DENIED, message)
}

/// The object has been destroyed.
pub(crate) fn destroyed(identifier: &str) -> Failure {
    let message = format!("the object `{identifier}` was destroyed");
    Failure::new(ResultReason::OBJECT_DESTROYED, message)
}

/// The object has been archived.
pub(crate) fn archived(identifier: &str) -> Failure {
    let message = format!("the object `{identifier}` is archived; recover it first");
    Failure::new(ResultReason::OBJECT_ARCHIVED, message)
}

/// The object is not in a state for this. Wrong Key Lifecycle State exists since 2.0 but is used
/// for this only since 2.1.
pub(crate) fn wrong_state(version: ProtocolVersion, message: String) -> Failure {
    let reason = match version >= ProtocolVersion::V2_1 {
        true => ResultReason::WRONG_KEY_LIFECYCLE_STATE,
        false => ResultReason::PERMISSION_DENIED,
    };
    Failure::new(reason, message)
}

/// The Cryptographic Usage Mask of the object does not allow it.
pub(crate) fn wrong_usage(version: ProtocolVersion, message: String) -> Failure {
    let reason = match version >= ProtocolVersion::V2_0 {
        true => ResultReason::INCOMPATIBLE_CRYPTOGRAPHIC_USAGE_MASK,
        false => ResultReason::PERMISSION_DENIED,
    };
    Failure::new(reason, message)
}

/// The operation cannot be done with an object of this kind.
pub(crate) fn wrong_object(version: ProtocolVersion, operation: Operation) -> Failure {
    let reason = match version >= ProtocolVersion::V2_0 {
        true => ResultReason::INVALID_OBJECT_TYPE,
        false => ResultReason::ILLEGAL_OPERATION,
    };
    Failure::new(
        reason,
        format!("{operation:?} does not apply to this object"),
    )
}

/// The same refusal as the operations tell it that add what is not there: their tables have another name
/// for this than those of the operations that change (KMIP 2.1, 6.1.2 and 6.1.34).
pub(crate) fn of_adding(failure: Failure) -> Failure {
    match failure.reason() {
        ResultReason::ATTRIBUTE_READ_ONLY => {
            let message = failure.message().to_owned();
            Failure::new(ResultReason::READ_ONLY_ATTRIBUTE, message)
        }
        _ => failure,
    }
}

/// An object is of a type that the operation does not make or take. Those that make objects have Invalid
/// Field for it until KMIP 1.4, unlike the others (KMIP 1.4, 11.2 to 11.7).
pub(crate) fn wrong_type(message: &'static str) -> Failure {
    Failure::new(ResultReason::INVALID_OBJECT_TYPE, message)
}

/// The attribute is not for clients to set or change.
pub(crate) fn read_only(reference: &AttributeReference<'_>) -> Failure {
    let message = format!("the attribute {reference} is read-only");
    Failure::new(ResultReason::ATTRIBUTE_READ_ONLY, message)
}

/// The attribute has a value and cannot have another.
pub(crate) fn single_valued(
    reference: &AttributeReference<'_>,
    version: ProtocolVersion,
) -> Failure {
    let reason = match version >= ProtocolVersion::V2_0 {
        true => ResultReason::ATTRIBUTE_SINGLE_VALUED,
        false => ResultReason::ILLEGAL_OPERATION,
    };
    Failure::new(
        reason,
        format!("the attribute {reference} has a value already"),
    )
}

/// The object has no such attribute.
pub(crate) fn attribute_not_found(reference: &AttributeReference<'_>) -> Failure {
    let message = format!("the object has no attribute {reference}");
    Failure::new(ResultReason::ATTRIBUTE_NOT_FOUND, message)
}

/// The object has the attribute, but not this instance of it.
pub(crate) fn instance_not_found(
    reference: &AttributeReference<'_>,
    version: ProtocolVersion,
) -> Failure {
    let reason = match version >= ProtocolVersion::V2_0 {
        true => ResultReason::ATTRIBUTE_INSTANCE_NOT_FOUND,
        false => ResultReason::ITEM_NOT_FOUND,
    };
    Failure::new(
        reason,
        format!("the object has no such instance of {reference}"),
    )
}

/// The version does not have the attribute, or the server does not.
pub(crate) fn unsupported_attribute(reference: &AttributeReference<'_>) -> Failure {
    let message = format!("there is no attribute `{reference}` in this version");
    Failure::new(ResultReason::INVALID_ATTRIBUTE, message)
}

/// The value of the key is elsewhere.
pub(crate) fn value_not_present() -> Failure {
    let reason = ResultReason::KEY_VALUE_NOT_PRESENT;
    Failure::new(reason, "the value of the key is not on this server")
}

/// The object is of the right kind, but not for this operation.
pub(crate) fn cannot_be(version: ProtocolVersion, what: &str) -> Failure {
    let reason = match version >= ProtocolVersion::V2_0 {
        true => ResultReason::INVALID_OBJECT_TYPE,
        false => ResultReason::PERMISSION_DENIED,
    };
    Failure::new(reason, format!("the object cannot be {what}"))
}

/// A field of the request is wrong.
pub(crate) fn invalid_field(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(ResultReason::INVALID_FIELD, message)
}

/// Another object has the name. Until KMIP 1.4, the operations that change an object have another reason
/// for it than those that make one.
pub(crate) fn name_in_use(name: &str, operation: Operation, version: ProtocolVersion) -> Failure {
    let changes = [Operation::ADD_ATTRIBUTE, Operation::MODIFY_ATTRIBUTE].contains(&operation);
    let reason = match changes && version < ProtocolVersion::V2_0 {
        true => ResultReason::ILLEGAL_OPERATION,
        false => ResultReason::NON_UNIQUE_NAME_ATTRIBUTE,
    };
    Failure::new(reason, format!("the Name `{name}` is in use"))
}

/// The server cannot do this, although it has the operation.
pub(crate) fn not_supported(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(ResultReason::FEATURE_NOT_SUPPORTED, message)
}
