//! A key: its public part, and who signs for it.

use std::ffi::{CString, c_int};
use std::sync::Arc;

use foreign_types::ForeignTypeRef;
use openssl::bn::{BigNumContext, BigNumRef};
use openssl::ec::PointConversionForm;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKeyRef, Public};

use super::Signer;
use super::context::InUse;
use super::error::ProviderError;
use super::ffi;
use crate::secure_key::DigestAlgorithm;

/// A key, as OpenSSL refers to it.
pub(super) struct Key {
    pub(super) public: PublicKey,
    pub(super) bits: c_int,
    pub(super) security_bits: c_int,
    /// The size of the longest signature in bytes.
    pub(super) max_size: usize,
    /// The only digest of a key of type RSA-PSS, if it prescribes one.
    pub(super) mandatory_digest: Option<DigestAlgorithm>,
    pub(super) signer: Arc<dyn Signer>,
    /// Comes last: the library context is in use until all else is gone.
    pub(super) library: InUse,
}

pub(super) enum PublicKey {
    Ec {
        /// OpenSSL's name of the curve.
        group: CString,
        /// The point, uncompressed.
        point: Vec<u8>,
    },
    Rsa {
        /// In native byte order.
        modulus: Vec<u8>,
        /// In native byte order.
        exponent: Vec<u8>,
        /// Whether the key is of type RSA-PSS, and so signs only this way.
        only_pss: bool,
    },
}

// An `EVP_PKEY` is used from all threads.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Key>();
};

impl Key {
    pub(super) fn new(
        public: &PKeyRef<Public>,
        signer: Arc<dyn Signer>,
        library: InUse,
    ) -> Result<Key, ProviderError> {
        let failed = ProviderError::openssl("read a public key");
        let only_pss = public.id() == Id::RSA_PSS;
        let parts = match public.id() {
            Id::EC => ec(public)?,
            Id::RSA | Id::RSA_PSS => rsa(public, only_pss).map_err(failed)?,
            _ => return Err(ProviderError::KeyType),
        };
        Ok(Key {
            public: parts,
            bits: c_int::try_from(public.bits()).unwrap_or(c_int::MAX),
            security_bits: c_int::try_from(public.security_bits()).unwrap_or(c_int::MAX),
            max_size: public.size(),
            mandatory_digest: only_pss.then(|| mandatory_digest(public)).flatten(),
            signer,
            library,
        })
    }

    pub(super) fn is_ec(&self) -> bool {
        matches!(self.public, PublicKey::Ec { .. })
    }

    pub(super) fn only_pss(&self) -> bool {
        matches!(self.public, PublicKey::Rsa { only_pss: true, .. })
    }
}

fn ec(public: &PKeyRef<Public>) -> Result<PublicKey, ProviderError> {
    let read = || {
        let key = public.ec_key()?;
        let mut context = BigNumContext::new()?;
        let form = PointConversionForm::UNCOMPRESSED;
        let point = key.public_key().to_bytes(key.group(), form, &mut context)?;
        let group = match key.group().curve_name() {
            Some(nid) => nid.short_name()?.to_owned(),
            None => String::new(),
        };
        Ok((group, point))
    };
    let (group, point) = read().map_err(ProviderError::openssl("read a public key"))?;
    match CString::new(group) {
        Ok(group) if !group.is_empty() => Ok(PublicKey::Ec { group, point }),
        _ => Err(ProviderError::KeyType),
    }
}

fn rsa(public: &PKeyRef<Public>, only_pss: bool) -> Result<PublicKey, ErrorStack> {
    let key = public.rsa()?;
    Ok(PublicKey::Rsa {
        modulus: native(key.n()),
        exponent: native(key.e()),
        only_pss,
    })
}

fn native(number: &BigNumRef) -> Vec<u8> {
    let mut bytes = number.to_vec();
    if cfg!(target_endian = "little") {
        bytes.reverse();
    }
    bytes
}

fn mandatory_digest(public: &PKeyRef<Public>) -> Option<DigestAlgorithm> {
    let mut nid = 0;
    // SAFETY: the key is valid, and the number has its place.
    let kind = unsafe { ffi::EVP_PKEY_get_default_digest_nid(public.as_ptr(), &mut nid) };
    // 1 would be a mere default.
    (kind == 2).then(|| digest_of(Nid::from_raw(nid))).flatten()
}

pub(super) fn digest_of(nid: Nid) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| digest.message_digest().type_() == nid)
}
