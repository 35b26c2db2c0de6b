//! Get Attributes and Get Attribute List (KMIP 1.4, 4.12 and 4.13; 2.1, 6.1.19 and 6.1.20).

use kmip::server::Failure;
use kmip::types::{
    GetAttributeListRequest, GetAttributeListResponse, GetAttributesRequest, GetAttributesResponse,
    ResultReason,
};

use crate::attributes::{references, visible};
use crate::context::Context;

pub(super) fn get(
    context: &Context<'_>,
    request: &GetAttributesRequest<'_>,
) -> Result<GetAttributesResponse<'static>, Failure> {
    let asked = &request.attribute_reference;
    for (index, reference) in asked.iter().enumerate() {
        if asked[..index].contains(reference) {
            let message = format!("the attribute {reference} is asked for more than once");
            return Err(Failure::new(ResultReason::INVALID_MESSAGE, message));
        }
    }
    let object = context.view()?.get(request.unique_identifier.as_ref())?;
    Ok(GetAttributesResponse {
        unique_identifier: object.unique_identifier(),
        attributes: visible(&object.attributes, asked, context.version()),
        ..GetAttributesResponse::default()
    })
}

pub(super) fn list(
    context: &Context<'_>,
    request: &GetAttributeListRequest<'_>,
) -> Result<GetAttributeListResponse<'static>, Failure> {
    let object = context.view()?.get(request.unique_identifier.as_ref())?;
    Ok(GetAttributeListResponse {
        unique_identifier: object.unique_identifier(),
        attribute_reference: references(&object.attributes, context.version()),
        ..GetAttributeListResponse::default()
    })
}
