//! New objects that are added without anything else, so that a store can add many together.

use std::ops::ControlFlow;

use kmip::types::{Attribute, DateTime, ManagedObject};

use super::{Search, StoreError, Transaction};
use crate::object::StoredObject;

/// A new object, and on what conditions it is added.
#[derive(Debug, Clone)]
pub struct Addition {
    /// What is known of it.
    pub object: StoredObject,
    /// Its content.
    pub content: ManagedObject<'static>,
    /// What the contents of objects with these identifiers must be; none of an object that must not be
    /// there, or be destroyed.
    pub contents: Vec<(String, Option<ManagedObject<'static>>)>,
    /// Names that its owner must not have given to another object, unless that is destroyed.
    pub names: Vec<Attribute<'static>>,
    /// The time, by which other objects are destroyed or not.
    pub now: DateTime,
}

/// What has become of an [`Addition`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Added {
    /// The object was added, for good.
    Done,
    /// Nothing has changed, since another content is not what it must be.
    Hindered,
    /// Nothing has changed, since another object has this Name.
    NameInUse(Attribute<'static>),
}

impl Addition {
    /// Adds the object within a transaction, if all conditions are met.
    ///
    /// # Errors
    /// If there is an object with its identifier, or the store is out of order.
    pub(super) fn perform(&self, transaction: &mut dyn Transaction) -> Result<Added, StoreError> {
        for (identifier, content) in &self.contents {
            if transaction.content(identifier)? != *content {
                return Ok(Added::Hindered);
            }
        }
        for name in &self.names {
            if self.is_in_use(name, transaction)? {
                return Ok(Added::NameInUse(name.clone()));
            }
        }
        transaction.insert(&self.object, Some(&self.content))?;
        Ok(Added::Done)
    }

    fn is_in_use(
        &self,
        name: &Attribute<'static>,
        transaction: &dyn Transaction,
    ) -> Result<bool, StoreError> {
        let search = Search {
            owner: Some(self.object.owner.clone()),
            exact: vec![name.clone()],
        };
        let mut is_in_use = false;
        transaction.find(&search, &mut |mut object| {
            object.refresh(self.now);
            is_in_use = !object.is_destroyed();
            match is_in_use {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(is_in_use)
    }

    /// Adds the object in a transaction of its own.
    ///
    /// # Errors
    /// As for [`perform`](Self::perform), or if it cannot be made permanent.
    pub(super) fn alone(
        &self,
        mut transaction: Box<dyn Transaction + '_>,
    ) -> Result<Added, StoreError> {
        let added = self.perform(&mut *transaction)?;
        if added == Added::Done {
            transaction.commit()?;
        }
        Ok(added)
    }
}
