//! What the server keeps in the store for a client for a while: tickets, and requests that are done later.
//! All servers with that store know it.

use std::ops::ControlFlow;

use kmip::codec::{Item, Options};
use kmip::server::Failure;
use kmip::ttlv;
use kmip::types::{
    AttributeValue, DateTime, IntoOwned, ManagedObject, ProtocolVersion, ResultReason, Secret, Tag,
};
use zeroize::Zeroizing;

use crate::object::StoredObject;
use crate::refusal;
use crate::store::{
    INTERNAL_OWNER, Search, Store, StoreError, Transaction, internal_content, internal_identifier,
};

/// In seconds.
const DAY: i64 = 86_400;
/// About how much of what has ended is removed at a time.
const MOST_REMOVED: usize = 64;

/// Why the server does not keep something, or does not have it any more.
#[derive(Debug)]
pub(crate) enum KeptError {
    /// For a reason that the client is told.
    Refused(Failure),
    /// The store is out of order.
    Store(StoreError),
}

impl KeptError {
    /// Whether it can be tried again, since other servers were in the way.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, KeptError::Store(error) if error.is_conflict())
    }
}

impl From<Failure> for KeptError {
    fn from(failure: Failure) -> Self {
        KeptError::Refused(failure)
    }
}

impl From<StoreError> for KeptError {
    fn from(error: StoreError) -> Self {
        KeptError::Store(error)
    }
}

/// A kind of things that are kept.
pub(crate) struct Shelf {
    /// What tells them from others.
    pub(crate) kind: &'static str,
    /// How many a client may have.
    pub(crate) most: usize,
    /// What it is told if it wants more.
    pub(crate) full: &'static str,
}

/// Whose something is, and until when it is kept.
pub(crate) struct Lifetime<'l> {
    pub(crate) owner: &'l str,
    pub(crate) now: DateTime,
    pub(crate) until: DateTime,
}

impl Shelf {
    /// Where something is kept that is known by these bytes. They cannot be told from it.
    pub(crate) fn place(&self, known_by: &[u8]) -> String {
        internal_identifier(self.kind, known_by)
    }

    /// What is found by whose it is.
    fn mark(&self, owner: &str) -> AttributeValue<'static> {
        let kind = format!("{}-of", self.kind);
        let group = internal_identifier(&kind, owner.as_bytes());
        AttributeValue::ObjectGroup(group.into())
    }

    /// What is found by the day on which it ends, whoever has it.
    fn mark_of_day(&self, day: i64) -> AttributeValue<'static> {
        let kind = format!("{}-until", self.kind);
        let group = internal_identifier(&kind, &day.to_be_bytes());
        AttributeValue::ObjectGroup(group.into())
    }

    /// Removes of what has ended on the last two days, so that it goes even if its client does not come
    /// again. In a transaction of its own, before others: their clients would wait for each other.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn clear(&self, store: &dyn Store, now: DateTime) -> Result<(), StoreError> {
        let today = now.0.div_euclid(DAY);
        let mut ended = Vec::new();
        let view = store.view()?;
        for day in [today - 1, today - 2] {
            let search = Search {
                owner: Some(INTERNAL_OWNER.to_owned()),
                exact: vec![self.mark_of_day(day).into()],
            };
            view.find(&search, &mut |object| {
                ended.push(object.identifier);
                match ended.len() < MOST_REMOVED {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
        }
        drop(view);
        if ended.is_empty() {
            return Ok(());
        }
        let mut transaction = store.begin()?;
        for place in ended {
            transaction.remove(&place)?;
        }
        transaction.commit()
    }

    /// Keeps something. What the client had, and has ended, goes.
    ///
    /// # Errors
    /// If the client has too much already, or the store is out of order.
    pub(crate) fn put(
        &self,
        transaction: &mut dyn Transaction,
        place: &str,
        lifetime: &Lifetime<'_>,
        bytes: Secret<'static>,
    ) -> Result<(), KeptError> {
        let mut count = 0;
        for own in self.places(transaction, lifetime.owner)? {
            match own.until.is_some_and(|until| until <= lifetime.now) {
                true => transaction.remove(&own.place)?,
                false => count += 1,
            }
        }
        if count >= self.most {
            return Err(Failure::new(ResultReason::SERVER_LIMIT_EXCEEDED, self.full).into());
        }
        let mut object = StoredObject::internal(place);
        object.attributes.add(self.mark(lifetime.owner));
        let day = lifetime.until.0.div_euclid(DAY);
        object.attributes.add(self.mark_of_day(day));
        let until = AttributeValue::DeactivationDate(lifetime.until);
        object.attributes.set(until);
        transaction.insert(&object, Some(&internal_content(bytes)))?;
        Ok(())
    }

    /// What a client has, newest first.
    ///
    /// # Errors
    /// If the store is out of order.
    pub(crate) fn places(
        &self,
        transaction: &dyn Transaction,
        owner: &str,
    ) -> Result<Vec<Kept>, StoreError> {
        let search = Search {
            owner: Some(INTERNAL_OWNER.to_owned()),
            exact: vec![self.mark(owner).into()],
        };
        let mut places = Vec::new();
        transaction.find(&search, &mut |object| {
            places.push(Kept {
                until: object.attributes.deactivation_date().copied(),
                place: object.identifier,
            });
            ControlFlow::Continue(())
        })?;
        Ok(places)
    }
}

/// Something that is kept.
pub(crate) struct Kept {
    pub(crate) place: String,
    until: Option<DateTime>,
}

/// What is kept at a place.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn read(
    transaction: &dyn Transaction,
    place: &str,
) -> Result<Option<Secret<'static>>, StoreError> {
    Ok(match transaction.content(place)? {
        Some(ManagedObject::OpaqueObject(kept)) => Some(kept.opaque_data_value),
        _ => None,
    })
}

/// As [`read`], in order to change it: others who want to change it wait.
///
/// # Errors
/// If the store is out of order.
pub(crate) fn read_to_change(
    transaction: &dyn Transaction,
    place: &str,
) -> Result<Option<Secret<'static>>, StoreError> {
    match transaction.get(place)? {
        Some(_) => read(transaction, place),
        None => Ok(None),
    }
}

/// A structure of the protocol, as it is kept.
///
/// # Errors
/// If the client has given something that cannot be written.
pub(crate) fn to_bytes<'a>(
    item: &impl Item<'a>,
    tag: Tag,
    version: ProtocolVersion,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::default();
    let written = ttlv::encode_item(item, tag, version, &mut bytes);
    written.map_err(|error| refusal::invalid_field(format!("this cannot be kept: {error}")))?;
    Ok(bytes)
}

/// The structure that is kept as these bytes.
///
/// # Errors
/// If they are damaged.
pub(crate) fn from_bytes<'b, T: Item<'b> + IntoOwned>(
    bytes: &'b [u8],
    tag: Tag,
    version: ProtocolVersion,
) -> Result<T::Owned, Failure> {
    let item: Result<T, _> = ttlv::decode_item(bytes, tag, version, &Options::default());
    let item = item.map_err(|_| Failure::internal())?;
    Ok(item.into_owned())
}
