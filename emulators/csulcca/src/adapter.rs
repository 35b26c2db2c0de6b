//! Which adapter and domain a call is for.

use emulated_card::{Apqn, Card, Kind, Machine, Mode, Register, Registers};

use crate::Session;
use crate::codes::{Code, ENVIRONMENT, NO_MASTER_KEY, NO_RESPONSE, NOT_ALLOCATED};

/// The machine as a loaded library sees it.
pub(crate) struct Adapter<'s> {
    pub(crate) machine: Machine,
    pub(crate) session: &'s mut Session,
}

impl<'s> Adapter<'s> {
    pub(crate) fn new(machine: Machine, session: &'s mut Session) -> Adapter<'s> {
        Adapter { machine, session }
    }

    /// The adapters that the library numbers `CRP01` and so on.
    pub(crate) fn cards(&self) -> impl Iterator<Item = &Card> {
        let cards = self.machine.cards.iter();
        cards.filter(|card| card.mode == Mode::Cca && card.online)
    }

    /// The adapter for calls.
    pub(crate) fn card(&self) -> Result<&Card, Code> {
        let number = match (self.session.allocated, &self.session.default_adapter) {
            (Some(number), _) => number,
            (None, Some(name)) => resource_number(name.as_bytes()).ok_or(ENVIRONMENT)?,
            (None, None) if self.session.no_automatic_choice => return Err(NOT_ALLOCATED),
            (None, None) => 1,
        };
        self.cards().nth(number - 1).ok_or(NO_RESPONSE)
    }

    /// Adapter and domain for calls, if there are such.
    pub(crate) fn apqn(&self) -> Option<Apqn> {
        let card = self.card().ok()?;
        self.domain_of(card).ok()
    }

    fn domain_of(&self, card: &Card) -> Result<Apqn, Code> {
        let domain = match &self.session.default_domain {
            Some(text) => text.parse().map_err(|_| ENVIRONMENT)?,
            None => card.domains.first().ok_or(ENVIRONMENT)?.number,
        };
        let apqn = Apqn::new(card.number, domain);
        match self.machine.domain(apqn) {
            Some(_) => Ok(apqn),
            None => Err(ENVIRONMENT),
        }
    }

    /// As [`Adapter::apqn`], online.
    pub(crate) fn ready(&self) -> Result<Apqn, Code> {
        let apqn = self.domain_of(self.card()?)?;
        if self.machine.is_online(apqn) {
            Ok(apqn)
        } else {
            Err(NO_RESPONSE)
        }
    }

    /// The registers of one kind of master key.
    pub(crate) fn registers(&self, kind: Kind) -> Result<&Registers, Code> {
        let apqn = self.ready()?;
        self.machine.registers(apqn, kind).ok_or(NO_MASTER_KEY)
    }

    /// The same if there is a master key in use.
    pub(crate) fn loaded(&self, kind: Kind) -> Result<&Registers, Code> {
        let registers = self.registers(kind)?;
        match registers.get(Register::Current) {
            Some(_) => Ok(registers),
            None => Err(NO_MASTER_KEY),
        }
    }
}

/// The number in `CRP01`.
pub(crate) fn resource_number(name: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(name).ok()?.strip_prefix("CRP")?;
    let number = digits.trim_end().parse().ok()?;
    (digits.len() >= 2 && number > 0).then_some(number)
}
