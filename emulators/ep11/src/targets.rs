//! Targets: handles for one domain or several.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use emulated_card::{Apqn, Machine};

use crate::codes::{self, Rv};

/// Stands for several domains.
pub(crate) const GROUP: u64 = 1 << 63;

/// What was added and not removed: for one domain, how often; for a group, its domains.
#[derive(Default)]
pub(crate) struct Targets {
    single: HashMap<u64, usize>,
    groups: HashMap<u64, Vec<Apqn>>,
    next_group: u64,
}

static TARGETS: Mutex<Option<Targets>> = Mutex::new(None);

/// Works with the targets of this loaded library.
pub(crate) fn with<T>(work: impl FnOnce(&mut Targets) -> T) -> T {
    let mut targets = TARGETS.lock().unwrap_or_else(PoisonError::into_inner);
    work(targets.get_or_insert_default())
}

fn handle_of(apqn: Apqn) -> u64 {
    (u64::from(apqn.card) << 32) | u64::from(apqn.domain)
}

fn apqn_of(handle: u64) -> Apqn {
    // Card in bits 32 to 47, domain in bits 0 to 15.
    Apqn::new((handle >> 32) as u16, handle as u16)
}

impl Targets {
    pub(crate) fn add(&mut self, apqn: Apqn) -> u64 {
        let handle = handle_of(apqn);
        *self.single.entry(handle).or_default() += 1;
        handle
    }

    /// Adds a domain to a target, which becomes a group.
    pub(crate) fn enlarge(&mut self, target: u64, apqn: Apqn) -> Option<u64> {
        if let Some(group) = self.groups.get_mut(&target) {
            group.push(apqn);
            return Some(target);
        }
        self.remove(target)?;
        let group = GROUP | self.next_group;
        self.next_group += 1;
        self.groups.insert(group, vec![apqn_of(target), apqn]);
        Some(group)
    }

    pub(crate) fn remove(&mut self, target: u64) -> Option<()> {
        if self.groups.remove(&target).is_some() {
            return Some(());
        }
        let count = self.single.get_mut(&target)?;
        *count -= 1;
        if *count == 0 {
            self.single.remove(&target);
        }
        Some(())
    }

    /// The domain that answers for a target: the first one of a group that is online.
    pub(crate) fn domain(&self, machine: &Machine, target: u64) -> Result<Apqn, Rv> {
        if let Some(group) = self.groups.get(&target) {
            let mut online = group.iter().filter(|apqn| machine.is_online(**apqn));
            let apqn = online.next().or(group.first());
            return apqn.copied().ok_or(codes::TARGET_INVALID);
        }
        if self.single.contains_key(&target) {
            Ok(apqn_of(target))
        } else {
            Err(codes::TARGET_INVALID)
        }
    }
}

/// The domain of a target of version 1.
///
/// # Safety
/// `target` is null or points to an `ep11_target_t`.
pub(crate) unsafe fn of_list(target: u64) -> Result<Apqn, Rv> {
    #[repr(C)]
    struct List {
        format: i16,
        length: i16,
        apqns: [i16; 512],
    }
    let pointer = target as *const List;
    if pointer.is_null() {
        return Err(codes::TARGET_INVALID);
    }
    // SAFETY: promised by the caller.
    let list = unsafe { &*pointer };
    match (list.format, list.length) {
        (0, 1) => Ok(Apqn::new(list.apqns[0] as u16, list.apqns[1] as u16)),
        _ => Err(codes::TARGET_INVALID),
    }
}
