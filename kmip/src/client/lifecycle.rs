//! The life of objects: states, replacement, archives, leases.

use std::borrow::Cow;

use crate::types::{
    ActivateRequest, ArchiveRequest, Attributes, CertificateRequestType, CertifyRequest,
    CheckRequest, CryptographicUsageMask, DateTime, DestroyRequest, GetUsageAllocationRequest,
    Interval, ObtainLeaseRequest, ReCertifyRequest, ReKeyKeyPairRequest, ReKeyRequest,
    RecoverRequest, RevocationReason, RevocationReasonCode, RevokeRequest, UniqueIdentifier,
    ValidateRequest, ValidityIndicator,
};

use super::methods::{ask, client_methods};
use super::objects::KeyPair;

client_methods! {
    /// Makes a key usable (Activate).
    ///
    /// # Errors
    /// If the server refuses it.
    fn activate['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> () {
        let request = ActivateRequest {
            unique_identifier: Some(object.into()),
            ..ActivateRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Puts an object out of use (Revoke), for a [reason](RevocationReason::new) or just its code. When a
    /// key was compromised, the server wants to know since when.
    ///
    /// # Errors
    /// If the server refuses it.
    fn revoke['a](
        &mut self,
        object: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        reason: impl Into<RevocationReason<'a>> + Send + 'a,
        compromised_since: impl Into<Option<DateTime>> + Send + 'a,
    ) -> () {
        let request = RevokeRequest {
            unique_identifier: Some(object.into()),
            revocation_reason: reason.into(),
            compromise_occurrence_date: compromised_since.into(),
            ..RevokeRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Destroys an object (Destroy).
    ///
    /// # Errors
    /// If the server refuses it.
    fn destroy['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> () {
        let request = DestroyRequest {
            unique_identifier: Some(object.into()),
            ..DestroyRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Replaces a symmetric key by a new one (Re-key), which gets its name. `offset` is the time
    /// from the initial to the activation date of the new one. Returns the identifier of the new
    /// key.
    ///
    /// # Errors
    /// If the server refuses it.
    fn rekey['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        offset: impl Into<Option<Interval>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        let request = ReKeyRequest {
            unique_identifier: Some(key.into()),
            offset: offset.into(),
            ..ReKeyRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Replaces a key pair by a new one (Re-key Key Pair, since KMIP 1.1); see
    /// [`rekey`](Self::rekey).
    ///
    /// # Errors
    /// If the server refuses it.
    fn rekey_key_pair['a](
        &mut self,
        private_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        offset: impl Into<Option<Interval>> + Send + 'a,
    ) -> KeyPair {
        let request = ReKeyKeyPairRequest {
            private_key_unique_identifier: Some(private_key.into()),
            offset: offset.into(),
            ..ReKeyKeyPairRequest::default()
        };
        let made = ask!(self, request)?;
        Ok(KeyPair {
            private: made.private_key_unique_identifier,
            public: made.public_key_unique_identifier,
        })
    }

    /// Has a certificate made for a public key (Certify), by a request in DER if one is given.
    /// Returns the identifier of the certificate.
    ///
    /// # Errors
    /// If the server refuses it.
    fn certify['a](
        &mut self,
        public_key: impl Into<Option<UniqueIdentifier<'a>>> + Send + 'a,
        pkcs10: Option<&'a [u8]>,
        attributes: impl Into<Attributes<'a>> + Send + 'a,
    ) -> UniqueIdentifier<'static> {
        let attributes: Attributes<'a> = attributes.into();
        let request = CertifyRequest {
            unique_identifier: public_key.into(),
            certificate_request_type: pkcs10.map(|_| CertificateRequestType::PKCS_10),
            certificate_request_value: pkcs10.map(Into::into),
            attributes: (!attributes.is_empty()).then_some(attributes),
            ..CertifyRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Replaces a certificate by a new one for the same key (Re-certify). Returns its identifier.
    ///
    /// # Errors
    /// If the server refuses it.
    fn recertify['a](
        &mut self,
        certificate: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        pkcs10: Option<&'a [u8]>,
    ) -> UniqueIdentifier<'static> {
        let request = ReCertifyRequest {
            unique_identifier: Some(certificate.into()),
            certificate_request_type: pkcs10.map(|_| CertificateRequestType::PKCS_10),
            certificate_request_value: pkcs10.map(Into::into),
            ..ReCertifyRequest::default()
        };
        Ok(ask!(self, request)?.unique_identifier)
    }

    /// Whether a chain of certificates on the server is valid, at a time if one is given (Validate).
    ///
    /// # Errors
    /// If the server refuses it.
    fn validate['a](
        &mut self,
        certificates: impl IntoIterator<Item = UniqueIdentifier<'a>> + Send + 'a,
        at: impl Into<Option<DateTime>> + Send + 'a,
    ) -> ValidityIndicator {
        let request = ValidateRequest {
            unique_identifier: certificates.into_iter().collect(),
            validity_date: at.into(),
            ..ValidateRequest::default()
        };
        Ok(ask!(self, request)?.validity_indicator)
    }

    /// Allows the server to move an object to slower storage (Archive).
    ///
    /// # Errors
    /// If the server refuses it.
    fn archive['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> () {
        let request = ArchiveRequest {
            unique_identifier: Some(object.into()),
            ..ArchiveRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Has an object brought back from slower storage (Recover).
    ///
    /// # Errors
    /// If the server refuses it.
    fn recover['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> () {
        let request = RecoverRequest {
            unique_identifier: Some(object.into()),
            ..RecoverRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }

    /// Whether a key may be used in these ways (Check).
    ///
    /// # Errors
    /// If the server refuses the question. That the key may not be used so is `false`.
    fn may_use['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        usage: CryptographicUsageMask,
    ) -> bool {
        let request = CheckRequest {
            unique_identifier: Some(key.into()),
            cryptographic_usage_mask: Some(usage),
            ..CheckRequest::default()
        };
        // What is in the answer is what is not allowed.
        Ok(ask!(self, request)?.cryptographic_usage_mask.is_none())
    }

    /// How long the client may use an object before it has to ask again (Obtain Lease).
    ///
    /// # Errors
    /// If the server refuses it.
    fn obtain_lease['a](&mut self, object: impl Into<UniqueIdentifier<'a>> + Send + 'a) -> Interval {
        let request = ObtainLeaseRequest {
            unique_identifier: Some(object.into()),
            ..ObtainLeaseRequest::default()
        };
        Ok(ask!(self, request)?.lease_time)
    }

    /// Reserves so many uses of a key with Usage Limits (Get Usage Allocation).
    ///
    /// # Errors
    /// If the server refuses it, such as when they are used up.
    fn allocate_usage['a](&mut self, key: impl Into<UniqueIdentifier<'a>> + Send + 'a, uses: i64) -> () {
        let request = GetUsageAllocationRequest {
            unique_identifier: Some(key.into()),
            usage_limits_count: uses,
            ..GetUsageAllocationRequest::default()
        };
        ask!(self, request)?;
        Ok(())
    }
}

impl<'a> RevocationReason<'a> {
    /// A reason in words besides its code.
    ///
    /// ```
    /// use kmip::types::{RevocationReason, RevocationReasonCode};
    ///
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
    /// let code = RevocationReasonCode::CESSATION_OF_OPERATION;
    /// client.revoke("a key", RevocationReason::new(code, "the disk was sold"), None)?;
    /// # Ok(()) }
    /// ```
    pub fn new(code: RevocationReasonCode, message: impl Into<Cow<'a, str>>) -> Self {
        RevocationReason {
            revocation_message: Some(message.into()),
            ..RevocationReason::from(code)
        }
    }
}

impl From<RevocationReasonCode> for RevocationReason<'_> {
    fn from(code: RevocationReasonCode) -> Self {
        RevocationReason {
            revocation_reason_code: code,
            ..RevocationReason::default()
        }
    }
}
