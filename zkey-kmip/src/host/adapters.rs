//! What the kernel tells about cryptographic adapters, in `/sys/bus/ap`.
//!
//! On a machine without such adapters there is no such directory, and nothing is checked. The
//! variable `SYSFS_ROOT` names another place than `/sys`, as in zkey.

use std::fs;
use std::path::PathBuf;

use super::association::AssociationError;
use crate::abi::{Apqn, SecureKeyType};
use crate::environment;

/// The modes of an adapter that make secure keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdapterMode {
    /// Common Cryptographic Architecture.
    Cca,
    /// Enterprise PKCS #11.
    Ep11,
}

impl AdapterMode {
    /// The mode that makes keys of this type.
    pub(super) fn of(key_type: SecureKeyType) -> AdapterMode {
        match key_type {
            SecureKeyType::Ep11Aes => AdapterMode::Ep11,
            SecureKeyType::CcaAesData | SecureKeyType::CcaAesCipher => AdapterMode::Cca,
        }
    }
}

/// The adapters of this machine.
#[derive(Debug, Clone)]
pub(super) struct Adapters {
    /// `devices` of the AP bus, where there is one.
    devices: Option<PathBuf>,
}

impl Adapters {
    /// Those of this machine.
    pub(super) fn of_this_machine() -> Self {
        let root = environment::variable("SYSFS_ROOT").map_or_else(|| "/sys".into(), PathBuf::from);
        let devices = root.join("bus/ap/devices");
        Adapters {
            devices: Some(devices).filter(|devices| devices.is_dir()),
        }
    }

    /// Whether the machine has an AP bus at all.
    pub(super) fn are_known(&self) -> bool {
        self.devices.is_some()
    }

    /// The mode of an adapter; `None` when it is not there, or is an accelerator, or when the
    /// machine does not tell.
    pub(super) fn mode(&self, apqn: Apqn) -> Option<AdapterMode> {
        let kind = self.read(&format!("card{:02x}/type", apqn.card))?;
        // "CEX8C", "CEX8P", "CEX8A"
        match kind.trim().strip_prefix("CEX")?.chars().last()? {
            'C' => Some(AdapterMode::Cca),
            'P' => Some(AdapterMode::Ep11),
            _ => None,
        }
    }

    /// Checks that an APQN can be used.
    ///
    /// # Errors
    /// The machine has an AP bus, and the APQN is not there, not online, or of another mode than
    /// the wanted ones.
    pub(super) fn check(&self, apqn: Apqn, wanted: &[AdapterMode]) -> Result<(), AssociationError> {
        if !self.are_known() {
            return Ok(());
        }
        let card = format!("card{:02x}", apqn.card);
        let on = |path: String| self.read(&path).is_some_and(|text| text.trim() == "1");
        // Neither kernel message nor card is wrong when the attribute is missing in old kernels.
        let broken = |path: String| self.read(&path).is_some_and(|text| text.trim() == "1");
        let queue = format!("{card}/{apqn}");
        let usable = self.mode(apqn).is_some_and(|mode| wanted.contains(&mode))
            && (on(format!("{queue}/online")) || on(format!("{apqn}/online")))
            && on(format!("{card}/online"))
            && !broken(format!("{card}/chkstop"))
            && !broken(format!("{queue}/chkstop"));
        if usable {
            Ok(())
        } else {
            Err(AssociationError::ApqnNotOnline(apqn))
        }
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.devices.as_ref()?.join(path)).ok()
    }
}
