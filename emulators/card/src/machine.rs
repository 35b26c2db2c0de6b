//! The state of a machine.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::MasterKey;

/// Adapter and domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Apqn {
    /// Number of the adapter.
    pub card: u16,
    /// Number of the domain.
    pub domain: u16,
}

impl Apqn {
    /// The APQN of these numbers.
    pub const fn new(card: u16, domain: u16) -> Apqn {
        Apqn { card, domain }
    }
}

impl fmt::Display for Apqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}.{:04x}", self.card, self.domain)
    }
}

/// The mode that an adapter runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// CCA coprocessor.
    Cca,
    /// EP11 coprocessor.
    Ep11,
    /// Accelerator, which has no keys.
    Accelerator,
}

impl Mode {
    /// The last letter of the type in sysfs.
    pub const fn letter(self) -> char {
        match self {
            Mode::Cca => 'C',
            Mode::Ep11 => 'P',
            Mode::Accelerator => 'A',
        }
    }

    /// The kinds of master keys of such adapters.
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Mode::Cca => &[Kind::Aes, Kind::Apka],
            Mode::Ep11 => &[Kind::Wk],
            Mode::Accelerator => &[],
        }
    }
}

/// What a master key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// CCA: AES keys.
    Aes,
    /// CCA: key pairs.
    Apka,
    /// EP11: everything.
    Wk,
}

/// A register of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Register {
    /// The former master key.
    Old,
    /// The one in use.
    Current,
    /// The one to come.
    New,
}

/// The registers for one kind of master key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registers {
    /// The former master key; EP11 adapters have none.
    pub old: Option<MasterKey>,
    /// The master key in use.
    pub current: Option<MasterKey>,
    /// The master key to come.
    pub new: Option<MasterKey>,
    /// Whether [`Registers::new`] lacks key parts (CCA: partial) or its commitment (EP11).
    pub new_is_unfinished: bool,
}

impl Registers {
    /// The master key in a register. One that is not finished does not count.
    pub fn get(&self, register: Register) -> Option<&MasterKey> {
        match register {
            Register::Old => self.old.as_ref(),
            Register::Current => self.current.as_ref(),
            Register::New => self.new.as_ref().filter(|_| !self.new_is_unfinished),
        }
    }

    /// Where the master key with this pattern is; `pattern` may be only the beginning of one.
    pub fn find(&self, pattern: &[u8]) -> Option<(Register, &MasterKey)> {
        [Register::Current, Register::Old, Register::New]
            .into_iter()
            .filter_map(|register| Some((register, self.get(register)?)))
            .find(|(_, key)| !pattern.is_empty() && key.pattern().starts_with(pattern))
    }

    /// Puts a master key into NEW, complete.
    pub fn load_new(&mut self, key: MasterKey) {
        self.new = Some(key);
        self.new_is_unfinished = false;
    }

    /// NEW becomes CURRENT, CURRENT becomes OLD.
    ///
    /// # Panics
    /// NEW is empty or not finished.
    pub fn set(&mut self) {
        assert!(self.get(Register::New).is_some(), "NEW is not loaded");
        self.old = self.current.take();
        self.current = self.new.take();
    }
}

/// A domain of an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its number.
    pub number: u16,
    /// Whether the queue is online.
    pub online: bool,
    /// Its master keys.
    pub registers: BTreeMap<Kind, Registers>,
}

/// An adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its number.
    pub number: u16,
    /// Its mode.
    pub mode: Mode,
    /// The digit of its type: 8 for Crypto Express8S.
    pub level: u8,
    /// Eight characters.
    pub serial: String,
    /// Version of the firmware: `8.2.30` (CCA) or `5.8` (EP11).
    pub firmware: String,
    /// EP11: ordinal number of the interface.
    pub api: u32,
    /// Whether it is online.
    pub online: bool,
    /// Its domains.
    pub domains: Vec<Domain>,
}

/// A machine with its adapters and host libraries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Version that the CCA host library says.
    pub cca_version: String,
    /// Version that the EP11 host library says.
    pub ep11_version: (u8, u8, u8),
    /// The adapters.
    pub cards: Vec<Card>,
    /// What fails.
    pub faults: Vec<Fault>,
}

/// Makes calls fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The symbol, as `CSNDDSG` or `m_SignSingle`.
    pub call: String,
    /// The adapter and domain it happens on; everywhere if not given.
    pub apqn: Option<Apqn>,
    /// CCA return code, or EP11's `CK_RV`.
    pub code: u64,
    /// CCA reason code.
    pub reason: u64,
}

