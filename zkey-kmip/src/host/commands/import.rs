//! `kms list` and `kms import`: keys that are at the key management system already.

use super::Host;
use super::generate::store;
use crate::abi::{Errno, Property};
use crate::files;
use crate::host::association::{AssociationError, Volume, split};
use crate::host::cli::Arguments;
use crate::host::environment;
use crate::host::error::HostError;
use crate::host::key_info::{NewKey, VolumeType};
use crate::host::kms_key::{KmsKey, KmsKeyFilter};
use crate::host::output::{self, Record};
use crate::host::passphrase::Passphrase;
use crate::host::repository::key::{KEY_ID, Key, KeyFiles, XTS_KEY1_ID, XTS_KEY2_ID};
use crate::host::token::{IMPORT_ROOM, Shape};

/// `kms list`
pub(super) fn list(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let (keys, listed) = keys_at_kms(host, arguments)?;
    let records = keys.iter().map(record).collect();
    output::print(records, arguments.flag("json"), host.terminal)?;
    listed
}

fn record(key: &KmsKey) -> Record {
    let volumes: Vec<&str> = split(key.volumes.as_deref().unwrap_or_default()).collect();
    let ids: Vec<&str> = key.ids().collect();
    Record::new("Name", &key.name)
        .lines("Key label", &key.labels(), "", "key_labels")
        .lines("Key ID", &ids, "", "key_ids")
        .optional("Description", key.description.as_deref(), "", "description")
        .field(
            "Key size",
            format!("{} bits", key.key_bits),
            "key_bits",
            key.key_bits,
        )
        .field(
            "XTS type key",
            if key.second.is_some() { "Yes" } else { "No" },
            "xts",
            key.second.is_some(),
        )
        .field(
            "Key type",
            key.key_type.clone(),
            "key_type",
            key.key_type.clone(),
        )
        .lines("Volumes", &volumes, "(none)", "volumes")
        .optional("Volume type", key.volume_type.as_deref(), "", "volume_type")
        .field(
            "Sector size",
            output::sector_size(key.sector_size),
            "sector_size",
            key.sector_size,
        )
        .lines(
            "Addl. infos",
            &key.additional_info,
            "(none)",
            "additional_info",
        )
}

/// The keys at the key management system that the options select, and whether these are all: what
/// is found is worth something also when the rest cannot be read.
fn keys_at_kms(
    host: &Host<'_>,
    arguments: &Arguments,
) -> Result<(Vec<KmsKey>, Result<(), HostError>), HostError> {
    let bound = host.bound()?;
    let volume_type = arguments.text("volume-type")?;
    if let Some(text) = &volume_type {
        text.parse::<VolumeType>()?;
    }
    let filter = KmsKeyFilter {
        label: arguments.text("label")?,
        name: arguments.text("name")?,
        volumes: arguments.text("volumes")?,
        volume_type,
    };
    host.terminal.progress("asking the KMS for its keys");
    let mut keys = Vec::new();
    let listed = bound.session.list_keys(
        filter.label.as_deref(),
        &filter.properties(),
        &arguments.plugin,
        &mut |found| {
            match KmsKey::read(found) {
                Err(why) => host.terminal.detail(why),
                Ok(key) if filter.accepts(&key) => keys.push(key),
                Ok(_) => {}
            }
            0
        },
    );
    Ok((keys, bound.call("list keys", listed)))
}

/// `kms import`
pub(super) fn run(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let (mut imported, mut skipped, mut failed) = (0_usize, 0_usize, 0_usize);
    let (keys, listed) = keys_at_kms(host, arguments)?;
    let count = keys.len();
    host.report.lists(&["imported", "skipped", "failed"]);
    for (index, key) in keys.into_iter().enumerate() {
        let name = key.name.clone();
        host.terminal.progress(format_args!(
            "importing key '{name}' ({} of {count})",
            index + 1
        ));
        match import(host, arguments, key) {
            Ok(Some(name)) => {
                imported += 1;
                host.report.add("imported", &*name);
                host.terminal
                    .say(format_args!("Successfully imported key '{name}'"))?;
            }
            Ok(None) => {
                skipped += 1;
                host.report.add("skipped", &*name);
                host.terminal
                    .warn(format_args!("skipping key '{name}': the name is taken"));
            }
            // The plugin cannot import at all, or nobody reads what we print.
            Err(error) if is_fatal(&error) => return Err(error),
            Err(error) => {
                failed += 1;
                host.report.add("failed", &*name);
                host.terminal.error(&error);
            }
        }
    }
    host.terminal.say(format_args!(
        "{imported} keys imported, {skipped} keys skipped, {failed} keys failed to import"
    ))?;
    if failed == 0 {
        return listed;
    }
    if let Err(error) = listed {
        host.terminal.error(&error);
    }
    Err(HostError::SomeFailed {
        failed,
        all: imported + skipped + failed,
    })
}

/// Whether an error concerns not this key alone.
pub(super) fn is_fatal(error: &HostError) -> bool {
    match error {
        HostError::Plugin { source, .. } => source.errno() == Errno::ENOTSUP,
        HostError::Terminal(_) => true,
        _ => false,
    }
}

