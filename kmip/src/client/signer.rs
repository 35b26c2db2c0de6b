//! Signatures for X.509 with private keys that stay on the server.

mod der;
mod scheme;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Public};
use openssl::x509::X509NameRef;

use crate::types::{Operation, SignRequest, UniqueIdentifier};

use super::blocking::Client;
use super::core::Core;
use super::cryptography::present;
use super::driver::Driver;
use super::error::{Error, Problem};
use super::methods::{ask, client_methods};
use der::{element, sequence, to_be_signed};
pub use scheme::SignatureScheme;

/// A private key on a server, and what is publicly known about it.
#[derive(Clone)]
pub struct RemoteKey {
    identifier: UniqueIdentifier<'static>,
    public_key: PKey<Public>,
    scheme: SignatureScheme,
}

impl RemoteKey {
    /// The private key of this identifier, whose public key is known.
    pub fn new(
        identifier: impl Into<UniqueIdentifier<'static>>,
        public_key: PKey<Public>,
        scheme: SignatureScheme,
    ) -> Self {
        RemoteKey {
            identifier: identifier.into(),
            public_key,
            scheme,
        }
    }

    /// The same key, signing in another way, such as with RSASSA-PSS.
    #[must_use]
    pub fn signing_with(mut self, scheme: SignatureScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The identifier of the private key.
    pub fn identifier(&self) -> &UniqueIdentifier<'static> {
        &self.identifier
    }

    /// The public key.
    pub fn public_key(&self) -> &PKey<Public> {
        &self.public_key
    }

    /// How it signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// A signature in the form of X.509. Some servers return ECDSA signatures as two numbers of
    /// equal length instead of DER.
    fn normalized(&self, signature: Vec<u8>) -> Result<Vec<u8>, ErrorStack> {
        if !self.scheme.is_ecdsa() || EcdsaSig::from_der(&signature).is_ok() {
            return Ok(signature);
        }
        let (r, s) = signature.split_at(signature.len() / 2);
        let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
        EcdsaSig::from_private_components(r, s)?.to_der()
    }

    /// The part of a PKCS #10 request that is signed (RFC 2986, section 4.1), without attributes.
    fn request_info(&self, subject: &X509NameRef) -> Result<Vec<u8>, ErrorStack> {
        let version = element(0x02, &[0]);
        let attributes = element(0xA0, &[]);
        let (subject, key) = (subject.to_der()?, self.public_key.public_key_to_der()?);
        Ok(sequence(&[&version, &subject, &key, &attributes]))
    }
}

impl fmt::Debug for RemoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKey")
            .field("identifier", &self.identifier)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

client_methods! {
    /// A key pair on the server, to sign with: fetches the public key (Get), and takes the scheme
    /// that [suits it](SignatureScheme::for_key).
    ///
    /// # Errors
    /// If the server does not give out the public key, or it is of an algorithm that is not
    /// supported.
    fn remote_key['a](
        &mut self,
        private_key: impl Into<UniqueIdentifier<'static>> + Send + 'a,
        public_key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
    ) -> RemoteKey {
        let (private_key, public_key) = (private_key.into(), public_key.into());
        self.key_that_signs(private_key, public_key).await
    }

    /// Signs data with a key on the server (Sign, since KMIP 1.2). The signature has the form that
    /// X.509 has: of ECDSA, in DER. It is checked with the public key before it is returned.
    ///
    /// # Errors
    /// If the server refuses it, or its signature is wrong.
    fn sign_with['a](&mut self, key: &'a RemoteKey, data: &'a [u8]) -> Vec<u8> {
        let request = SignRequest {
            unique_identifier: Some((&key.identifier).into()),
            cryptographic_parameters: Some(key.scheme.parameters(self.session.version())),
            data: Some(data.into()),
            ..SignRequest::default()
        };
        let answer = ask!(self, request)?;
        let signature = present(answer.signature_data, (Operation::SIGN, "signature"), &self.session)?;
        let failed = |source| {
            let doing = "use the server's signature";
            Problem::Tls(crate::transport::tls::Error::OpenSsl { doing, source })
        };
        let checked = key.normalized(signature.into_owned()).and_then(|signature| {
            let good = key.scheme.verify(&key.public_key, data, &signature)?;
            Ok((good, signature))
        });
        match checked {
            Ok((true, signature)) => Ok(signature),
            Ok((false, _)) => {
                let fault = super::ResponseFault::Signature;
                Err(self.session.error(Operation::SIGN, Problem::Response(fault)))
            }
            Err(source) => Err(self.session.error(Operation::SIGN, failed(source))),
        }
    }

    /// Signs what is to be signed of a certificate, a request or a revocation list, in DER, and
    /// returns the whole: what was signed, the algorithm, and the signature. The algorithm inside has
    /// to be that of the [scheme](SignatureScheme::algorithm_identifier).
    ///
    /// # Errors
    /// As for [`sign_with`](Self::sign_with).
    fn sign_x509['a](&mut self, key: &'a RemoteKey, to_be_signed: &'a [u8]) -> Vec<u8> {
        let signature = self.sign_with(key, to_be_signed).await?;
        let algorithm = key.scheme.algorithm_identifier();
        // The first byte of a bit string is how many bits at its end are not used.
        let signature = element(0x03, &[&[0][..], &signature].concat());
        Ok(sequence(&[to_be_signed, &algorithm, &signature]))
    }

    /// Puts a signature of this key in the place of that of a certificate, a request or a revocation
    /// list in DER. So whatever makes those with a key of its own can make them for a key on the server:
    /// it signs them with a key that is thrown away, of the same kind and with the same hash, since the
    /// algorithm is part of what is signed. The public key in it is not changed.
    ///
    /// # Errors
    /// As for [`sign_with`](Self::sign_with); also if it is no such structure, or signed with another
    /// algorithm than this key's.
    fn resign_x509['a](&mut self, key: &'a RemoteKey, signed: &'a [u8]) -> Vec<u8> {
        match to_be_signed(signed, &key.scheme.algorithm_identifier()) {
            Some(to_be_signed) => self.sign_x509(key, to_be_signed).await,
            None => Err(self.session.error(Operation::SIGN, Problem::NotX509)),
        }
    }

    /// A request for a certificate (PKCS #10, in DER) of this key, without attributes.
    ///
    /// # Errors
    /// As for [`sign_with`](Self::sign_with).
    fn certification_request['a](&mut self, key: &'a RemoteKey, subject: &'a X509NameRef) -> Vec<u8> {
        match key.request_info(subject) {
            Ok(info) => self.sign_x509(key, &info).await,
            Err(source) => {
                let doing = "encode the certification request";
                let error = crate::transport::tls::Error::OpenSsl { doing, source };
                Err(self.session.error(Operation::SIGN, Problem::Tls(error)))
            }
        }
    }
}

