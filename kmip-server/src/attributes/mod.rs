//! The attributes of an object: keeping them, and who may do what with them.

mod rules;
mod search;
mod view;

use std::ops::Deref;

use kmip::types::{
    Attribute, AttributeReference, AttributeValue, Attributes, DateTime, ProtocolVersion, Tag,
};

pub(crate) use rules::{check_added, check_changed, check_deleted, check_new, has_instances};
pub(crate) use search::Filter;
pub(crate) use view::{answered, older_parameters, references, visible};

/// The attributes of an object, each with its Attribute Index if there can be several of it.
///
/// An index is given once and stays with its instance, whichever others are deleted (KMIP 1.4, 2.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttributeSet(Attributes<'static>);

impl Deref for AttributeSet {
    type Target = Attributes<'static>;

    fn deref(&self) -> &Attributes<'static> {
        &self.0
    }
}

impl AttributeSet {
    /// Attributes as they were stored, with their indices.
    pub fn from_stored(list: Vec<Attribute<'static>>) -> Self {
        AttributeSet(list.into())
    }

    /// The only value of an attribute that has one, replacing any other.
    pub(crate) fn set(&mut self, value: AttributeValue<'static>) {
        let mut new = Attribute::from(value);
        match self.0.list.iter().position(|old| is_same(old, &new)) {
            Some(position) => {
                new.index = self.0.list[position].index;
                self.0.list[position] = new;
            }
            None => self.add(new.value),
        }
    }

    /// One more value. If there can be several, it gets an index.
    pub(crate) fn add(&mut self, value: AttributeValue<'static>) {
        let mut new = Attribute::from(value);
        let reference = new.reference();
        if has_instances(&reference) {
            let indices = self.0.list.iter().filter(|old| same_name(old, &reference));
            let highest = indices.filter_map(|old| old.index).max();
            new.index = Some(highest.map_or(0, |highest| highest.saturating_add(1)));
        }
        self.0.list.push(new);
    }

    /// Sets a boolean or another attribute unless there is a value.
    pub(crate) fn set_default(&mut self, value: AttributeValue<'static>) {
        if value.tag().is_some_and(|tag| self.value(tag).is_none()) {
            self.set(value);
        }
    }

    /// The value of a standard attribute, or the first of several.
    pub(crate) fn value(&self, tag: Tag) -> Option<&AttributeValue<'static>> {
        self.0.values(tag).next()
    }

    /// Removes all values of a standard attribute.
    pub(crate) fn clear(&mut self, tag: Tag) {
        self.0.list.retain(|old| old.value.tag() != Some(tag));
    }

    /// Where in the list the values of an attribute stand, as a client of `version` names it.
    pub(crate) fn positions(
        &self,
        reference: &AttributeReference<'_>,
        version: ProtocolVersion,
    ) -> Vec<usize> {
        let named = |old: &Attribute<'_>| match version < ProtocolVersion::V2_0 {
            true => same_name(old, reference),
            false => old.reference() == *reference,
        };
        let list = self.0.list.iter().enumerate();
        list.filter(|(_, old)| named(old))
            .map(|(position, _)| position)
            .collect()
    }

    /// The instance at a position from [`positions`](Self::positions).
    pub(crate) fn at(&self, position: usize) -> &Attribute<'static> {
        &self.0.list[position]
    }

    /// Replaces the value of an instance; the index stays.
    pub(crate) fn replace(&mut self, position: usize, value: AttributeValue<'static>) {
        self.0.list[position].value = value;
    }

    /// Removes an instance.
    pub(crate) fn remove(&mut self, position: usize) -> Attribute<'static> {
        self.0.list.remove(position)
    }

    /// Last Change Date.
    pub(crate) fn touch(&mut self, now: DateTime) {
        self.set(AttributeValue::LastChangeDate(now));
    }
}

/// Whether two are the same attribute, whatever their values.
fn is_same(one: &Attribute<'_>, other: &Attribute<'_>) -> bool {
    match (one.value.tag(), other.value.tag()) {
        (Some(one), Some(other)) => one == other,
        _ => one.reference() == other.reference(),
    }
}

/// Whether an attribute has this name in KMIP 1.x, where `x-acme-id` may be the attribute `acme-id`
/// of the client `x` or the attribute `id` of the vendor `acme`.
pub(crate) fn same_name(attribute: &Attribute<'_>, reference: &AttributeReference<'_>) -> bool {
    let own = attribute.reference();
    own == *reference || own.name().is_some() && own.name() == reference.name()
}
