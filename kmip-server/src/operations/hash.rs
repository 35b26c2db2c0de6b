//! Hash (KMIP 1.4, 4.39; 2.1, 6.1.21).

use kmip::server::Failure;
use kmip::types::{Data, HashRequest, HashResponse, ResultReason};

use crate::crypto::{self, failed};
use crate::refusal;

pub(super) fn hash(request: &HashRequest<'_>) -> Result<HashResponse<'static>, Failure> {
    if request.correlation_value.is_some() || request.init_indicator == Some(true) {
        return Err(refusal::not_supported("data is hashed in one request only"));
    }
    let data = request.data.as_ref().and_then(Data::as_bytes);
    let data =
        data.ok_or_else(|| Failure::new(ResultReason::INVALID_MESSAGE, "the data is missing"))?;
    let algorithm = request.cryptographic_parameters.hashing_algorithm;
    let algorithm = algorithm.ok_or_else(|| {
        Failure::new(
            ResultReason::INVALID_MESSAGE,
            "the Hashing Algorithm is missing",
        )
    })?;
    let digest = openssl::hash::hash(crypto::hash_function(algorithm)?, data)
        .map_err(failed("the hash function"))?;
    Ok(HashResponse {
        data: Some(Data::from(digest.to_vec())),
        ..HashResponse::default()
    })
}
