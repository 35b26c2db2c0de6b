//! `kms refresh`: fetches bound keys again, for instance after a change of master keys.

use zeroize::Zeroizing;

use super::import::{import_blobs, is_fatal};
use super::{Host, Tally};
use crate::abi::{Property, SecureKeyType};
use crate::files;
use crate::host::association::{AssociationError, Volume, split};
use crate::host::cli::Arguments;
use crate::host::error::HostError;
use crate::host::key_info::{self, VolumeType};
use crate::host::kms_key::{find, volumes};
use crate::host::passphrase::{self, Passphrase};
use crate::host::repository::filter::KeyFilter;
use crate::host::repository::key::Key;

/// `kms refresh`
pub(super) fn run(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let filter = KeyFilter {
        bound: Some(true),
        ..arguments.key_filter()?
    };
    let keys = host.repository.named_keys(&filter)?;
    let count = keys.len();
    host.report.lists(&["refreshed", "failed"]);
    let mut tally = Tally::default();
    for (index, key) in keys.into_iter().enumerate() {
        let name = key.as_ref().map(|key| key.name().to_owned());
        let name = name.unwrap_or_default();
        let refreshed = key.and_then(|key| {
            host.terminal.progress(format_args!(
                "refreshing key '{name}' ({} of {count})",
                index + 1
            ));
            let key = refresh(host, arguments, key)?;
            host.terminal
                .say(format_args!("Successfully refreshed key '{name}'"))?;
            name_volumes(host, &key)
        });
        match refreshed {
            Err(error) if is_fatal(&error) => return Err(error),
            refreshed => {
                let list = if refreshed.is_ok() {
                    "refreshed"
                } else {
                    "failed"
                };
                host.report.add(list, name);
                tally.note(refreshed, host.terminal);
            }
        }
    }
    host.terminal.say(format_args!(
        "{} keys refreshed, {} keys failed to refresh",
        tally.all - tally.failed,
        tally.failed
    ))?;
    tally.finish()
}

/// Says which volumes have a copy of the secure key, which is now another one.
fn name_volumes(host: &Host<'_>, key: &Key) -> Result<(), HostError> {
    let is_luks2 = key
        .volume_type()
        .eq_ignore_ascii_case(VolumeType::Luks2.name());
    if !is_luks2 || key.volumes().is_empty() {
        return Ok(());
    }
    host.terminal.say(format_args!(
        "These LUKS2 volumes are encrypted with key '{}'; run 'zkey-cryptsetup setkey <device> \
         --volume-key-file {}' for each of them: {}",
        key.name(),
        key.files.skey().display(),
        key.volumes().join(", ")
    ))
}

fn refresh(host: &Host<'_>, arguments: &Arguments, mut key: Key) -> Result<Key, HostError> {
    let bound = host.bound()?;
    let ids = key.kms_ids()?;
    let ids: Vec<&str> = ids.iter().collect();
    let result = bound.session.get_key_properties(ids[0]);
    let properties = bound.call(format!("refresh key '{}'", key.name()), result)?;
    let key_type = SecureKeyType::from_name(key.key_type());
    let (blob, _) = import_blobs(host, key.name(), &ids, key_type)?;
    if key.get("verification-pattern").is_some() {
        host.terminal.detail(format_args!(
            "the verification pattern of key '{}' is not checked, which needs /dev/pkey",
            key.name()
        ));
    }
    // Everything is checked before anything is written.
    if arguments.flag("refresh-properties") {
        take_over(host, arguments, &mut key, &properties)?;
    }
    key.touch("update-time")?;
    let passphrase = find(&properties, passphrase::PROPERTY)
        .map(Zeroizing::new)
        .map(|text| Passphrase::from_base64(&text, key.name()))
        .transpose()?;
    let luks2 = find(&properties, "volume-type")
        .is_some_and(|volume_type| volume_type.eq_ignore_ascii_case(VolumeType::Luks2.name()));
    match passphrase {
        Some(passphrase) if luks2 => passphrase.store(&key.files)?,
        None if luks2 => files::remove_if_present(&key.files.pass())?,
        _ => {}
    }
    key.files.write_skey(&blob)?;
    key.save()?;
    Ok(key)
}

/// Takes the properties that the key has at the key management system.
fn take_over(
    host: &Host<'_>,
    arguments: &Arguments,
    key: &mut Key,
    properties: &[Property<'_>],
) -> Result<(), HostError> {
    let known = |name: &str| properties.iter().any(|property| property.name == name);
    if known("description") {
        let description = find(properties, "description").unwrap_or_default();
        key.set("description", &description)?;
    }
    let here = format!("volumes-{}", crate::host::environment::system_name());
    if known(&here) || known("volumes") {
        let list = volumes(properties).unwrap_or_default();
        let parsed = split(&list)
            .map(str::parse)
            .collect::<Result<Vec<Volume>, AssociationError>>()?;
        if !arguments.flag("no-volume-check") {
            host.repository.check_volumes(&parsed, key.name())?;
        }
        key.set("volumes", &list)?;
    }
    if let Some(size) = find(properties, "sector-size") {
        key.set("sector-size", &key_info::sector_size(&size)?.to_string())?;
    }
    if let Some(volume_type) = find(properties, "volume-type") {
        key.set("volume-type", volume_type.parse::<VolumeType>()?.name())?;
    }
    Ok(())
}
