//! `kms configure`: the APQNs, which the host keeps too, and the options of the plugin.

use std::rc::Rc;

use super::{Host, Tally};
use crate::abi::{Apqn, Errno, SecureKeyType};
use crate::host::association::Change;
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::repository::Repository;
use crate::host::repository::filter::KeyFilter;
use crate::host::terminal::Terminal;
use crate::secure_key::CardType;
use crate::secure_key::ap_bus::ApBus;

/// `kms configure`
pub(super) fn run(host: &mut Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let (terminal, repository) = (host.terminal, host.repository);
    let report = Rc::clone(&host.report);
    let bound = host.bound_mut()?;
    let current = bound.binding.apqns()?;
    let given = arguments.text("apqns")?;
    if given.is_none() && current.is_empty() {
        return Err(HostError::OptionRequired {
            needed: "as long as no APQNs are associated with the plugin, '--apqns'",
        });
    }
    if given.is_none() && arguments.plugin_has_options && arguments.plugin.is_empty() {
        return Err(HostError::OptionRequired {
            needed: "at least one option",
        });
    }
    // Without an AP bus, it is for the plugin to say which APQNs there are.
    let bus = ApBus::system();
    let apqns = match given {
        None => None,
        Some(text) => {
            let change = Change::<Apqn>::parse(&text)?;
            let apqns = change.apply(&current)?;
            let supported = supported_types(|key_type| bound.session.supports_key_type(key_type));
            for (bus, apqn) in bus
                .iter()
                .flat_map(|bus| change.added().iter().map(move |a| (bus, a)))
            {
                bus.check_any(*apqn, &supported)?;
            }
            confirm_unusable(&apqns, bus.as_ref(), repository, terminal)?;
            Some(apqns)
        }
    };
    let result = bound.session.configure(apqns.as_deref(), &arguments.plugin);
    // EAGAIN is no failure: accepted, but more is needed.
    let incomplete = match result {
        Err(error) if error.errno() == Errno::EAGAIN => true,
        result => {
            result.map_err(|source| HostError::Plugin {
                plugin: bound.binding.plugin().to_owned(),
                action: "take over the configuration".to_owned(),
                source,
            })?;
            false
        }
    };
    if let Some(apqns) = &apqns {
        // The plugin knows now which adapters it has, and so which types of keys it makes.
        let supported = supported_types(|key_type| bound.session.supports_key_type(key_type));
        let of = |card_type: CardType| {
            let used = |apqn: &&Apqn| is_usable(bus.as_ref(), **apqn, card_type);
            supported
                .contains(&card_type)
                .then(|| apqns.iter().filter(used).copied().collect::<Vec<_>>())
        };
        let (cca, ep11) = (of(CardType::Cca), of(CardType::Ep11));
        bound
            .binding
            .set_apqns(apqns, cca.as_deref(), ep11.as_deref())?;
        bound.binding.save(repository.directory())?;
        update_keys(cca.as_deref(), ep11.as_deref(), repository, terminal)?;
    }
    let apqns_now = bound.binding.apqns()?;
    let apqns_now: Vec<_> = apqns_now.iter().map(ToString::to_string).collect();
    report.set("apqns", apqns_now);
    report.set("complete", !incomplete);
    if incomplete || apqns.is_some_and(|apqns| apqns.is_empty()) {
        terminal.say(
            "The KMS plugin has accepted the configuration so far, but needs more of it. Run \
             'zkey-kmip kms info' to see what is missing, and 'zkey-kmip kms configure' again.",
        )?;
    }
    Ok(())
}

fn supported_types(supports: impl Fn(SecureKeyType) -> bool) -> Vec<CardType> {
    let mut types = Vec::new();
    for key_type in SecureKeyType::ALL {
        let card_type = CardType::for_key_type(key_type);
        if supports(key_type) && !types.contains(&card_type) {
            types.push(card_type);
        }
    }
    types
}

/// Whether an adapter makes keys that need this type; all do where nobody tells their types.
fn is_usable(bus: Option<&ApBus>, apqn: Apqn, wanted: CardType) -> bool {
    bus.and_then(|bus| bus.card_type(apqn).ok())
        .is_none_or(|found| found == wanted)
}

/// Asks when bound keys lose all adapters that can use them.
fn confirm_unusable(
    apqns: &[Apqn],
    bus: Option<&ApBus>,
    repository: &Repository,
    terminal: &Terminal,
) -> Result<(), HostError> {
    for key_type in SecureKeyType::ALL {
        let card_type = CardType::for_key_type(key_type);
        let usable = |apqn: &Apqn| is_usable(bus, *apqn, card_type);
        if apqns.iter().any(usable) {
            continue;
        }
        let keys = repository.keys(&bound_keys(Some(key_type)))?;
        let names: Vec<String> = keys
            .into_iter()
            .flatten()
            .map(|key| key.name().to_owned())
            .collect();
        if names.is_empty() {
            continue;
        }
        terminal.say(format_args!(
            "These keys of type {key_type} are bound to the KMS plugin and may become unusable \
             with this set of APQNs: {}",
            names.join(", ")
        ))?;
        if !terminal.confirm("Do you want to continue")? {
            return Err(HostError::Aborted {
                question: "the APQNs stay as they are",
            });
        }
    }
    Ok(())
}

/// Writes the APQNs into the properties of all bound keys.
fn update_keys(
    cca: Option<&[Apqn]>,
    ep11: Option<&[Apqn]>,
    repository: &Repository,
    terminal: &Terminal,
) -> Result<(), HostError> {
    let mut tally = Tally::default();
    for key in repository.keys(&bound_keys(None))? {
        let updated = key.and_then(|mut key| {
            let key_type = SecureKeyType::from_name(key.key_type());
            let apqns = match key_type.map(CardType::for_key_type) {
                Some(CardType::Cca) => cca,
                Some(CardType::Ep11) => ep11,
                None => None,
            };
            let Some(apqns) = apqns else { return Ok(()) };
            key.set_apqns(apqns)?;
            key.save()
        });
        tally.note(updated, terminal);
    }
    tally.finish()
}

fn bound_keys(key_type: Option<SecureKeyType>) -> KeyFilter {
    KeyFilter {
        key_type: key_type.map(|key_type| key_type.name().to_owned()),
        bound: Some(true),
        ..KeyFilter::default()
    }
}
