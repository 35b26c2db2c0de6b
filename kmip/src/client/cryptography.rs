//! Operations with keys that stay on the server (since KMIP 1.2), in one part each. For data in
//! several parts see [`Client::stream`](super::Client::stream).

use std::borrow::Cow;

use crate::types::{
    CryptographicParameters, Data, DecryptRequest, EncryptRequest, EncryptResponse, HashRequest,
    HashingAlgorithm, MacRequest, MacVerifyRequest, Operation, RngRetrieveRequest, RngSeedRequest,
    Secret, SignRequest, SignatureVerifyRequest, UniqueIdentifier, ValidityIndicator,
};

use super::error::{Error, Problem, ResponseFault};
use super::methods::{ask, client_methods};

client_methods! {
    /// Encrypts data (Encrypt). Without `iv` the server makes one if the mode needs it, and returns
    /// it.
    ///
    /// # Errors
    /// If the server refuses it.
    fn encrypt['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
        iv: Option<&'a [u8]>,
    ) -> EncryptResponse<'static> {
        let request = EncryptRequest {
            unique_identifier: Some(key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            iv_counter_nonce: iv.map(Cow::Borrowed),
            ..EncryptRequest::default()
        };
        ask!(self, request)
    }

    /// Decrypts data (Decrypt).
    ///
    /// # Errors
    /// If the server refuses it, such as for a wrong padding.
    fn decrypt['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
        iv: Option<&'a [u8]>,
    ) -> Secret<'static> {
        let request = DecryptRequest {
            unique_identifier: Some(key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            iv_counter_nonce: iv.map(Cow::Borrowed),
            ..DecryptRequest::default()
        };
        let answer = ask!(self, request)?;
        present(answer.data.and_then(bytes), (Operation::DECRYPT, "data"), &self.session)
    }

    /// Signs data, which the server hashes (Sign).
    ///
    /// # Errors
    /// If the server refuses it.
    fn sign['a](
        &mut self,
        private_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
    ) -> Vec<u8> {
        let request = SignRequest {
            unique_identifier: Some(private_key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            ..SignRequest::default()
        };
        let answer = ask!(self, request)?;
        present(answer.signature_data, (Operation::SIGN, "signature"), &self.session).map(Cow::into_owned)
    }

    /// Signs what is hashed already (Sign, with Digested Data since KMIP 1.4).
    ///
    /// # Errors
    /// If the server refuses it.
    fn sign_digest['a](
        &mut self,
        private_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        digest: &'a [u8],
    ) -> Vec<u8> {
        let request = SignRequest {
            unique_identifier: Some(private_key.into()),
            cryptographic_parameters: parameters.into(),
            digested_data: Some(digest.into()),
            ..SignRequest::default()
        };
        let answer = ask!(self, request)?;
        present(answer.signature_data, (Operation::SIGN, "signature"), &self.session).map(Cow::into_owned)
    }

    /// Whether a signature is that of the data (Signature Verify).
    ///
    /// # Errors
    /// If the server refuses it, or does not know whether it is.
    fn verify['a](
        &mut self,
        public_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
        signature: &'a [u8],
    ) -> bool {
        let request = SignatureVerifyRequest {
            unique_identifier: Some(public_key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            signature_data: Some(signature.into()),
            ..SignatureVerifyRequest::default()
        };
        let answer = ask!(self, request)?;
        validity(answer.validity_indicator, Operation::SIGNATURE_VERIFY, &self.session)
    }

    /// Whether a signature is that of data with this digest (Signature Verify, with Digested Data since
    /// KMIP 1.4).
    ///
    /// # Errors
    /// If the server refuses it, or does not know whether it is.
    fn verify_digest['a](
        &mut self,
        public_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        digest: &'a [u8],
        signature: &'a [u8],
    ) -> bool {
        let request = SignatureVerifyRequest {
            unique_identifier: Some(public_key.into()),
            cryptographic_parameters: parameters.into(),
            digested_data: Some(digest.into()),
            signature_data: Some(signature.into()),
            ..SignatureVerifyRequest::default()
        };
        let answer = ask!(self, request)?;
        validity(answer.validity_indicator, Operation::SIGNATURE_VERIFY, &self.session)
    }

    /// Authenticates data (MAC).
    ///
    /// # Errors
    /// If the server refuses it.
    fn mac['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
    ) -> Vec<u8> {
        let request = MacRequest {
            unique_identifier: Some(key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            ..MacRequest::default()
        };
        let answer = ask!(self, request)?;
        present(answer.mac_data, (Operation::MAC, "MAC"), &self.session).map(Cow::into_owned)
    }

    /// Whether a code authenticates the data (MAC Verify).
    ///
    /// # Errors
    /// If the server refuses it, or does not know whether it does.
    fn verify_mac['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        parameters: impl Into<Option<CryptographicParameters<'a>>> + Send + 'a,
        data: &'a [u8],
        mac: &'a [u8],
    ) -> bool {
        let request = MacVerifyRequest {
            unique_identifier: Some(key.into()),
            cryptographic_parameters: parameters.into(),
            data: Some(data.into()),
            mac_data: Some(mac.into()),
            ..MacVerifyRequest::default()
        };
        let answer = ask!(self, request)?;
        validity(answer.validity_indicator, Operation::MAC_VERIFY, &self.session)
    }

    /// Hashes data (Hash).
    ///
    /// # Errors
    /// If the server refuses it.
    fn hash['a](&mut self, algorithm: HashingAlgorithm, data: &'a [u8]) -> Vec<u8> {
        let request = HashRequest {
            cryptographic_parameters: hashing(algorithm),
            data: Some(data.into()),
            ..HashRequest::default()
        };
        let answer = ask!(self, request)?;
        let digest = present(answer.data.and_then(bytes), (Operation::HASH, "digest"), &self.session)?;
        Ok(digest.expose().to_vec())
    }

    /// Random bytes of the server (RNG Retrieve). There may be fewer than are asked for.
    ///
    /// # Errors
    /// If the server refuses it.
    fn random['a](&mut self, length: i32) -> Secret<'static> {
        let request = RngRetrieveRequest {
            data_length: length,
            ..RngRetrieveRequest::default()
        };
        let answer = ask!(self, request)?;
        present(bytes(answer.data), (Operation::RNG_RETRIEVE, "data"), &self.session)
    }

    /// Adds randomness to that of the server (RNG Seed). Returns how many bytes it has used.
    ///
    /// # Errors
    /// If the server refuses it.
    fn seed_random['a](&mut self, seed: &'a [u8]) -> i32 {
        let request = RngSeedRequest {
            data: seed.into(),
            ..RngSeedRequest::default()
        };
        Ok(ask!(self, request)?.data_length)
    }
}

/// Parameters that name only a hash.
pub(super) fn hashing(algorithm: HashingAlgorithm) -> CryptographicParameters<'static> {
    CryptographicParameters {
        hashing_algorithm: Some(algorithm),
        ..CryptographicParameters::default()
    }
}

pub(super) fn bytes(data: Data<'static>) -> Option<Secret<'static>> {
    match data {
        Data::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// A field that the response to an operation cannot do without.
pub(super) fn present<T>(
    field: Option<T>,
    (operation, name): (Operation, &'static str),
    session: &super::Session,
) -> Result<T, Error> {
    field.ok_or_else(|| {
        let fault = ResponseFault::Field(name);
        session.error(operation, Problem::Response(fault))
    })
}

fn validity(
    indicator: Option<ValidityIndicator>,
    operation: Operation,
    session: &super::Session,
) -> Result<bool, Error> {
    match indicator {
        Some(ValidityIndicator::VALID) => Ok(true),
        Some(ValidityIndicator::INVALID) => Ok(false),
        _ => present(None, (operation, "validity"), session),
    }
}
