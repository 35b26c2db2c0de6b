//! MAC and MAC Verify (KMIP 1.4, 4.33 and 4.34; 2.1, 6.1.24 and 6.1.25).

use kmip::server::Failure;
use kmip::types::{
    CryptographicUsageMask, MacRequest, MacResponse, MacVerifyRequest, MacVerifyResponse,
    Operation, ResultReason, Secret,
};

use super::cryptography::{
    Collected, Piece, UsableKey, Use, again, collect_with_key, named, required, validity,
};
use crate::context::Context;
use crate::crypto;
use crate::object::key_block;
use crate::refusal;

pub(super) fn mac(
    context: &Context<'_>,
    request: &MacRequest<'_>,
) -> Result<MacResponse<'static>, Failure> {
    let piece = Piece::new(
        request.correlation_value.as_deref(),
        request.init_indicator,
        request.final_indicator,
    );
    let data = required(request.data.as_ref(), &piece)?;
    let wanted = Use {
        usage: CryptographicUsageMask::MAC_GENERATE,
        protects: true,
        parameters: request.cryptographic_parameters.as_ref(),
        bytes: None,
    };
    let given = request.unique_identifier.as_ref();
    match collect_with_key(context, Operation::MAC, &piece, data, given, &wanted)? {
        Collected::Open(correlation) => Ok(MacResponse {
            unique_identifier: named(given),
            correlation_value: Some(correlation.into()),
            ..MacResponse::default()
        }),
        Collected::Complete(data, stream) => {
            let key = again(context, stream, given, &wanted)?;
            Ok(MacResponse {
                unique_identifier: key.object.unique_identifier(),
                mac_data: Some(compute(context, &key, &data)?.into()),
                ..MacResponse::default()
            })
        }
    }
}

pub(super) fn verify(
    context: &Context<'_>,
    request: &MacVerifyRequest<'_>,
) -> Result<MacVerifyResponse<'static>, Failure> {
    let piece = Piece::new(
        request.correlation_value.as_deref(),
        request.init_indicator,
        request.final_indicator,
    );
    let data = required(request.data.as_ref(), &piece)?;
    let wanted = Use {
        usage: CryptographicUsageMask::MAC_VERIFY,
        protects: false,
        parameters: request.cryptographic_parameters.as_ref(),
        bytes: None,
    };
    let given = request.unique_identifier.as_ref();
    match collect_with_key(context, Operation::MAC_VERIFY, &piece, data, given, &wanted)? {
        Collected::Open(correlation) => Ok(MacVerifyResponse {
            unique_identifier: named(given),
            correlation_value: Some(correlation.into()),
            ..MacVerifyResponse::default()
        }),
        Collected::Complete(data, stream) => {
            let claimed = request.mac_data.as_deref().ok_or_else(|| {
                Failure::new(ResultReason::INVALID_MESSAGE, "the MAC Data is missing")
            })?;
            let key = again(context, stream, given, &wanted)?;
            let code = compute(context, &key, &data)?;
            // Compared as secrets: how far they agree must not show in the time it takes.
            let valid = Secret::borrowed(&code) == Secret::borrowed(claimed);
            Ok(MacVerifyResponse {
                unique_identifier: key.object.unique_identifier(),
                validity_indicator: Some(validity(valid)),
                ..MacVerifyResponse::default()
            })
        }
    }
}

fn compute(context: &Context<'_>, key: &UsableKey, data: &[u8]) -> Result<Vec<u8>, Failure> {
    let block = key_block(&key.content)
        .ok_or_else(|| refusal::wrong_object(context.version(), Operation::MAC))?;
    let own = key.object.attributes.cryptographic_algorithm().copied();
    crypto::mac(crypto::symmetric_bytes(block)?, own, &key.parameters, data)
}
