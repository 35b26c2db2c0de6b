//! Archive and Recover (KMIP 1.4, 4.22 and 4.23; 2.1, 6.1.4 and 6.1.44). Both are done at once; an
//! archived object lies in the same store but cannot be used until it is recovered.

use kmip::server::Failure;
use kmip::types::{
    ArchiveRequest, ArchiveResponse, AttributeValue, RecoverRequest, RecoverResponse, Tag,
};

use crate::context::Context;
use crate::refusal;

pub(super) fn archive(
    context: &Context<'_>,
    request: &ArchiveRequest<'_>,
) -> Result<ArchiveResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    let mut object = objects.get_online(request.unique_identifier.as_ref())?;
    if object.is_destroyed() {
        return Err(refusal::destroyed(&object.identifier));
    }
    object.archived = true;
    object
        .attributes
        .set(AttributeValue::ArchiveDate(context.now));
    object.attributes.touch(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(ArchiveResponse {
        unique_identifier: object.unique_identifier(),
        ..ArchiveResponse::default()
    })
}

pub(super) fn recover(
    context: &Context<'_>,
    request: &RecoverRequest<'_>,
) -> Result<RecoverResponse<'static>, Failure> {
    let mut objects = context.begin()?;
    let mut object = objects.get(request.unique_identifier.as_ref())?;
    object.archived = false;
    object.attributes.clear(Tag::ARCHIVE_DATE);
    object.attributes.touch(context.now);
    objects.save(&object)?;
    objects.commit()?;
    Ok(RecoverResponse {
        unique_identifier: object.unique_identifier(),
        ..RecoverResponse::default()
    })
}
