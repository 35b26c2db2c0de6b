//! `selftest`: whether the adapters of this machine do all that the plugin wants of them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::abi::Apqn;
use crate::host::association::Change;
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::output;
use crate::host::terminal::Terminal;
use crate::secure_key::selftest::{self, Outcome};
use crate::secure_key::{self, SecureKeyBackend};

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
    let passed = selftest::run(&backend, &apqns, &mut |title, outcome| {
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
