//! The objects that an operation reads and changes.

use std::ops::ControlFlow;

use kmip::server::Failure;
use kmip::types::{
    Attribute, Constraints, ManagedObject, Operation, ProtocolVersion, UniqueIdentifier,
};
use openssl::x509::X509Ref;

use super::Context;
use crate::credentials::{self, Standing};
use crate::crypto::CertificationAuthority;
use crate::journal::Before;
use crate::notices::Changes;
use crate::object::{FinishedObject, NewObject, StoredObject};
use crate::operations::exists;
use crate::refusal;
use crate::server::{identity_of, undoes};
use crate::settings;
use crate::store::{Found, INTERNAL_OWNER, INTERNAL_PREFIX, Search, StoreError, Transaction};

/// The objects of the client, within a transaction.
pub(crate) struct Objects<'c> {
    pub(super) context: &'c Context<'c>,
    pub(super) transaction: Box<dyn Transaction + 'c>,
    /// What the objects were that have changed, in case the client wants it back.
    before: Vec<Before>,
    /// What changes, in case the client is to be told.
    changes: Changes,
}

impl<'c> Objects<'c> {
    pub(super) fn new(context: &'c Context<'c>, transaction: Box<dyn Transaction + 'c>) -> Self {
        Objects {
            context,
            transaction,
            before: Vec::new(),
            changes: Changes::default(),
        }
    }

