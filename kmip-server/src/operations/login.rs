//! Login, Delegated Login and Logout: tickets in place of other credentials (KMIP 2.1, 6.1.26, 6.1.14
//! and 6.1.27).

use kmip::server::Failure;
use kmip::types::{
    DelegatedLoginRequest, DelegatedLoginResponse, LoginRequest, LoginResponse, LogoutRequest,
    LogoutResponse, ResultReason, Rights, Ticket,
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
    Ok(LoginResponse {
        ticket: issue(context, &limits!(request), None)?,
        ..LoginResponse::default()
    })
}

pub(super) fn delegated(
    context: &Context<'_>,
    request: &DelegatedLoginRequest<'_>,
) -> Result<DelegatedLoginResponse<'static>, Failure> {
    Ok(DelegatedLoginResponse {
        ticket: issue(context, &limits!(request), Some(&request.rights))?,
        ..DelegatedLoginResponse::default()
    })
}

fn issue(
    context: &Context<'_>,
    limits: &Limits<'_>,
    rights: Option<&Rights<'_>>,
) -> Result<Ticket<'static>, Failure> {
    context.clear_tickets()?;
    let mut objects = context.begin()?;
    let own = objects.grant()?;
    // Another one would be free of its limits.
    if own.as_ref().is_some_and(Grant::is_limited) {
        return Err(Failure::new(
            ResultReason::NOT_AUTHORISED,
            "a limited ticket gives no other tickets",
        ));
    }
    let mut grant = Grant::new(context.owner(), limits, rights, context.now)?;
    if let Some(own) = &own {
        // Or whoever has a ticket would never need to log in again.
        grant.until = grant.until.min(own.until);
    }
    let of_own = own.and_then(|own| own.certificate);
    grant.certificate = of_own.or_else(|| context.provisioned_certificate());
    let ticket = objects.issue_ticket(&grant)?;
    objects.commit()?;
    Ok(ticket)
}

pub(super) fn logout(
    context: &Context<'_>,
    request: &LogoutRequest<'_>,
) -> Result<LogoutResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    objects.end_ticket(&request.ticket)?;
    objects.commit()?;
    Ok(LogoutResponse::default())
}
