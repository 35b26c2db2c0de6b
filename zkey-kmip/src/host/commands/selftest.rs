//! `selftest`: whether the adapters of this machine do all that the plugin wants of them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::abi::{Apqn, PluginError};
use crate::config::Config;
use crate::host::association::Change;
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::repository::binding::Binding;
use crate::host::terminal::{self, Terminal};
use crate::host::{environment, output};
use crate::profile::ProfileDirectory;
use crate::secure_key::selftest::{self, Outcome, RsaSizes};
use crate::secure_key::{self, KeySpec, SecureKeyBackend};

/// `selftest`
pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<(), HostError> {
    let apqns = Change::<Apqn>::parse(&arguments.required("apqns")?)?.apply(&[])?;
    let first = *apqns.first().ok_or(HostError::OptionRequired {
        needed: "at least one APQN in '--apqns'",
    })?;
    let card_type = secure_key::card_type_of(first)?;
    let backend: Arc<dyn SecureKeyBackend> = secure_key::open(card_type)?.into();
    if let Some(warning) = backend.info()?.warning {
        terminal.warn(warning);
    }
    let json = arguments.flag("json");
    let mut trials = Vec::new();
    let mut closed = None;
    let sizes = sizes(terminal);
    let passed = selftest::run(&backend, &apqns, &sizes, &mut |title, outcome| {
        let (word, remark) = match outcome {
            Outcome::Passed(remark) => ("passed", remark.clone()),
            Outcome::Skipped(why) => ("skipped", (*why).to_owned()),
            Outcome::Failed(error) => ("FAILED", error.to_string()),
        };
        if json {
            trials.push(json!({
                "trial": title, "outcome": word.to_lowercase(), "remark": remark,
            }));
        } else if closed.is_none() {
            let remark = if remark.is_empty() {
                remark
            } else {
                format!(": {remark}")
            };
            closed = terminal
                .say(format_args!("{word:<8} {title}{remark}"))
                .err();
        }
    });
    if let Some(error) = closed {
        return Err(error);
    }
    if json {
        output::print_json(&Value::Array(trials), terminal)?;
    }
    if passed {
        Ok(())
    } else {
        Err(HostError::SelftestFailed)
    }
}

/// Beside the usual sizes, those that the plugin of the repository is configured for.
fn sizes(terminal: &Terminal) -> RsaSizes {
    let mut sizes = RsaSizes::default();
    let repository = environment::repository();
    let config = match Binding::load(&repository) {
        Ok(None) => return sizes,
        Ok(Some(binding)) => Config::load(&binding.config_directory(&repository))
            .map_err(|error| PluginError::from(error).to_string()),
        Err(error) => Err(terminal::describe(&error)),
    };
    let config = match config {
        Ok(config) => config,
        Err(text) => {
            terminal.warn(text);
            return sizes;
        }
    };
    if let Some(KeySpec::Rsa(bits)) = config.identity_key().and_then(|key| key.spec()) {
        add(&mut sizes.identity, bits);
    }
    if let Some(bits) = config.wrapping_key().and_then(|key| key.bits()) {
        add(&mut sizes.wrapping, bits);
    }
    // That of the next wrapping key.
    if config.server().is_some() {
        let profiles = ProfileDirectory::from_environment();
        let profile = config
            .connection()
            .map_err(PluginError::from)
            .and_then(|connection| Ok(profiles.named(&connection.profile)?));
        match profile {
            Ok(profile) => add(&mut sizes.wrapping, profile.wrap_key_bits),
            Err(error) => terminal.warn(error),
        }
    }
    sizes
}

fn add(sizes: &mut Vec<u32>, bits: u32) {
    if !sizes.contains(&bits) {
        sizes.push(bits);
    }
}
