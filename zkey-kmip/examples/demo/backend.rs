//! What makes the secure keys: software, or an emulated coprocessor behind its host library.

use std::path::{Path, PathBuf};

use emulated_card::{Apqn, Emulator, Kind, Machine, Mode};

use crate::programs::{Host, built};

/// The choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Software,
    Cca,
    Ep11,
}

impl Backend {
    pub(crate) fn from_name(name: &str) -> Result<Backend, String> {
        match name {
            "software" => Ok(Backend::Software),
            "cca" => Ok(Backend::Cca),
            "ep11" => Ok(Backend::Ep11),
            _ => Err(format!("`{name}` is no backend: use software, cca or ep11")),
        }
    }
}

/// The APQNs of emulated coprocessors: a domain on each of two adapters.
const APQNS: [Apqn; 2] = [Apqn::new(3, 0x39), Apqn::new(0x0a, 0x39)];

/// A chosen backend, ready to be used.
pub(crate) enum Coprocessor {
    /// With this file for the master key.
    Software(PathBuf),
    /// In this mode.
    Emulated(Emulator, Backend),
}

impl Coprocessor {
    pub(crate) fn provide(backend: Backend, directory: &Path) -> Result<Self, String> {
        let (mode, library, name) = match backend {
            Backend::Software => {
                let file = directory.join("software-master-key");
                return Ok(Coprocessor::Software(file));
            }
            Backend::Cca => (Mode::Cca, "deps/libcsulcca.so", "libcsulcca.so"),
            Backend::Ep11 => (Mode::Ep11, "deps/libep11.so", "libep11.so.4"),
        };
        let library = built(library)?;
        let machine = Machine::new(mode, &APQNS);
        let emulator = Emulator::create(&directory.join("coprocessors"), &machine);
        emulator.install(&library, name);
        Ok(Coprocessor::Emulated(emulator, backend))
    }

    pub(crate) fn description(&self) -> String {
        match self {
            Coprocessor::Software(_) => "none: software stands in for one".to_owned(),
            Coprocessor::Emulated(emulator, _) => {
                format!("two emulated ones in {}", emulator.directory().display())
            }
        }
    }

    /// The software backend takes any APQNs.
    pub(crate) fn apqns(&self) -> String {
        APQNS.map(|apqn| apqn.to_string()).join(",")
    }

    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        match self {
            Coprocessor::Software(file) => vec![
                ("ZKEY_KMIP_BACKEND", PathBuf::from("software")),
                ("ZKEY_KMIP_SOFTWARE_MASTER_KEY", file.clone()),
            ],
            Coprocessor::Emulated(emulator, _) => vec![
                ("SYSFS_ROOT", emulator.sysfs_root()),
                ("LD_LIBRARY_PATH", emulator.library_directory()),
            ],
        }
    }

    /// Loads a new master key, as the administrator of adapters does.
    pub(crate) fn load_master_key(&self, host: &Host) -> Result<(), String> {
        self.change_master_key(host, "load", Machine::load_new)
    }

    /// Makes the new master key the current one.
    pub(crate) fn set_master_key(&self, host: &Host) -> Result<(), String> {
        self.change_master_key(host, "set", Machine::set)
    }

    fn change_master_key(
        &self,
        host: &Host,
        verb: &str,
        change: fn(&mut Machine, Kind),
    ) -> Result<(), String> {
        let (emulator, kinds) = match self {
            Coprocessor::Software(_) => {
                return host.run(&["software-master-key", verb]).map(drop);
            }
            Coprocessor::Emulated(emulator, Backend::Ep11) => (emulator, &[Kind::Wk][..]),
            Coprocessor::Emulated(emulator, _) => (emulator, &[Kind::Aes, Kind::Apka][..]),
        };
        emulator.change(|machine| kinds.iter().for_each(|kind| change(machine, *kind)));
        Ok(())
    }

    /// Where the master keys are.
    pub(crate) fn master_keys(&self) -> PathBuf {
        match self {
            Coprocessor::Software(file) => file.clone(),
            Coprocessor::Emulated(emulator, _) => emulator.directory().join("machine.json"),
        }
    }

    /// How often coprocessors generated, signed and unwrapped; that they did proves that nobody
    /// else had the keys.
    pub(crate) fn counted(&self) -> Result<Option<String>, String> {
        let Coprocessor::Emulated(emulator, backend) = self else {
            return Ok(None);
        };
        let calls = match backend {
            Backend::Ep11 => ["m_GenerateKeyPair", "m_SignSingle", "m_UnwrapKey"],
            Backend::Software | Backend::Cca => ["CSNDPKG", "CSNDDSG", "CSNDSYI"],
        };
        let mut counted = Vec::new();
        for call in calls {
            let count = emulator.count(call);
            if count == 0 {
                return Err(format!("the coprocessors were never asked for {call}"));
            }
            counted.push(format!("{call} {count} times"));
        }
        Ok(Some(counted.join(", ")))
    }
}
