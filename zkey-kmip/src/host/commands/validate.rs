//! `validate`: whether the files of a key belong together.
//!
//! Whether the key works with the current master key only zkey can tell, by way of `/dev/pkey`.
//! This checks the rest: that both files are whole, that the secure key is one of its type, that
//! there are two for a pair, that the plugin supports the type, and when asked for, that the key
//! management system still has the key and would hand it out.

use super::keys::record;
use super::{Bound, Host, Tally};
use crate::abi::SecureKeyType;
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::output::{self, Record};
use crate::host::repository::binding::Binding;
use crate::host::repository::key::{Key, KmsIds};
use crate::host::terminal::describe;
use crate::host::token::Token;

/// `validate`
pub(super) fn run(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let keys = host.repository.named_keys(&arguments.key_filter()?)?;
    let ask_kms = arguments.flag("check-kms");
    if ask_kms {
        host.bound()?.login()?;
    }
    let binding = Binding::load(host.repository.directory())?;
    let (mut tally, mut records, mut invalid) = (Tally::default(), Vec::new(), 0);
    for key in keys {
        tally.note(
            key.map(|key| {
                host.terminal
                    .progress(format_args!("validating key '{}'", key.name()));
                let blob = std::fs::read(key.files.skey()).unwrap_or_default();
                let token = Token::read(&blob);
                let problems = problems(host, &key, token.as_ref(), binding.as_ref(), ask_kms);
                invalid += usize::from(!problems.is_empty());
                records.push(validated(&key, &blob, token.as_ref(), &problems));
            }),
            host.terminal,
        );
    }
    let json = arguments.flag("json");
    let valid = records.len() - invalid;
    output::print(records, json, host.terminal)?;
    if !json {
        host.terminal.say(format_args!(
            "{valid} keys are valid, {} keys are invalid",
            invalid + tally.failed
        ))?;
    }
    tally.failed += invalid;
    tally.finish()
}

fn validated(key: &Key, blob: &[u8], token: Option<&Token>, problems: &[String]) -> Record {
    let status = if problems.is_empty() {
        "Valid"
    } else {
        "Invalid"
    };
    let start = Record::new("Key", key.name())
        .field("Status", status, "valid", problems.is_empty())
        .lines("Problems", problems, "(none)", "problems");
    let master_key = token.map(|token| token.master_key.as_str());
    let master_key_text = master_key.map(|pattern| format!("(unknown, MKVP: {pattern})"));
    record(start, key, blob, token).field(
        "Enciphered with",
        master_key_text.unwrap_or("(none)".to_owned()),
        "master_key_verification_pattern",
        master_key,
    )
}

fn problems(
    host: &Host<'_>,
    key: &Key,
    token: Option<&Token>,
    binding: Option<&Binding>,
    ask_kms: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    let ids = if key.is_bound() {
        Some(key.kms_ids())
    } else {
        None
    };
    match token {
        None => problems.push(format!(
            "{} is missing or holds no secure AES key",
            key.files.skey().display()
        )),
        Some(token) => {
            let found = token.shape.key_type();
            if !key.key_type().eq_ignore_ascii_case(found.name()) {
                problems.push(format!(
                    "the secure key is of type {found}, not {}",
                    key.key_type()
                ));
            }
            if let Some(Ok(ids)) = &ids {
                if token.xts != matches!(ids, KmsIds::Xts(..)) {
                    problems
                        .push("one key at the KMS for two in the file, or two for one".to_owned());
                }
            }
        }
    }
    if let Some(Err(error)) = &ids {
        problems.push(describe(error));
    }
    match (key.kms(), binding) {
        (Some(_), None) => problems.push("the key is bound, but the repository is not".to_owned()),
        (Some(kms), Some(binding)) if !kms.eq_ignore_ascii_case(binding.plugin()) => {
            problems.push(format!("the key is bound to KMS plugin '{kms}'"));
        }
        (Some(_), Some(_)) => {
            // Without a plugin that works there is nobody to ask, which has been said.
            if let (Some(bound), Some(Ok(ids))) = (&host.bound, &ids) {
                problems.extend(problems_at_kms(bound, key, ids, ask_kms));
            }
        }
        (None, _) => {}
    }
    problems
}

/// What the plugin says about a key that is bound to it.
fn problems_at_kms(bound: &Bound<'_>, key: &Key, ids: &KmsIds, ask_kms: bool) -> Vec<String> {
    let supported = SecureKeyType::from_name(key.key_type())
        .map_or(Ok(()), |key_type| bound.apqns_for(key_type).map(drop));
    let asked = ids.iter().filter(|_| ask_kms).map(|id| {
        let properties = bound.session.get_key_properties(id);
        bound.call(format!("find key {id}"), properties).map(drop)
    });
    std::iter::once(supported)
        .chain(asked)
        .filter_map(Result::err)
        // A problem is one line of the record.
        .map(|error| describe(&error).replace("\n  ", ": "))
        .collect()
}
