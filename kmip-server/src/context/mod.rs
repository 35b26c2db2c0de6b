//! An operation in its surroundings: who wants it, when, in which version, and on which store.

mod given;
mod objects;

use std::cell::Cell;

use kmip::server::{Call, Failure};
use kmip::types::{DateTime, Operation, ProtocolVersion, ResultReason, Ticket};

use crate::configuration::Configuration;
use crate::object::StoredObject;
use crate::server::ticket_of;
use crate::store::{Store, StoreError};
use crate::volatile::Volatile;

pub(crate) use objects::Objects;

/// What an operation has at hand.
pub(crate) struct Context<'c> {
    pub(crate) configuration: &'c Configuration,
    pub(crate) call: &'c Call<'c>,
    pub(crate) now: DateTime,
    pub(crate) volatile: &'c Volatile,
    operation: Operation,
    store: &'c dyn Store,
    conflict: Cell<Option<StoreError>>,
}

impl<'c> Context<'c> {
    pub(crate) fn new(
        configuration: &'c Configuration,
        store: &'c dyn Store,
        volatile: &'c Volatile,
        call: &'c Call<'c>,
        operation: Operation,
    ) -> Self {
        Context {
            configuration,
            call,
            now: configuration.clock.now(),
            volatile,
            operation,
            store,
            conflict: Cell::default(),
        }
    }

    /// Why the operation has failed, if it can be repeated for that.
    pub(crate) fn take_conflict(&self) -> Option<StoreError> {
        self.conflict.take()
    }

    /// The version of the request.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.call.version()
    }

    /// The client, to whom new objects belong.
    pub(crate) fn owner(&self) -> &str {
        self.call.user().unwrap_or_default()
    }

    /// Whether the client may perform an operation on an object.
    pub(crate) fn may(&self, operation: Operation, object: &StoredObject) -> bool {
        let is_owner = object.owner == self.owner();
        let policies = &self.configuration.policies;
        if policies.is_empty() {
            return is_owner;
        }
        policies.allow(object, operation, is_owner, self.groups())
    }

    /// The groups of the user that the client has logged in as.
    fn groups(&self) -> &[String] {
        let user = self.owner().strip_prefix("user ");
        let user = user.and_then(|name| self.configuration.users.get(name));
        user.map_or(&[], |user| &user.groups)
    }

    /// Counts what is protected with a key, if the client is let in by a ticket.
    ///
    /// # Errors
    /// If the ticket is not good for so much.
    pub(crate) fn consume_ticket(&self, key: &str, bytes: usize) -> Result<(), Failure> {
        match self.ticket() {
            Some(ticket) => {
                let tickets = &self.volatile.tickets;
                tickets.consume(ticket, self.operation, key, bytes)
            }
            None => Ok(()),
        }
    }

    /// As [`consume_ticket`](Self::consume_ticket), for a use of a key by another operation than that of
    /// the request, which the ticket has to allow, too.
    ///
    /// # Errors
    /// If the ticket does not allow it, or is not good for so much.
    pub(crate) fn consume_ticket_by(
        &self,
        operation: Operation,
        key: &str,
        bytes: usize,
    ) -> Result<(), Failure> {
        let Some(ticket) = self.ticket() else {
            return Ok(());
        };
        let tickets = &self.volatile.tickets;
        tickets.grant(ticket)?.check(operation, Some(key))?;
        tickets.consume(ticket, operation, key, bytes)
    }

    /// The ticket that the client is let in by.
    pub(crate) fn ticket(&self) -> Option<&Ticket<'_>> {
        let credentials = self.call.header().authentication.as_ref();
        credentials.and_then(ticket_of)
    }

    /// Begins a transaction. Until it ends, other clients wait: what takes long is done before.
    pub(crate) fn begin(&self) -> Result<Objects<'_>, Failure> {
        let transaction = self.store.begin().map_err(|error| self.broken(error))?;
        Ok(Objects::new(self, transaction))
    }

    /// As [`begin`](Self::begin), but for what changes nothing: it does not wait for those who do.
    pub(crate) fn view(&self) -> Result<Objects<'_>, Failure> {
        let transaction = self.store.view().map_err(|error| self.broken(error))?;
        Ok(Objects::new(self, transaction))
    }

    /// A store that is out of order is not the client's fault, nor its business.
    fn broken(&self, error: StoreError) -> Failure {
        let failure = match error.is_out_of_space() {
            true => Failure::new(
                ResultReason::GENERAL_FAILURE,
                "the store cannot be written, perhaps since its disk is full; reading still works",
            ),
            false => Failure::internal(),
        };
        match error {
            StoreError::Conflict(_) => self.conflict.set(Some(error)),
            // Another server has made at the same time what there is only one of.
            StoreError::Duplicate(_) if self.store.can_conflict() => self.conflict.set(Some(error)),
            _ => (self.configuration.report)(&error),
        }
        failure
    }
}
