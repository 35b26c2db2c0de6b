//! An operation in its surroundings: who wants it, when, in which version, and on which store.

mod given;
mod kept;
mod objects;

use std::cell::Cell;

use kmip::server::{Call, Failure};
use kmip::types::{
    Attribute, AttributeValue, Constraints, DateTime, DefaultsInformation, Operation,
    ProtocolVersion, Ticket, UniqueIdentifier,
};

use crate::configuration::Configuration;
use crate::credentials;
use crate::crypto::CertificationAuthority;
use crate::journal::{self, Before};
use crate::notices::Changes;
use crate::object::{FinishedObject, NewObject, StoredObject};
use crate::repeat::repeat;
use crate::server::{ticket_of, user_name};
use crate::settings;
use crate::store::{Added, Addition, Store, StoreError};
use crate::tickets::{self, Tickets};
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
    /// Why the operation has failed, if it can be repeated for that.
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
        let user = self.configuration.user(user_name(self.owner()));
        user.map_or(&[], |user| &user.groups)
    }

    /// The ticket that the client is let in by.
    pub(crate) fn ticket(&self) -> Option<&Ticket<'_>> {
        let credentials = self.call.header().authentication.as_ref();
        credentials.and_then(ticket_of)
    }

    /// Where it is noted for whom the certificate of this connection stands, if the server has issued it.
    pub(crate) fn provisioned_certificate(&self) -> Option<String> {
        let certificate = self.call.peer().certificate();
        let own = certificate.filter(|own| CertificationAuthority::has_issued(own));
        own.filter(|_| self.configuration.provisions)
            .and_then(credentials::place_of)
    }

    /// Gives tickets out and takes them.
    pub(super) fn tickets(&self) -> Tickets<'c> {
        Tickets {
            configuration: self.configuration,
            now: self.now,
        }
    }

    /// Removes tickets that have ended. Not within a transaction.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn clear_tickets(&self) -> Result<(), Failure> {
        tickets::clear(self.store, self.now).map_err(|error| self.broken(error))
    }

    /// The operation of the request.
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    /// Does something in a transaction of its own; again, if other servers were in the way.
    ///
    /// # Errors
    /// That of the last time.
    pub(crate) fn repeated<T>(&self, work: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        let outcome = repeat(work, |_| self.conflict.take().is_some());
        // Taken, so that nothing around this is repeated for what was given up here.
        if let Some(error) = self.conflict.take() {
            (self.configuration.report)(&error);
        }
        outcome
    }

    /// An attribute as it is kept: a link names its object, also if the client refers to that by its place
    /// in the batch (KMIP 2.1, 4.31).
    ///
    /// # Errors
    /// If the reference is to nothing.
    pub(crate) fn resolved(
        &self,
        mut attribute: Attribute<'static>,
    ) -> Result<Attribute<'static>, Failure> {
        if let AttributeValue::Link(link) = &mut attribute.value {
            let meant = self.call.identify(Some(&link.linked_object_identifier))?;
            link.linked_object_identifier = UniqueIdentifier::from(meant);
        }
        Ok(attribute)
    }

    /// A new object of the client, to be added.
    pub(crate) fn finish(&self, new: NewObject) -> FinishedObject {
        new.finish(self.owner(), self.configuration.lease_time, self.now)
    }

    /// Adds a new object without anything else, as [`Objects::add`] does within a transaction. None if the client has
    /// defaults or constraints, which are to be looked at first.
    ///
    /// # Errors
    /// If its name is in use, or the store is out of order.
    pub(crate) fn add(&self, new: FinishedObject) -> Result<Option<StoredObject>, Failure> {
        let FinishedObject { object, content } = new;
        // No more copies of a key than are needed.
        let notices = self.configuration.notices.as_ref();
        let told = notices.map(|_| content.clone());
        let mut addition = Addition::new(object.clone(), content, self.now);
        let names = object
            .attributes
            .iter()
            .filter_map(|attribute| self.unique_name(attribute));
        addition.unique_names = names.cloned().collect();
        let defaults = settings::identifier_of::<DefaultsInformation<'static>>(self.owner());
        let constraints = settings::identifier_of::<Constraints<'static>>(self.owner());
        addition.expected_contents = vec![(defaults, None), (constraints, None)];
        match self
            .store
            .add(addition)
            .map_err(|error| self.broken(error))?
        {
            Added::Done => {}
            Added::Hindered => return Ok(None),
            Added::NameInUse(name) => return Err(self.name_in_use(&name)),
        }
        let before = Before {
            identifier: object.identifier.clone(),
            state: None,
        };
        let mut changes = Changes::default();
        if let Some(content) = told {
            changes.add(&object, &content);
        }
        self.note(vec![before], changes);
        Ok(Some(object))
    }

    /// Notes what was changed for good: for whom the batch is to be undone, and for whom is told.
    fn note(&self, before: Vec<Before>, changes: Changes) {
        journal::note(before);
        if let Some(notices) = &self.configuration.notices {
            changes.send(&**notices, self.version());
        }
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

    /// Tells the operator of a store that is out of order, unless the operation can be repeated for it, and
    /// the client what it may know.
    fn broken(&self, error: StoreError) -> Failure {
        let failure = error.told();
        match error.is_conflict() && self.store.can_conflict() {
            true => self.conflict.set(Some(error)),
            false => (self.configuration.report)(&error),
        }
        failure
    }
}
