//! The provider and the library context it lives in.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::lib_ctx::{LibCtx, LibCtxRef};
use openssl::provider::Provider;

use super::error::ProviderError;
use super::ffi::{
    Algorithm, Dispatch, OPERATION_KEYMGMT, OPERATION_SIGNATURE, OSSL_PROVIDER_add_builtin,
};
use super::{keymgmt, signature};

/// Name of the provider, in its own library context only.
const NAME: &CStr = c"zkey-kmip";
/// What algorithms of this provider have, and a query for them.
pub(super) const PROPERTIES: &CStr = c"provider=zkey-kmip";

/// The library context, while it is there.
///
/// OpenSSL must not use a key after its library context is freed (it looks up encoders there), and
/// an `EVP_PKEY` can be kept by anybody. So keys are counted, and the context is only freed while
/// there is none ([`ReleaseUnused`]). It cannot be freed with the last key, from within OpenSSL.
static LIBRARY: Mutex<Option<Library>> = Mutex::new(None);
/// How many keys live in the library context. It only grows under the lock.
static KEYS: AtomicUsize = AtomicUsize::new(0);

/// A library context with two providers. The fields are dropped in this order.
pub(super) struct Library {
    _ours: Provider,
    /// Digests, and encoders for public keys.
    _default: Provider,
    context: LibCtx,
}

impl Library {
    /// The library context, for a key.
    pub(super) fn in_use() -> Result<InUse, ProviderError> {
        let mut slot = lock();
        let library = match &mut *slot {
            Some(library) => library,
            empty => {
                let loaded = Library::load().map_err(ProviderError::openssl(
                    "set up the provider for secure keys",
                ))?;
                empty.insert(loaded)
            }
        };
        KEYS.fetch_add(1, Ordering::Relaxed);
        Ok(InUse(library.context.as_ptr()))
    }

    fn load() -> Result<Library, ErrorStack> {
        let context = LibCtx::new()?;
        // The order counts: OpenSSL 3.0 takes the first provider for other peoples' keys too.
        let default = Provider::load(Some(&context), "default")?;
        // SAFETY: context, name and function are valid; the function lives as long as the process,
        // since the shared object is never unloaded (`build.rs`).
        let added =
            unsafe { OSSL_PROVIDER_add_builtin(context.as_ptr(), NAME.as_ptr(), initialize) };
        if added != 1 {
            return Err(ErrorStack::get());
        }
        let name = NAME.to_str().unwrap_or_default();
        Ok(Library {
            _ours: Provider::load(Some(&context), name)?,
            _default: default,
            context,
        })
    }
}

/// Keeps the library context while a key lives.
pub(super) struct InUse(*mut openssl_sys::OSSL_LIB_CTX);

// SAFETY: OpenSSL guards a library context with its own locks.
unsafe impl Send for InUse {}
// SAFETY: as above.
unsafe impl Sync for InUse {}

impl InUse {
    pub(super) fn context(&self) -> &LibCtxRef {
        // SAFETY: it is not freed while this is counted.
        unsafe { LibCtxRef::from_ptr(self.0) }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        KEYS.fetch_sub(1, Ordering::Release);
    }
}

/// Frees the library context when dropped, unless a key lives in it. So nothing is left of the
/// provider when the host closes the plugin.
pub(crate) struct ReleaseUnused;

impl Drop for ReleaseUnused {
    fn drop(&mut self) {
        let unused = {
            let mut slot = lock();
            match KEYS.load(Ordering::Acquire) {
                0 => slot.take(),
                _ => None,
            }
        };
        drop(unused);
    }
}

fn lock() -> MutexGuard<'static, Option<Library>> {
    LIBRARY.lock().unwrap_or_else(PoisonError::into_inner)
}

static PROVIDER: [Dispatch; 2] = [
    Dispatch::provider_query_operation(query_operation),
    Dispatch::END,
];

static KEY_MANAGEMENT: [Algorithm; 4] = [
    Algorithm::new(
        c"EC:id-ecPublicKey:1.2.840.10045.2.1",
        PROPERTIES,
        &keymgmt::EC,
    ),
    Algorithm::new(
        c"RSA:rsaEncryption:1.2.840.113549.1.1.1",
        PROPERTIES,
        &keymgmt::RSA,
    ),
    Algorithm::new(
        c"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10",
        PROPERTIES,
        &keymgmt::RSA,
    ),
    Algorithm::END,
];

static SIGNATURES: [Algorithm; 3] = [
    Algorithm::new(c"ECDSA", PROPERTIES, &signature::FUNCTIONS),
    Algorithm::new(
        c"RSA:rsaEncryption:1.2.840.113549.1.1.1",
        PROPERTIES,
        &signature::FUNCTIONS,
    ),
    Algorithm::END,
];

/// `OSSL_provider_init_fn`
unsafe extern "C" fn initialize(
    _handle: *const c_void,
    _core: *const Dispatch,
    functions: *mut *const Dispatch,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: OpenSSL gives places for both. The provider has no context: all is in its keys.
    unsafe {
        functions.write(PROVIDER.as_ptr());
        context.write(ptr::null_mut());
    }
    1
}

unsafe extern "C" fn query_operation(
    _context: *mut c_void,
    operation: c_int,
    no_cache: *mut c_int,
) -> *const Algorithm {
    // SAFETY: OpenSSL gives a place for the answer.
    unsafe { no_cache.write(0) };
    match operation {
        OPERATION_KEYMGMT => KEY_MANAGEMENT.as_ptr(),
        OPERATION_SIGNATURE => SIGNATURES.as_ptr(),
        _ => ptr::null(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};

    use super::super::{Signer, private_key};
    use super::*;
    use crate::secure_key::{DigestAlgorithm, SignatureScheme};

    struct Nobody;

    impl Signer for Nobody {
        fn sign(
            &self,
            _scheme: SignatureScheme,
            _algorithm: DigestAlgorithm,
            _digest: &[u8],
        ) -> Result<Vec<u8>, String> {
            Err("nobody signs".to_owned())
        }
    }

    fn key() -> PKey<Private> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let public = PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap();
        private_key(&public, Arc::new(Nobody)).unwrap()
    }

    #[test]
    fn the_library_context_lives_as_long_as_its_keys() {
        for _ in 0..2 {
            let (one, other) = (key(), key());
            drop(ReleaseUnused);
            drop(one);
            drop(ReleaseUnused);
            assert!(lock().is_some());
            // It looks up an encoder in the library context.
            other.public_key_to_der().unwrap();
            drop(other);
            assert!(lock().is_some());
            drop(ReleaseUnused);
            assert!(lock().is_none());
            assert_eq!(KEYS.load(Ordering::Acquire), 0);
        }
    }
}
