//! Keys and certificates from the server as objects of OpenSSL.

use openssl::pkey::{PKey, Private, Public};
use openssl::x509::X509;

use crate::keys::KeyError;
use crate::types::{
    AttributeValue, Attributes, GetAttributesRequest, GetRequest, GetResponse, KeyFormatType, Link,
    LinkType, ManagedObject, Operation, Tag, UniqueIdentifier,
};

use super::core::Core;
use super::driver::Driver;
use super::error::{Error, Problem, ResponseFault};
use super::methods::{ask, client_methods};
use super::signer::RemoteKey;

client_methods! {
    /// Fetches a public key (Get), or that of a certificate, for use with OpenSSL.
    ///
    /// # Errors
    /// If the server refuses it, or what it gives out is no public key that OpenSSL can use.
    fn get_public_key['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
    ) -> PKey<Public> {
        let object = object.into();
        self.public_key(object).await
    }

    /// Fetches a private key in clear (Get), for use with OpenSSL. A key that is to stay on the server
    /// signs as a [`RemoteKey`] instead.
    ///
    /// # Errors
    /// If the server refuses it, or what it gives out is no private key that OpenSSL can use.
    fn get_private_key['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
    ) -> PKey<Private> {
        let got = self.object(object.into(), None).await?;
        self.usable(match got.managed_object {
            ManagedObject::PrivateKey(key) => key.key_block.to_private_key(),
            _ => Err(KeyError::OtherObject(got.object_type)),
        })
    }

    /// Fetches a certificate of X.509 (Get).
    ///
    /// # Errors
    /// If the server refuses it, or what it gives out is no such certificate.
    fn get_certificate['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
    ) -> X509 {
        let got = self.object(object.into(), None).await?;
        self.usable(match got.managed_object {
            ManagedObject::Certificate(certificate) => certificate.to_x509(),
            _ => Err(KeyError::OtherObject(got.object_type)),
        })
    }

    /// As [`remote_key`](Self::remote_key), with the public key that the private one has a Link to.
    ///
    /// # Errors
    /// As there; also if the private key has no such Link.
    fn linked_remote_key['a](
        &mut self,
        private_key: impl Into<UniqueIdentifier<'static>> + Send + 'a,
    ) -> RemoteKey {
        let private_key = private_key.into();
        let request = GetAttributesRequest {
            unique_identifier: Some((&private_key).into()),
            attribute_reference: vec![Tag::LINK.into()],
            ..GetAttributesRequest::default()
        };
        let attributes = ask!(self, request)?.attributes;
        match linked_public_key(attributes) {
            Some(public_key) => self.key_that_signs(private_key, public_key).await,
            None => {
                let fault = ResponseFault::Field("Link to the public key");
                Err(self.session.error(Operation::GET_ATTRIBUTES, Problem::Response(fault)))
            }
        }
    }
}

impl<D: Driver> Core<D> {
    /// See [`Client::get_public_key`](super::Client::get_public_key).
    pub(super) async fn public_key(
        &mut self,
        object: UniqueIdentifier<'_>,
    ) -> Result<PKey<Public>, Error> {
        let wanted = Some(KeyFormatType::X_509);
        let got = match self.object((&object).into(), wanted).await {
            // Some servers have only the form that they have stored, and certificates have none.
            Err(error) if error.failure().is_some() && !error.is_not_found() => {
                self.object(object, None).await?
            }
            outcome => outcome?,
        };
        self.usable(public_key_in(&got))
    }

    /// An object in a format, or in the one that it has.
    async fn object(
        &mut self,
        object: UniqueIdentifier<'_>,
        format: Option<KeyFormatType>,
    ) -> Result<GetResponse<'static>, Error> {
        let request = GetRequest {
            unique_identifier: Some(object),
            key_format_type: format,
            ..GetRequest::default()
        };
        ask!(self, request)
    }

    /// What was made of an object that the server has given out.
    fn usable<T>(&self, made: Result<T, KeyError>) -> Result<T, Error> {
        made.map_err(|error| self.session.error(Operation::GET, Problem::Key(error)))
    }
}

fn public_key_in(got: &GetResponse<'_>) -> Result<PKey<Public>, KeyError> {
    match &got.managed_object {
        ManagedObject::PublicKey(key) => key.key_block.to_public_key(),
        ManagedObject::Certificate(certificate) => {
            let certificate = certificate.to_x509()?;
            certificate.public_key().map_err(KeyError::Certificate)
        }
        _ => Err(KeyError::OtherObject(got.object_type)),
    }
}

fn linked_public_key(attributes: Attributes<'static>) -> Option<UniqueIdentifier<'static>> {
    attributes
        .into_iter()
        .find_map(|attribute| match attribute.value {
            AttributeValue::Link(Link {
                link_type: LinkType::PUBLIC_KEY_LINK,
                linked_object_identifier,
                ..
            }) => Some(linked_object_identifier),
            _ => None,
        })
}
