//! Making, storing and fetching objects.

use crate::types::{
    Attribute, Attributes, CreateKeyPairRequest, CreateRequest, CreateSplitKeyRequest,
    CryptographicAlgorithm, CryptographicUsageMask, DeriveKeyRequest, ExportRequest,
    ExportResponse, GetRequest, GetResponse, ImportRequest, JoinSplitKeyRequest,
    KeyWrappingSpecification, ManagedObject, ObjectType, ProtocolVersion, RegisterRequest, Secret,
    SplitKeyMethod, UniqueIdentifier,
};

use super::error::{Problem, ResponseFault};
use super::methods::{ask, client_methods};
use super::new_key::NewKey;

/// The identifiers of the keys of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Of the private key.
    pub private: UniqueIdentifier<'static>,
    /// Of the public key.
    pub public: UniqueIdentifier<'static>,
}

client_methods! {
    /// Creates a symmetric key (Create): a [`NewKey`], or any request. Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn create['a](
        &mut self,
        key: impl Into<CreateRequest<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        Ok(ask!(self, key.into())?.unique_identifier)
    }

    /// Creates an AES key of `bits` bits (Create). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn create_symmetric_key['a](
        &mut self,
        bits: i32,
        usage: CryptographicUsageMask,
        attributes: impl IntoIterator<Item = Attribute<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        let key = NewKey::new(CryptographicAlgorithm::AES, bits).usage(usage);
        let key = attributes.into_iter().fold(key, NewKey::attribute);
        let request = CreateRequest::from(key);
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Creates a key pair (Create Key Pair): a [`NewKeyPair`](super::NewKeyPair), or any request.
    ///
    /// # Errors
    /// If the server refuses it.
    fn generate_key_pair['a](
        &mut self,
        pair: impl Into<CreateKeyPairRequest<'a>> + Send + 'a,
    ) -> KeyPair {
        let made = ask!(self, pair.into())?;
        Ok(KeyPair {
            private: made.private_key_unique_identifier,
            public: made.public_key_unique_identifier,
        })
    }

    /// Creates a key pair (Create Key Pair) with attributes for both keys, for the private one and
    /// for the public one. Returns the identifiers of the private and of the public key.
    ///
    /// # Errors
    /// If the server refuses it.
    fn create_key_pair['a](
        &mut self,
        common: impl Into<Attributes<'a>> + Send + 'a,
        private: impl Into<Attributes<'a>> + Send + 'a,
        public: impl Into<Attributes<'a>> + Send + 'a,
    ) -> (UniqueIdentifier<'static>, UniqueIdentifier<'static>) {
        let some = |attributes: Attributes<'a>| (!attributes.is_empty()).then_some(attributes);
        let request = CreateKeyPairRequest {
            common_attributes: some(common.into()),
            private_key_attributes: some(private.into()),
            public_key_attributes: some(public.into()),
            ..CreateKeyPairRequest::default()
        };
        let made = ask!(self, request)?;
        Ok((
            made.private_key_unique_identifier,
            made.public_key_unique_identifier,
        ))
    }

    /// Stores an object that exists already (Register): a [`NewObject`](super::NewObject), or any
    /// request. Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn store['a](
        &mut self,
        object: impl Into<RegisterRequest<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        Ok(ask!(self, object.into())?.unique_identifier)
    }

    /// Stores an object that exists already (Register). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn register['a](
        &mut self,
        object_type: ObjectType,
        object: impl Into<ManagedObject<'a>> + Send + 'a,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        let request = RegisterRequest {
            object_type,
            attributes: attributes.into(),
            managed_object: Some(object.into()),
            ..RegisterRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Stores an object that comes from another server, under the identifier that it has there
    /// (Import, since KMIP 1.4).
    ///
    /// # Errors
    /// If the server refuses it; without `replace` also if it has an object of this identifier.
    fn import['a](
        &mut self,
        identifier: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        object: impl Into<ManagedObject<'a>> + Send + 'a,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
        replace: bool,
    ) -> UniqueIdentifier<'static> {
        let managed_object = object.into();
        let request = ImportRequest {
            unique_identifier: identifier.into(),
            // 1.4 tells it by the object alone.
            object_type: (self.version() >= ProtocolVersion::V2_0)
                .then(|| managed_object.object_type()),
            replace_existing: Some(replace),
            attributes: attributes.into(),
            managed_object,
            ..ImportRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Fetches an object with all its attributes (Export, since KMIP 1.4), wrapped if that is asked
    /// for.
    ///
    /// # Errors
    /// If the server refuses it.
    fn export['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        wrapping: impl Into<Option<KeyWrappingSpecification<'a>>> + Send + 'a,
    ) -> ExportResponse<'static> {
        let request = ExportRequest {
            unique_identifier: Some(object.into()),
            key_wrapping_specification: wrapping.into(),
            ..ExportRequest::default()
        };
        ask!(self, request)
    }

    /// Fetches an object (Get).
    ///
    /// # Errors
    /// If the server refuses it.
    fn get['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> GetResponse<'static> {
        let request = GetRequest {
            unique_identifier: Some(object.into()),
            ..GetRequest::default()
        };
        ask!(self, request)
    }

    /// Fetches a key that the server wraps (Get). No Key Format Type is asked for, since several
    /// servers refuse it together with wrapping.
    ///
    /// # Errors
    /// If the server refuses it.
    fn get_wrapped['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        wrapping: KeyWrappingSpecification<'a>,
    ) -> GetResponse<'static> {
        let request = GetRequest {
            unique_identifier: Some(object.into()),
            key_wrapping_specification: Some(wrapping),
            ..GetRequest::default()
        };
        ask!(self, request)
    }

    /// Fetches the bytes of a key or of secret data (Get), wrapped if that is asked for.
    ///
    /// # Errors
    /// If the server refuses it, or returns something that has no bytes, such as a transparent key.
    fn get_key['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        wrapping: impl Into<Option<KeyWrappingSpecification<'a>>> + Send + 'a,
    ) -> Secret<'static> {
        let request = GetRequest {
            unique_identifier: Some(object.into()),
            key_wrapping_specification: wrapping.into(),
            ..GetRequest::default()
        };
        let got = ask!(self, request)?;
        match key_bytes(got.managed_object) {
            Some(key) => Ok(key),
            None => {
                let fault = ResponseFault::Field("key as bytes");
                let operation = crate::types::Operation::GET;
                Err(self.session.error(operation, Problem::Response(fault)))
            }
        }
    }

    /// Derives a key or secret data from others (Derive Key). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn derive['a](&mut self, request: DeriveKeyRequest<'a>) -> UniqueIdentifier<'static> {
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Splits a key into `parts`, of which `threshold` suffice to join it again (Create Split Key,
    /// since KMIP 1.2): the key `from`, or else a new one with these attributes. Returns the
    /// identifiers of the parts.
    ///
    /// # Errors
    /// If the server refuses it.
    fn split_key['a](
        &mut self,
        from: impl Into<Option<UniqueIdentifier<'a>>> + Send + 'a,
        parts: i32,
        threshold: i32,
        method: SplitKeyMethod,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
    ) -> Vec<UniqueIdentifier<'static>> {
        let request = CreateSplitKeyRequest {
            object_type: ObjectType::SPLIT_KEY,
            unique_identifier: from.into(),
            split_key_parts: parts,
            split_key_threshold: threshold,
            split_key_method: method,
            attributes: attributes.into(),
            ..CreateSplitKeyRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Joins a key from its parts (Join Split Key, since KMIP 1.2). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it, such as for too few parts.
    fn join_key['a](
        &mut self,
        object_type: ObjectType,
        parts: impl IntoIterator<Item = UniqueIdentifier<'a>> + Send + 'a,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        let attributes: Attributes<'a> = attributes.into();
        let request = JoinSplitKeyRequest {
            object_type,
            unique_identifier: parts.into_iter().collect(),
            attributes: (!attributes.is_empty()).then_some(attributes),
            ..JoinSplitKeyRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }
}

/// The bytes inside the key block of an object.
pub(super) fn key_bytes(object: ManagedObject<'static>) -> Option<Secret<'static>> {
    let block = match object {
        ManagedObject::SymmetricKey(key) => key.key_block,
        ManagedObject::PublicKey(key) => key.key_block,
        ManagedObject::PrivateKey(key) => key.key_block,
        ManagedObject::SplitKey(key) => key.key_block,
        ManagedObject::SecretData(data) => data.key_block,
        ManagedObject::PgpKey(key) => key.key_block,
        ManagedObject::OpaqueObject(object) => return Some(object.opaque_data_value),
        ManagedObject::Certificate(certificate) => {
            return Some(Secret::owned(certificate.certificate_value.into_owned()));
        }
        _ => return None,
    };
    let value = block.key_value?;
    if let Some(bytes) = value.as_bytes() {
        return Some(Secret::owned(bytes.to_vec()));
    }
    match value {
        crate::types::KeyValue::Plain(plain) => match plain.key_material {
            crate::types::KeyMaterial::TransparentSymmetricKey(key) => Some(key.key),
            _ => None,
        },
        crate::types::KeyValue::Wrapped(bytes) => Some(bytes),
    }
}
