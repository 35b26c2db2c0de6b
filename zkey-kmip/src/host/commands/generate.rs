//! `generate`: a key that is born at the key management system.

use super::keys::whole_record;
use super::{Bound, Host};
use crate::abi::load::GivenOption;
use crate::abi::values::KeyMode;
use crate::abi::{GeneratedKey, Property, SecureKeyType};
use crate::files;
use crate::host::association::{AssociationError, Change, Volume, join};
use crate::host::cli::Arguments;
use crate::host::environment;
use crate::host::error::HostError;
use crate::host::key_info::{self, NewKey, VolumeType};
use crate::host::passphrase::Passphrase;
use crate::host::repository::key::{KEY_ID, Key, KeyFiles, XTS_KEY1_ID, XTS_KEY2_ID};
use crate::host::token::Shape;

/// `generate`
pub(super) fn run(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    if arguments.flag("local") {
        return Err(HostError::LocalKey);
    }
    refuse_local_options(arguments)?;
    let xts = arguments.flag("xts");
    let bits = key_bits(arguments, xts)?;
    let description = arguments.text("description")?.unwrap_or_default();
    let volumes = volumes(arguments)?;
    let volume_type = match arguments.text("volume-type")? {
        Some(text) => text.parse()?,
        None => VolumeType::Luks2,
    };
    let sector_size = match arguments.text("sector-size")? {
        Some(text) => key_info::sector_size(&text)?,
        None => 0,
    };
    let wanted = arguments.text("key-type")?;
    let wanted = wanted.map(|text| key_info::key_type(&text)).transpose()?;

    let bound = host.bound()?;
    bound.login()?;
    let key_type = wanted.unwrap_or_else(|| bound.default_key_type());
    let files = host.repository.vacant(&arguments.required("name")?)?;
    let apqns = bound.apqns_for(key_type)?;
    if !arguments.flag("no-volume-check") {
        host.repository.check_volumes(&volumes, files.name())?;
    }
    let properties = NewKey {
        key_type,
        description: &description,
        volumes: &volumes,
        volume_type,
        sector_size,
        apqns: &apqns,
        plugin: bound.plugin(),
    }
    .properties()?;
    let passphrase = passphrase(arguments, volume_type)?;
    let mut key = Key::new(files, properties);
    let for_kms = kms_properties(&key, passphrase.as_ref());
    host.terminal
        .progress(format_args!("generating key '{}' at the KMS", key.name()));
    Generation {
        bound,
        key_type,
        bits,
        options: &arguments.plugin,
    }
    .run(&mut key, for_kms, passphrase.as_ref(), xts)?;
    host.report.set("key", whole_record(&key).into_json());
    Ok(())
}

/// zkey has these options for keys that it generates itself.
fn refuse_local_options(arguments: &Arguments) -> Result<(), HostError> {
    let given = [
        ("--apqns", arguments.path("apqns").is_some()),
        ("--clearkey", arguments.path("clearkey").is_some()),
        ("--exportable", arguments.flag("exportable")),
        ("--wrap-with-trusted", arguments.flag("wrap-with-trusted")),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(HostError::DoesNotFit {
            option,
            fits: "local keys, which this program does not generate",
        }),
        None => Ok(()),
    }
}

fn key_bits(arguments: &Arguments, xts: bool) -> Result<usize, HostError> {
    let Some(text) = arguments.text("keybits")? else {
        return Ok(0);
    };
    match (text.as_str(), xts) {
        ("128", _) => Ok(128),
        ("192", false) => Ok(192),
        ("256", _) => Ok(256),
        _ => Err(HostError::BadValue {
            what: "size of a key",
            given: text,
            allowed: "128, 192 or 256, and for XTS 128 or 256",
        }),
    }
}

fn volumes(arguments: &Arguments) -> Result<Vec<Volume>, HostError> {
    let text = arguments.text("volumes")?.unwrap_or_default();
    let change = Change::<Volume>::parse(&text)?;
    match change {
        Change::Set(_) => Ok(change.apply(&[])?),
        // There is nothing yet to add to or remove from.
        Change::Add(list) | Change::Remove(list) => {
            Err(AssociationError::NotThere(join(&list)).into())
        }
    }
}

fn passphrase(
    arguments: &Arguments,
    volume_type: VolumeType,
) -> Result<Option<Passphrase>, HostError> {
    let passphrase = if arguments.flag("gen-dummy-passphrase") {
        Some(Passphrase::generate()?)
    } else {
        let file = arguments.path("set-dummy-passphrase");
        file.map(Passphrase::read).transpose()?
    };
    if passphrase.is_some() && volume_type != VolumeType::Luks2 {
        return Err(HostError::DoesNotFit {
            option: "a dummy passphrase",
            fits: "keys for volumes of type LUKS2",
        });
    }
    Ok(passphrase)
}

