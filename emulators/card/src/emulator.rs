//! A machine in a directory.

use std::ffi::c_void;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::{Apqn, Machine, library, location, sysfs};

/// Environment variable that names the directory of a machine.
pub const DIRECTORY_VARIABLE: &str = "KMIP_EMULATOR_DIR";

const STATE: &str = "machine.json";
const CALLS: &str = "calls";

/// A machine in a directory, which several processes can use.
#[derive(Debug, Clone)]
pub struct Emulator {
    directory: PathBuf,
}

impl Emulator {
    /// Puts a machine into a directory, which is made if it is not there.
    ///
    /// # Panics
    /// It cannot be written: this is for tests.
    pub fn create(directory: &Path, machine: &Machine) -> Emulator {
        fs::create_dir_all(directory).expect("the directory of the emulator");
        let emulator = Emulator {
            directory: directory.to_owned(),
        };
        emulator.store(machine);
        emulator
    }

    /// The machine of a library, for that library itself: `symbol` is the address of anything in
    /// it. Nothing if there is no machine.
    pub fn of_library(symbol: *const c_void) -> Option<Emulator> {
        let directory = match std::env::var_os(DIRECTORY_VARIABLE) {
            Some(directory) => PathBuf::from(directory),
            None => {
                let library = location::library_of(symbol)?;
                library.parent()?.parent()?.to_owned()
            }
        };
        let has_state = directory.join(STATE).is_file();
        has_state.then_some(Emulator { directory })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The tree for `SYSFS_ROOT`.
    pub fn sysfs_root(&self) -> PathBuf {
        self.directory.join("sys")
    }

    /// The directory for `LD_LIBRARY_PATH`.
    pub fn library_directory(&self) -> PathBuf {
        self.directory.join("lib")
    }

    /// Copies a library into [`Emulator::library_directory`] under the name `name`. A copy has
    /// static variables of its own in a process that loads several.
    ///
    /// # Panics
    /// It cannot be copied.
    pub fn install(&self, library: &Path, name: &str) -> PathBuf {
        library::install(library, &self.library_directory().join(name))
    }

    /// The machine as it is now.
    ///
    /// # Panics
    /// The state cannot be read.
    pub fn machine(&self) -> Machine {
        let text = fs::read(self.directory.join(STATE)).expect("the state of the emulator");
        serde_json::from_slice(&text).expect("the state of the emulator is JSON")
    }

    /// Changes the machine, and sysfs with it. Changes exclude each other.
    ///
    /// # Panics
    /// The state cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut Machine) -> T) -> T {
        let lock = File::create(self.directory.join("lock")).expect("a lock file");
        flock(&lock, FlockOperation::LockExclusive).expect("a lock");
        let mut machine = self.machine();
        let result = change(&mut machine);
        self.store(&machine);
        result
    }

    fn store(&self, machine: &Machine) {
        let text = serde_json::to_vec_pretty(machine).expect("JSON");
        let path = self.directory.join(STATE);
        let new = path.with_extension("new");
        fs::write(&new, text).expect("the state of the emulator");
        fs::rename(&new, &path).expect("the state of the emulator");
        sysfs::write(&self.sysfs_root(), machine).expect("the tree of sysfs");
    }

    /// Notes a call of a library.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn note(&self, call: &str, apqn: Option<Apqn>) {
        let place = apqn.map_or_else(|| "-".to_owned(), |apqn| apqn.to_string());
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.join(CALLS));
        // One write, so that the lines of several processes do not mix.
        let line = format!("{call} {place}\n");
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the list of calls");
    }

    /// The calls so far, in their order: symbol, and APQN or `-`.
    pub fn calls(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.directory.join(CALLS)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines
            .map(|(call, place)| (call.to_owned(), place.to_owned()))
            .collect()
    }

    /// How often `call` was called.
    pub fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|(name, _)| name == call).count()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        // It is not there before the first call.
        let _ = fs::remove_file(self.directory.join(CALLS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Mode, Register};

    const APQNS: [Apqn; 2] = [Apqn::new(3, 0x39), Apqn::new(0x1a, 5)];

    #[test]
    fn changes_are_seen_by_others_and_in_sysfs() {
        let directory = tempfile::tempdir().unwrap();
        let emulator = Emulator::create(directory.path(), &Machine::new(Mode::Cca, &APQNS));
        let read = |path: &str| fs::read_to_string(emulator.sysfs_root().join(path)).unwrap();
        assert_eq!(read("bus/ap/devices/card1a/type"), "CEX8C\n");
        assert_eq!(read("bus/ap/devices/card1a/1a.0005/online"), "1\n");
        let mkvps = read("bus/ap/devices/card03/03.0039/mkvps");
        assert_eq!(mkvps, read("devices/ap/card1a/1a.0005/mkvps"));
        assert!(mkvps.starts_with("AES NEW: empty 0x0000000000000000\nAES CUR: valid 0x"));

        emulator.change(|machine| {
            machine.card_mut(3).online = false;
            machine.load_new(Kind::Aes);
        });
        assert!(!emulator.machine().is_online(APQNS[0]));
        assert_eq!(read("bus/ap/devices/card03/online"), "0\n");
        assert!(read("bus/ap/devices/card1a/1a.0005/mkvps").starts_with("AES NEW: full 0x"));
        emulator.change(|machine| machine.set(Kind::Aes));
        let machine = emulator.machine();
        let registers = machine.registers(APQNS[1], Kind::Aes).unwrap();
        assert!(registers.get(Register::Old).is_some() && registers.new.is_none());
        let pattern = registers.old.as_ref().unwrap().pattern();
        assert_eq!(registers.find(&pattern[..8]).unwrap().0, Register::Old);
        assert!(registers.find(&[]).is_none());
    }

    #[test]
    fn ep11_has_its_own_tree() {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::new(Mode::Ep11, &APQNS[..1]);
        let emulator = Emulator::create(directory.path(), &machine);
        let queue = emulator
            .sysfs_root()
            .join("bus/ap/devices/card03/03.0039/mkvps");
        let mkvps = fs::read_to_string(queue).unwrap();
        let (first, second) = mkvps.trim_end().split_once('\n').unwrap();
        assert_eq!(first.len(), "WK CUR: valid 0x".len() + 64);
        assert_eq!(second, "WK NEW: empty -");
    }

    #[test]
    fn calls_are_noted() {
        let directory = tempfile::tempdir().unwrap();
        let emulator = Emulator::create(directory.path(), &Machine::new(Mode::Cca, &APQNS));
        emulator.note("CSUACFV", None);
        emulator.note("CSNDDSG", Some(APQNS[1]));
        assert_eq!(emulator.count("CSNDDSG"), 1);
        assert_eq!(emulator.calls()[1].1, "1a.0005");
        emulator.forget_calls();
        assert_eq!(emulator.count("CSNDDSG"), 0);
    }
}
