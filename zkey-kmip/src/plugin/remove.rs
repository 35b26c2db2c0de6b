//! What becomes of the key at the server when it leaves the repository (behaviour reference 7.8).

use kmip::types::{AttributeReference, DateTime, RevocationReasonCode, State, Tag};

use super::unused::forget;
use super::{Plugin, left_behind, unsupported};
use crate::abi::options::code;
use crate::abi::{OptionValue, PluginError};

/// The state that the key is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    compromised: bool,
    destroyed: bool,
}

impl Target {
    fn from_name(name: &str) -> Option<Target> {
        let (compromised, destroyed) = match name.to_ascii_uppercase().as_str() {
            "DEACTIVATED" => (false, false),
            "COMPROMISED" => (true, false),
            "DESTROYED" => (false, true),
            "DESTROYED-COMPROMISED" => (true, true),
            _ => return None,
        };
        Some(Target {
            compromised,
            destroyed,
        })
    }

    /// Whether a key in this state must be revoked, and whether destroyed. What is reached already
    /// is not asked for again, since servers refuse that.
    fn steps(self, state: Option<State>) -> (bool, bool) {
        let is_destroyed = matches!(state, Some(State::DESTROYED | State::DESTROYED_COMPROMISED));
        let revoke = if self.compromised {
            !matches!(
                state,
                Some(State::COMPROMISED | State::DESTROYED_COMPROMISED)
            )
        } else {
            // A key that was never active can be destroyed as it is.
            match state {
                Some(State::PRE_ACTIVE) => !self.destroyed,
                Some(State::ACTIVE) | None => true,
                Some(_) => false,
            }
        };
        (revoke, self.destroyed && !is_destroyed)
    }
}

pub(super) fn run(
    plugin: &Plugin,
    key_id: &str,
    options: &[OptionValue<'_>],
) -> Result<(), PluginError> {
    let mut target = None;
    for option in options {
        match option.code {
            code::STATE => target = Some(parse(option)?),
            _ => return Err(unsupported(option)),
        }
    }
    let Some(target) = target else {
        return Ok(());
    };
    let mut server = plugin.server()?;
    let client = &mut server.peer.client;
    let state = match client.get_attributes(key_id, [AttributeReference::from(Tag::STATE)]) {
        Ok(attributes) => left_behind::state(&attributes),
        Err(error) if error.is_not_found() => {
            // What shall not be usable any more is not even there.
            let text = format!("WARNING: {error}: the key is only removed here");
            plugin.console.warn(&text);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let (revoke, destroy) = target.steps(state);
    if revoke {
        let (reason, since) = match target.compromised {
            true => (RevocationReasonCode::KEY_COMPROMISE, Some(DateTime::now())),
            false => (RevocationReasonCode::SUPERSEDED, None),
        };
        client.revoke(key_id, reason, since)?;
    }
    if destroy {
        client.destroy(key_id)?;
    }
    server.known.remove(key_id);
    if target.destroyed {
        plugin
            .given
            .borrow_mut()
            .take(key_id)
            .into_iter()
            .for_each(forget);
    }
    Ok(())
}

fn parse(option: &OptionValue<'_>) -> Result<Target, PluginError> {
    let name = option.text()?;
    Target::from_name(name).ok_or_else(|| {
        PluginError::invalid(format!(
            "`{name}` is not a state: use DEACTIVATED, COMPROMISED, DESTROYED or \
             DESTROYED-COMPROMISED"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_steps_are_taken() {
        let steps = |name: &str, state| Target::from_name(name).unwrap().steps(Some(state));
        assert_eq!(steps("deactivated", State::ACTIVE), (true, false));
        assert_eq!(steps("deactivated", State::DEACTIVATED), (false, false));
        assert_eq!(steps("DESTROYED", State::ACTIVE), (true, true));
        assert_eq!(steps("DESTROYED", State::DEACTIVATED), (false, true));
        assert_eq!(steps("DESTROYED", State::PRE_ACTIVE), (false, true));
        assert_eq!(steps("DESTROYED", State::COMPROMISED), (false, true));
        assert_eq!(steps("DESTROYED", State::DESTROYED), (false, false));
        assert_eq!(steps("COMPROMISED", State::DEACTIVATED), (true, false));
        assert_eq!(steps("COMPROMISED", State::COMPROMISED), (false, false));
        assert_eq!(
            steps("destroyed-compromised", State::COMPROMISED),
            (false, true)
        );
        assert_eq!(Target::from_name("GONE"), None);
    }
}