/// What the key management system is to keep with the key, in zkey's order.
fn kms_properties(key: &Key, passphrase: Option<&Passphrase>) -> Vec<Property<'static>> {
    let of_key = |name: &str| key.get(name).unwrap_or_default().to_owned();
    let volumes_here = format!("volumes-{}", environment::system_name());
    let mut properties = vec![
        Property::new("zkey-name", key.name().to_owned()),
        Property::new("cipher", of_key("cipher")),
        Property::new("iv-mode", of_key("iv-mode")),
        Property::new("description", of_key("description")),
        Property::new("volumes", of_key("volumes")),
        Property::new(volumes_here, of_key("volumes")),
        Property::new("volume-type", of_key("volume-type")),
        Property::new("sector-size", of_key("sector-size")),
    ];
    if let Some(passphrase) = passphrase {
        properties.push(passphrase.property());
    }
    properties
}

/// One run of the plugin's generation.
struct Generation<'a> {
    bound: &'a Bound<'a>,
    key_type: SecureKeyType,
    bits: usize,
    options: &'a [GivenOption],
}

impl Generation<'_> {
    fn run(
        &self,
        key: &mut Key,
        mut properties: Vec<Property<'static>>,
        passphrase: Option<&Passphrase>,
        xts: bool,
    ) -> Result<(), HostError> {
        // Before the key is made: a full or read-only disk shows here, when nothing is lost yet.
        key.files.check_room()?;
        if let Some(passphrase) = passphrase {
            passphrase.store(&key.files)?;
        }
        let mut ids = Vec::new();
        let result = if xts {
            self.pair(key, &mut properties, &mut ids)
        } else {
            self.single(key, &properties, &mut ids)
        }
        .and_then(|blob| store(key, &blob));
        result.map_err(|source| {
            self.clean_up(&key.files);
            if ids.is_empty() {
                return source;
            }
            let (key, ids) = (key.name().to_owned(), ids.join(" and "));
            let by_plugin = matches!(source, HostError::Plugin { .. });
            let source = Box::new(source);
            match by_plugin {
                // Then it was a pair, and the plugin says what became of it.
                true => HostError::Unpaired { key, ids, source },
                false => HostError::Stranded { key, ids, source },
            }
        })
    }

    fn single(
        &self,
        key: &mut Key,
        properties: &[Property<'_>],
        ids: &mut Vec<String>,
    ) -> Result<Vec<u8>, HostError> {
        let (blob, made) = self.generate(key.name(), KeyMode::NonXts, properties, None, ids)?;
        key.set(KEY_ID, &made.key_id)?;
        key.set("kms-key-label", &made.label)?;
        Ok(blob)
    }

    fn pair(
        &self,
        key: &mut Key,
        properties: &mut Vec<Property<'static>>,
        ids: &mut Vec<String>,
    ) -> Result<Vec<u8>, HostError> {
        let half = properties.len();
        properties.push(Property::new("xts-key", "XTS-KEY-1"));
        let (mut blob, first) = self.generate(key.name(), KeyMode::Xts1, properties, None, ids)?;
        key.set(XTS_KEY1_ID, &first.key_id)?;
        key.set("kms-xts-key1-label", &first.label)?;
        properties[half] = Property::new("xts-key", "XTS-KEY-2");
        properties.push(Property::new("xts-key1-id", first.key_id.clone()));
        properties.push(Property::new("xts-key1-label", first.label));
        let room = Some(blob.len());
        let (other, second) = self.generate(key.name(), KeyMode::Xts2, properties, room, ids)?;
        key.set(XTS_KEY2_ID, &second.key_id)?;
        key.set("kms-xts-key2-label", &second.label)?;
        let link = [
            Property::new("xts-key2-id", second.key_id),
            Property::new("xts-key2-label", second.label),
        ];
        let result = self.bound.session.set_key_properties(&first.key_id, &link);
        let action = format!("link the two keys of key '{}'", key.name());
        self.bound.call(action, result)?;
        blob.extend_from_slice(&other);
        Ok(blob)
    }

    /// Generates one key. The second one of a pair has as much room as the first one took.
    fn generate(
        &self,
        name: &str,
        mode: KeyMode,
        properties: &[Property<'_>],
        room: Option<usize>,
        ids: &mut Vec<String>,
    ) -> Result<(Vec<u8>, GeneratedKey), HostError> {
        let room = room.unwrap_or(Shape::room_for(self.key_type));
        let session = &self.bound.session;
        let made = session.generate_key(
            self.key_type,
            self.bits,
            mode,
            properties,
            self.options,
            room,
        );
        let made = self.bound.call(format!("generate key '{name}'"), made)?;
        ids.push(made.key_id.clone());
        let shape = Shape::of(&made.blob).filter(|shape| shape.key_type() == self.key_type);
        let shape = shape.ok_or_else(|| HostError::NotThatKey {
            plugin: self.bound.plugin().to_owned(),
            key: name.to_owned(),
            wanted: self.key_type.name().to_owned(),
        })?;
        let blob = made.blob[..shape.size()].to_vec();
        Ok((blob, made))
    }

    fn clean_up(&self, files: &KeyFiles) {
        // The key is not there without its properties; the rest is only untidy.
        for path in [files.skey(), files.pass()] {
            let _ = files::remove_if_present(&path);
        }
    }
}

/// Writes a new key: the properties last, since the key is there when they are.
pub(super) fn store(key: &Key, blob: &[u8]) -> Result<(), HostError> {
    key.files.write_skey(blob)?;
    key.save()
}
