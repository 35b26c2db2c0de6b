//! Authenticated encryption with keys that stay on the server.

use openssl::rand::rand_bytes;

use crate::types::{
    BlockCipherMode, CryptographicParameters, Data, DecryptRequest, EncryptRequest, Operation,
    ProtocolVersion, Secret, UniqueIdentifier,
};

use super::cryptography::{bytes, present};
use super::error::{Error, Problem};
use super::methods::{ask, client_methods};

/// Length of the nonce of GCM (SP 800-38D, 8.2.2), in bytes.
const NONCE: usize = 12;
/// Length of the tag, in bytes.
const TAG: usize = 16;

/// What [`Client::seal`](super::Client::seal) has made of a plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The nonce, which is different each time.
    pub nonce: Vec<u8>,
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// The authentication tag.
    pub tag: Vec<u8>,
}

impl Sealed {
    /// Nonce, ciphertext and tag one after the other, for storage.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.nonce[..], &self.ciphertext, &self.tag].concat()
    }

    /// What [`to_bytes`](Self::to_bytes) has made; `None` if it is too short to be that.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (nonce, rest) = bytes.split_at_checked(NONCE)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        Some(Sealed {
            nonce: nonce.to_vec(),
            ciphertext: ciphertext.to_vec(),
            tag: tag.to_vec(),
        })
    }
}

client_methods! {
    /// Encrypts and authenticates data with an AES key on the server, by GCM with a random nonce (since
    /// KMIP 1.4, which brought the tag). What is in `context` is authenticated, too, and has to be
    /// given again to [`open`](Self::open) it. No more than 2^32 messages may be sealed with one key.
    ///
    /// ```no_run
    /// # fn example(client: &mut kmip::client::Client) -> Result<(), kmip::client::Error> {
    /// let sealed = client.seal("a key", b"row 17", b"secret")?;
    /// let opened = client.open("a key", b"row 17", &sealed)?;
    /// assert_eq!(opened.expose(), b"secret");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the server refuses it or speaks an older version.
    fn seal['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        context: &'a [u8],
        plaintext: &'a [u8],
    ) -> Sealed {
        let key = key.into();
        self.needs_tags(Operation::ENCRYPT)?;
        let mut nonce = [0; NONCE];
        if let Err(source) = rand_bytes(&mut nonce) {
            let doing = "make a nonce";
            let error = crate::transport::tls::Error::OpenSsl { doing, source };
            return Err(self.session.error(Operation::ENCRYPT, Problem::Tls(error)));
        }
        let request = EncryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(gcm()),
            data: Some(plaintext.into()),
            iv_counter_nonce: Some(nonce.to_vec().into()),
            authenticated_encryption_additional_data: additional(context),
            ..EncryptRequest::default()
        };
        let answer = ask!(self, request)?;
        let ciphertext = present(answer.data.and_then(bytes), (Operation::ENCRYPT, "data"), &self.session)?;
        let tag = answer.authenticated_encryption_tag.filter(|tag| tag.len() == TAG);
        let tag = present(tag, (Operation::ENCRYPT, "tag of 16 bytes"), &self.session)?;
        // Servers tell the nonce if they have taken another.
        let taken = answer.iv_counter_nonce.map_or(nonce.to_vec(), Into::into);
        let taken = Some(taken).filter(|taken| taken.len() == NONCE);
        Ok(Sealed {
            nonce: present(taken, (Operation::ENCRYPT, "nonce of 12 bytes"), &self.session)?,
            ciphertext: ciphertext.expose().to_vec(),
            tag: tag.into_owned(),
        })
    }

    /// Checks and decrypts what [`seal`](Self::seal) has made.
    ///
    /// # Errors
    /// If it was changed, or `context` or the key are others, or the server refuses it.
    fn open['a](
        &mut self,
        key: impl Into<UniqueIdentifier<'a>> + Send + 'a,
        context: &'a [u8],
        sealed: &'a Sealed,
    ) -> Secret<'static> {
        let key = key.into();
        self.needs_tags(Operation::DECRYPT)?;
        let request = DecryptRequest {
            unique_identifier: Some(key),
            cryptographic_parameters: Some(gcm()),
            data: Some(Data::from(&sealed.ciphertext[..])),
            iv_counter_nonce: Some((&sealed.nonce[..]).into()),
            authenticated_encryption_additional_data: additional(context),
            authenticated_encryption_tag: Some((&sealed.tag[..]).into()),
            ..DecryptRequest::default()
        };
        let answer = ask!(self, request)?;
        present(answer.data.and_then(bytes), (Operation::DECRYPT, "data"), &self.session)
    }
}

impl<D: super::driver::Driver> super::core::Core<D> {
    /// Before KMIP 1.4, servers have no common way to tell the tag.
    fn needs_tags(&self, operation: Operation) -> Result<(), Error> {
        let (since, version) = (ProtocolVersion::V1_4, self.version());
        if version >= since {
            return Ok(());
        }
        let feature = "authenticated encryption";
        let problem = Problem::Version {
            feature,
            since,
            version,
        };
        Err(self.session.error(operation, problem))
    }
}

fn gcm() -> CryptographicParameters<'static> {
    CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        tag_length: Some(TAG as i32),
        ..CryptographicParameters::default()
    }
}

/// Some servers take an empty string for something else than none.
fn additional(context: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    (!context.is_empty()).then(|| context.into())
}
