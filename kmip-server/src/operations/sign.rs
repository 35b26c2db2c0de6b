//! Sign and Signature Verify (KMIP 1.4, 4.31 and 4.32; 2.1, 6.1.53 and 6.1.54).

use kmip::server::Failure;
use kmip::types::{
    CryptographicParameters, CryptographicUsageMask, ManagedObject, Operation, ResultReason,
    SignRequest, SignResponse, SignatureVerifyRequest, SignatureVerifyResponse,
};

use super::cryptography::{
    Collected, Key, UsableKey, Use, again, collect_with_key, named, piece_of, required, validity,
};
use crate::context::Context;
use crate::crypto::{self, Signed};
use crate::object::key_block;
use crate::refusal;

pub(super) fn sign(
    context: &Context<'_>,
    request: &SignRequest<'_>,
) -> Result<SignResponse<'static>, Failure> {
    let piece = piece_of!(request);
    let parameters = request.cryptographic_parameters.as_ref();
    let wanted = signing(CryptographicUsageMask::SIGN, parameters);
    let given = request.unique_identifier.as_ref();
    let answer = |key: &UsableKey, signed: Signed<'_>| {
        let block = match &key.content {
            ManagedObject::PrivateKey(_) => key_block(&key.content),
            _ => None,
        };
        let block =
            block.ok_or_else(|| refusal::wrong_object(context.version(), Operation::SIGN))?;
        let signature = crypto::sign(&*crypto::private_key(block)?, &key.parameters, signed)?;
        Ok(SignResponse {
            unique_identifier: key.object.unique_identifier(),
            signature_data: Some(signature.into()),
            ..SignResponse::default()
        })
    };
    if let Some(digest) = &request.digested_data {
        let key = UsableKey::new(context, Key::Given(given), &wanted.of(digest))?;
        return answer(&key, Signed::Digest(digest));
    }
    let data = required(request.data.as_ref(), &piece)?;
    match collect_with_key(context, Operation::SIGN, &piece, data, given, &wanted)? {
        Collected::Open(correlation) => Ok(SignResponse {
            unique_identifier: named(given),
            correlation_value: Some(correlation.into()),
            ..SignResponse::default()
        }),
        Collected::Complete(data, stream) => {
            let key = again(context, stream, given, &wanted.of(&data))?;
            answer(&key, Signed::Data(&data))
        }
    }
}

pub(super) fn verify(
    context: &Context<'_>,
    request: &SignatureVerifyRequest<'_>,
) -> Result<SignatureVerifyResponse<'static>, Failure> {
    let piece = piece_of!(request);
    let parameters = request.cryptographic_parameters.as_ref();
    let wanted = Use {
        protects: false,
        ..signing(CryptographicUsageMask::VERIFY, parameters)
    };
    let given = request.unique_identifier.as_ref();
    let operation = Operation::SIGNATURE_VERIFY;
    let answer = |key: &UsableKey, signed: Signed<'_>| {
        let signature = request.signature_data.as_deref().ok_or_else(|| {
            Failure::new(
                ResultReason::INVALID_MESSAGE,
                "the Signature Data is missing",
            )
        })?;
        let public = match (&key.content, key_block(&key.content)) {
            (ManagedObject::PublicKey(_), Some(block)) => crypto::public_key(block)?,
            (ManagedObject::Certificate(certificate), _) => crypto::certificate_key(certificate)?,
            _ => return Err(refusal::wrong_object(context.version(), operation)),
        };
        let valid = crypto::verify(&*public, &key.parameters, signed, signature)?;
        Ok(SignatureVerifyResponse {
            unique_identifier: key.object.unique_identifier(),
            validity_indicator: Some(validity(valid)),
            ..SignatureVerifyResponse::default()
        })
    };
    if let Some(digest) = &request.digested_data {
        let key = UsableKey::new(context, Key::Given(given), &wanted)?;
        return answer(&key, Signed::Digest(digest));
    }
    let data = required(request.data.as_ref(), &piece)?;
    match collect_with_key(context, operation, &piece, data, given, &wanted)? {
        Collected::Open(correlation) => Ok(SignatureVerifyResponse {
            unique_identifier: named(given),
            correlation_value: Some(correlation.into()),
            ..SignatureVerifyResponse::default()
        }),
        Collected::Complete(data, stream) => {
            let key = again(context, stream, given, &wanted)?;
            answer(&key, Signed::Data(&data))
        }
    }
}

fn signing<'u>(
    usage: CryptographicUsageMask,
    parameters: Option<&'u CryptographicParameters<'u>>,
) -> Use<'u> {
    Use {
        usage,
        // To verify is to process: old keys serve for it.
        protects: usage == CryptographicUsageMask::SIGN,
        parameters,
        bytes: None,
    }
}
