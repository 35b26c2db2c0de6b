//! The frequent operations on objects.

use crate::types::{
    ActivateRequest, Attribute, Attributes, CreateKeyPairRequest, CreateRequest,
    CryptographicAlgorithm, CryptographicUsageMask, DateTime, DestroyRequest, GetRequest,
    GetResponse, KeyWrappingSpecification, LocateRequest, ManagedObject, ObjectType,
    ProtocolVersion, RegisterRequest, RevocationReason, RevocationReasonCode, RevokeRequest,
    UniqueIdentifier,
};

use super::blocking::Client;
use super::error::Error;

/// Where the identifier of an object is wanted, a text or a [`UniqueIdentifier`] will do.
impl Client {
    /// Creates an AES key of `bits` bits (Create). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn create_symmetric_key<'a>(
        &mut self,
        bits: i32,
        usage: CryptographicUsageMask,
        attributes: impl IntoIterator<Item = Attribute<'a>>,
    ) -> Result<UniqueIdentifier<'static>, Error> {
        let required = [
            Attribute::cryptographic_algorithm(CryptographicAlgorithm::AES),
            Attribute::cryptographic_length(bits),
            Attribute::cryptographic_usage_mask(usage),
        ];
        let request = CreateRequest {
            object_type: ObjectType::SYMMETRIC_KEY,
            attributes: required.into_iter().chain(attributes).collect(),
            ..CreateRequest::default()
        };
        Ok(self.call(request)?.unique_identifier)
    }

    /// Creates a key pair (Create Key Pair) with attributes for both keys, for the private one and
    /// for the public one. Returns the identifiers of the private and of the public key.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn create_key_pair<'a>(
        &mut self,
        common: impl Into<Attributes<'a>>,
        private: impl Into<Attributes<'a>>,
        public: impl Into<Attributes<'a>>,
    ) -> Result<(UniqueIdentifier<'static>, UniqueIdentifier<'static>), Error> {
        let some = |attributes: Attributes<'a>| (!attributes.is_empty()).then_some(attributes);
        let made = self.call(CreateKeyPairRequest {
            common_attributes: some(common.into()),
            private_key_attributes: some(private.into()),
            public_key_attributes: some(public.into()),
            ..CreateKeyPairRequest::default()
        })?;
        Ok((
            made.private_key_unique_identifier,
            made.public_key_unique_identifier,
        ))
    }

    /// Stores an object that exists already (Register). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn register<'a>(
        &mut self,
        object_type: ObjectType,
        object: impl Into<ManagedObject<'a>>,
        attributes: impl Into<Attributes<'a>>,
    ) -> Result<UniqueIdentifier<'static>, Error> {
        let request = RegisterRequest {
            object_type,
            attributes: attributes.into(),
            managed_object: Some(object.into()),
            ..RegisterRequest::default()
        };
        Ok(self.call(request)?.unique_identifier)
    }

    /// Fetches an object (Get).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn get<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
    ) -> Result<GetResponse<'static>, Error> {
        self.call(GetRequest {
            unique_identifier: Some(object.into()),
            ..GetRequest::default()
        })
    }

    /// Fetches a key that the server wraps (Get). No Key Format Type is asked for, since several
    /// servers refuse it together with wrapping.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn get_wrapped<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        wrapping: KeyWrappingSpecification<'a>,
    ) -> Result<GetResponse<'static>, Error> {
        self.call(GetRequest {
            unique_identifier: Some(object.into()),
            key_wrapping_specification: Some(wrapping),
            ..GetRequest::default()
        })
    }

    /// Finds the objects that have all these attributes (Locate), at most `maximum` if given.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn locate<'a>(
        &mut self,
        attributes: impl Into<Attributes<'a>>,
        maximum: impl Into<Option<i32>>,
    ) -> Result<Vec<UniqueIdentifier<'static>>, Error> {
        let request = LocateRequest {
            maximum_items: maximum.into(),
            attributes: attributes.into(),
            ..LocateRequest::default()
        };
        Ok(self.call(request)?.unique_identifier)
    }

    /// Finds all objects that have all these attributes, `page` of them at a time (Locate), for
    /// servers that limit the number or size of answers. Before KMIP 1.3, which brought Offset
    /// Items, everything is asked for at once.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn locate_all<'a>(
        &mut self,
        attributes: impl Into<Attributes<'a>>,
        page: u16,
    ) -> Result<Vec<UniqueIdentifier<'static>>, Error> {
        let attributes = attributes.into();
        if self.version() < ProtocolVersion::V1_3 || page == 0 {
            return self.locate(attributes, None);
        }
        let mut found = Vec::new();
        loop {
            let request = LocateRequest {
                maximum_items: Some(page.into()),
                offset_items: i32::try_from(found.len()).ok().filter(|offset| *offset > 0),
                attributes: attributes.clone(),
                ..LocateRequest::default()
            };
            let mut more = self.call(request)?.unique_identifier;
            let full = more.len() == usize::from(page);
            // A server that does not know the offset begins again.
            more.retain(|object| !found.contains(object));
            if more.is_empty() {
                return Ok(found);
            }
            found.extend(more);
            if !full {
                return Ok(found);
            }
        }
    }

    /// Makes a key usable (Activate).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn activate<'a>(&mut self, object: impl Into<UniqueIdentifier<'a>>) -> Result<(), Error> {
        self.call(ActivateRequest {
            unique_identifier: Some(object.into()),
            ..ActivateRequest::default()
        })?;
        Ok(())
    }

    /// Puts an object out of use (Revoke). When a key was compromised, the server wants to know
    /// since when.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn revoke<'a>(
        &mut self,
        object: impl Into<UniqueIdentifier<'a>>,
        reason: RevocationReasonCode,
        compromised_since: impl Into<Option<DateTime>>,
    ) -> Result<(), Error> {
        self.call(RevokeRequest {
            unique_identifier: Some(object.into()),
            revocation_reason: RevocationReason {
                revocation_reason_code: reason,
                ..RevocationReason::default()
            },
            compromise_occurrence_date: compromised_since.into(),
            ..RevokeRequest::default()
        })?;
        Ok(())
    }

    /// Destroys an object (Destroy).
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn destroy<'a>(&mut self, object: impl Into<UniqueIdentifier<'a>>) -> Result<(), Error> {
        self.call(DestroyRequest {
            unique_identifier: Some(object.into()),
            ..DestroyRequest::default()
        })?;
        Ok(())
    }
}
