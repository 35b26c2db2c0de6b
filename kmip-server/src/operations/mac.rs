//! MAC and MAC Verify (KMIP 1.4, 4.33 and 4.34; 2.1, 6.1.24 and 6.1.25).

use kmip::server::Failure;
use kmip::types::{
    CryptographicUsageMask, MacRequest, MacResponse, MacVerifyRequest, MacVerifyResponse,
    Operation, ResultReason, Secret, UniqueIdentifier,
};

use super::cryptography::{
    Collected, Piece, Use, again, collect_with_key, named, piece_of, required, validity,
};
use crate::context::Context;
use crate::crypto;
use crate::object::key_block;
use crate::refusal;

pub(super) fn mac(
    context: &Context<'_>,
    request: &MacRequest<'_>,
) -> Result<MacResponse<'static>, Failure> {
    let piece = piece_of!(request);
    let job = Job {
        operation: Operation::MAC,
        data: required(request.data.as_ref(), &piece)?,
        piece,
        key: request.unique_identifier.as_ref(),
        wanted: Use {
            usage: CryptographicUsageMask::MAC_GENERATE,
            protects: true,
            parameters: request.cryptographic_parameters.as_ref(),
            bytes: None,
        },
    };
    let Done {
        key: unique_identifier,
        code,
        correlation,
    } = job.run(context)?;
    Ok(MacResponse {
        unique_identifier,
        mac_data: code.map(Into::into),
        correlation_value: correlation.map(Into::into),
        ..MacResponse::default()
    })
}

pub(super) fn verify(
    context: &Context<'_>,
    request: &MacVerifyRequest<'_>,
) -> Result<MacVerifyResponse<'static>, Failure> {
    let piece = piece_of!(request);
    let claimed = request.mac_data.as_deref();
    if claimed.is_none() && !piece.is_open() {
        let message = "the MAC Data is missing";
        return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
    }
    let job = Job {
        operation: Operation::MAC_VERIFY,
        data: required(request.data.as_ref(), &piece)?,
        piece,
        key: request.unique_identifier.as_ref(),
        wanted: Use {
            usage: CryptographicUsageMask::MAC_VERIFY,
            protects: false,
            parameters: request.cryptographic_parameters.as_ref(),
            bytes: None,
        },
    };
    let Done {
        key: unique_identifier,
        code,
        correlation,
    } = job.run(context)?;
    // Compared as secrets: how far they agree must not show in the time it takes.
    let valid = code
        .zip(claimed)
        .map(|(code, claimed)| validity(Secret::borrowed(&code) == Secret::borrowed(claimed)));
    Ok(MacVerifyResponse {
        unique_identifier,
        validity_indicator: valid,
        correlation_value: correlation.map(Into::into),
        ..MacVerifyResponse::default()
    })
}

/// What both have in common: the code of the data.
struct Job<'j> {
    operation: Operation,
    piece: Piece<'j>,
    data: &'j [u8],
    key: Option<&'j UniqueIdentifier<'j>>,
    wanted: Use<'j>,
}

struct Done {
    key: UniqueIdentifier<'static>,
    /// Unless there is more to come, with the Correlation Value.
    code: Option<Vec<u8>>,
    correlation: Option<Vec<u8>>,
}

impl Job<'_> {
    fn run(&self, context: &Context<'_>) -> Result<Done, Failure> {
        let Job {
            operation,
            piece,
            data,
            key,
            wanted,
        } = self;
        match collect_with_key(context, *operation, piece, data, *key, wanted)? {
            Collected::Open(correlation) => Ok(Done {
                key: named(*key),
                code: None,
                correlation: Some(correlation),
            }),
            Collected::Complete(data, stream) => {
                let key = again(context, stream, *key, &wanted.of(&data))?;
                let block = key_block(&key.content)
                    .ok_or_else(|| refusal::wrong_object(context.version(), *operation))?;
                let own = key.object.attributes.cryptographic_algorithm().copied();
                let bytes = crypto::symmetric_bytes(block)?;
                Ok(Done {
                    code: Some(crypto::mac(bytes, own, &key.parameters, &data)?),
                    key: key.object.unique_identifier(),
                    correlation: None,
                })
            }
        }
    }
}
