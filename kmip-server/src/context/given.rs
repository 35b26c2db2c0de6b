//! What a request gives for a new object, and what the client has set for all of them.

use kmip::server::Failure;
use kmip::types::{
    Attribute, AttributeValue, Attributes, DefaultsInformation, IntoOwned, ManagedObject, Name,
    ObjectType, ResultReason,
};

use super::{Context, Objects};
use crate::attributes::has_instances;
use crate::object::StoredObject;
use crate::refusal;
use crate::settings::{self, Setting};
use crate::store;

impl Context<'_> {
    /// The attributes that a request gives itself, without those of templates.
    ///
    /// # Errors
    /// If there is something else than attributes, or a link to nothing.
    pub(crate) fn given(&self, given: &Attributes<'_>) -> Result<Vec<Attribute<'static>>, Failure> {
        if let Some(item) = given.extra.iter().next() {
            let message = format!("{} is no attribute of this version", item.tag);
            return Err(Failure::new(ResultReason::INVALID_FIELD, message));
        }
        let list = given.clone().into_owned().list.into_iter();
        list.map(|attribute| self.resolved(attribute)).collect()
    }

    /// The Name that an attribute is, if no two objects of the client may have it.
    pub(super) fn unique_name<'a>(
        &self,
        attribute: &'a Attribute<'static>,
    ) -> Option<&'a Name<'static>> {
        match &attribute.value {
            AttributeValue::Name(name) if self.configuration.unique_names => Some(name),
            _ => None,
        }
    }

    /// The refusal of a Name that another object of the client has.
    pub(super) fn name_in_use(&self, name: &Name<'_>) -> Failure {
        refusal::name_in_use(&name.name_value, self.operation, self.version())
    }
}

impl Objects<'_> {
    /// Refuses a Name that another object of the client has, or this one already.
    pub(crate) fn check_name(&self, attribute: &Attribute<'static>) -> Result<(), Failure> {
        let Some(name) = self.context.unique_name(attribute) else {
            return Ok(());
        };
        let (owner, now) = (self.context.owner(), self.context.now);
        let is_in_use = store::is_name_in_use(&*self.transaction, owner, name, now);
        match self.check(is_in_use)? {
            true => Err(self.context.name_in_use(name)),
            false => Ok(()),
        }
    }

    /// The attributes that a request gives, those of templates included (until KMIP 1.4).
    ///
    /// # Errors
    /// As for [`Context::given`], or if there is no such template.
    pub(crate) fn given(&self, given: &Attributes<'_>) -> Result<Vec<Attribute<'static>>, Failure> {
        let mut list = self.context.given(given)?;
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
}
