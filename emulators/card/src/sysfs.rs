//! The tree of sysfs that goes with a machine: `devices/ap/cardCC/CC.DDDD`, and links to the
//! adapters in `bus/ap/devices`.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::{Card, Domain, Kind, Machine, MasterKey, Mode, Registers};

/// Writes the tree anew below `root`.
pub(crate) fn write(root: &Path, machine: &Machine) -> io::Result<()> {
    let bus = root.join("bus/ap/devices");
    let devices = root.join("devices/ap");
    for directory in [&bus, &devices] {
        fs::create_dir_all(directory)?;
    }
    remove_others(&bus, &devices, machine)?;
    for card in &machine.cards {
        let name = card_name(card);
        let directory = devices.join(&name);
        fs::create_dir_all(&directory)?;
        for (attribute, text) in card_attributes(card) {
            put(&directory.join(attribute), &text)?;
        }
        for domain in &card.domains {
            let queue = directory.join(format!("{:02x}.{:04x}", card.number, domain.number));
            fs::create_dir_all(&queue)?;
            for (attribute, text) in queue_attributes(card, domain) {
                put(&queue.join(attribute), &text)?;
            }
        }
        let link = bus.join(&name);
        if !link.exists() {
            symlink(format!("../../../devices/ap/{name}"), link)?;
        }
    }
    Ok(())
}

fn card_name(card: &Card) -> String {
    format!("card{:02x}", card.number)
}

fn remove_others(bus: &Path, devices: &Path, machine: &Machine) -> io::Result<()> {
    for entry in fs::read_dir(devices)? {
        let name = entry?.file_name();
        let is_there = |card: &Card| name.to_str() == Some(&card_name(card));
        if !machine.cards.iter().any(is_there) {
            fs::remove_file(bus.join(&name))?;
            fs::remove_dir_all(devices.join(&name))?;
        }
    }
    Ok(())
}

/// Replaces the file, since others may read it just now.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}

fn card_attributes(card: &Card) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("type", format!("CEX{}{}\n", card.level, card.mode.letter())),
        ("online", flag(card.online)),
        ("config", flag(true)),
        ("chkstop", flag(false)),
        ("serialnr", format!("{}\n", card.serial)),
    ];
    if card.mode == Mode::Ep11 {
        attributes.push(("FW_version", format!("{}\n", card.firmware)));
        attributes.push(("API_ordinalnr", format!("{}\n", card.api)));
    }
    attributes
}

fn queue_attributes(card: &Card, domain: &Domain) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("online", flag(domain.online)),
        ("config", flag(true)),
        ("chkstop", flag(false)),
    ];
    let of = |kind: Kind| domain.registers.get(&kind);
    match card.mode {
        Mode::Cca => {
            let text: String = [("AES", Kind::Aes), ("APKA", Kind::Apka)]
                .into_iter()
                .filter_map(|(name, kind)| Some(cca_patterns(name, of(kind)?)))
                .collect();
            attributes.push(("mkvps", text));
        }
        Mode::Ep11 => {
            let text = of(Kind::Wk).map(ep11_patterns).unwrap_or_default();
            attributes.push(("mkvps", text));
        }
        Mode::Accelerator => {}
    }
    attributes
}

fn cca_patterns(name: &str, registers: &Registers) -> String {
    let pattern = |key: &Option<MasterKey>| {
        let bytes = key.as_ref().map_or([0; 32], MasterKey::pattern);
        format!("0x{}", hex(&bytes[..8]))
    };
    let new_state = match (&registers.new, registers.new_is_unfinished) {
        (None, _) => "empty",
        (Some(_), true) => "partial",
        (Some(_), false) => "full",
    };
    let valid = |key: &Option<MasterKey>| if key.is_some() { "valid" } else { "invalid" };
    format!(
        "{name} NEW: {new_state} {}\n{name} CUR: {} {}\n{name} OLD: {} {}\n",
        pattern(&registers.new),
        valid(&registers.current),
        pattern(&registers.current),
        valid(&registers.old),
        pattern(&registers.old),
    )
}

fn ep11_patterns(registers: &Registers) -> String {
    let pattern = |key: &Option<MasterKey>| {
        let key = key.as_ref();
        key.map_or_else(
            || "-".to_owned(),
            |key| format!("0x{}", hex(&key.pattern())),
        )
    };
    let current = if registers.current.is_some() {
        "valid"
    } else {
        "invalid"
    };
    let new = match (&registers.new, registers.new_is_unfinished) {
        (None, _) => "empty",
        (Some(_), true) => "uncommitted",
        (Some(_), false) => "committed",
    };
    format!(
        "WK CUR: {current} {}\nWK NEW: {new} {}\n",
        pattern(&registers.current),
        pattern(&registers.new)
    )
}

fn flag(value: bool) -> String {
    format!("{}\n", u8::from(value))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
