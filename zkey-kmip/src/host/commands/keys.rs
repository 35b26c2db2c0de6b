//! `list`, `remove` and `rename`.

use serde_json::Value;

use super::Host;
use crate::abi::Property;
use crate::host::association::split;
use crate::host::cli::Arguments;
use crate::host::environment;
use crate::host::error::HostError;
use crate::host::output::{self, Record};
use crate::host::repository::key::Key;
use crate::host::token::Token;

/// Half of a verification pattern.
const PATTERN_WIDTH: usize = 32;

/// `list`
pub(super) fn list(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let mut tally = super::Tally::default();
    let mut records = Vec::new();
    for key in host.repository.keys(&arguments.key_filter()?)? {
        tally.note(
            key.map(|key| records.push(whole_record(&key))),
            host.terminal,
        );
    }
    output::print(records, arguments.flag("json"), host.terminal)?;
    tally.finish()
}

/// All that the files of a key tell.
pub(super) fn whole_record(key: &Key) -> Record {
    let blob = std::fs::read(key.files.skey()).unwrap_or_default();
    let token = Token::read(&blob);
    record(Record::new("Key", key.name()), key, &blob, token.as_ref())
}

/// Adds what the files of a key tell.
pub(super) fn record(start: Record, key: &Key, blob: &[u8], token: Option<&Token>) -> Record {
    let apqns: Vec<&str> = split(key.get("apqns").unwrap_or_default()).collect();
    let ids = key.is_bound().then(|| key.kms_ids().ok()).flatten();
    let ids: Vec<&str> = ids.iter().flat_map(|ids| ids.iter()).collect();
    let xts = token.is_some_and(|token| token.xts);
    let bits = token.and_then(|token| token.clear_bits);
    let sector_size: u32 = key
        .get("sector-size")
        .and_then(|t| t.parse().ok())
        .unwrap_or(0);
    let skey = key.files.skey().display().to_string();
    let pass = key.files.passphrase_file();
    let pass = pass.map(|path| path.display().to_string());
    let pending = key.files.renc().exists();
    let reenciphered = key.get("reencipher-time");
    let reenciphered_text = match (reenciphered, pending) {
        (time, false) => time.unwrap_or("(never)").to_owned(),
        (time, true) => format!("{} (re-enciphering pending)", time.unwrap_or("(never)")),
    };
    start
        .optional("Description", key.get("description"), "", "description")
        .field(
            "Secure key size",
            format!("{} bytes", blob.len()),
            "secure_key_bytes",
            blob.len(),
        )
        .field(
            "Clear key size",
            bits.map_or("(unknown)".to_owned(), |bits| format!("{bits} bits")),
            "clear_key_bits",
            bits,
        )
        .field("XTS type key", if xts { "Yes" } else { "No" }, "xts", xts)
        .field("Key type", key.key_type(), "key_type", key.key_type())
        .lines("Volumes", &key.volumes(), "(none)", "volumes")
        .lines("APQNs", &apqns, "(none)", "apqns")
        .field("Key file name", skey.as_str(), "key_file", skey.as_str())
        .field(
            "Sector size",
            output::sector_size(sector_size),
            "sector_size",
            sector_size,
        )
        .field(
            "Volume type",
            key.volume_type(),
            "volume_type",
            key.volume_type(),
        )
        .divided(
            "Verification pattern",
            (key.get("verification-pattern"), PATTERN_WIDTH),
            "(not available)",
            "verification_pattern",
        )
        .optional("KMS", key.kms(), "(local)", "kms")
        .lines(
            "KMS key label",
            &key.kms_labels(),
            "(local)",
            "kms_key_labels",
        )
        .lines("KMS key ID", &ids, "(local)", "kms_key_ids")
        .optional(
            "Dummy passphrase",
            pass.as_deref(),
            "(none)",
            "dummy_passphrase_file",
        )
        .optional("Created", key.get("creation-time"), "", "created")
        .optional("Changed", key.get("update-time"), "(never)", "changed")
        .field(
            "Re-enciphered",
            reenciphered_text,
            "reenciphered",
            Value::from(reenciphered),
        )
}

/// `remove`
pub(super) fn remove(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let key = host.repository.key(&arguments.required("name")?)?;
    if !arguments.flag("force") {
        // LUKS2 volumes keep their own copy of the key.
        if !key.volumes().is_empty() && key.volume_type() != "LUKS2" {
            host.terminal.say(format_args!(
                "When you remove key '{}', these volumes will no longer be usable: {}",
                key.name(),
                key.volumes().join(", ")
            ))?;
        }
        if !host
            .terminal
            .confirm(&format!("Remove key '{}'", key.name()))?
        {
            return Err(HostError::Aborted {
                question: "the key stays",
            });
        }
    }
    if key.is_bound() {
        let bound = host.bound()?;
        bound.login()?;
        host.terminal
            .progress(format_args!("removing key '{}'", key.name()));
        for id in key.kms_ids()?.iter() {
            let result = bound.session.remove_key(id, &arguments.plugin);
            bound.call(format!("remove key '{}'", key.name()), result)?;
        }
    }
    key.files.remove()?;
    host.report.set("removed", key.name());
    Ok(())
}

/// `rename`
pub(super) fn rename(host: &Host<'_>, arguments: &Arguments) -> Result<(), HostError> {
    let key = host.repository.key(&arguments.required("name")?)?;
    let new = host.repository.vacant(&arguments.required("new-name")?)?;
    let bound = if key.is_bound() {
        let bound = host.bound()?;
        bound.login()?;
        Some(bound)
    } else {
        None
    };
    key.files.rename(&new)?;
    if let Some(bound) = bound {
        let here = format!("zkey-name-{}", environment::system_name());
        let property = [Property::new(here, new.name().to_owned())];
        if let Err(error) = bound.set_properties(&key, &property) {
            // Both sides have the old name again.
            new.rename(&key.files)?;
            return Err(error);
        }
    }
    host.report.set("former_name", key.name());
    let renamed = host.repository.key(new.name())?;
    host.report.set("key", whole_record(&renamed).into_json());
    if !key.volumes().is_empty() && key.volume_type() != "LUKS2" {
        host.terminal.say(format_args!(
            "These volumes use key '{}'. Adjust their entries in crypttab and scripts to the new \
             name: {}",
            new.name(),
            key.volumes().join(", ")
        ))?;
    }
    if let Some(file) = new.passphrase_file() {
        host.terminal.say(format_args!(
            "The dummy passphrase of key '{}' is now in {}. Adjust the entries in crypttab.",
            new.name(),
            file.display()
        ))?;
    }
    Ok(())
}