/// Imports one key; returns the name that it got, or `None` when the user has none for it.
fn import(
    host: &Host<'_>,
    arguments: &Arguments,
    key: KmsKey,
) -> Result<Option<String>, HostError> {
    let bound = host.bound()?;
    let Some(files) = choose_name(host, &key.name, arguments.flag("batch-mode"))? else {
        return Ok(None);
    };
    let name = files.name().to_owned();
    let (blob, shape) = fetch(host, &key, &name)?;
    let here = format!("zkey-name-{}", environment::system_name());
    let property = [Property::new(here, name.clone())];
    for id in key.ids() {
        let result = bound.session.set_key_properties(id, &property);
        bound.call(format!("set properties of key '{name}'"), result)?;
    }
    let apqns = bound.apqns_for(shape.key_type())?;
    let volumes = split(key.volumes.as_deref().unwrap_or_default())
        .map(str::parse)
        .collect::<Result<Vec<Volume>, AssociationError>>()?;
    if !arguments.flag("no-volume-check") {
        host.repository.check_volumes(&volumes, &name)?;
    }
    let volume_type = match key.volume_type.as_deref() {
        Some(text) => text.parse()?,
        None => VolumeType::Luks2,
    };
    let properties = NewKey {
        key_type: shape.key_type(),
        description: key.description.as_deref().unwrap_or_default(),
        volumes: &volumes,
        volume_type,
        sector_size: crate::host::key_info::sector_size(&key.sector_size.to_string())?,
        apqns: &apqns,
        plugin: bound.plugin(),
    }
    .properties()?;
    let mut local = Key::new(files, properties);
    for (property, value) in id_properties(&key) {
        local.set(property, value)?;
    }
    let passphrase = match (&key.passphrase, volume_type) {
        (Some(text), VolumeType::Luks2) => Some(Passphrase::from_base64(text, &name)?),
        _ => None,
    };
    if let Some(passphrase) = &passphrase {
        passphrase.store(&local.files)?;
    }
    if let Err(error) = store(&local, &blob) {
        for path in [local.files.skey(), local.files.pass()] {
            // Not a key without its properties; the error is what counts.
            let _ = files::remove_if_present(&path);
        }
        return Err(error);
    }
    Ok(Some(name))
}

fn id_properties(key: &KmsKey) -> Vec<(&'static str, &str)> {
    let (id, label) = (key.first.0.as_str(), key.first.1.as_str());
    match &key.second {
        None => vec![(KEY_ID, id), ("kms-key-label", label)],
        Some((second_id, second_label)) => vec![
            (XTS_KEY1_ID, id),
            ("kms-xts-key1-label", label),
            (XTS_KEY2_ID, second_id),
            ("kms-xts-key2-label", second_label),
        ],
    }
}

/// The name of the new key: its own, or another one that the user enters when that is taken.
fn choose_name(host: &Host<'_>, name: &str, batch: bool) -> Result<Option<KeyFiles>, HostError> {
    let mut name = name.to_owned();
    loop {
        match host.repository.vacant(&name) {
            Err(error @ HostError::KeyExists { .. }) => {
                if batch {
                    return Ok(None);
                }
                host.terminal.error(&error);
                if !host
                    .terminal
                    .confirm("Do you want to enter an alternate name")?
                {
                    return Ok(None);
                }
            }
            // Somebody else's name can be wrong; one that was entered here is asked for again.
            Err(error @ HostError::KeyName { .. }) if !batch => {
                host.terminal.error(&error);
            }
            other => return other.map(Some),
        }
        match host.terminal.ask("Alternate name")? {
            Some(entered) if !entered.is_empty() => name = entered,
            _ => return Ok(None),
        }
    }
}

/// The secure key, both of them for XTS, and the shape of each.
fn fetch(host: &Host<'_>, key: &KmsKey, name: &str) -> Result<(Vec<u8>, Shape), HostError> {
    let ids: Vec<&str> = key.ids().collect();
    // "(any)" leaves the choice to the plugin, whose option --key-type it follows.
    let key_type = crate::abi::SecureKeyType::from_name(&key.key_type);
    import_blobs(host, name, &ids, key_type)
}

/// Imports the keys `ids` one after the other; the plugin has as much room for the second one as
/// the first one takes.
pub(super) fn import_blobs(
    host: &Host<'_>,
    name: &str,
    ids: &[&str],
    key_type: Option<crate::abi::SecureKeyType>,
) -> Result<(Vec<u8>, Shape), HostError> {
    let bound = host.bound()?;
    let wrong = || HostError::NotThatKey {
        plugin: bound.plugin().to_owned(),
        key: name.to_owned(),
        wanted: key_type.map_or_else(|| "any".to_owned(), |wanted| wanted.name().to_owned()),
    };
    let mut blob = Vec::new();
    let mut shape: Option<Shape> = None;
    for id in ids {
        let room = shape.map_or(IMPORT_ROOM, Shape::size);
        let result = bound.session.import_key(id, key_type, room);
        let part = bound.call(format!("import key '{name}'"), result)?;
        let found = Shape::of(&part).ok_or_else(wrong)?;
        if shape.is_some_and(|first| first != found)
            || key_type.is_some_and(|wanted| wanted != found.key_type())
        {
            return Err(wrong());
        }
        blob.extend_from_slice(&part[..found.size()]);
        shape = Some(found);
    }
    Ok((blob, shape.ok_or_else(wrong)?))
}
