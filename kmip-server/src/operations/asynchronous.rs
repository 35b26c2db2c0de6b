//! Requests that are processed asynchronously: Cancel, Process and Query Asynchronous Requests (KMIP 1.4,
//! 4.26; 2.1, 6.1.5, 6.1.39 and 6.1.41).

use kmip::server::Failure;
use kmip::types::{
    CancelRequest, CancelResponse, CancellationResult, ProcessRequest, ProcessResponse,
    QueryAsynchronousRequestsRequest, QueryAsynchronousRequestsResponse,
};

use crate::context::Context;
use crate::deferred::Place;

/// Cancel (KMIP 1.4, 4.26; 2.1, 6.1.5): what still waits is not done.
pub(super) fn cancel(
    context: &Context<'_>,
    request: &CancelRequest<'_>,
) -> Result<CancelResponse<'static>, Failure> {
    let correlation = request.asynchronous_correlation_value.clone().into_owned();
    let mut objects = context.begin()?;
    let cancellation_result = objects.cancel(&correlation)?;
    objects.commit()?;
    if cancellation_result == CancellationResult::CANCELED {
        let place = Place::of(context.call, &correlation);
        context.volatile.deferred.forget(&place);
    }
    Ok(CancelResponse {
        asynchronous_correlation_value: correlation.into(),
        cancellation_result,
        ..CancelResponse::default()
    })
}

/// Process: the request is done at once. The server does so before it comes here, so all that is left is
/// whether there is such a request.
pub(super) fn process(
    context: &Context<'_>,
    request: &ProcessRequest<'_>,
) -> Result<ProcessResponse<'static>, Failure> {
    let objects = context.view()?;
    objects.check_deferred(&request.asynchronous_correlation_value)?;
    Ok(ProcessResponse::default())
}

/// Query Asynchronous Requests: those of the client whose results it has not got yet.
pub(super) fn query(
    context: &Context<'_>,
    request: &QueryAsynchronousRequestsRequest<'_>,
) -> Result<QueryAsynchronousRequestsResponse<'static>, Failure> {
    let mut outstanding = context.view()?.outstanding()?;
    if let Some(values) = &request.asynchronous_correlation_values {
        let wanted = values.asynchronous_correlation_value.as_deref();
        outstanding.retain(|own| Some(&*own.asynchronous_correlation_value) == wanted);
    }
    if let Some(operations) = &request.operations {
        outstanding.retain(|own| operations.operation.contains(&own.operation));
    }
    Ok(QueryAsynchronousRequestsResponse {
        asynchronous_request: outstanding,
        ..QueryAsynchronousRequestsResponse::default()
    })
}
