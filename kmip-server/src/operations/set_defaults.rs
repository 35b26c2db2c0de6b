//! Set Defaults, Set Constraints and Get Constraints: rules of a client for its objects to come (KMIP 2.1,
//! 6.1.22, 6.1.52 and 6.1.53).

use kmip::server::Failure;
use kmip::types::{
    Attributes, Constraints, DefaultsInformation, GetConstraintsResponse, IntoOwned,
    SetConstraintsRequest, SetConstraintsResponse, SetDefaultsRequest, SetDefaultsResponse,
};

use crate::attributes::check_new;
use crate::context::Context;
use crate::refusal;

/// The most defaults, or constraints, of a client.
const MOST: usize = 256;
/// The most attributes in all of them together: each new object is compared with them while others
/// wait.
const MOST_ATTRIBUTES: usize = 1024;

pub(super) fn set_defaults(
    context: &Context<'_>,
    request: SetDefaultsRequest<'_>,
) -> Result<SetDefaultsResponse<'static>, Failure> {
    let defaults = request.defaults_information.map(IntoOwned::into_owned);
    if let Some(DefaultsInformation {
        object_defaults, ..
    }) = &defaults
    {
        let attributes = object_defaults.iter().map(|defaults| &defaults.attributes);
        check(context, object_defaults.len(), attributes)?;
    }
    let mut objects = context.begin()?;
    objects.set(defaults.as_ref())?;
    objects.commit()?;
    Ok(SetDefaultsResponse::default())
}

pub(super) fn set_constraints(
    context: &Context<'_>,
    request: SetConstraintsRequest<'_>,
) -> Result<SetConstraintsResponse<'static>, Failure> {
    let constraints: Option<Constraints<'static>> = request.constraints.map(IntoOwned::into_owned);
    if let Some(constraints) = &constraints {
        let all = &constraints.constraint;
        let attributes = all.iter().filter_map(|own| own.attributes.as_ref());
        check(context, all.len(), attributes)?;
    }
    let mut objects = context.begin()?;
    objects.set(constraints.as_ref())?;
    objects.commit()?;
    Ok(SetConstraintsResponse::default())
}

pub(super) fn get_constraints(
    context: &Context<'_>,
) -> Result<GetConstraintsResponse<'static>, Failure> {
    let constraints = context.view()?.setting::<Constraints<'static>>()?;
    Ok(GetConstraintsResponse {
        constraints: constraints.unwrap_or_default(),
        ..GetConstraintsResponse::default()
    })
}

/// Rules are about attributes that clients may give new objects.
fn check<'a>(
    context: &Context<'_>,
    count: usize,
    attributes: impl Iterator<Item = &'a Attributes<'static>>,
) -> Result<(), Failure> {
    if count > MOST {
        let message = format!("there are more than {MOST} rules");
        return Err(refusal::invalid_field(message));
    }
    let mut total = 0;
    for attributes in attributes {
        total += attributes.iter().count();
        if total > MOST_ATTRIBUTES {
            let message = format!("there are more than {MOST_ATTRIBUTES} attributes in the rules");
            return Err(refusal::invalid_field(message));
        }
        if let Some(item) = attributes.extra.iter().next() {
            let message = format!("{} is no attribute of this version", item.tag);
            return Err(refusal::invalid_field(message));
        }
        for attribute in attributes.iter() {
            check_new(attribute, context.version())?;
        }
    }
    Ok(())
}
