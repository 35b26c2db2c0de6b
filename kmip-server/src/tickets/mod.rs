//! Tickets that Login gives and that stand for a client afterwards (KMIP 2.1, 6.1.14, 6.1.26, 6.1.27
//! and 9.11). They are kept in the store, so that each server that shares it knows them.

mod grant;

use kmip::server::Failure;
use kmip::types::{DateTime, Operation, ResultReason, Secret, Ticket, TicketType};
use openssl::base64::decode_block;
use openssl::memcmp;

use self::grant::StoredGrant;
use crate::configuration::Configuration;
use crate::credentials::{self, Standing};
use crate::crypto::random;
use crate::kept::{self, KeptError, Lifetime, Shelf};
use crate::server::user_name;
use crate::store::{Store, StoreError, Transaction, internal_content};

pub(crate) use grant::{Grant, Limits};

/// Only a digest of a ticket is in the store: whoever reads that has none.
const SHELF: Shelf = Shelf {
    kind: "ticket",
    most: 256,
    full: "too many tickets are out; log out where they are not needed",
};

/// Removes tickets that have ended.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn clear(store: &dyn Store, now: DateTime) -> Result<(), StoreError> {
    SHELF.clear(store, now)
}

/// Gives tickets out and takes them.
pub(crate) struct Tickets<'t> {
    pub(crate) configuration: &'t Configuration,
    pub(crate) now: DateTime,
}

impl Tickets<'_> {
    /// Gives out a ticket.
    ///
    /// # Errors
    /// If the client has too many, there are no random numbers, or the store is out of order.
    pub(crate) fn issue(
        &self,
        transaction: &mut dyn Transaction,
        grant: &Grant,
    ) -> Result<Ticket<'static>, KeptError> {
        let value = Secret::owned(random(32)?.to_vec());
        let lifetime = Lifetime {
            owner: &grant.owner,
            now: self.now,
            until: grant.until,
        };
        let bytes = self.bytes(grant, value.expose())?;
        SHELF.put(transaction, &SHELF.place(value.expose()), &lifetime, bytes)?;
        Ok(Ticket {
            ticket_type: TicketType::LOGIN,
            ticket_value: value,
            ..Ticket::default()
        })
    }

    /// What a ticket is good for.
    ///
    /// # Errors
    /// If it was not given out, or has ended: by its date, with the certificate or the password by which
    /// its client was let in, or with the user.
    pub(crate) fn grant(
        &self,
        transaction: &dyn Transaction,
        ticket: &Ticket<'_>,
    ) -> Result<Grant, KeptError> {
        let value = ticket.ticket_value.expose();
        let found = kept::read(transaction, &SHELF.place(value))?;
        let grant = self.read(found, value)?;
        if let Some(certificate) = &grant.certificate {
            match credentials::standing_at(transaction, certificate, self.now)? {
                Standing::For(_) => {}
                Standing::Refused => return Err(ended().into()),
            }
        }
        Ok(grant)
    }

    /// As [`grant`](Self::grant), counting the request.
    ///
    /// # Errors
    /// As for `grant`, or if it is used up.
    pub(crate) fn redeem(
        &self,
        store: &dyn Store,
        ticket: &Ticket<'_>,
    ) -> Result<Grant, KeptError> {
        let grant = self.grant(&*store.view()?, ticket)?;
        if grant.requests.is_none() {
            return Ok(grant);
        }
        let mut transaction = store.begin()?;
        self.change(&mut *transaction, ticket, |grant| {
            let left = grant.requests.and_then(|left| left.checked_sub(1));
            grant.requests = Some(left.ok_or_else(|| {
                let reason = ResultReason::USAGE_LIMIT_EXCEEDED;
                Failure::new(reason, "the ticket is used up")
            })?);
            Ok(true)
        })?;
        transaction.commit()?;
        Ok(grant)
    }

    /// Counts that data is protected with a key for whoever has a ticket. `false` if nothing is counted.
    ///
    /// # Errors
    /// If the ticket does not allow it or as much, or has ended.
    pub(crate) fn consume(
        &self,
        transaction: &mut dyn Transaction,
        ticket: &Ticket<'_>,
        operation: Operation,
        key: &str,
        bytes: usize,
    ) -> Result<bool, KeptError> {
        self.change(transaction, ticket, |grant| {
            grant.check(operation, Some(key))?;
            grant.consume(operation, key, bytes)
        })
    }

    /// Ends a ticket.
    ///
    /// # Errors
    /// If it was not given out to this client, or has ended.
    pub(crate) fn end(
        &self,
        transaction: &mut dyn Transaction,
        ticket: &Ticket<'_>,
        owner: &str,
    ) -> Result<(), KeptError> {
        let value = ticket.ticket_value.expose();
        let place = SHELF.place(value);
        let grant = self.read(kept::read_to_change(transaction, &place)?, value)?;
        if grant.owner != owner {
            return Err(ended().into());
        }
        Ok(transaction.remove(&place)?)
    }

    /// Changes what a ticket is good for, if `change` says that it has changed.
    fn change(
        &self,
        transaction: &mut dyn Transaction,
        ticket: &Ticket<'_>,
        change: impl FnOnce(&mut Grant) -> Result<bool, Failure>,
    ) -> Result<bool, KeptError> {
        let value = ticket.ticket_value.expose();
        let place = SHELF.place(value);
        let found = kept::read_to_change(transaction, &place)?;
        let mut grant = self.read(found, value)?;
        let has_changed = change(&mut grant)?;
        if has_changed {
            let bytes = self.bytes(&grant, value)?;
            transaction.replace_content(&place, &internal_content(bytes))?;
        }
        Ok(has_changed)
    }

    fn bytes(&self, grant: &Grant, value: &[u8]) -> Result<Secret<'static>, Failure> {
        let stored = StoredGrant::new(grant, self.seal(grant, value))?;
        let bytes = serde_json::to_vec(&stored).map_err(|_| Failure::internal())?;
        Ok(Secret::owned(bytes))
    }

    /// What was found in the store about a ticket.
    fn read(&self, found: Option<Secret<'static>>, value: &[u8]) -> Result<Grant, Failure> {
        let found = found.ok_or_else(ended)?;
        let stored: StoredGrant =
            serde_json::from_slice(found.expose()).map_err(|_| Failure::internal())?;
        let sealed = stored.password.as_deref().map(decode_block).transpose();
        let sealed = sealed.map_err(|_| Failure::internal())?;
        let grant = stored.grant()?;
        let is_same = match (self.seal(&grant, value), sealed) {
            (Some(seal), Some(sealed)) => seal.len() == sealed.len() && memcmp::eq(&seal, &sealed),
            // Who is no user has no password, and who is one no longer is not let in.
            _ => user_name(&grant.owner).is_none(),
        };
        match is_same && self.now < grant.until {
            true => Ok(grant),
            false => Err(ended()),
        }
    }

    /// The password of the user whom a ticket stands for, sealed with the ticket.
    fn seal(&self, grant: &Grant, value: &[u8]) -> Option<[u8; 32]> {
        let user = self.configuration.user(user_name(&grant.owner))?;
        Some(user.password.seal(value))
    }
}

fn ended() -> Failure {
    Failure::new(
        ResultReason::INVALID_TICKET,
        "the ticket was not given out by this server, or has ended",
    )
}
