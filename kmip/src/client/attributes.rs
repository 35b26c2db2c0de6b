//! The operations on attributes.

use crate::types::{
    AddAttributeRequest, Attribute, AttributeReference, Attributes, DeleteAttributeRequest,
    GetAttributeListRequest, GetAttributesRequest, ModifyAttributeRequest, ProtocolVersion,
    SetAttributeRequest, UniqueIdentifier,
};

use super::methods::{ask, client_methods};

client_methods! {
    /// Reads attributes of an object, or all if none are named (Get Attributes). Those that the
    /// object does not have are left out by the server.
    ///
    /// # Errors
    /// If the server refuses it.
    fn get_attributes['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        attributes: impl IntoIterator<Item = AttributeReference<'a>> + Send + 'a,
    ) -> Attributes<'static> {
        let request = GetAttributesRequest {
            unique_identifier: Some(object.into()),
            attribute_reference: attributes.into_iter().collect(),
            ..GetAttributesRequest::default()
        };
        Ok(ask!(self, request)?.attributes)
    }

    /// Which attributes an object has (Get Attribute List).
    ///
    /// # Errors
    /// If the server refuses it.
    fn get_attribute_list['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
    ) -> Vec<AttributeReference<'static>> {
        let request = GetAttributeListRequest {
            unique_identifier: Some(object.into()),
            ..GetAttributeListRequest::default()
        };
        Ok(ask!(self, request)?.attribute_reference)
    }

    /// Adds an attribute, or a further instance of it (Add Attribute).
    ///
    /// # Errors
    /// If the server refuses it.
    fn add_attribute['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        attribute: Attribute<'a>,
    ) -> () {
        ask!(self, AddAttributeRequest {
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
    fn modify_attribute['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        current: Option<Attribute<'a>>,
        new: Attribute<'a>,
    ) -> () {
        ask!(self, ModifyAttributeRequest {
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
    fn set_attribute['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        attribute: Attribute<'a>,
    ) -> () {
        let object = object.into();
        if self.version() >= ProtocolVersion::V2_0 {
            ask!(self, SetAttributeRequest {
                unique_identifier: Some(object),
                new_attribute: attribute,
                ..SetAttributeRequest::default()
            })?;
            return Ok(());
        }
        let present = ask!(self, GetAttributesRequest {
            unique_identifier: Some(object.clone()),
            attribute_reference: vec![attribute.reference()],
            ..GetAttributesRequest::default()
        })?;
        match present.attributes.find(&attribute.reference()) {
            Some(_) => {
                ask!(self, ModifyAttributeRequest {
                    unique_identifier: Some(object),
                    new_attribute: attribute,
                    ..ModifyAttributeRequest::default()
                })?;
            }
            None => {
                ask!(self, AddAttributeRequest {
                    unique_identifier: Some(object),
                    new_attribute: Some(attribute),
                    ..AddAttributeRequest::default()
                })?;
            }
        }
        Ok(())
    }

    /// Removes an instance of an attribute (Delete Attribute): in KMIP 2.x the one with this value,
    /// in 1.x the one with this index, or the first.
    ///
    /// The value is named rather than the attribute, since there are servers that answer Success
    /// to the latter and do nothing.
    ///
    /// # Errors
    /// If the server refuses it.
    fn delete_attribute['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        attribute: Attribute<'a>,
    ) -> () {
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
        ask!(self, request)?;
        Ok(())
    }
}
