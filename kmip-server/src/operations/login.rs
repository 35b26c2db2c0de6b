//! Login, Delegated Login and Logout: tickets in place of other credentials (KMIP 2.1, 6.1.26, 6.1.14
//! and 6.1.27).

use kmip::server::Failure;
use kmip::types::{
    DelegatedLoginRequest, DelegatedLoginResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, ResultReason,
};

use crate::context::Context;
use crate::tickets::{Grant, Limits};

/// The limits in a request: those of both operations have the same fields for it.
macro_rules! limits {
    ($request:expr) => {
        Limits {
            lease: $request.lease_time,
            requests: $request.request_count,
            usage: $request.usage_limits.as_ref(),
        }
    };
}

pub(super) fn login(
    context: &Context<'_>,
    request: &LoginRequest<'_>,
) -> Result<LoginResponse<'static>, Failure> {
    check_unlimited(context)?;
    let limits = limits!(request);
    let grant = Grant::new(context.owner(), &limits, None, context.now)?;
    Ok(LoginResponse {
        ticket: context.volatile.tickets.issue(grant, context.now)?,
        ..LoginResponse::default()
    })
}

pub(super) fn delegated(
    context: &Context<'_>,
    request: &DelegatedLoginRequest<'_>,
) -> Result<DelegatedLoginResponse<'static>, Failure> {
    check_unlimited(context)?;
    let limits = limits!(request);
    let rights = Some(&request.rights);
    let grant = Grant::new(context.owner(), &limits, rights, context.now)?;
    Ok(DelegatedLoginResponse {
        ticket: context.volatile.tickets.issue(grant, context.now)?,
        ..DelegatedLoginResponse::default()
    })
}

/// Refuses who comes with a ticket that is limited: another one would be free of its limits.
fn check_unlimited(context: &Context<'_>) -> Result<(), Failure> {
    let Some(ticket) = context.ticket() else {
        return Ok(());
    };
    match context.volatile.tickets.grant(ticket)?.is_limited() {
        false => Ok(()),
        true => Err(Failure::new(
            ResultReason::NOT_AUTHORISED,
            "a limited ticket gives no other tickets",
        )),
    }
}

pub(super) fn logout(
    context: &Context<'_>,
    request: &LogoutRequest<'_>,
) -> Result<LogoutResponse<'static>, Failure> {
    let tickets = &context.volatile.tickets;
    tickets.end(&request.ticket, context.owner())?;
    Ok(LogoutResponse::default())
}
