//! The operations on attributes.

use crate::types::{
    AddAttributeRequest, Attribute, AttributeReference, Attributes, DeleteAttributeRequest,
    GetAttributeListRequest, GetAttributesRequest, ModifyAttributeRequest, ProtocolVersion,
    SetAttributeRequest, UniqueIdentifier,
};

use super::blocking::Client;
use super::error::Error;

impl Client {
    /// Reads attributes of an object, or all if none are named (Get Attributes). Those that the
    /// object does not have are left out by the server.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn get_attributes<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        attributes: impl IntoIterator<Item = AttributeReference<'a>>,
    ) -> Result<Attributes<'static>, Error> {
        let request = GetAttributesRequest {
            unique_identifier: Some(object.into()),
            attribute_reference: attributes.into_iter().collect(),
            ..GetAttributesRequest::default()
        };
        Ok(self.call(request)?.attributes)
    }

    /// Which attributes an object has (Get Attribute List).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn get_attribute_list<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
    ) -> Result<Vec<AttributeReference<'static>>, Error> {
        let request = GetAttributeListRequest {
            unique_identifier: Some(object.into()),
            ..GetAttributeListRequest::default()
        };
        Ok(self.call(request)?.attribute_reference)
    }

    /// Adds an attribute, or a further instance of it (Add Attribute).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn add_attribute<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        attribute: Attribute<'a>,
    ) -> Result<(), Error> {
        self.call(AddAttributeRequest {
            unique_identifier: Some(object.into()),
            new_attribute: Some(attribute),
            ..AddAttributeRequest::default()
        })?;
        Ok(())
    }

    /// Changes an attribute (Modify Attribute). Of several instances, KMIP 2.x finds the one to
    /// change by its `current` value, and 1.x by the index of `new`.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn modify_attribute<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        current: Option<Attribute<'a>>,
        new: Attribute<'a>,
    ) -> Result<(), Error> {
        self.call(ModifyAttributeRequest {
            unique_identifier: Some(object.into()),
            current_attribute: current.filter(|_| self.version() >= ProtocolVersion::V2_0),
            new_attribute: new,
            ..ModifyAttributeRequest::default()
        })?;
        Ok(())
    }

    /// Gives an attribute with only one instance its value, whether it had one or not: Set
    /// Attribute from KMIP 2.0 on, before that Modify Attribute, and Add Attribute if there is
    /// nothing to modify.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn set_attribute<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        attribute: Attribute<'a>,
    ) -> Result<(), Error> {
        let object = object.into();
        if self.version() >= ProtocolVersion::V2_0 {
            self.call(SetAttributeRequest {
                unique_identifier: Some(object),
                new_attribute: attribute,
                ..SetAttributeRequest::default()
            })?;
            return Ok(());
        }
        let present = self.get_attributes(object.clone(), [attribute.reference()])?;
        match present.find(&attribute.reference()) {
            Some(_) => self.modify_attribute(object, None, attribute),
            None => self.add_attribute(object, attribute),
        }
    }

    /// Removes an instance of an attribute (Delete Attribute): in KMIP 2.x the one with this value,
    /// in 1.x the one with this index, or the first.
    ///
    /// The value is named rather than the attribute, since there are servers that answer Success
    /// to the latter and do nothing.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn delete_attribute<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        attribute: Attribute<'a>,
    ) -> Result<(), Error> {
        let by_value = self.version() >= ProtocolVersion::V2_0;
        let mut request = DeleteAttributeRequest {
            unique_identifier: Some(object.into()),
            ..DeleteAttributeRequest::default()
        };
        if by_value {
            request.current_attribute = Some(attribute);
        } else {
            request.attribute_index = attribute.index;
            request.attribute_reference = Some(attribute.reference());
        }
        self.call(request)?;
        Ok(())
    }
}
