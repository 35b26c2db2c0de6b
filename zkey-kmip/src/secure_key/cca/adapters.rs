//! The choice of an adapter and domain (behaviour reference 9.2).
//!
//! The library can be told the domain only by an environment variable that it reads when it is
//! loaded, so it is loaded anew for each choice. Adapters are told apart by their serial numbers.

use std::ffi::OsStr;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::super::ap_bus::{ApBus, ApqnProblem};
use super::super::{
    CallFailure, CardType, MasterKeyPatterns, RegisterContent, SecureKeyError, VerificationPattern,
};
use super::explain::explain;
use super::library::{self, Library};
use super::parameters::{Buffer, Code, Rules};
use crate::abi::Apqn;

/// The first version that makes AESCIPHER keys that Linux can use.
pub(super) const AESCIPHER_VERSION: Version = Version(6, 3, 0);
/// The first level of adapters that makes them.
pub(super) const AESCIPHER_LEVEL: u32 = 6;

/// A version of the library or of the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32, u32);

impl Version {
    /// `8.2.30z`; what comes after the third number does not matter.
    pub(super) fn parse(text: &[u8]) -> Option<Version> {
        let text = std::str::from_utf8(text).ok()?;
        let mut parts = text.trim_matches(['\0', ' ']).splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit());
            part[..digits.unwrap_or(part.len())].parse().ok()
        };
        Some(Version(number()?, number()?, number()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The library, working with one adapter and domain.
pub(super) struct Adapter {
    pub(super) apqn: Apqn,
    pub(super) version: Version,
    pub(super) level: u32,
    pub(super) library: Library,
}

/// No two threads may set the environment and load the library at the same time.
static LOADING: Mutex<()> = Mutex::new(());

impl Adapter {
    /// Loads the library and chooses `apqn`. No other [`Adapter`] with the same file may be
    /// there, or the library is not loaded anew.
    pub(super) fn select(
        file: &OsStr,
        bus: Option<&ApBus>,
        apqn: Apqn,
    ) -> Result<Adapter, SecureKeyError> {
        let unusable = |problem| SecureKeyError::Apqn { apqn, problem };
        let bus = bus.ok_or_else(|| unusable(ApqnProblem::NoCard))?;
        bus.check(apqn, CardType::Cca)?;
        let card = bus.adapter(apqn)?;
        let serial = card
            .serial
            .filter(|serial| serial.len() >= SERIAL)
            .ok_or_else(|| unusable(ApqnProblem::NoSerial))?;
        // What a poisoned lock protects is written anew.
        let _loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        library::set_environment(apqn.domain);
        let library = Library::load(file)?;
        let mut adapter = Adapter {
            apqn,
            version: Version(0, 0, 0),
            level: card.level,
            library,
        };
        adapter.version = adapter.read_version()?;
        adapter.allocate(&serial.as_bytes()[..SERIAL])?;
        Ok(adapter)
    }

    fn read_version(&self) -> Result<Version, SecureKeyError> {
        let mut version = Buffer::with_room(&[], 20);
        self.check("CSUACFV", self.library.version(&mut version))?;
        version
            .content()
            .and_then(Version::parse)
            .ok_or_else(|| self.nonsense("CSUACFV", "what it returned is no version"))
    }

    /// Allocates the adapter with this serial number and frees all others.
    fn allocate(&self, serial: &[u8]) -> Result<(), SecureKeyError> {
        let (number, _) = self.card_query()?;
        for index in 1..=number {
            // Those that are not allocated cannot be freed.
            let _ = self.free(index);
        }
        // Older versions do not choose by themselves, and do not know this.
        let mut any = Rules::new(&["DEV-ANY"]);
        let _ = self
            .library
            .deallocate(&mut any, &mut Buffer::new(b"CRP00"));
        let mut failure = None;
        for index in 1..=number {
            let mut device = Rules::new(&["DEVICE"]);
            let code = self.library.allocate(&mut device, &mut resource(index));
            if let Err(error) = self.check("CSUACRA", code) {
                failure.get_or_insert(error);
                continue;
            }
            match self.card_query() {
                Ok((_, found)) if found == serial => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
            self.check("CSUACRD", self.free(index))?;
        }
        Err(failure.unwrap_or_else(|| SecureKeyError::Apqn {
            apqn: self.apqn,
            problem: ApqnProblem::NotInLibrary {
                serial: String::from_utf8_lossy(serial).into_owned(),
            },
        }))
    }

    fn free(&self, index: u32) -> Code {
        let mut device = Rules::new(&["DEVICE"]);
        self.library.deallocate(&mut device, &mut resource(index))
    }

    /// The number of adapters, and the serial number of the allocated one.
    fn card_query(&self) -> Result<(u32, Vec<u8>), SecureKeyError> {
        let mut rules = Rules::new(&["STATCRD2"]);
        let code = self.library.query(&mut rules, &mut Buffer::empty());
        self.check("CSUACFQ", code)?;
        let number = rules.element(0).and_then(number_in);
        let number = number
            .filter(|number| *number <= 256)
            .ok_or_else(|| self.nonsense("CSUACFQ", "it does not tell the number of adapters"))?;
        let serial = rules.element(14).unwrap_or_default();
        Ok((number, serial.to_vec()))
    }

    /// Version of the firmware.
    pub(super) fn firmware(&self) -> Result<Version, SecureKeyError> {
        let mut rules = Rules::new(&["STATCCA"]);
        let code = self.library.query(&mut rules, &mut Buffer::empty());
        self.check("CSUACFQ", code)?;
        rules
            .element(3)
            .and_then(Version::parse)
            .ok_or_else(|| self.nonsense("CSUACFQ", "it does not tell the version of the firmware"))
    }

    /// The master keys for key pairs (APKA), and those for AES keys as far as the library tells.
    pub(super) fn master_keys(
        &self,
    ) -> Result<(MasterKeyPatterns, Option<MasterKeyPatterns>), SecureKeyError> {
        let mut rules = Rules::new(&["STATICSB"]);
        let mut data = Buffer::with_room(&[], 1024);
        self.check("CSUACFQ", self.library.query(&mut rules, &mut data))?;
        let states: Option<Vec<u8>> = (10..13)
            .map(|at| rules.element(at)?.first().copied())
            .collect();
        let records = data.content().map(records).unwrap_or_default();
        let (Some(states), [.., old, current, new]) = (states, &records[..]) else {
            return Err(self.nonsense("CSUACFQ", "it does not tell the APKA master keys"));
        };
        let valid = |state: u8, pattern: &VerificationPattern| match state {
            b'2' => RegisterContent::Key(*pattern),
            _ => RegisterContent::Empty,
        };
        let apka = MasterKeyPatterns {
            new: match states[0] {
                b'3' => RegisterContent::Key(*new),
                b'2' => RegisterContent::Unfinished,
                _ => RegisterContent::Empty,
            },
            current: valid(states[1], current),
            old: valid(states[2], old),
        };
        let is_there = |pattern: &VerificationPattern| match pattern.0 {
            [0, 0, 0, 0, 0, 0, 0, 0, ..] => RegisterContent::Empty,
            _ => RegisterContent::Key(*pattern),
        };
        let aes = match &records[..] {
            [.., old, current, new, _, _, _] => Some(MasterKeyPatterns {
                old: is_there(old),
                current: is_there(current),
                new: is_there(new),
            }),
            _ => None,
        };
        Ok((apka, aes))
    }

    /// An error if a verb failed.
    pub(super) fn check(&self, call: &'static str, code: Code) -> Result<Code, SecureKeyError> {
        // 0 is success, 4 a warning.
        if code.return_code < 8 {
            return Ok(code);
        }
        let (return_code, reason_code) = (code.return_code, code.reason_code);
        Err(SecureKeyError::Call {
            call,
            apqn: Some(self.apqn),
            failure: CallFailure::Cca {
                return_code,
                reason_code,
                explanation: explain(return_code, reason_code),
            },
        })
    }

    /// The error for a result that makes no sense.
    pub(super) fn nonsense(&self, call: &'static str, what: &'static str) -> SecureKeyError {
        SecureKeyError::Call {
            call,
            apqn: Some(self.apqn),
            failure: CallFailure::Nonsense(what),
        }
    }
}

/// Characters of a serial number that the library knows.
const SERIAL: usize = 8;

fn resource(index: u32) -> Buffer {
    Buffer::new(format!("CRP{index:02}").as_bytes())
}

fn number_in(element: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(element).ok()?;
    text.trim_matches(['\0', ' ']).parse().ok()
}

/// The patterns of eight bytes among records of length (with itself and the identifier, 2 bytes),
/// identifier (2 bytes), content.
fn records(data: &[u8]) -> Vec<VerificationPattern> {
    let mut patterns = Vec::new();
    let mut rest = data;
    while let [high, low, _, _, ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((record, after)) = rest.split_at_checked(length).filter(|_| length >= 4) else {
            break;
        };
        if let Ok(content) = <[u8; 8]>::try_from(&record[4..]) {
            let mut pattern = [0; 16];
            pattern[..8].copy_from_slice(&content);
            patterns.push(VerificationPattern(pattern));
        }
        rest = after;
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| Version::parse(text.as_bytes());
        assert_eq!(version("8.2.30z"), Some(Version(8, 2, 30)));
        assert_eq!(version("6.3.0   "), Some(AESCIPHER_VERSION));
        assert!(version("6.10.1z\0") > version("6.3.27"));
        assert!(version("5.9.99").unwrap() < AESCIPHER_VERSION);
        for none in ["", "8", "8.2", "z.1.2", "8..1", "99999999999.1.1"] {
            assert_eq!(version(none), None, "{none}");
        }
    }

    #[test]
    fn records_end_where_they_make_no_sense() {
        let mut data = vec![0, 12, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
        data.extend([0, 20, 0, 1]);
        data.extend([9; 16]);
        data.extend([0, 12, 0, 8, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(records(&data).len(), 2);
        assert_eq!(records(&data)[1].to_string(), "0807060504030201");
        for cut in [0, 3, 11, 13, 35, 43] {
            assert!(records(&data[..cut]).len() < 2);
        }
        assert!(records(&[0, 0, 0, 0, 0]).is_empty());
        assert!(records(&[0, 3, 0, 0, 0]).is_empty());
    }
}
