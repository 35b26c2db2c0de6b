//! CSUACFV, CSUACFQ, CSUACRA, CSUACRD: version, state, and the choice of an adapter.

use emulated_card::{Kind, MasterKey, Registers};

use super::{Parameters, Result, wrong_rules};
use crate::adapter::{Adapter, resource_number};
use crate::codes::{
    ALLOCATED, Code, NO_MASTER_KEY, NOT_ALLOCATED, OK, RESOURCE, RESOURCE_LENGTH, SIZE,
};

pub(super) fn version(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let version = adapter.machine.cca_version.clone().into_bytes();
    parameters.set(0, version)?;
    Ok(OK)
}

pub(super) fn query(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["STATCRD2", "STATCCA ", "STATICSB"])?;
    match rules[..] {
        ["STATCRD2"] => {
            let number = adapter.cards().count();
            let serial = match adapter.card() {
                Ok(card) => card.serial.clone(),
                // The library tells the number of adapters also if it has none.
                Err(_) if number == 0 => String::new(),
                Err(code) => return Err(code),
            };
            let mut elements = elements(16);
            put(&mut elements, 0, &number.to_string());
            put(&mut elements, 14, &serial);
            parameters.set_rules(elements);
        }
        ["STATCCA "] => {
            let apqn = adapter.ready()?;
            let firmware = adapter.card()?.firmware.clone();
            let domain = adapter.machine.domain(apqn);
            let registers = domain.and_then(|domain| domain.registers.get(&Kind::Aes));
            let mut elements = elements(12);
            if let Some(registers) = registers {
                put_states(&mut elements, 0, registers);
            }
            put(&mut elements, 3, &firmware);
            parameters.set_rules(elements);
        }
        ["STATICSB"] => return static_information(adapter, parameters),
        _ => return Err(wrong_rules(&rules, &[1])),
    }
    Ok(OK)
}

/// States of the APKA registers, and patterns of all master keys.
fn static_information(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    const LENGTH: usize = 240;
    let apqn = adapter.ready()?;
    let domain = adapter.machine.domain(apqn).ok_or(NO_MASTER_KEY)?;
    let empty = Registers::default();
    let of = |kind: Kind| domain.registers.get(&kind).unwrap_or(&empty);
    if parameters.bytes(1)?.len() < LENGTH {
        return Err(SIZE);
    }
    let mut elements = elements(13);
    put_states(&mut elements, 10, of(Kind::Apka));
    let mut data = Vec::with_capacity(LENGTH);
    let mut record = |id: u16, content: &[u8]| {
        data.extend((content.len() as u16 + 4).to_be_bytes());
        data.extend(id.to_be_bytes());
        data.extend(content);
    };
    // The master keys for DES and for PKA tokens of former times are not loaded.
    (1..=6).for_each(|id| record(id, &[0; 16]));
    (7..=10).for_each(|id| record(id, &[0; 8]));
    for (first, kind) in [(11, Kind::Aes), (14, Kind::Apka)] {
        let registers = of(kind);
        let keys = [&registers.old, &registers.current, &registers.new];
        for (id, key) in (first..).zip(keys) {
            let pattern = key.as_ref().map_or([0; 32], MasterKey::pattern);
            record(id, &pattern[..8]);
        }
    }
    parameters.set_rules(elements);
    parameters.set(1, data)?;
    Ok(OK)
}

fn elements(count: usize) -> Vec<u8> {
    vec![b' '; count * 8]
}

fn put(elements: &mut [u8], element: usize, text: &str) {
    let text = &text.as_bytes()[..text.len().min(8)];
    elements[element * 8..][..text.len()].copy_from_slice(text);
}

/// NEW: 1 empty, 2 partial, 3 full. CURRENT and OLD: 1 invalid, 2 valid.
fn put_states(elements: &mut [u8], first: usize, registers: &Registers) {
    let new = match (&registers.new, registers.new_is_unfinished) {
        (None, _) => "1",
        (Some(_), true) => "2",
        (Some(_), false) => "3",
    };
    let valid = |key: &Option<MasterKey>| if key.is_some() { "2" } else { "1" };
    put(elements, first, new);
    put(elements, first + 1, valid(&registers.current));
    put(elements, first + 2, valid(&registers.old));
}

pub(super) fn allocate(adapter: Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    match resource(&adapter, parameters)? {
        Resource::Any => adapter.session.no_automatic_choice = false,
        Resource::Device(_) if adapter.session.allocated.is_some() => return Err(ALLOCATED),
        Resource::Device(number) => adapter.session.allocated = Some(number),
    }
    Ok(OK)
}

pub(super) fn deallocate(adapter: Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    match resource(&adapter, parameters)? {
        Resource::Any => adapter.session.no_automatic_choice = true,
        Resource::Device(number) if adapter.session.allocated == Some(number) => {
            adapter.session.allocated = None;
        }
        Resource::Device(_) => return Err(NOT_ALLOCATED),
    }
    Ok(OK)
}

enum Resource {
    Device(usize),
    Any,
}

fn resource(
    adapter: &Adapter<'_>,
    parameters: &Parameters<'_>,
) -> std::result::Result<Resource, Code> {
    let rules = parameters.rules(&["DEVICE  ", "DEV-ANY "])?;
    let name = parameters.bytes(1)?;
    if !(5..=8).contains(&name.len()) {
        return Err(RESOURCE_LENGTH);
    }
    match rules[..] {
        ["DEV-ANY "] if name.starts_with(b"CRP00") => Ok(Resource::Any),
        ["DEVICE  "] => match resource_number(name) {
            Some(number) if number <= adapter.cards().count() => Ok(Resource::Device(number)),
            _ => Err(RESOURCE),
        },
        ["DEV-ANY "] => Err(RESOURCE),
        _ => Err(wrong_rules(&rules, &[1])),
    }
}
