//! The adapters that the kernel knows: the AP bus in sysfs (behaviour reference 9.1).

use std::fs;
use std::path::PathBuf;

use super::error::SecureKeyError;
use super::master_keys::{MasterKeyPatterns, compare};
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
    /// The adapter is too old.
    #[error("it is a {card_type} adapter of level CEX{level}, but CEX{} is needed", .card_type.minimum_level())]
    Level {
        /// Its type.
        card_type: CardType,
        /// Its level.
        level: u32,
    },
    /// The firmware of the adapter is too old.
    #[error("its firmware has interface level {found}, but {MINIMUM_EP11_API} is needed")]
    Api {
        /// The ordinal number of its interface.
        found: u32,
    },
    /// The kernel does not tell the serial number of the adapter.
    #[error("the kernel does not tell its serial number")]
    NoSerial,
    /// The host library does not know the adapter.
    #[error(
        "the host library knows no adapter with its serial number {serial}: check that the \
         adapter is available to this user"
    )]
    NotInLibrary {
        /// The serial number.
        serial: String,
    },
    /// The adapter is of another type than those configured.
    #[error("it is of type {found}, but {wanted} is configured")]
    WrongType {
        /// What it is.
        found: CardType,
        /// What it should be.
        wanted: CardType,
    },
}

/// The first interface of EP11 firmware with keys that the kernel can use.
const MINIMUM_EP11_API: u32 = 4;

/// An adapter as sysfs describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// Its type.
    pub card_type: CardType,
    /// Its level: 8 for Crypto Express8S.
    pub level: u32,
    /// Its serial number.
    pub serial: Option<String>,
    /// EP11: version of the firmware.
    pub firmware: Option<String>,
    /// EP11: ordinal number of the interface.
    pub api: Option<u32>,
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
        Ok(self.adapter(apqn)?.card_type)
    }

    /// The adapter of `apqn`.
    ///
    /// # Errors
    /// There is no such adapter, or one of another kind.
    pub fn adapter(&self, apqn: Apqn) -> Result<Adapter, SecureKeyError> {
        let attribute = |name: &str| self.read(&format!("card{:02x}/{name}", apqn.card));
        let text = attribute("type").ok_or_else(|| unusable(apqn, ApqnProblem::NoCard))?;
        let (card_type, level) =
            parse_type(&text).ok_or_else(|| unusable(apqn, ApqnProblem::UnknownType(text)))?;
        Ok(Adapter {
            card_type,
            level,
            serial: attribute("serialnr"),
            firmware: attribute("FW_version"),
            api: attribute("API_ordinalnr").and_then(|text| text.parse().ok()),
        })
    }

    /// The master keys of `apqn`, as far as sysfs tells: those for AES keys of CCA adapters, the
    /// wrapping keys of EP11 adapters.
    pub fn master_keys(&self, apqn: Apqn, card_type: CardType) -> Option<MasterKeyPatterns> {
        let text = self.read(&format!("card{:02x}/{apqn}/mkvps", apqn.card))?;
        MasterKeyPatterns::parse(&text, card_type)
    }

    /// Checks that all APQNs have the same valid master key (those of [`ApBus::master_keys`]) in
    /// CURRENT, and remarks other differences. APQNs that sysfs tells nothing of are left out.
    ///
    /// # Errors
    /// One has none, or another one.
    pub fn check_master_keys(
        &self,
        apqns: &[Apqn],
        card_type: CardType,
    ) -> Result<Vec<String>, SecureKeyError> {
        let known: Vec<_> = apqns
            .iter()
            .filter_map(|apqn| Some((*apqn, self.master_keys(*apqn, card_type)?)))
            .collect();
        compare(card_type.master_key_kind(), &known)
    }

    /// Checks that adapter and queue are there, switched on, of type `wanted`, and not too old.
    ///
    /// # Errors
    /// One of it is not so.
    pub fn check(&self, apqn: Apqn, wanted: CardType) -> Result<(), SecureKeyError> {
        let adapter = self.adapter(apqn)?;
        let found = adapter.card_type;
        if found != wanted {
            return Err(unusable(apqn, ApqnProblem::WrongType { found, wanted }));
        }
        let level = adapter.level;
        if level < wanted.minimum_level() {
            let card_type = wanted;
            return Err(unusable(apqn, ApqnProblem::Level { card_type, level }));
        }
        if let Some(found) = adapter.api.filter(|api| *api < MINIMUM_EP11_API) {
            return Err(unusable(apqn, ApqnProblem::Api { found }));
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

/// `CEX8C`: type and level.
fn parse_type(text: &str) -> Option<(CardType, u32)> {
    let rest = text.strip_prefix("CEX")?;
    let (level, card_type) = rest
        .strip_suffix('C')
        .map(|level| (level, CardType::Cca))
        .or_else(|| Some((rest.strip_suffix('P')?, CardType::Ep11)))?;
    Some((card_type, level.parse().ok()?))
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
        for old in ["CEX2C", "CEX6P"] {
            write(root.path(), "card03/type", old);
            let card_type = if old.ends_with('C') {
                CardType::Cca
            } else {
                CardType::Ep11
            };
            assert!(problem(&bus, card_type).unwrap().contains("level"), "{old}");
        }
        write(root.path(), "card03/type", "CEX7P\n");
        write(root.path(), "card03/API_ordinalnr", "3\n");
        assert!(problem(&bus, CardType::Ep11).unwrap().contains("firmware"));
        write(root.path(), "card03/API_ordinalnr", "4\n");
        assert_eq!(problem(&bus, CardType::Ep11), None);
        write(root.path(), "card03/type", "CEX8A\n");
        assert!(problem(&bus, CardType::Cca).unwrap().contains("CEX8A"));
        let other = Apqn { card: 4, ..APQN };
        assert!(bus.card_type(other).is_err());
    }
}
