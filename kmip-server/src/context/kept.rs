//! What is kept for a client besides its objects, within a transaction: tickets, and requests that are
//! done later.

use kmip::server::Failure;
use kmip::types::{
    AsynchronousRequest, AttributeValue, CancellationResult, Operation, ResultReason, Ticket,
};

use super::Objects;
use crate::deferred::{self, Place};
use crate::kept::KeptError;
use crate::object::StoredObject;
use crate::tickets::Grant;
use crate::usage_limits::left_after;

impl Objects<'_> {
    /// What the ticket is good for that the client is let in by, if it is by one.
    ///
    /// # Errors
    /// If it has ended meanwhile.
    pub(crate) fn grant(&self) -> Result<Option<Grant>, Failure> {
        let granted = self.context.ticket().map(|ticket| {
            let grant = self.context.tickets().grant(&*self.transaction, ticket);
            self.kept(grant)
        });
        granted.transpose()
    }

    /// Gives out a ticket.
    ///
    /// # Errors
    /// If the client has too many.
    pub(crate) fn issue_ticket(&mut self, grant: &Grant) -> Result<Ticket<'static>, Failure> {
        let issued = self.context.tickets().issue(&mut *self.transaction, grant);
        self.kept(issued)
    }

    /// Ends a ticket of the client.
    ///
    /// # Errors
    /// If it has none such.
    pub(crate) fn end_ticket(&mut self, ticket: &Ticket<'_>) -> Result<(), Failure> {
        let (tickets, owner) = (self.context.tickets(), self.context.owner());
        let ended = tickets.end(&mut *self.transaction, ticket, owner);
        self.kept(ended)
    }

    /// Counts that data is protected with a key by an operation: for the Usage Limits of the key, and for
    /// the ticket that the client is let in by, which has to allow the operation. Both or none is
    /// counted. `false` if nothing is.
    ///
    /// # Errors
    /// If less is left.
    pub(crate) fn count(
        &mut self,
        object: &mut StoredObject,
        operation: Operation,
        bytes: usize,
    ) -> Result<bool, Failure> {
        let has_limits = consume(object, bytes)?;
        if has_limits {
            self.save(object)?;
        }
        let context = self.context;
        let Some(ticket) = context.ticket() else {
            return Ok(has_limits);
        };
        let (transaction, key) = (&mut *self.transaction, &object.identifier);
        let tickets = context.tickets();
        let counted = tickets.consume(transaction, ticket, operation, key, bytes);
        Ok(self.kept(counted)? || has_limits)
    }

    /// What a client may be told of its requests that are done later.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn outstanding(&self) -> Result<Vec<AsynchronousRequest<'static>>, Failure> {
        let (owner, now) = (self.context.owner(), self.context.now);
        self.kept(deferred::outstanding(&*self.transaction, owner, now))
    }

    /// Whether the client has a request that is done later.
    ///
    /// # Errors
    /// If it has not.
    pub(crate) fn check_deferred(&self, correlation: &[u8]) -> Result<(), Failure> {
        let place = Place::of(self.context.call, correlation);
        self.kept(deferred::check(
            &*self.transaction,
            &place,
            self.context.now,
        ))
    }

    /// Cancels a request that is done later.
    ///
    /// # Errors
    /// If the client has no such request.
    pub(crate) fn cancel(&mut self, correlation: &[u8]) -> Result<CancellationResult, Failure> {
        let place = Place::of(self.context.call, correlation);
        let cancelled = deferred::cancel(&mut *self.transaction, &place, self.context.now);
        self.kept(cancelled)
    }

    fn kept<T>(&self, result: Result<T, KeptError>) -> Result<T, Failure> {
        result.map_err(|error| match error {
            KeptError::Refused(failure) => failure,
            KeptError::Store(error) => self.context.broken(error),
        })
    }
}

/// Counts a use of a key. `false` if the key has no limits.
fn consume(object: &mut StoredObject, bytes: usize) -> Result<bool, Failure> {
    let Some(mut limits) = object.attributes.usage_limits().cloned() else {
        return Ok(false);
    };
    let left = left_after(&limits, bytes).ok_or_else(|| {
        let reason = ResultReason::PERMISSION_DENIED;
        Failure::new(reason, "the Usage Limits are reached")
    })?;
    limits.usage_limits_count = Some(left);
    object.attributes.set(AttributeValue::UsageLimits(limits));
    Ok(true)
}
