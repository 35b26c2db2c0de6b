//! Finding objects at the server, and what it says of them.

use std::collections::HashSet;

use kmip::ProtocolVersion;
use kmip::types::{
    Attribute, BatchErrorContinuationOption, GetAttributesRequest, GetAttributesResponse,
    LocateRequest, UniqueIdentifier,
};

use super::peer::{Peer, is_refusal};
use crate::abi::PluginError;
use crate::server_traits::ServerTrait;

/// Some servers end their answers at this number, or a multiple of it, and do not tell that there are
/// more.
const USUAL_LIMIT: usize = 1000;

/// What a server finds.
pub(super) struct Located {
    /// Identifiers of objects, each once.
    pub(super) ids: Vec<UniqueIdentifier<'static>>,
    /// Whether there may be more that the server cannot tell.
    pub(super) may_be_cut: bool,
}

/// Identifiers of all objects that have the attributes of `filter`. Those in `custom` are looked at
/// where the server can do that, so the caller has to look again.
pub(super) fn locate(
    peer: &mut Peer,
    mut filter: Vec<Attribute<'static>>,
    custom: Vec<Attribute<'static>>,
) -> Result<Located, PluginError> {
    let coarse = filter.len();
    if !peer.has(ServerTrait::CoarseLocate) {
        filter.extend(custom);
    }
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    let mut located = 0;
    loop {
        let offset = i32::try_from(located).unwrap_or(i32::MAX);
        let request = |filter: &[Attribute<'static>]| LocateRequest {
            offset_items: (offset > 0).then_some(offset),
            attributes: filter.to_vec().into(),
            ..LocateRequest::default()
        };
        let response = match peer.client.call(request(&filter)) {
            Err(error) if offset == 0 && filter.len() > coarse && is_refusal(&error) => {
                filter.truncate(coarse);
                let response = peer.client.call(request(&filter));
                let response = response.map_err(|_| error)?;
                peer.learn(ServerTrait::CoarseLocate);
                response
            }
            // Some refuse an offset, or one behind the last object.
            Err(error) if offset > 0 && is_refusal(&error) => {
                let may_be_cut = true;
                return Ok(Located { ids, may_be_cut });
            }
            response => response?,
        };
        let found = response.unique_identifier.len();
        located += found;
        let new = response.unique_identifier.into_iter();
        let new: Vec<_> = new.filter(|id| seen.insert(id.clone())).collect();
        // A server that limits its answers tells how many objects there are in all.
        let all = response.located_items.unwrap_or_default();
        let is_full = found > 0 && located % USUAL_LIMIT == 0;
        let has_more = usize::try_from(all).is_ok_and(|all| all > located) || is_full;
        // One that does not know offsets begins again.
        let is_repeated = offset > 0 && found > 0 && new.is_empty();
        let can_page = peer.client.version() >= ProtocolVersion::V1_3;
        ids.extend(new);
        if !has_more || found == 0 || is_repeated || !can_page {
            let may_be_cut = is_repeated || (is_full && !can_page);
            return Ok(Located { ids, may_be_cut });
        }
    }
}

type Answer = Result<GetAttributesResponse<'static>, kmip::client::Error>;

/// All attributes of each object.
pub(super) fn get_attributes<I: Clone + Into<UniqueIdentifier<'static>>>(
    peer: &mut Peer,
    ids: &[I],
) -> Result<Vec<Answer>, PluginError> {
    let request = |id: &I| GetAttributesRequest {
        unique_identifier: Some(id.clone().into()),
        ..GetAttributesRequest::default()
    };
    let requests = ids.iter().map(|id| request(id).into()).collect();
    let mut answers = peer
        .send(requests, BatchErrorContinuationOption::CONTINUE)?
        .into_iter();
    // A server that does not go on after a failure leaves the rest out; it can answer one by one.
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        let answer = peer.next::<GetAttributesResponse<'static>>(&mut answers);
        results.push(match answer {
            Err(error) if !error.is_not_found() && !error.is_permission_denied() => {
                peer.client.call(request(id))
            }
            answer => answer,
        });
    }
    Ok(results)
}