    /// The version of the request.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.context.version()
    }

    /// The object that a request means, as it is now.
    ///
    /// # Errors
    /// If there is none, or it belongs to another client.
    pub(crate) fn get(
        &self,
        given: Option<&UniqueIdentifier<'_>>,
    ) -> Result<StoredObject, Failure> {
        self.by_identifier(&self.context.call.identify(given)?)
    }

    /// As [`get`](Self::get), but the object must not be archived.
    ///
    /// # Errors
    /// As for `get`, or if it is archived.
    pub(crate) fn get_online(
        &self,
        given: Option<&UniqueIdentifier<'_>>,
    ) -> Result<StoredObject, Failure> {
        let object = self.get(given)?;
        match object.archived {
            true => Err(refusal::archived(&object.identifier)),
            false => Ok(object),
        }
    }

    /// The object with an identifier, as it is now.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub(crate) fn by_identifier(&self, identifier: &str) -> Result<StoredObject, Failure> {
        let found = self.check(self.transaction.get(identifier))?;
        // What the server keeps for itself is there for nobody else.
        let found = found.filter(|object| object.owner != INTERNAL_OWNER);
        let mut object = found.ok_or_else(|| refusal::object_not_found(identifier))?;
        if !self.context.may(self.context.operation, &object) {
            return Err(refusal::not_yours(identifier));
        }
        object.refresh(self.context.now);
        Ok(object)
    }

    /// The content of an object.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn content(&self, object: &StoredObject) -> Result<ManagedObject<'static>, Failure> {
        if object.is_destroyed() {
            return Err(refusal::destroyed(&object.identifier));
        }
        let content = self.check(self.transaction.content(&object.identifier))?;
        content.ok_or_else(|| refusal::destroyed(&object.identifier))
    }

    /// The newest object of the client that has this attribute and is wanted, as it is now.
    pub(crate) fn find(
        &self,
        exact: Attribute<'static>,
        wanted: impl Fn(&StoredObject) -> bool,
    ) -> Result<Option<StoredObject>, Failure> {
        let search = Search {
            owner: Some(self.context.owner().to_owned()),
            exact: vec![exact],
        };
        let mut found = None;
        self.search(&search, &mut |object| match wanted(&object) {
            true => {
                found = Some(object);
                ControlFlow::Break(())
            }
            false => ControlFlow::Continue(()),
        })?;
        Ok(found)
    }

    /// Hands over the objects that have these attributes and that the client may locate, as they are
    /// now, newest first, until `found` breaks. If that tells `attributes` of them, those of others are
    /// only handed over if the client may get these.
    pub(crate) fn locate(
        &self,
        exact: Vec<Attribute<'static>>,
        attributes: bool,
        found: &mut Found<'_>,
    ) -> Result<(), Failure> {
        let context = self.context;
        let policies = &context.configuration.policies;
        // Without a policy that lets it find more, only its own are looked at.
        let is_open = policies.may_open(Operation::LOCATE, context.groups());
        let search = Search {
            owner: (!is_open).then(|| context.owner().to_owned()),
            exact,
        };
        let may = |object: &StoredObject| {
            context.may(Operation::LOCATE, object)
                && (!attributes
                    || object.owner == context.owner()
                    || context.may(Operation::GET_ATTRIBUTES, object))
        };
        self.search(&search, &mut |object| match may(&object) {
            true => found(object),
            false => ControlFlow::Continue(()),
        })
    }

    fn search(&self, search: &Search, found: &mut Found<'_>) -> Result<(), Failure> {
        let searched = self.transaction.find(search, &mut |mut object| {
            object.refresh(self.context.now);
            found(object)
        });
        self.check(searched)
    }

    /// Adds a new object and gives back what is known of it.
    ///
    /// # Errors
    /// If its name is in use.
    pub(crate) fn add(&mut self, new: NewObject) -> Result<StoredObject, Failure> {
        self.add_finished(self.context.finish(new))
    }

    /// As [`add`](Self::add), for an object that was finished before the transaction.
    ///
    /// # Errors
    /// As for `add`.
    pub(crate) fn add_finished(&mut self, new: FinishedObject) -> Result<StoredObject, Failure> {
        for attribute in new.object.attributes.iter() {
            self.check_name(attribute)?;
        }
        self.insert(new)
    }

    /// Adds a finished object.
    fn insert(&mut self, new: FinishedObject) -> Result<StoredObject, Failure> {
        let FinishedObject { object, content } = new;
        if let Some(constraints) = self.setting::<Constraints<'static>>()? {
            settings::check(&object.attributes, object.object_type, &constraints)?;
        }
        self.before.push(Before {
            identifier: object.identifier.clone(),
            state: None,
        });
        let inserted = self.transaction.insert(&object, Some(&content));
        self.check(inserted)?;
        if self.context.configuration.notices.is_some() {
            self.changes.add(&object, &content);
        }
        Ok(object)
    }

    /// Adds an object with the identifier and the attributes that the client chooses.
    ///
    /// # Errors
    /// If there is an object with the identifier, and it is not to be replaced, or may not be
    /// destroyed.
    pub(crate) fn import(
        &mut self,
        new: NewObject,
        replace: bool,
    ) -> Result<StoredObject, Failure> {
        let context = self.context;
        let identifier = new.identifier.clone();
        if identifier.starts_with(INTERNAL_PREFIX) {
            return Err(exists(&identifier));
        }
        if let Some(existing) = self.check(self.transaction.get(&identifier))? {
            if !replace || existing.owner != context.owner() {
                return Err(exists(&identifier));
            }
            // To replace it is to destroy it.
            if !context.may(Operation::DESTROY, &existing) {
                return Err(refusal::not_yours(&identifier));
            }
            self.remove(&identifier)?;
        }
        for attribute in new.attributes.iter() {
            self.check_name(attribute)?;
        }
        let lease = context.configuration.lease_time;
        self.insert(new.finish_imported(context.owner(), lease, context.now))
    }

    /// Saves a changed object.
    pub(crate) fn save(&mut self, object: &StoredObject) -> Result<(), Failure> {
        self.remember(&object.identifier)?;
        if self.context.configuration.notices.is_some() {
            if !self.changes.knows(&object.identifier) {
                let before = self.check(self.transaction.get(&object.identifier))?;
                before
                    .into_iter()
                    .for_each(|before| self.changes.change(before));
            }
            self.changes.note(object);
        }
        let saved = self.transaction.update(object);
        self.check(saved)
    }

    /// Deletes the content of an object.
    pub(crate) fn erase(&mut self, object: &StoredObject) -> Result<(), Failure> {
        let erased = self.transaction.erase_content(&object.identifier);
        self.check(erased)
    }

    /// Removes an object as if it had never been there.
    pub(crate) fn remove(&mut self, identifier: &str) -> Result<(), Failure> {
        self.remember(identifier)?;
        let removed = self.transaction.remove(identifier);
        self.check(removed)
    }

    fn remember(&mut self, identifier: &str) -> Result<(), Failure> {
        if !undoes(self.context.call) || self.before.iter().any(|b| b.identifier == identifier) {
            return Ok(());
        }
        let object = self.check(self.transaction.get(identifier))?;
        let content = self.check(self.transaction.content(identifier))?;
        self.before.push(Before {
            identifier: identifier.to_owned(),
            state: object.map(|object| (object, content)),
        });
        Ok(())
    }

    /// Makes an object what it was.
    pub(crate) fn restore(&mut self, before: Before) -> Result<(), Failure> {
        let removed = self.transaction.remove(&before.identifier);
        self.check(removed)?;
        if let Some((object, content)) = before.state {
            let inserted = self.transaction.insert(&object, content.as_ref());
            self.check(inserted)?;
        }
        Ok(())
    }

    /// The authority of the server. It is made when it is first needed.
    ///
    /// # Errors
    /// If it cannot be read or made.
    pub(crate) fn authority(&mut self) -> Result<CertificationAuthority, Failure> {
        let authority = credentials::authority(&mut *self.transaction);
        self.check(authority)?
    }

    /// Notes that a certificate stands for the client that has this connection.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn note_credential(
        &mut self,
        certificate: &X509Ref,
        object: &str,
    ) -> Result<(), Failure> {
        let present = self.context.call.peer().certificate();
        let present = present.ok_or_else(Failure::internal)?;
        // The certificate of the connection may take the place of another one itself.
        let standing = match CertificationAuthority::has_issued(present) {
            true => {
                let transaction = &*self.transaction;
                let now = self.context.now;
                self.check(credentials::standing(transaction, present, now))?
            }
            false => Standing::For(identity_of(present)),
        };
        let Standing::For(client) = standing else {
            return Err(Failure::internal());
        };
        let noted = credentials::note(&mut *self.transaction, certificate, object, &client);
        self.check(noted)
    }

    /// Ends the transaction. What the client is told afterwards is true for good.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let context = self.context;
        let committed = self.transaction.commit();
        committed.map_err(|error| context.broken(error))?;
        context.note(self.before, self.changes);
        Ok(())
    }

    pub(super) fn check<T>(&self, result: Result<T, StoreError>) -> Result<T, Failure> {
        result.map_err(|error| self.context.broken(error))
    }
}
