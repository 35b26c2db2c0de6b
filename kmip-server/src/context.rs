//! An operation in its surroundings: who wants it, when, in which version, and on which store.

use std::cell::Cell;
use std::ops::ControlFlow;

use kmip::server::{Call, Failure};
use kmip::types::{
    Attribute, AttributeValue, Attributes, Constraints, DateTime, DefaultsInformation, IntoOwned,
    ManagedObject, ObjectType, Operation, ProtocolVersion, ResultReason, UniqueIdentifier,
};
use openssl::x509::X509Ref;

use crate::attributes::has_instances;
use crate::configuration::Configuration;
use crate::credentials::{self, Standing};
use crate::crypto::CertificationAuthority;
use crate::identity::identity_of;
use crate::journal::{self, Before};
use crate::notices::Changes;
use crate::object::{NewObject, StoredObject};
use crate::operations::exists;
use crate::refusal;
use crate::server::{ticket_of, undoes};
use crate::settings::{self, Setting};
use crate::store::{
    Found, INTERNAL_OWNER, INTERNAL_PREFIX, Search, Store, StoreError, Transaction,
};
use crate::volatile::Volatile;

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
    fn may(&self, operation: Operation, object: &StoredObject) -> bool {
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
        let credentials = self.call.header().authentication.as_ref();
        match credentials.and_then(ticket_of) {
            Some(ticket) => {
                let tickets = &self.volatile.tickets;
                tickets.consume(ticket, self.operation, key, bytes)
            }
            None => Ok(()),
        }
    }

    /// Begins a transaction. Until it ends, other clients wait: what takes long is done before.
    pub(crate) fn begin(&self) -> Result<Objects<'_>, Failure> {
        let transaction = self.store.begin().map_err(|error| self.broken(error))?;
        Ok(Objects {
            context: self,
            transaction,
            before: Vec::new(),
            changes: Changes::default(),
        })
    }

    /// As [`begin`](Self::begin), but for what changes nothing: it does not wait for those who do.
    pub(crate) fn view(&self) -> Result<Objects<'_>, Failure> {
        let transaction = self.store.view().map_err(|error| self.broken(error))?;
        Ok(Objects {
            context: self,
            transaction,
            before: Vec::new(),
            changes: Changes::default(),
        })
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

/// The objects of the client, within a transaction.
pub(crate) struct Objects<'c> {
    context: &'c Context<'c>,
    transaction: Box<dyn Transaction + 'c>,
    /// What the objects were that have changed, in case the client wants it back.
    before: Vec<Before>,
    /// What changes, in case the client is to be told.
    changes: Changes,
}

