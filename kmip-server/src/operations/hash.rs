//! Hash (KMIP 1.4, 4.39; 2.1, 6.1.21).

use kmip::server::Failure;
use kmip::types::{Data, HashRequest, HashResponse, IntoOwned, Operation, ResultReason};

use super::cryptography::{Collected, gather, piece_of, required};
use crate::context::Context;
use crate::crypto;

pub(super) fn hash(
    context: &Context<'_>,
    request: &HashRequest<'_>,
) -> Result<HashResponse<'static>, Failure> {
    let piece = piece_of!(request);
    let data = required(request.data.as_ref(), &piece)?;
    let parameters = request.cryptographic_parameters.clone().into_owned();
    let begin = || Ok((None, parameters.clone()));
    let (data, stream) = match gather(context, Operation::HASH, &piece, data, begin)? {
        Collected::Complete(data, stream) => (data, stream),
        Collected::Open(correlation) => {
            return Ok(HashResponse {
                correlation_value: Some(correlation.into()),
                ..HashResponse::default()
            });
        }
    };
    let parameters = stream.map_or(parameters, |stream| stream.parameters);
    let algorithm = parameters.hashing_algorithm.ok_or_else(|| {
        Failure::new(
            ResultReason::INVALID_MESSAGE,
            "the Hashing Algorithm is missing",
        )
    })?;
    let digest = crypto::digest(algorithm, &data)?;
    Ok(HashResponse {
        data: Some(Data::from(digest.to_vec())),
        ..HashResponse::default()
    })
}
