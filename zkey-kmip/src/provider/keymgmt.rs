//! Key management: keys of the types EC, RSA and RSA-PSS (`provider-keymgmt(7)`).
//!
//! OpenSSL's pointer to a key is an `Arc<Key>`; that to the making of a key a `Box<Generation>`.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl_sys::{
    EVP_PKEY_CTX_free, EVP_PKEY_CTX_new_from_name, EVP_PKEY_CTX_set_params, EVP_PKEY_keygen,
    EVP_PKEY_keygen_init, OSSL_PARAM,
};

use super::context::PROPERTIES;
use super::error::{ProviderError, guarded};
use super::ffi::{Callback, Dispatch, OPERATION_SIGNATURE, SELECT_PRIVATE_KEY, SELECT_PUBLIC_KEY};
use super::key::{Key, PublicKey};
use super::params::{self, Given, List, Wanted};

/// Our own parameter: the number under which a key waits to be generated.
const HANDLE: &CStr = c"zkey-kmip-handle";

/// Keys on their way through OpenSSL, by number: an address would have to be believed.
static WAITING: Mutex<BTreeMap<u64, Arc<Key>>> = Mutex::new(BTreeMap::new());

fn waiting() -> MutexGuard<'static, BTreeMap<u64, Arc<Key>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes OpenSSL's key of `key`.
pub(super) fn generate(key: Key) -> Result<PKey<Private>, ProviderError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = match key.public {
        PublicKey::Ec { .. } => c"EC",
        PublicKey::Rsa { only_pss: true, .. } => c"RSA-PSS",
        PublicKey::Rsa { .. } => c"RSA",
    };
    let key = Arc::new(key);
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    waiting().insert(handle, Arc::clone(&key));
    let number = handle.to_ne_bytes();
    let parameters = List::new([params::unsigned_of(HANDLE, &number), params::END]);
    let mut generated = ptr::null_mut();
    // SAFETY: library context, names and parameters are valid and outlive the calls; the context
    // of the key is freed once, and the key that comes out belongs to us.
    let result = unsafe {
        let library = key.library.context().as_ptr();
        let context = EVP_PKEY_CTX_new_from_name(library, name.as_ptr(), PROPERTIES.as_ptr());
        let is_made = !context.is_null()
            && EVP_PKEY_keygen_init(context) == 1
            && EVP_PKEY_CTX_set_params(context, parameters.as_ptr()) == 1
            && EVP_PKEY_keygen(context, &mut generated) == 1
            && !generated.is_null();
        EVP_PKEY_CTX_free(context);
        if is_made {
            Ok(PKey::from_ptr(generated))
        } else {
            Err(ErrorStack::get())
        }
    };
    waiting().remove(&handle);
    result.map_err(ProviderError::openssl("take over a secure key"))
}

/// What both tables have in common, but for the operation's name and what is exported.
macro_rules! functions {
    ($operation_name:ident, $export_types:ident) => {
        [
            Dispatch::keymgmt_gen_init(gen_init),
            Dispatch::keymgmt_gen_set_params(gen_set_params),
            Dispatch::keymgmt_gen_settable_params(gen_settable_params),
            Dispatch::keymgmt_gen(r#gen),
            Dispatch::keymgmt_gen_cleanup(gen_cleanup),
            Dispatch::keymgmt_free(free),
            Dispatch::keymgmt_get_params(get_params),
            Dispatch::keymgmt_gettable_params(gettable_params),
            Dispatch::keymgmt_query_operation_name($operation_name),
            Dispatch::keymgmt_has(has),
            Dispatch::keymgmt_export(export),
            Dispatch::keymgmt_export_types($export_types),
            Dispatch::END,
        ]
    };
}

pub(super) static EC: [Dispatch; 13] = functions!(ec_operation_name, ec_export_types);
pub(super) static RSA: [Dispatch; 13] = functions!(rsa_operation_name, rsa_export_types);

/// The key that OpenSSL's pointer stands for.
///
/// # Safety
/// `key` came from [`gen`] and is used only while OpenSSL keeps it.
pub(super) unsafe fn shared(key: *const c_void) -> Option<Arc<Key>> {
    if key.is_null() {
        return None;
    }
    let key = key.cast::<Key>();
    // SAFETY: the pointer came from `Arc::into_raw`, and OpenSSL's own reference is not given up.
    unsafe {
        Arc::increment_strong_count(key);
        Some(Arc::from_raw(key))
    }
}

#[derive(Default)]
struct Generation {
    key: Option<Arc<Key>>,
}

unsafe extern "C" fn gen_init(
    _provider: *mut c_void,
    _selection: c_int,
    parameters: *const OSSL_PARAM,
) -> *mut c_void {
    let generation = Box::into_raw(Box::new(Generation::default())).cast();
    // SAFETY: the parameters are OpenSSL's.
    unsafe { gen_set_params(generation, parameters) };
    generation
}

unsafe extern "C" fn gen_set_params(
    generation: *mut c_void,
    parameters: *const OSSL_PARAM,
) -> c_int {
    guarded(|| {
        // SAFETY: it came from `gen_init`, OpenSSL uses it from one thread, and the parameters
        // live as long as the call.
        let (generation, parameters) = unsafe {
            (
                &mut *generation.cast::<Generation>(),
                Given::new(parameters),
            )
        };
        if let Some(handle) = parameters.number(HANDLE) {
            generation.key = waiting().remove(&handle);
        }
        Ok(())
    })
}

unsafe extern "C" fn gen_settable_params(
    _generation: *mut c_void,
    _provider: *mut c_void,
) -> *const OSSL_PARAM {
    static LIST: List<2> = List::new([params::unsigned(HANDLE), params::END]);
    LIST.as_ptr()
}

unsafe extern "C" fn r#gen(
    generation: *mut c_void,
    _progress: Option<Callback>,
    _argument: *mut c_void,
) -> *mut c_void {
    let mut key = ptr::null();
    guarded(|| {
        // SAFETY: it came from `gen_init`, and OpenSSL uses it from one thread.
        let generation = unsafe { &mut *generation.cast::<Generation>() };
        let given = generation.key.take();
        key = Arc::into_raw(given.ok_or("this provider generates no keys of its own")?);
        Ok(())
    });
    key.cast_mut().cast()
}

