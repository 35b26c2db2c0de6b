//! Requests that are processed asynchronously: Cancel, Process and Query Asynchronous Requests (KMIP 1.4,
//! 4.26; 2.1, 6.1.5, 6.1.39 and 6.1.41).

use kmip::server::Failure;
use kmip::types::{
    CancelRequest, CancelResponse, CancellationResult, ProcessRequest, ProcessResponse,
    QueryAsynchronousRequestsRequest, QueryAsynchronousRequestsResponse,
};

use crate::context::Context;
use crate::deferred::Progress;

/// Cancel (KMIP 1.4, 4.26; 2.1, 6.1.5): what still waits is not done.
pub(super) fn cancel(
    context: &Context<'_>,
    request: &CancelRequest<'_>,
) -> Result<CancelResponse<'static>, Failure> {
    let correlation = request.asynchronous_correlation_value.clone().into_owned();
    let (owner, version) = (context.owner(), context.version());
    let deferred = &context.volatile.deferred;
    let taken = deferred.take(&correlation, owner, version)?;
    let cancellation_result = match taken.progress {
        Progress::Waiting(_) => CancellationResult::CANCELED,
        Progress::Done(..) => {
            deferred.put_back(taken);
            CancellationResult::COMPLETED
        }
    };
    Ok(CancelResponse {
        asynchronous_correlation_value: correlation.into(),
        cancellation_result,
        ..CancelResponse::default()
    })
}

/// Process: the request is done at once. The server does what waits before it performs any other
/// request of the client, so all that is left is whether there is such a request.
pub(super) fn process(
    context: &Context<'_>,
    request: &ProcessRequest<'_>,
) -> Result<ProcessResponse<'static>, Failure> {
    let correlation = &request.asynchronous_correlation_value;
    let (owner, version) = (context.owner(), context.version());
    let deferred = &context.volatile.deferred;
    deferred.put_back(deferred.take(correlation, owner, version)?);
    Ok(ProcessResponse::default())
}

/// Query Asynchronous Requests: those of the client whose results it has not got yet.
pub(super) fn query(
    context: &Context<'_>,
    request: &QueryAsynchronousRequestsRequest<'_>,
) -> QueryAsynchronousRequestsResponse<'static> {
    let deferred = &context.volatile.deferred;
    let mut outstanding = deferred.outstanding(context.owner());
    if let Some(values) = &request.asynchronous_correlation_values {
        let wanted = values.asynchronous_correlation_value.as_deref();
        outstanding.retain(|own| Some(&*own.asynchronous_correlation_value) == wanted);
    }
    if let Some(operations) = &request.operations {
        outstanding.retain(|own| operations.operation.contains(&own.operation));
    }
    QueryAsynchronousRequestsResponse {
        asynchronous_request: outstanding,
        ..QueryAsynchronousRequestsResponse::default()
    }
}
