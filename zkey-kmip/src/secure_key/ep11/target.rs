//! Targets: what the calls of the library are for.

use std::ptr;
use std::sync::Arc;

use super::calls::FailedCall;
use super::interface::{TARGET_GROUP, TargetHandle, TargetList};
use super::library::Library;
use crate::abi::Apqn;

/// One APQN, or a group of them, of which the library takes the one that can answer.
#[derive(Debug)]
pub(super) struct Target {
    library: Arc<Library>,
    handle: TargetHandle,
    /// What the handle points to in libraries of version 1.
    list: Option<Box<TargetList>>,
}

impl Target {
    /// One APQN.
    pub(super) fn single(library: &Arc<Library>, apqn: Apqn) -> Result<Target, FailedCall> {
        if let Some(added) = library.add_module(apqn, None) {
            let target = Target {
                library: Arc::clone(library),
                handle: added?,
                list: None,
            };
            return Ok(target);
        }
        let list = Box::new(TargetList::new(apqn.card, apqn.domain));
        Ok(Target {
            library: Arc::clone(library),
            handle: ptr::from_ref(&*list) as TargetHandle,
            list: Some(list),
        })
    }

    /// Several APQNs; `None` if there is only one, or the library knows no groups.
    pub(super) fn group(library: &Arc<Library>, apqns: &[Apqn]) -> Option<Target> {
        let (first, rest) = apqns.split_first()?;
        if rest.is_empty() {
            return None;
        }
        let mut target = Target {
            library: Arc::clone(library),
            handle: library.add_module(*first, None)?.ok()?,
            list: None,
        };
        for apqn in rest {
            // On failure the target that there is gets freed.
            target.handle = library.add_module(*apqn, Some(target.handle))?.ok()?;
        }
        (target.handle & TARGET_GROUP != 0).then_some(target)
    }

    pub(super) fn handle(&self) -> TargetHandle {
        self.handle
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.list.is_none() {
            self.library.remove_target(self.handle);
        }
    }
}