impl Fault {
    /// `call` fails everywhere.
    pub fn of(call: &str, code: u64, reason: u64) -> Fault {
        Fault {
            call: call.to_owned(),
            apqn: None,
            code,
            reason,
        }
    }

    /// The same on one adapter only.
    pub fn on(self, apqn: Apqn) -> Fault {
        Fault {
            apqn: Some(apqn),
            ..self
        }
    }
}

impl Machine {
    /// A machine with adapters of the newest level in this mode, online, all with the same master
    /// keys in CURRENT, and nothing in the other registers.
    pub fn new(mode: Mode, apqns: &[Apqn]) -> Machine {
        let registers: BTreeMap<Kind, Registers> = mode
            .kinds()
            .iter()
            .map(|kind| {
                let current = Some(MasterKey::random());
                let registers = Registers {
                    current,
                    ..Registers::default()
                };
                (*kind, registers)
            })
            .collect();
        let mut machine = Machine {
            cca_version: "8.2.30z".to_owned(),
            ep11_version: (4, 0, 0),
            cards: Vec::new(),
            faults: Vec::new(),
        };
        for apqn in apqns {
            machine.add(mode, *apqn, registers.clone());
        }
        machine
    }

    /// Adds an adapter, or a domain to one that is there.
    pub fn add(&mut self, mode: Mode, apqn: Apqn, registers: BTreeMap<Kind, Registers>) {
        let domain = Domain {
            number: apqn.domain,
            online: true,
            registers,
        };
        if let Some(card) = self.cards.iter_mut().find(|c| c.number == apqn.card) {
            card.domains.push(domain);
            return;
        }
        let (firmware, prefix) = match mode {
            Mode::Cca => ("8.2.30", "93AAEM"),
            Mode::Ep11 => ("5.8", "93AAPM"),
            Mode::Accelerator => ("1.0", "93AAXM"),
        };
        self.cards.push(Card {
            number: apqn.card,
            mode,
            level: 8,
            serial: format!("{prefix}{:02X}", apqn.card),
            firmware: firmware.to_owned(),
            api: 6,
            online: true,
            domains: vec![domain],
        });
    }

    /// The adapter of this number.
    ///
    /// # Panics
    /// There is none.
    pub fn card_mut(&mut self, number: u16) -> &mut Card {
        let card = self.cards.iter_mut().find(|card| card.number == number);
        card.expect("the machine has this adapter")
    }

    /// The domain of this APQN.
    pub fn domain(&self, apqn: Apqn) -> Option<&Domain> {
        let card = self.cards.iter().find(|card| card.number == apqn.card)?;
        let mut domains = card.domains.iter();
        domains.find(|domain| domain.number == apqn.domain)
    }

    /// The domain of this APQN.
    ///
    /// # Panics
    /// There is none.
    pub fn domain_mut(&mut self, apqn: Apqn) -> &mut Domain {
        let mut domains = self.card_mut(apqn.card).domains.iter_mut();
        let domain = domains.find(|domain| domain.number == apqn.domain);
        domain.expect("the machine has this domain")
    }

    /// Whether adapter and domain are there and online.
    pub fn is_online(&self, apqn: Apqn) -> bool {
        let card = self.cards.iter().find(|card| card.number == apqn.card);
        card.is_some_and(|card| card.online) && self.domain(apqn).is_some_and(|d| d.online)
    }

    /// The master keys of one kind of an APQN, which has them.
    pub fn registers(&self, apqn: Apqn, kind: Kind) -> Option<&Registers> {
        self.domain(apqn)?.registers.get(&kind)
    }

    /// As [`Machine::registers`], to be changed; for all domains of the machine.
    pub fn all_registers_mut(&mut self, kind: Kind) -> impl Iterator<Item = &mut Registers> {
        self.cards
            .iter_mut()
            .flat_map(|card| card.domains.iter_mut())
            .filter_map(move |domain| domain.registers.get_mut(&kind))
    }

    /// Puts the same new master key of this kind into NEW of all domains.
    pub fn load_new(&mut self, kind: Kind) {
        let key = MasterKey::random();
        self.all_registers_mut(kind)
            .for_each(|registers| registers.load_new(key.clone()));
    }

    /// NEW becomes CURRENT in all domains.
    ///
    /// # Panics
    /// One has nothing in NEW.
    pub fn set(&mut self, kind: Kind) {
        self.all_registers_mut(kind).for_each(Registers::set);
    }

    /// What is to happen to this call there, if it is to fail.
    pub fn fault(&self, call: &str, apqn: Option<Apqn>) -> Option<&Fault> {
        self.faults
            .iter()
            .find(|fault| fault.call == call && (fault.apqn.is_none() || fault.apqn == apqn))
    }
}
