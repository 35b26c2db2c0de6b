//! States of cryptographic objects and the ways between them (KMIP 1.4, 3.22; 2.1, 4.57).

use kmip::server::Failure;
use kmip::types::{
    AttributeValue, DateTime, ObjectType, Operation, ProtocolVersion, RevocationReason,
    RevocationReasonCode, State,
};

use super::StoredObject;
use crate::attributes::AttributeSet;
use crate::refusal;

/// What a client says when it revokes an object.
#[derive(Debug)]
pub(crate) struct Revocation {
    /// Why.
    pub(crate) reason: RevocationReason<'static>,
    /// Since when the key is believed to be compromised.
    pub(crate) compromise_occurrence_date: Option<DateTime>,
}

/// The state at a time: dates that have passed activate and deactivate an object.
pub(super) fn state_at(attributes: &AttributeSet, now: DateTime) -> Option<State> {
    let mut state = *attributes.state()?;
    let passed = |date: Option<&DateTime>| date.is_some_and(|date| *date <= now);
    if state == State::PRE_ACTIVE && passed(attributes.activation_date()) {
        state = State::ACTIVE;
    }
    if state == State::ACTIVE && passed(attributes.deactivation_date()) {
        state = State::DEACTIVATED;
    }
    Some(state)
}

/// Whether objects of this type have a state. Templates are no cryptographic objects.
pub(super) fn has_state(object_type: ObjectType) -> bool {
    object_type != ObjectType::TEMPLATE
}

impl StoredObject {
    /// Pre-Active to Active.
    ///
    /// # Errors
    /// If it is in another state, or has none.
    pub(crate) fn activate(
        &mut self,
        version: ProtocolVersion,
        now: DateTime,
    ) -> Result<(), Failure> {
        match self.state() {
            None => Err(refusal::wrong_object(version, Operation::ACTIVATE)),
            Some(State::PRE_ACTIVE) => {
                self.enter(State::ACTIVE, now);
                self.attributes.set(AttributeValue::ActivationDate(now));
                Ok(())
            }
            Some(state) => Err(self.wrong_state(version, state)),
        }
    }

    /// To Deactivated or Compromised, as the reason says.
    ///
    /// # Errors
    /// If its state does not allow it.
    pub(crate) fn revoke(
        &mut self,
        revocation: Revocation,
        version: ProtocolVersion,
        now: DateTime,
    ) -> Result<(), Failure> {
        let Some(state) = self.state() else {
            return Err(refusal::wrong_object(version, Operation::REVOKE));
        };
        let compromised = matches!(
            revocation.reason.revocation_reason_code,
            RevocationReasonCode::KEY_COMPROMISE | RevocationReasonCode::CA_COMPROMISE
        );
        let next = match (state, compromised) {
            (State::ACTIVE, false) => State::DEACTIVATED,
            (State::PRE_ACTIVE | State::ACTIVE | State::DEACTIVATED, true) => State::COMPROMISED,
            (State::DESTROYED, true) => State::DESTROYED_COMPROMISED,
            _ => return Err(self.wrong_state(version, state)),
        };
        self.enter(next, now);
        let attributes = &mut self.attributes;
        if compromised {
            let initial = attributes.initial_date().copied().unwrap_or(now);
            let occurred = revocation.compromise_occurrence_date.unwrap_or(initial);
            attributes.set(AttributeValue::CompromiseDate(now));
            attributes.set(AttributeValue::CompromiseOccurrenceDate(occurred));
        } else {
            attributes.set(AttributeValue::DeactivationDate(now));
        }
        attributes.set(AttributeValue::RevocationReason(revocation.reason));
        Ok(())
    }

    /// To Destroyed, or from Compromised to Destroyed Compromised. The content is the caller's to
    /// remove.
    ///
    /// # Errors
    /// If it is active, or destroyed already.
    pub(crate) fn destroy(
        &mut self,
        version: ProtocolVersion,
        now: DateTime,
    ) -> Result<(), Failure> {
        let next = match self.state() {
            None | Some(State::PRE_ACTIVE | State::DEACTIVATED) => State::DESTROYED,
            Some(State::COMPROMISED) => State::DESTROYED_COMPROMISED,
            // An opaque object is nothing that is used, whatever dates it has.
            Some(State::ACTIVE) if self.object_type == ObjectType::OPAQUE_OBJECT => {
                State::DESTROYED
            }
            // Before 2.0 that is a state as others (KMIP 1.4, 11.22).
            Some(_) if self.is_destroyed() && version >= ProtocolVersion::V2_0 => {
                return Err(refusal::destroyed(&self.identifier));
            }
            Some(state) => return Err(self.wrong_state(version, state)),
        };
        self.enter(next, now);
        self.attributes.set(AttributeValue::DestroyDate(now));
        Ok(())
    }

    fn enter(&mut self, state: State, now: DateTime) {
        self.attributes.set(AttributeValue::State(state));
        self.attributes.touch(now);
    }

    fn wrong_state(&self, version: ProtocolVersion, state: State) -> Failure {
        let message = format!("the object `{}` is in the state {state:?}", self.identifier);
        refusal::wrong_state(version, message)
    }

    /// Checks that the object may be used to protect data, which only active ones may.
    ///
    /// # Errors
    /// If its state does not allow it.
    pub(crate) fn check_protects(
        &self,
        version: ProtocolVersion,
        now: DateTime,
    ) -> Result<(), Failure> {
        let stop = self.attributes.protect_stop_date();
        match self.state() {
            Some(State::ACTIVE) if stop.is_none_or(|stop| now < *stop) => Ok(()),
            Some(State::ACTIVE) => Err(refusal::wrong_state(
                version,
                format!("the Protect Stop Date of `{}` has passed", self.identifier),
            )),
            state => Err(self.wrong_state(version, state.unwrap_or_default())),
        }
    }

    /// Checks that the object may be used to process data that it protects.
    ///
    /// # Errors
    /// If its state does not allow it.
    pub(crate) fn check_processes(
        &self,
        version: ProtocolVersion,
        now: DateTime,
    ) -> Result<(), Failure> {
        let start = self.attributes.process_start_date();
        match self.state() {
            Some(State::ACTIVE | State::DEACTIVATED | State::COMPROMISED)
                if start.is_none_or(|start| *start <= now) =>
            {
                Ok(())
            }
            Some(State::ACTIVE | State::DEACTIVATED | State::COMPROMISED) => {
                Err(refusal::wrong_state(
                    version,
                    format!("the Process Start Date of `{}` is to come", self.identifier),
                ))
            }
            state => Err(self.wrong_state(version, state.unwrap_or_default())),
        }
    }
}
