//! RNG Retrieve and RNG Seed (KMIP 1.4, 4.37 and 4.38; 2.1, 6.1.48 and 6.1.49).

use kmip::server::Failure;
use kmip::types::{
    Data, ResultReason, RngRetrieveRequest, RngRetrieveResponse, RngSeedRequest, RngSeedResponse,
};

use crate::configuration::SeedPolicy;
use crate::context::Context;
use crate::crypto::random;
use crate::refusal;

/// More is for several requests.
const MOST: usize = 1 << 20;

pub(super) fn retrieve(
    request: &RngRetrieveRequest<'_>,
) -> Result<RngRetrieveResponse<'static>, Failure> {
    let length = usize::try_from(request.data_length).ok();
    let length = length.filter(|length| (1..=MOST).contains(length));
    let length = length.ok_or_else(|| {
        refusal::invalid_field(format!("between 1 and {MOST} bytes are given at a time"))
    })?;
    Ok(RngRetrieveResponse {
        data: Data::from(random(length)?.to_vec()),
        ..RngRetrieveResponse::default()
    })
}

pub(super) fn seed(
    context: &Context<'_>,
    request: &RngSeedRequest<'_>,
) -> Result<RngSeedResponse<'static>, Failure> {
    let data = request
        .data
        .as_bytes()
        .ok_or_else(|| Failure::new(ResultReason::INVALID_FIELD, "the data is no byte string"))?;
    let taken = match context.configuration.seed_policy {
        SeedPolicy::Accept => data.len(),
        SeedPolicy::Partial => data.len() / 2,
        SeedPolicy::Ignore => 0,
        SeedPolicy::Deny => {
            let message = "this server takes no data for its random number generator";
            return Err(Failure::new(ResultReason::PERMISSION_DENIED, message));
        }
    };
    Ok(RngSeedResponse {
        data_length: i32::try_from(taken).unwrap_or(i32::MAX),
        ..RngSeedResponse::default()
    })
}