impl Objects<'_> {
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
    /// now, newest first, until `found` breaks.
    pub(crate) fn locate(
        &self,
        exact: Vec<Attribute<'static>>,
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
        self.search(
            &search,
            &mut |object| match context.may(Operation::LOCATE, &object) {
                true => found(object),
                false => ControlFlow::Continue(()),
            },
        )
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
        for attribute in new.attributes.iter() {
            self.check_name(attribute)?;
        }
        let context = self.context;
        let lease = context.configuration.lease_time;
        let (object, content) = new.finish(context.owner(), lease, context.now);
        self.insert(object, &content)
    }

    /// Adds a finished object.
    fn insert(
        &mut self,
        object: StoredObject,
        content: &ManagedObject<'static>,
    ) -> Result<StoredObject, Failure> {
        if let Some(constraints) = self.setting::<Constraints<'static>>()? {
            settings::check(&object.attributes, object.object_type, &constraints)?;
        }
        self.before.push(Before {
            identifier: object.identifier.clone(),
            state: None,
        });
        let inserted = self.transaction.insert(&object, Some(content));
        self.check(inserted)?;
        if self.context.configuration.notices.is_some() {
            self.changes.add(&object, content);
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
        let (object, content) = new.finish_imported(context.owner(), lease, context.now);
        self.insert(object, &content)
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
        journal::note(self.before);
        if let Some(notices) = &context.configuration.notices {
            self.changes.send(&**notices, context.version());
        }
        Ok(())
    }

    /// Refuses a Name that another object of the client has, or this one already.
    pub(crate) fn check_name(&self, attribute: &Attribute<'static>) -> Result<(), Failure> {
        let AttributeValue::Name(name) = &attribute.value else {
            return Ok(());
        };
        if !self.context.configuration.unique_names {
            return Ok(());
        }
        match self.find(attribute.clone(), |object| !object.is_destroyed())? {
            None => Ok(()),
            Some(_) => {
                let (operation, version) = (self.context.operation, self.context.version());
                Err(refusal::name_in_use(&name.name_value, operation, version))
            }
        }
    }

    /// The attributes that a request gives, those of templates included (until KMIP 1.4).
    ///
    /// # Errors
    /// If there is no such template, or there is something else than attributes.
    pub(crate) fn given(&self, given: &Attributes<'_>) -> Result<Vec<Attribute<'static>>, Failure> {
        if let Some(item) = given.extra.iter().next() {
            let message = format!("{} is no attribute of this version", item.tag);
            return Err(Failure::new(ResultReason::INVALID_FIELD, message));
        }
        let mut list: Vec<Attribute<'static>> = given.clone().into_owned().list;
        for name in &given.names {
            let name = AttributeValue::Name(name.clone().into_owned());
            let is_template = |object: &StoredObject| object.object_type == ObjectType::TEMPLATE;
            let template = self.find(name.into(), is_template)?.ok_or_else(|| {
                Failure::new(ResultReason::OBJECT_NOT_FOUND, "there is no such template")
            })?;
            let ManagedObject::Template(content) = self.content(&template)? else {
                return Err(Failure::internal());
            };
            let mut own: Vec<Attribute<'static>> = content.attributes.list;
            // What the request gives replaces what the template gives, or comes after it.
            own.retain(|attribute| {
                let reference = attribute.reference();
                let given = list.iter().any(|given| given.reference() == reference);
                let name = matches!(attribute.value, AttributeValue::Name(_));
                !name && (has_instances(&reference) || !given)
            });
            own.append(&mut list);
            list = own;
        }
        Ok(list)
    }

    /// What the client has set of this kind.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn setting<S: Setting>(&self) -> Result<Option<S>, Failure> {
        let identifier = settings::identifier_of::<S>(self.context.owner());
        let content = self.check(self.transaction.content(&identifier))?;
        content.as_ref().map(settings::restored).transpose()
    }

    /// Keeps what the client sets, in place of what it has set before.
    ///
    /// # Errors
    /// If it cannot be kept, or the store is out of order.
    pub(crate) fn set<S: Setting>(&mut self, setting: Option<&S>) -> Result<(), Failure> {
        let owner = self.context.owner();
        let identifier = settings::identifier_of::<S>(owner);
        if self.check(self.transaction.get(&identifier))?.is_some() {
            let removed = self.transaction.remove(&identifier);
            self.check(removed)?;
        }
        if let Some(setting) = setting {
            let (object, content) = settings::stored(owner, setting)?;
            let inserted = self.transaction.insert(&object, Some(&content));
            self.check(inserted)?;
        }
        Ok(())
    }

    /// As [`given`](Self::given), for a new object, with the defaults for its type.
    ///
    /// # Errors
    /// As for `given`.
    pub(crate) fn given_for(
        &self,
        object_type: ObjectType,
        given: &Attributes<'_>,
    ) -> Result<Vec<Attribute<'static>>, Failure> {
        let mut given = self.given(given)?;
        self.complete(object_type, &mut given)?;
        Ok(given)
    }

    /// Adds the defaults of the client for a type to what it gives for a new object.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn complete(
        &self,
        object_type: ObjectType,
        given: &mut Vec<Attribute<'static>>,
    ) -> Result<(), Failure> {
        if let Some(defaults) = self.setting::<DefaultsInformation<'static>>()? {
            settings::complete(given, object_type, &defaults);
        }
        Ok(())
    }

    fn check<T>(&self, result: Result<T, StoreError>) -> Result<T, Failure> {
        result.map_err(|error| self.context.broken(error))
    }
}
