//! Keys that the host was given, until it has stored them.
//!
//! Only the host knows whether such a key is in use, so it is never destroyed here. But when the host
//! fails or is killed before it has stored the key, nobody else would ever know of it: the intent stays,
//! and tells.

use std::fs;
use std::path::Path;

use super::Plugin;
use super::unused::forget;
use crate::config::{Config, ConfigError, HeldIntent, Intended};
use crate::files;
use crate::properties::{Integrity, Properties};

/// Says to which key management system a repository of zkey belongs (behaviour reference 1.8).
const BINDING: &str = "kms.conf";

/// What refers to a key at the server in the properties of a key (1.8).
const KEY_IDS: [&str; 3] = ["kms-key-id", "kms-xts-key1-id", "kms-xts-key2-id"];

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

fn is_for(intent: &HeldIntent, id: &str) -> bool {
    matches!(&intent.intent().object, Intended::Given { id: own } if own == id)
}

/// The handle is closed: by now the host has stored the keys. Tells which ones it has not.
pub(super) fn settle(plugin: &Plugin) {
    let directory = plugin.config.borrow().directory().to_owned();
    for Given { intent, is_half } in plugin.given.take().0 {
        // Of hosts whose keys are elsewhere nothing is known.
        if is_stored(&directory, &intent).unwrap_or(!is_half) {
            forget(intent);
        } else {
            plugin.console.warn(&format!("INFO: {}", intent.intent()));
        }
    }
}

/// What interrupted commands have left, except for keys that were stored all the same.
pub(super) fn left(config: &Config) -> Result<Vec<HeldIntent>, ConfigError> {
    let mut left = Vec::new();
    for intent in config.left_intents()? {
        match is_stored(config.directory(), &intent) {
            Some(true) => forget(intent),
            _ => left.push(intent),
        }
    }
    Ok(left)
}

/// Whether a key of the repository around `directory` refers to the key of the intent; `None` if no
/// host was given the key, or none that has such a repository.
fn is_stored(directory: &Path, intent: &HeldIntent) -> Option<bool> {
    let Intended::Given { id } = &intent.intent().object else {
        return None;
    };
    let repository = files::parent(directory);
    fs::symlink_metadata(repository.join(BINDING)).ok()?;
    for entry in fs::read_dir(repository).ok()? {
        let path = entry.ok()?.path();
        if path.extension().is_none_or(|extension| extension != "info") {
            continue;
        }
        // The hash does not matter here.
        let Ok(properties) = Properties::load(&path, Integrity::Plain) else {
            continue;
        };
        if KEY_IDS.iter().any(|name| properties.get(name) == Some(id)) {
            return Some(true);
        }
    }
    Some(false)
}
