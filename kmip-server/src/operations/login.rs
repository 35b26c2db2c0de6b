//! Login, Delegated Login and Logout: tickets in place of other credentials (KMIP 2.1, 6.1.26, 6.1.14
//! and 6.1.27).

use kmip::server::Failure;
use kmip::types::{
    DelegatedLoginRequest, DelegatedLoginResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, UsageLimits,
};

use crate::context::Context;
use crate::refusal;
use crate::tickets::Grant;

pub(super) fn login(
    context: &Context<'_>,
    request: &LoginRequest<'_>,
) -> Result<LoginResponse<'static>, Failure> {
    check_limits(request.usage_limits.as_ref())?;
    let (lease, requests) = (request.lease_time, request.request_count);
    let grant = Grant::new(context.owner(), lease, requests, None, context.now)?;
    Ok(LoginResponse {
        ticket: context.volatile.tickets.issue(grant, context.now)?,
        ..LoginResponse::default()
    })
}

pub(super) fn delegated(
    context: &Context<'_>,
    request: &DelegatedLoginRequest<'_>,
) -> Result<DelegatedLoginResponse<'static>, Failure> {
    check_limits(request.usage_limits.as_ref())?;
    let (lease, requests) = (request.lease_time, request.request_count);
    let rights = Some(&request.rights);
    let grant = Grant::new(context.owner(), lease, requests, rights, context.now)?;
    Ok(DelegatedLoginResponse {
        ticket: context.volatile.tickets.issue(grant, context.now)?,
        ..DelegatedLoginResponse::default()
    })
}

pub(super) fn logout(
    context: &Context<'_>,
    request: &LogoutRequest<'_>,
) -> Result<LogoutResponse<'static>, Failure> {
    let tickets = &context.volatile.tickets;
    tickets.end(&request.ticket, context.owner())?;
    Ok(LogoutResponse::default())
}

/// A limit that is not kept must not be promised.
fn check_limits(limits: Option<&UsageLimits<'_>>) -> Result<(), Failure> {
    match limits {
        None => Ok(()),
        Some(_) => Err(refusal::not_supported("tickets have no Usage Limits")),
    }
}
