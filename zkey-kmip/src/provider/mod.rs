//! An OpenSSL provider for private keys that live elsewhere, such as in a coprocessor.
//!
//! [`private_key`] makes an `EVP_PKEY` of a public key and a [`Signer`]. It can be used where
//! OpenSSL signs: in the handshakes of TLS, and for certificates and requests. Its private part
//! cannot be exported, because it is not there.
//!
//! OpenSSL gets here through tables of functions (`provider-keymgmt(7)`, `provider-signature(7)`):
//!
//! * `context`: the library context that the provider lives in. It is one of its own, so the
//!   default one, which the host may use too, knows nothing of this provider;
//! * `keymgmt`: the keys of the types EC, RSA and RSA-PSS. They are generated, which hands over
//!   the [`Signer`], and never imported. There is no comparison: OpenSSL exports the public part
//!   to the other key's provider and lets that compare;
//! * `signature`: ECDSA and RSA, over a message as a whole;
//! * `key`, `params`, `error`, `ffi`: the key, parameters, errors, declarations.
//!
//! OpenSSL 3.0 or newer is needed.

#![allow(unsafe_code)]

mod context;
mod error;
mod ffi;
mod key;
mod keymgmt;
mod params;
mod signature;

use std::sync::Arc;

use openssl::pkey::{PKey, PKeyRef, Private, Public};

use crate::secure_key::{DigestAlgorithm, SignatureScheme};

pub(crate) use context::ReleaseUnused;
pub(crate) use error::ProviderError;

/// Signs with a private key that is elsewhere.
///
/// It is called on the thread that needs the signature, from several threads at once if several
/// use the key, and while OpenSSL waits for it: there is no way to answer later. No lock is held.
pub(crate) trait Signer: Send + Sync {
    /// Signs a digest. The result is a DER ECDSA-Sig-Value, or an RSA signature; RSA-PSS takes
    /// the digest for the mask too, and a salt of its length.
    ///
    /// # Errors
    /// The reason, which gets on OpenSSL's error queue.
    fn sign(
        &self,
        scheme: SignatureScheme,
        algorithm: DigestAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, String>;
}

/// The private key to `public`, whose signatures `signer` makes. The type of `public` counts: a
/// key of type RSA-PSS makes no other signatures, and only with the digest that it prescribes.
///
/// # Errors
/// The type of key is unknown, or OpenSSL fails.
pub(crate) fn private_key(
    public: &PKeyRef<Public>,
    signer: Arc<dyn Signer>,
) -> Result<PKey<Private>, ProviderError> {
    let library = context::Library::in_use()?;
    keymgmt::generate(key::Key::new(public, signer, library)?)
}
