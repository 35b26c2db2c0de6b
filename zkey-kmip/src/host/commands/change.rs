//! `change`: new properties for a key, here and at the key management system.

use super::Host;
use super::keys::whole_record;
use crate::abi::{Apqn, Property, SecureKeyType};
use crate::files;
use crate::host::association::{Change, Volume, join};
use crate::host::cli::Arguments;
use crate::host::environment;
use crate::host::error::HostError;
use crate::host::key_info::{self, VolumeType};
use crate::host::passphrase::{self, Passphrase};
use crate::host::repository::key::Key;
use crate::secure_key::CardType;
use crate::secure_key::ap_bus::ApBus;

/// What happens to the dummy passphrase.
enum PassphraseChange {
    Keep,
    Set(Passphrase),
    Remove,
}

/// `change`
pub(super) fn run(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let mut key = host.repository.key(&arguments.required("name")?)?;
    let bound = if key.is_bound() {
        let bound = host.bound()?;
        bound.login()?;
        Some(bound)
    } else {
        None
    };
    let mut for_kms = change_properties(host, arguments, &mut key)?;
    let passphrase = passphrase_change(host, arguments, &key)?;
    match &passphrase {
        PassphraseChange::Keep => {}
        PassphraseChange::Set(passphrase) => {
            for_kms.push(passphrase.property());
        }
        PassphraseChange::Remove => for_kms.push(Property::removal(passphrase::PROPERTY)),
    }
    if let Some(bound) = bound {
        bound.login()?;
        bound.set_properties(&key, &for_kms)?;
    }
    match &passphrase {
        PassphraseChange::Keep => {}
        PassphraseChange::Set(passphrase) => passphrase.store(&key.files)?,
        PassphraseChange::Remove => files::remove_if_present(&key.files.pass())?,
    }
    key.touch("update-time")?;
    key.save()?;
    host.report.set("key", whole_record(&key).into_json());
    Ok(())
}

/// Changes the properties, not saved yet; returns those that the key management system keeps too.
fn change_properties(
    host: &Host<'_>,
    arguments: &Arguments,
    key: &mut Key,
) -> Result<Vec<Property<'static>>, HostError> {
    let mut for_kms = Vec::new();
    let volume_type = arguments.text("volume-type")?;
    let volume_type = volume_type
        .map(|text| text.parse::<VolumeType>())
        .transpose()?;
    if let Some(description) = arguments.text("description")? {
        key.set("description", &description)?;
        for_kms.push(Property::new("description", description));
    }
    if let Some(text) = arguments.text("volumes")? {
        let volumes = change_volumes(host, arguments, key, &text)?;
        key.set("volumes", &volumes)?;
        let here = format!("volumes-{}", environment::system_name());
        for_kms.push(Property::new(here, volumes));
    }
    if let Some(text) = arguments.text("apqns")? {
        change_apqns(key, &text, !arguments.flag("no-apqn-check"))?;
    }
    if let Some(volume_type) = volume_type {
        key.set("volume-type", volume_type.name())?;
        for_kms.push(Property::new("volume-type", volume_type.name()));
    }
    if let Some(text) = arguments.text("sector-size")? {
        let size = key_info::sector_size(&text)?.to_string();
        key.set("sector-size", &size)?;
        for_kms.push(Property::new("sector-size", size));
    }
    Ok(for_kms)
}

fn change_volumes(
    host: &Host<'_>,
    arguments: &Arguments,
    key: &Key,
    text: &str,
) -> Result<String, HostError> {
    let current = key
        .volumes()
        .into_iter()
        .map(str::parse)
        .collect::<Result<Vec<Volume>, _>>()?;
    let change = Change::<Volume>::parse(text)?;
    if !arguments.flag("no-volume-check") {
        host.repository.check_volumes(change.added(), key.name())?;
    }
    Ok(join(&change.apply(&current)?))
}

fn change_apqns(key: &mut Key, text: &str, checks: bool) -> Result<(), HostError> {
    if key.is_bound() {
        return Err(HostError::DoesNotFit {
            option: "--apqns",
            fits: "local keys; those of a KMS-bound key are those of the plugin",
        });
    }
    let change = Change::<Apqn>::parse(text)?;
    let current = key.get("apqns").unwrap_or_default();
    let current = Change::<Apqn>::parse(current)?.apply(&[])?;
    if let Some(bus) = ApBus::system().filter(|_| checks) {
        let wanted = SecureKeyType::from_name(key.key_type()).map(CardType::for_key_type);
        for apqn in change.added() {
            bus.check_any(*apqn, wanted.as_slice())?;
        }
    }
    key.set_apqns(&change.apply(&current)?)
}

fn passphrase_change(
    host: &Host<'_>,
    arguments: &Arguments,
    key: &Key,
) -> Result<PassphraseChange, HostError> {
    let present = key.files.passphrase_file().is_some();
    let luks2 = key
        .volume_type()
        .eq_ignore_ascii_case(VolumeType::Luks2.name());
    let file = arguments.path("set-dummy-passphrase");
    if arguments.flag("gen-dummy-passphrase") || file.is_some() {
        if present {
            return Err(HostError::PassphraseExists {
                key: key.name().to_owned(),
            });
        }
        if !luks2 {
            return Err(HostError::DoesNotFit {
                option: "a dummy passphrase",
                fits: "keys for volumes of type LUKS2",
            });
        }
        let passphrase = file.map_or_else(Passphrase::generate, Passphrase::read)?;
        return Ok(PassphraseChange::Set(passphrase));
    }
    if arguments.flag("remove-dummy-passphrase") {
        if present && !arguments.flag("force") {
            host.terminal.say(
                "When you remove the dummy passphrase of a key, its LUKS2 volumes can only be \
                 opened with a passphrase of one of their key slots that you still know.",
            )?;
            let question = format!("Remove the dummy passphrase of key '{}'", key.name());
            if !host.terminal.confirm(&question)? {
                return Err(HostError::Aborted {
                    question: "the dummy passphrase stays",
                });
            }
        }
        return Ok(PassphraseChange::Remove);
    }
    // Plain volumes have none.
    Ok(if present && !luks2 {
        PassphraseChange::Remove
    } else {
        PassphraseChange::Keep
    })
}
