//! The adapters that the kernel knows: the AP bus in sysfs (behaviour reference 9.1).

use std::fs;
use std::path::PathBuf;

use super::error::SecureKeyError;
use super::spec::CardType;
use crate::abi::Apqn;
use crate::environment;

/// Environment variable that replaces `/sys`.
pub const SYSFS_VARIABLE: &str = "SYSFS_ROOT";

/// Why an APQN cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApqnProblem {
    /// The kernel does not know the card.
    #[error("there is no such adapter")]
    NoCard,
    /// The kernel does not know the queue.
    #[error("the adapter has no such domain")]
    NoQueue,
    /// Adapter or queue are switched off, deconfigured or check-stopped.
    #[error("it is not online")]
    Offline,
    /// The adapter is neither in CCA nor in EP11 mode.
    #[error("its type `{0}` is neither CCA nor EP11")]
    UnknownType(String),
    /// The adapter is of another type than those configured.
    #[error("it is of type {found}, but {wanted} is configured")]
    WrongType {
        /// What it is.
        found: CardType,
        /// What it should be.
        wanted: CardType,
    },
}

/// The AP bus.
#[derive(Debug, Clone)]
pub struct ApBus {
    devices: PathBuf,
}

impl ApBus {
    /// The bus of this machine, if it has one.
    pub fn system() -> Option<ApBus> {
        let root = environment::variable(SYSFS_VARIABLE).unwrap_or_else(|| "/sys".into());
        ApBus::below(PathBuf::from(root))
    }

    /// The bus in a tree like `/sys`, if there is one.
    pub fn below(sysfs: PathBuf) -> Option<ApBus> {
        let bus = sysfs.join("bus/ap");
        bus.is_dir().then(|| ApBus {
            devices: bus.join("devices"),
        })
    }

    /// The type of the adapter of `apqn`.
    ///
    /// # Errors
    /// There is no such adapter, or one of another kind.
    pub fn card_type(&self, apqn: Apqn) -> Result<CardType, SecureKeyError> {
        let text = self
            .read(&format!("card{:02x}/type", apqn.card))
            .ok_or_else(|| unusable(apqn, ApqnProblem::NoCard))?;
        match text
            .strip_prefix("CEX")
            .and_then(|rest| rest.chars().last())
        {
            Some('C') => Ok(CardType::Cca),
            Some('P') => Ok(CardType::Ep11),
            _ => Err(unusable(apqn, ApqnProblem::UnknownType(text))),
        }
    }

    /// Checks that adapter and queue are there, switched on, and of type `wanted`.
    ///
    /// # Errors
    /// One of it is not so.
    pub fn check(&self, apqn: Apqn, wanted: CardType) -> Result<(), SecureKeyError> {
        let found = self.card_type(apqn)?;
        if found != wanted {
            return Err(unusable(apqn, ApqnProblem::WrongType { found, wanted }));
        }
        let card = format!("card{:02x}", apqn.card);
        let queue = format!("{card}/{apqn}");
        if !self.devices.join(&queue).is_dir() {
            return Err(unusable(apqn, ApqnProblem::NoQueue));
        }
        if self.is_online(&card) && self.is_online(&queue) {
            Ok(())
        } else {
            Err(unusable(apqn, ApqnProblem::Offline))
        }
    }

    /// As [`ApBus::check`], with a choice of types.
    ///
    /// # Errors
    /// The APQN cannot be used, or is of none of the types.
    pub fn check_any(&self, apqn: Apqn, wanted: &[CardType]) -> Result<(), SecureKeyError> {
        let found = self.card_type(apqn)?;
        match wanted.first() {
            Some(first) if !wanted.contains(&found) => self.check(apqn, *first),
            _ => self.check(apqn, found),
        }
    }

    fn is_online(&self, device: &str) -> bool {
        let flag = |name: &str| {
            self.read(&format!("{device}/{name}"))
                .map(|text| text != "0")
        };
        flag("online").unwrap_or(false)
            && flag("config").unwrap_or(true)
            && !flag("chkstop").unwrap_or(false)
    }

    fn read(&self, attribute: &str) -> Option<String> {
        let text = fs::read_to_string(self.devices.join(attribute)).ok()?;
        Some(text.trim().to_owned())
    }
}

fn unusable(apqn: Apqn, problem: ApqnProblem) -> SecureKeyError {
    SecureKeyError::Apqn { apqn, problem }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const APQN: Apqn = Apqn {
        card: 3,
        domain: 0x39,
    };

    fn write(root: &Path, attribute: &str, text: &str) {
        let path = root.join("bus/ap/devices").join(attribute);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn problem(bus: &ApBus, wanted: CardType) -> Option<String> {
        bus.check(APQN, wanted).err().map(|error| error.to_string())
    }

    #[test]
    fn only_what_is_online_and_of_the_type_can_be_used() {
        let root = tempfile::tempdir().unwrap();
        assert!(ApBus::below(root.path().to_owned()).is_none());
        write(root.path(), "card03/type", "CEX8C\n");
        let bus = ApBus::below(root.path().to_owned()).unwrap();
        assert!(
            problem(&bus, CardType::Cca)
                .unwrap()
                .contains("no such domain")
        );
        write(root.path(), "card03/03.0039/online", "1\n");
        assert!(problem(&bus, CardType::Cca).unwrap().contains("not online"));
        write(root.path(), "card03/online", "1\n");
        assert_eq!(problem(&bus, CardType::Cca), None);
        assert!(problem(&bus, CardType::Ep11).unwrap().contains("type CCA"));
        for (attribute, bad, good) in [
            ("card03/config", "0", "1"),
            ("card03/chkstop", "1", "0"),
            ("card03/03.0039/config", "0", "1"),
            ("card03/03.0039/online", "0", "1"),
        ] {
            write(root.path(), attribute, bad);
            assert!(problem(&bus, CardType::Cca).is_some(), "{attribute}");
            write(root.path(), attribute, good);
            assert_eq!(problem(&bus, CardType::Cca), None, "{attribute}");
        }
        write(root.path(), "card03/type", "CEX8A\n");
        assert!(problem(&bus, CardType::Cca).unwrap().contains("CEX8A"));
        let other = Apqn { card: 4, ..APQN };
        assert!(bus.card_type(other).is_err());
    }
}
