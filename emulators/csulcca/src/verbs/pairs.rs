//! CSNDPKB, CSNDPKG, CSNDKTC: key pairs.

use emulated_card::{Kind, Register};

use super::{Parameters, Result, wrong_rules};
use crate::adapter::Adapter;
use crate::codes::{
    Code, KEYWORD, MASTER_KEY_PATTERN, NO_MASTER_KEY, NULL_POINTER, OK, RESERVED, TOKEN_CONSISTENCY,
};
use crate::pair::{Pair, Spec, Usage, read_skeleton, skeleton};

/// The largest token of a key pair.
const LARGEST: usize = 3500;

/// CSNDPKB: rules, key values, name, five reserved, token. Libraries before 6.0 only know key pairs
/// for both uses here, to have such a case.
pub(super) fn build(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    const USAGES: [&str; 3] = ["SIG-ONLY", "KEY-MGMT", "KM-ONLY "];
    let known = [
        "ECC-PAIR", "ECC-VER1", "RSA-AESC", USAGES[0], USAGES[1], USAGES[2],
    ];
    let rules = parameters.rules(&known)?;
    let values = parameters.bytes(1)?;
    let (spec, usage) = match rules[..] {
        ["ECC-PAIR", usage, "ECC-VER1"] => (Spec::ecc_from_values(values)?, usage),
        ["RSA-AESC", usage] => (Spec::rsa_from_values(values)?, usage),
        _ => return Err(wrong_rules(&rules, &[2, 3])),
    };
    let usage = Usage::from_keyword(usage).ok_or_else(|| wrong_rules(&rules, &[2, 3]))?;
    if adapter.machine.cca_version.as_str() < "6" && usage != Usage::Both {
        return Err(KEYWORD);
    }
    parameters.reserved(2..=7)?;
    parameters.set(8, skeleton(&spec, usage))?;
    Ok(OK)
}

/// CSNDPKG: rules, regeneration data, skeleton, transport key, token.
pub(super) fn generate(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["MASTER  ", "CLEAR   "])?;
    if rules != ["MASTER  "] {
        return Err(wrong_rules(&rules, &[1]));
    }
    parameters.reserved([1])?;
    if parameters.bytes(3)?.iter().any(|byte| *byte != 0) {
        return Err(RESERVED);
    }
    let (spec, usage) = read_skeleton(parameters.bytes(2)?)?;
    let registers = adapter.loaded(Kind::Apka)?;
    let master = registers.get(Register::Current).ok_or(NO_MASTER_KEY)?;
    let token = Pair::generate(spec, usage).seal(master);
    assert!(token.len() <= LARGEST, "no token is larger");
    parameters.set(4, token)?;
    Ok(OK)
}

/// CSNDKTC: rules, token.
pub(super) fn change(adapter: &Adapter<'_>, parameters: &mut Parameters<'_>) -> Result {
    let rules = parameters.rules(&["ECC     ", "RSA     ", "RTNMK   ", "RTCMK   "])?;
    let (algorithm, direction) = match rules[..] {
        [
            algorithm @ ("ECC     " | "RSA     "),
            direction @ ("RTNMK   " | "RTCMK   "),
        ] => (algorithm, direction),
        _ => return Err(wrong_rules(&rules, &[2])),
    };
    let (from, to) = step(direction);
    let registers = adapter.loaded(Kind::Apka)?;
    let target = registers.get(to).ok_or(NO_MASTER_KEY)?;
    registers.get(from).ok_or(NO_MASTER_KEY)?;
    let (pair, register) = Pair::open(parameters.bytes(1)?, registers)?;
    let is_rsa = matches!(pair.spec, Spec::Rsa { .. });
    if is_rsa != (algorithm == "RSA     ") {
        return Err(TOKEN_CONSISTENCY);
    }
    if register != from {
        return Err(MASTER_KEY_PATTERN);
    }
    parameters.set(1, pair.seal(target))?;
    Ok(OK)
}

/// From which register to which a keyword leads.
pub(super) fn step(direction: &str) -> (Register, Register) {
    match direction {
        "RTNMK   " => (Register::Current, Register::New),
        _ => (Register::Old, Register::Current),
    }
}

/// The key pair in a parameter, and the code of success.
pub(super) fn open(
    adapter: &Adapter<'_>,
    parameters: &Parameters<'_>,
    at: usize,
) -> std::result::Result<(Pair, Code), Code> {
    let registers = adapter.loaded(Kind::Apka)?;
    let token = parameters.bytes(at)?;
    if token.is_empty() {
        return Err(NULL_POINTER);
    }
    let (pair, register) = Pair::open(token, registers)?;
    Ok((pair, success(register)))
}

/// The use of a former master key is told.
pub(super) fn success(register: Register) -> Code {
    match register {
        Register::Old => crate::codes::OLD_MASTER_KEY,
        _ => OK,
    }
}
