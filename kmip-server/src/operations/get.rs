//! Get: the object itself, plain or wrapped (KMIP 1.4, 4.11; 2.1, 6.1.18).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, CryptographicAlgorithm, GetRequest, GetResponse, KeyCompressionType,
    KeyFormatType, KeyWrapType, ManagedObject, ProtocolVersion, ResultReason,
};

use super::key_use::count;
use super::pkcs12;
use super::unwrap::unwrap_content;
use super::wrap::{encrypts, wrap_content};
use crate::context::Context;
use crate::crypto::convert;
use crate::object::{StoredObject, key_block};

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
    // As it is, a key is not compressed.
    let uncompressed = KeyCompressionType::EC_PUBLIC_KEY_TYPE_UNCOMPRESSED;
    let compression = request.key_compression_type;
    if compression.is_some_and(|wanted| wanted != uncompressed) {
        let message = "this server does not compress keys";
        let reason = ResultReason::KEY_COMPRESSION_TYPE_NOT_SUPPORTED;
        return Err(Failure::new(reason, message));
    }
    let uses = match &request.key_wrapping_specification {
        Some(wanted) => wrap_content(context, &objects, &object, &mut content, wanted)?,
        None => Vec::new(),
    };
    drop(objects);
    count(context, &uses)?;
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
    // A MAC or a signature alone hides nothing.
    let registered = key_block(content).and_then(|block| block.key_wrapping_data.as_ref());
    let specified = request.key_wrapping_specification.as_ref();
    let wrapped = registered.is_some_and(|data| encrypts(data.wrapping_method))
        || specified.is_some_and(|wanted| encrypts(wanted.wrapping_method));
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
