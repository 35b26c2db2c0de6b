//! New objects that are added without anything else, so that a store can add many together.

use std::ops::ControlFlow;

use kmip::types::{Attribute, DateTime, ManagedObject, Name};

use super::{Search, StoreError, Transaction};
use crate::object::StoredObject;

/// A new object, and on what conditions it is added: see [`Store::add`](super::Store::add).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Addition {
    /// What is known of it.
    pub object: StoredObject,
    /// Its content.
    pub content: ManagedObject<'static>,
    /// The time, by which other objects are destroyed or not.
    pub now: DateTime,
    /// Names that its owner must not have given to another object, unless that is destroyed.
    pub unique_names: Vec<Name<'static>>,
    /// The content that the object with an identifier must have; `None` if there must be no such object, or
    /// none that has a content still.
    pub expected_contents: Vec<(String, Option<ManagedObject<'static>>)>,
}

/// What has become of an [`Addition`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Added {
    /// The object was added, for good.
    Done,
    /// Nothing has changed, since a content is not what is expected.
    Hindered,
    /// Nothing has changed, since another object has this Name.
    NameInUse(Name<'static>),
}

impl Addition {
    /// A new object that is added on no condition.
    pub fn new(object: StoredObject, content: ManagedObject<'static>, now: DateTime) -> Self {
        Addition {
            object,
            content,
            now,
            unique_names: Vec::new(),
            expected_contents: Vec::new(),
        }
    }

    /// Adds the object within a transaction, if all conditions are met. Nothing has changed otherwise.
    ///
    /// # Errors
    /// If there is an object with its identifier, or the store is out of order.
    pub fn perform(&self, transaction: &mut dyn Transaction) -> Result<Added, StoreError> {
        for (identifier, content) in &self.expected_contents {
            if transaction.content(identifier)? != *content {
                return Ok(Added::Hindered);
            }
        }
        for name in &self.unique_names {
            if is_name_in_use(transaction, &self.object.owner, name, self.now)? {
                return Ok(Added::NameInUse(name.clone()));
            }
        }
        transaction.insert(&self.object, Some(&self.content))?;
        Ok(Added::Done)
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

/// Whether a client has given a Name to an object that is not destroyed.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn is_name_in_use(
    transaction: &dyn Transaction,
    owner: &str,
    name: &Name<'static>,
    now: DateTime,
) -> Result<bool, StoreError> {
    let search = Search {
        owner: Some(owner.to_owned()),
        exact: vec![Attribute::name(name.clone())],
    };
    let mut is_in_use = false;
    transaction.find(&search, &mut |mut object| {
        object.refresh(now);
        is_in_use = !object.is_destroyed();
        match is_in_use {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok(is_in_use)
}