unsafe extern "C" fn gen_cleanup(generation: *mut c_void) {
    if !generation.is_null() {
        // SAFETY: it came from `gen_init`, and OpenSSL gives it up.
        drop(unsafe { Box::from_raw(generation.cast::<Generation>()) });
    }
}

unsafe extern "C" fn free(key: *mut c_void) {
    if !key.is_null() {
        // SAFETY: it came from `gen`, and OpenSSL gives up its reference.
        drop(unsafe { Arc::from_raw(key.cast::<Key>()) });
    }
}

/// Keys have all parts, the private one too: it can be used, though not seen.
unsafe extern "C" fn has(key: *const c_void, _selection: c_int) -> c_int {
    c_int::from(!key.is_null())
}

unsafe extern "C" fn get_params(key: *mut c_void, parameters: *mut OSSL_PARAM) -> c_int {
    guarded(|| {
        // SAFETY: the key came from `gen`, and the parameters live as long as the call.
        let (key, wanted) = unsafe { (shared(key), Wanted::new(parameters)) };
        let key = key.ok_or("there is no key")?;
        let max_size = c_int::try_from(key.max_size).unwrap_or(c_int::MAX);
        wanted.set_int(c"bits", key.bits)?;
        wanted.set_int(c"security-bits", key.security_bits)?;
        wanted.set_int(c"max-size", max_size)?;
        if let PublicKey::Ec { group, .. } = &key.public {
            wanted.set_text(c"group", group)?;
        }
        match key.mandatory_digest {
            Some(digest) => wanted.set_text(c"mandatory-digest", digest.openssl_name()),
            None => wanted.set_text(c"default-digest", c"SHA256"),
        }
    })
}

unsafe extern "C" fn gettable_params(_provider: *mut c_void) -> *const OSSL_PARAM {
    static LIST: List<7> = List::new([
        params::integer(c"bits"),
        params::integer(c"security-bits"),
        params::integer(c"max-size"),
        params::text(c"group"),
        params::text(c"default-digest"),
        params::text(c"mandatory-digest"),
        params::END,
    ]);
    LIST.as_ptr()
}

unsafe extern "C" fn ec_operation_name(operation: c_int) -> *const c_char {
    match operation {
        OPERATION_SIGNATURE => c"ECDSA".as_ptr(),
        _ => ptr::null(),
    }
}

/// Keys of type RSA-PSS sign with the same algorithm.
unsafe extern "C" fn rsa_operation_name(operation: c_int) -> *const c_char {
    match operation {
        OPERATION_SIGNATURE => c"RSA".as_ptr(),
        _ => ptr::null(),
    }
}

/// Exports the public part. If private parts are asked for too, that is refused altogether: with
/// half a key, OpenSSL would try to sign by itself.
unsafe extern "C" fn export(
    key: *mut c_void,
    selection: c_int,
    callback: Option<Callback>,
    argument: *mut c_void,
) -> c_int {
    guarded(|| {
        if selection & SELECT_PRIVATE_KEY != 0 {
            return Err("the private part of a secure key cannot be exported".to_owned());
        }
        // SAFETY: the key came from `gen`.
        let key = unsafe { shared(key) }.ok_or("there is no key")?;
        let callback = callback.ok_or("there is nobody to export the key to")?;
        if selection & SELECT_PUBLIC_KEY == 0 {
            return Err("only public keys are exported".to_owned());
        }
        let parameters = List::new(match &key.public {
            PublicKey::Ec { group, point } => [
                params::text_of(c"group", group),
                params::octets_of(c"pub", point),
                params::END,
            ],
            PublicKey::Rsa {
                modulus, exponent, ..
            } => [
                params::unsigned_of(c"n", modulus),
                params::unsigned_of(c"e", exponent),
                params::END,
            ],
        });
        // SAFETY: OpenSSL's function and argument belong together; the parameters and what they
        // point to live as long as the call.
        match unsafe { callback(parameters.as_ptr(), argument) } {
            1 => Ok(()),
            _ => Err("the public key was not taken".to_owned()),
        }
    })
}

unsafe extern "C" fn ec_export_types(selection: c_int) -> *const OSSL_PARAM {
    static LIST: List<3> = List::new([params::text(c"group"), params::octets(c"pub"), params::END]);
    public_only(selection, LIST.as_ptr())
}

unsafe extern "C" fn rsa_export_types(selection: c_int) -> *const OSSL_PARAM {
    static LIST: List<3> = List::new([params::unsigned(c"n"), params::unsigned(c"e"), params::END]);
    public_only(selection, LIST.as_ptr())
}

fn public_only(selection: c_int, list: *const OSSL_PARAM) -> *const OSSL_PARAM {
    match selection & SELECT_PRIVATE_KEY {
        0 => list,
        _ => ptr::null(),
    }
}
