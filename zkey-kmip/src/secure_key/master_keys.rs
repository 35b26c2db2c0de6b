//! Which master keys adapters have, and whether several have the same.

use super::backend::{Register, VerificationPattern};
use super::error::SecureKeyError;
use super::spec::CardType;
use crate::abi::Apqn;

/// What is in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterContent {
    /// Nothing that can be used.
    Empty,
    /// A master key of which parts are missing, or that is not committed.
    Unfinished,
    /// This master key.
    Key(VerificationPattern),
}

/// The registers of one kind of master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MasterKeyPatterns {
    /// The former master key; EP11 adapters have none.
    pub old: RegisterContent,
    /// The master key in use.
    pub current: RegisterContent,
    /// The master key to come.
    pub new: RegisterContent,
}

impl MasterKeyPatterns {
    /// Reads the attribute `mkvps` of a queue in sysfs: lines like `AES CUR: valid 0x12...`.
    pub(super) fn parse(text: &str, card_type: CardType) -> Option<MasterKeyPatterns> {
        let kind = card_type.master_key_kind();
        let register = |name: &str| {
            text.lines().find_map(|line| {
                let mut words = line.split_whitespace();
                let is_it =
                    words.next() == Some(kind) && words.next()?.trim_end_matches(':') == name;
                is_it
                    .then(|| content(words.next()?, words.next()))
                    .flatten()
            })
        };
        Some(MasterKeyPatterns {
            old: register("OLD").unwrap_or(RegisterContent::Empty),
            current: register("CUR")?,
            new: register("NEW").unwrap_or(RegisterContent::Empty),
        })
    }

    /// Where a master key is; `pattern` may be only the beginning of its pattern.
    pub fn find(&self, pattern: &[u8]) -> Option<Register> {
        let registers = [
            (Register::Current, self.current),
            (Register::Old, self.old),
            (Register::New, self.new),
        ];
        let holds = |content| match content {
            RegisterContent::Key(key) => !pattern.is_empty() && key.0.starts_with(pattern),
            RegisterContent::Empty | RegisterContent::Unfinished => false,
        };
        let found = registers.into_iter().find(|(_, content)| holds(*content));
        found.map(|(register, _)| register)
    }
}

fn content(state: &str, pattern: Option<&str>) -> Option<RegisterContent> {
    Some(match state {
        "valid" | "full" | "committed" => {
            let digits = pattern?.strip_prefix("0x")?;
            let mut bytes = [0; 16];
            for (at, byte) in bytes.iter_mut().enumerate().take(digits.len() / 2) {
                *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
            }
            RegisterContent::Key(VerificationPattern(bytes))
        }
        "partial" | "uncommitted" => RegisterContent::Unfinished,
        _ => RegisterContent::Empty,
    })
}

/// Checks that all APQNs have the same valid master key of this kind in CURRENT, and remarks what
/// else is notable.
pub(super) fn compare(
    kind: &'static str,
    apqns: &[(Apqn, MasterKeyPatterns)],
) -> Result<Vec<String>, SecureKeyError> {
    let mut remarks = Vec::new();
    let Some((first, first_keys)) = apqns.first() else {
        return Ok(remarks);
    };
    for (apqn, keys) in apqns {
        let RegisterContent::Key(pattern) = keys.current else {
            return Err(SecureKeyError::NoMasterKey { apqn: *apqn, kind });
        };
        match first_keys.current {
            RegisterContent::Key(first_pattern) if first_pattern != pattern => {
                return Err(SecureKeyError::MasterKeyMismatch {
                    kind,
                    first: *first,
                    first_pattern,
                    other: *apqn,
                    other_pattern: pattern,
                });
            }
            _ => {}
        }
        match keys.new {
            RegisterContent::Unfinished => remarks.push(format!(
                "APQN {apqn}: the NEW {kind} master key is not complete"
            )),
            RegisterContent::Key(new) => remarks.push(format!(
                "APQN {apqn}: the NEW {kind} master key register holds {new}: re-encipher the \
                 keys before it is set"
            )),
            RegisterContent::Empty => {}
        }
        if keys.old == keys.current {
            remarks.push(format!(
                "APQN {apqn}: the OLD and the CURRENT {kind} master key are the same"
            ));
        }
        for (register, own, other) in [
            (Register::Old, keys.old, first_keys.old),
            (Register::New, keys.new, first_keys.new),
        ] {
            if own != other {
                remarks.push(format!(
                    "the {register} {kind} master keys of APQN {first} and APQN {apqn} differ"
                ));
            }
        }
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CCA: &str = "AES NEW: full 0x0102030405060708\nAES CUR: valid 0xa1a2a3a4a5a6a7a8\n\
        AES OLD: invalid 0x0000000000000000\nAPKA CUR: valid 0xffffffffffffffff\n";

    fn apqn(domain: u16) -> Apqn {
        Apqn { card: 1, domain }
    }

    #[test]
    fn sysfs_is_understood() {
        let keys = MasterKeyPatterns::parse(CCA, CardType::Cca).unwrap();
        assert_eq!(keys.old, RegisterContent::Empty);
        assert_eq!(keys.find(&[0xa1, 0xa2]), Some(Register::Current));
        assert_eq!(keys.find(&[1, 2, 3, 4, 5, 6, 7, 8]), Some(Register::New));
        assert_eq!(keys.find(&[0; 8]), None);
        assert_eq!(keys.find(&[]), None);
        let wk = format!("WK CUR: valid 0x{}\nWK NEW: empty -\n", "ab".repeat(32));
        let keys = MasterKeyPatterns::parse(&wk, CardType::Ep11).unwrap();
        assert_eq!(keys.find(&[0xab; 16]), Some(Register::Current));
        for bad in [
            "",
            "WK CUR: valid",
            "WK CUR: valid 0xzz",
            "WK CUR: valid 12",
            "WK",
        ] {
            assert_eq!(MasterKeyPatterns::parse(bad, CardType::Ep11), None, "{bad}");
        }
        assert_eq!(MasterKeyPatterns::parse(CCA, CardType::Ep11), None);
    }

    #[test]
    fn different_master_keys_are_found() {
        let keys = MasterKeyPatterns::parse(CCA, CardType::Cca).unwrap();
        let other = MasterKeyPatterns {
            current: keys.new,
            ..keys
        };
        let remarks = compare("AES", &[(apqn(1), keys), (apqn(2), keys)]).unwrap();
        assert!(remarks[0].contains("01.0001") && remarks[0].contains("0102030405060708"));
        let error = compare("AES", &[(apqn(1), keys), (apqn(2), other)]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("01.0002 (0102030405060708)"), "{text}");
        let none = MasterKeyPatterns {
            current: RegisterContent::Empty,
            ..keys
        };
        let error = compare("AES", &[(apqn(1), keys), (apqn(2), none)]).unwrap_err();
        assert!(matches!(error, SecureKeyError::NoMasterKey { .. }));
        let stale = MasterKeyPatterns {
            new: RegisterContent::Empty,
            old: keys.current,
            ..keys
        };
        let remarks = compare("AES", &[(apqn(1), stale), (apqn(2), keys)]).unwrap();
        assert!(remarks.iter().any(|text| text.contains("same")));
        assert!(remarks.iter().any(|text| text.contains("differ")));
        assert_eq!(compare("AES", &[]).unwrap(), Vec::<String>::new());
    }
}
