//! Keys that the host was given, until it has stored them.
//!
//! Only the host knows whether such a key is in use, so it is never destroyed here. But when the host
//! fails or is killed before it has stored the key, nobody else would ever know of it: the intent stays,
//! and tells.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::Plugin;
use super::unused::forget;
use crate::config::{Config, ConfigError, HeldIntent, Intended};
use crate::files;
use crate::host::repository::{binding, key};
use crate::properties::{Integrity, Properties};

/// A key that was given to the host with this handle.
struct Given {
    intent: HeldIntent,
    /// It belongs to a pair for XTS that is not complete, so the host has not stored it.
    is_half: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct GivenKeys(Vec<Given>);

impl GivenKeys {
    /// The host gets the key.
    pub(super) fn add(&mut self, intent: HeldIntent, is_half: bool) {
        self.0.push(Given { intent, is_half });
    }

    /// The pair with these keys is complete.
    pub(super) fn complete(&mut self, ids: [&str; 2]) {
        for given in &mut self.0 {
            given.is_half &= !ids.iter().any(|id| is_for(&given.intent, id));
        }
    }

    /// The intent of a key, for whoever destroys it.
    pub(super) fn take(&mut self, id: &str) -> Option<HeldIntent> {
        let place = self.0.iter().position(|given| is_for(&given.intent, id))?;
        Some(self.0.swap_remove(place).intent)
    }
}

/// Which key the host got by this intent, if it got one.
fn given_id(intent: &HeldIntent) -> Option<&str> {
    match &intent.intent().object {
        Intended::Given { id } => Some(id),
        Intended::Key | Intended::WrappingKey { .. } => None,
    }
}

fn is_for(intent: &HeldIntent, id: &str) -> bool {
    given_id(intent) == Some(id)
}

/// The handle is closed: by now the host has stored the keys. Tells which ones it has not.
pub(super) fn settle(plugin: &Plugin) {
    let given = plugin.given.take().0;
    if given.is_empty() {
        return;
    }
    let stored = stored_ids(plugin.config.borrow().directory());
    for Given { intent, is_half } in given {
        // Of hosts whose keys are elsewhere nothing is known.
        let is_stored = stored
            .as_ref()
            .map_or(!is_half, |stored| is_among(&intent, stored));
        if is_stored {
            forget(intent);
        } else {
            plugin.console.warn(&format!("INFO: {}", intent.intent()));
        }
    }
}

/// What interrupted commands have left, except for keys that were stored all the same.
pub(super) fn left(config: &Config) -> Result<Vec<HeldIntent>, ConfigError> {
    let left = config.left_intents()?;
    if left.iter().all(|intent| given_id(intent).is_none()) {
        return Ok(left);
    }
    let stored = stored_ids(config.directory()).unwrap_or_default();
    let (done, left) = left
        .into_iter()
        .partition::<Vec<_>, _>(|intent| is_among(intent, &stored));
    done.into_iter().for_each(forget);
    Ok(left)
}

fn is_among(intent: &HeldIntent, stored: &HashSet<String>) -> bool {
    given_id(intent).is_some_and(|id| stored.contains(id))
}

/// To which keys at the server the keys of the repository around `directory` refer (behaviour reference
/// 1.8); `None` if there is no such repository.
fn stored_ids(directory: &Path) -> Option<HashSet<String>> {
    let repository = files::parent(directory);
    fs::symlink_metadata(repository.join(binding::FILE)).ok()?;
    let mut ids = HashSet::new();
    for entry in fs::read_dir(repository).ok()? {
        let path = entry.ok()?.path();
        if path.extension().is_none_or(|extension| extension != "info") {
            continue;
        }
        // The hash does not matter here.
        let Ok(properties) = Properties::load(&path, Integrity::Plain) else {
            continue;
        };
        let found = key::KEY_IDS.iter().filter_map(|name| properties.get(name));
        ids.extend(found.map(str::to_owned));
    }
    Some(ids)
}
