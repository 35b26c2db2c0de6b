//! A pair of keys for XTS while it is made. If it does not become one, nothing of it stays.
//!
//! A host stores a pair only when both keys are made and the first one knows the second one (behaviour
//! reference 1.7). Until then nobody uses them, so they are destroyed when that fails.

use super::attributes::{XTS_KEY1_ID, XTS_KEY2_ID};
use super::unused::forget;
use super::{Plugin, left_behind};
use crate::abi::{GenerateRequest, KeyMode, PluginError, Property};
use crate::config::HeldIntent;

/// The keys of a pair that was begun with this handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    first: String,
    second: Option<String>,
}

/// The pair whose second key this request is for. Any other key ends what was begun, whose keys stay then:
/// zkey failed in between, which only the host knows for sure.
pub(super) fn of_second_key(plugin: &Plugin, request: &GenerateRequest<'_>) -> Option<Pair> {
    let pair = plugin.pair.take()?;
    let is_second = request.mode == KeyMode::Xts2
        && pair.second.is_none()
        && has(request.properties, XTS_KEY1_ID, &pair.first);
    is_second.then_some(pair)
}

/// Notes that a key was made; `pair` is that of its second key.
pub(super) fn go_on(plugin: &Plugin, pair: Option<Pair>, mode: KeyMode, key_id: &str) {
    let key_id = || key_id.to_owned();
    let pair = match (mode, pair) {
        (KeyMode::Xts1, _) => Some(Pair {
            first: key_id(),
            second: None,
        }),
        (KeyMode::Xts2, Some(pair)) => Some(Pair {
            second: Some(key_id()),
            ..pair
        }),
        _ => None,
    };
    plugin.pair.replace(pair);
}

/// The pair that is complete when the first key has got these properties.
pub(super) fn completed_by(
    plugin: &Plugin,
    key_id: &str,
    properties: &[Property<'_>],
) -> Option<Pair> {
    let mut slot = plugin.pair.borrow_mut();
    let pair = slot.as_ref()?;
    let second = pair.second.as_deref()?;
    let is_completed = pair.first == key_id && has(properties, XTS_KEY2_ID, second);
    is_completed.then(|| slot.take()).flatten()
}

fn has(properties: &[Property<'_>], name: &str, value: &str) -> bool {
    let mut properties = properties.iter();
    properties.any(|one| one.name == name && one.value.as_deref() == Some(value))
}

impl Pair {
    /// Identifiers, for the user.
    pub(super) fn names(&self) -> String {
        match &self.second {
            None => format!("key {}", self.first),
            Some(second) => format!("keys {} and {second}", self.first),
        }
    }

    /// The host stores the keys now.
    pub(super) fn complete(&self, plugin: &Plugin) {
        if let Some(second) = &self.second {
            plugin.given.borrow_mut().complete([&self.first, second]);
        }
    }

    /// Destroys the keys, since the pair failed with `error`; tells in it what became of them. The next
    /// command tries it again, if that can be written down.
    pub(super) fn take_back(self, plugin: &Plugin, error: PluginError) -> PluginError {
        let mut text = format!(
            "{error}. The {} of the pair cannot be used alone, ",
            self.names()
        );
        let (mut failures, mut stay, mut are_noted) = (Vec::new(), Vec::new(), false);
        for id in [Some(self.first), self.second].into_iter().flatten() {
            let mut intent = plugin.given.borrow_mut().take(&id);
            // Before it is tried, since this process may not get to its end.
            let noted = intent.as_mut().map(HeldIntent::take_back);
            let destroyed = plugin.server().and_then(|mut server| {
                server.known.remove(&id);
                left_behind::destroy(&mut server.peer.client, &id.as_str().into())
            });
            let Err(failure) = destroyed else {
                intent.into_iter().for_each(forget);
                continue;
            };
            failures.push(failure.to_string());
            if let Some(Ok(())) = noted {
                are_noted = true;
                continue;
            }
            failures.extend(noted.and_then(Result::err).map(|error| error.to_string()));
            stay.push(id);
        }
        match &*failures {
            [] => text.push_str("and were destroyed"),
            failures => {
                text.push_str("but not all could be destroyed at the server: ");
                text.push_str(&failures.join("; "));
                text.push_str(&what_is_left(are_noted, &stay));
            }
        }
        PluginError::new(error.errno(), text)
    }
}

/// What the user is told of keys that could not be destroyed: whether some are noted for the next command,
/// and those that are not.
fn what_is_left(are_noted: bool, stay: &[String]) -> String {
    let mut text = String::new();
    if are_noted {
        text.push_str(". The next command will try it again; 'zkey kms info' shows what is left");
    }
    if !stay.is_empty() {
        text.push_str(&format!(
            ". Please destroy {} at the server",
            stay.join(" and ")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_that_is_left_is_accounted_for() {
        let keys = ["one".to_owned(), "other".to_owned()];
        for (are_noted, stay, expected) in [
            (true, &keys[..0], ["next command will try", "is left"]),
            (
                false,
                &keys[..],
                [". Please destroy one and other at", "server"],
            ),
            (
                true,
                &keys[1..],
                ["next command will try", "Please destroy other at"],
            ),
        ] {
            let text = what_is_left(are_noted, stay);
            assert!(expected.iter().all(|part| text.contains(part)), "{text}");
            assert_eq!(text.contains("next command"), are_noted, "{text}");
            assert_eq!(text.contains("Please"), !stay.is_empty(), "{text}");
        }
    }
}