impl<D: Driver> Core<D> {
    /// See [`Client::remote_key`].
    pub(super) async fn key_that_signs(
        &mut self,
        private_key: UniqueIdentifier<'static>,
        public_key: UniqueIdentifier<'_>,
    ) -> Result<RemoteKey, Error> {
        let public_key = self.public_key(public_key).await?;
        match SignatureScheme::for_key(&public_key) {
            Some(scheme) => Ok(RemoteKey::new(private_key, public_key, scheme)),
            None => {
                let fault = super::ResponseFault::Field("public key of RSA or an elliptic curve");
                Err(self.session.error(Operation::GET, Problem::Response(fault)))
            }
        }
    }
}

/// A private key on a server for X.509 tooling that wants an object to sign with, from any thread:
/// it owns its client.
///
/// ```no_run
/// use kmip::client::{Client, NewKeyPair, Signer};
/// use kmip::types::RecommendedCurve;
///
/// # fn example(mut client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let pair = client.generate_key_pair(NewKeyPair::elliptic_curve(RecommendedCurve::P_256).active())?;
/// let key = client.remote_key(pair.private, pair.public)?;
/// let signer = Signer::new(client, key);
/// let mut name = openssl::x509::X509Name::builder()?;
/// name.append_entry_by_text("CN", "keys.example.com")?;
/// let request = signer.certification_request(&name.build())?;
/// let request = openssl::x509::X509Req::from_der(&request)?;
/// assert!(request.verify(signer.key().public_key())?);
/// # Ok(()) }
/// ```
///
/// Other tooling signs through [`sign`](Self::sign), or makes the whole with a key that is thrown
/// away:
///
/// ```no_run
/// use openssl::hash::MessageDigest;
/// use openssl::pkey::PKey;
/// use openssl::x509::{X509, X509Builder};
///
/// # fn example(signer: kmip::client::Signer, mut certificate: X509Builder)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// certificate.set_pubkey(signer.key().public_key())?;
/// let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1)?;
/// let thrown_away = PKey::from_ec_key(openssl::ec::EcKey::generate(&group)?)?;
/// certificate.sign(&thrown_away, MessageDigest::sha256())?;
/// let certificate = signer.resign_x509(&certificate.build().to_der()?)?;
/// let certificate = X509::from_der(&certificate)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Signer {
    client: Mutex<Client>,
    key: RemoteKey,
}

impl Signer {
    /// Signs with `key` through `client`.
    pub fn new(client: Client, key: RemoteKey) -> Self {
        Signer {
            client: Mutex::new(client),
            key,
        }
    }

    /// The key.
    pub fn key(&self) -> &RemoteKey {
        &self.key
    }

    /// See [`Client::sign_with`].
    ///
    /// # Errors
    /// As there.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.with_client(|client| client.sign_with(&self.key, data))
    }

    /// See [`Client::sign_x509`].
    ///
    /// # Errors
    /// As there.
    pub fn sign_x509(&self, to_be_signed: &[u8]) -> Result<Vec<u8>, Error> {
        self.with_client(|client| client.sign_x509(&self.key, to_be_signed))
    }

    /// See [`Client::resign_x509`].
    ///
    /// # Errors
    /// As there.
    pub fn resign_x509(&self, signed: &[u8]) -> Result<Vec<u8>, Error> {
        self.with_client(|client| client.resign_x509(&self.key, signed))
    }

    /// See [`Client::certification_request`].
    ///
    /// # Errors
    /// As there.
    pub fn certification_request(&self, subject: &X509NameRef) -> Result<Vec<u8>, Error> {
        self.with_client(|client| client.certification_request(&self.key, subject))
    }

    fn with_client<T>(&self, action: impl FnOnce(&mut Client) -> T) -> T {
        action(&mut self.client.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
