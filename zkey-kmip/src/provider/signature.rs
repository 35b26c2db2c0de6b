//! Signatures over a message as a whole (`provider-signature(7)`).
//!
//! OpenSSL's pointer is a `Box<Signature>`, which it uses from one thread at a time.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::sync::Arc;

use openssl::md::Md;
use openssl::md_ctx::MdCtx;
use openssl_sys::OSSL_PARAM;

use super::error::guarded;
use super::ffi::Dispatch;
use super::key::{Key, digest_of};
use super::keymgmt::shared;
use super::params::{self, Given, List, Wanted};
use crate::secure_key::{DigestAlgorithm, SignatureScheme};

pub(super) static FUNCTIONS: [Dispatch; 9] = [
    Dispatch::signature_newctx(newctx),
    Dispatch::signature_freectx(freectx),
    Dispatch::signature_digest_sign_init(digest_sign_init),
    Dispatch::signature_digest_sign(digest_sign),
    Dispatch::signature_get_ctx_params(get_ctx_params),
    Dispatch::signature_gettable_ctx_params(gettable_ctx_params),
    Dispatch::signature_set_ctx_params(set_ctx_params),
    Dispatch::signature_settable_ctx_params(settable_ctx_params),
    Dispatch::END,
];

// `RSA_PKCS1_PADDING` and `RSA_PKCS1_PSS_PADDING`
const PADDING_PKCS1: c_int = 1;
const PADDING_PSS: c_int = 6;
// `RSA_PSS_SALTLEN_...`
const SALT_DIGEST: c_int = -1;
const SALT_AUTO_DIGEST_MAX: c_int = -4;

/// A signature that is being made.
#[derive(Default)]
struct Signature {
    started: Option<Started>,
}

/// What is to be signed with what.
struct Started {
    key: Arc<Key>,
    scheme: SignatureScheme,
    digest: DigestAlgorithm,
}

impl Started {
    fn new(key: Arc<Key>, digest_name: Option<&str>) -> Result<Started, String> {
        let digest = match digest_name {
            Some(name) => digest_by_name(&key, name)?,
            None => key.mandatory_digest.unwrap_or(DigestAlgorithm::Sha256),
        };
        if key.mandatory_digest.is_some_and(|only| only != digest) {
            return Err("the key may not be used with this digest".to_owned());
        }
        let scheme = match (key.is_ec(), key.only_pss()) {
            (true, _) => SignatureScheme::Ecdsa,
            (_, true) => SignatureScheme::RsaPss,
            _ => SignatureScheme::RsaPkcs1,
        };
        Ok(Started {
            key,
            scheme,
            digest,
        })
    }

    fn configure(&mut self, given: &Given) -> Result<(), String> {
        if self.scheme == SignatureScheme::Ecdsa {
            return Ok(());
        }
        if given.has(c"pad-mode") {
            self.scheme = match padding(given) {
                Some(PADDING_PSS) => SignatureScheme::RsaPss,
                Some(PADDING_PKCS1) if !self.key.only_pss() => SignatureScheme::RsaPkcs1,
                _ => return Err("secure keys do not sign with this padding".to_owned()),
            };
        }
        if given.has(c"saltlen") && !self.is_digest_length(given) {
            return Err("secure keys sign with a salt of the length of the digest only".to_owned());
        }
        for name in [c"digest", c"mgf1-digest"] {
            let other = given.text(name).map(|text| text.to_string_lossy());
            if let Some(other) = other {
                if digest_by_name(&self.key, &other)? != self.digest {
                    return Err(
                        "secure keys use the same digest for message and mask, and cannot change it"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(())
    }

    /// Whether the salt is to have the length of the digest, in a number or in words.
    fn is_digest_length(&self, given: &Given) -> bool {
        let length = match given.text(c"saltlen").map(CStr::to_bytes) {
            Some(b"digest" | b"auto-digestmax") => return true,
            Some(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok()),
            None => given.int(c"saltlen"),
        };
        match length {
            Some(SALT_DIGEST | SALT_AUTO_DIGEST_MAX) => true,
            Some(length) => usize::try_from(length) == Ok(self.digest.size()),
            None => false,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let hash = || {
            let library = self.key.library.context();
            let name = self.digest.openssl_name().to_str().unwrap_or_default();
            let md = Md::fetch(Some(library), name, None)?;
            let mut context = MdCtx::new()?;
            context.digest_init(&md)?;
            context.digest_update(message)?;
            let mut digest = vec![0; self.digest.size()];
            context.digest_final(&mut digest)?;
            Ok(digest)
        };
        let digest =
            hash().map_err(|error: openssl::error::ErrorStack| format!("no digest: {error}"))?;
        self.key.signer.sign(self.scheme, self.digest, &digest)
    }
}

fn digest_by_name(key: &Key, name: &str) -> Result<DigestAlgorithm, String> {
    // OpenSSL has several names for each.
    let md = Md::fetch(Some(key.library.context()), name, None);
    md.ok()
        .and_then(|md| digest_of(md.type_()))
        .ok_or_else(|| format!("secure keys do not sign with the digest {name}"))
}

fn padding(given: &Given) -> Option<c_int> {
    match given.text(c"pad-mode").map(CStr::to_bytes) {
        Some(b"pss") => Some(PADDING_PSS),
        Some(b"pkcs1") => Some(PADDING_PKCS1),
        Some(_) => None,
        None => given.int(c"pad-mode"),
    }
}

/// # Safety
/// `signature` came from [`newctx`], and nobody else uses it now.
unsafe fn exclusive<'a>(signature: *mut c_void) -> Result<&'a mut Signature, String> {
    // SAFETY: by contract.
    unsafe { signature.cast::<Signature>().as_mut() }.ok_or_else(|| "nothing to sign".to_owned())
}

unsafe extern "C" fn newctx(_provider: *mut c_void, _properties: *const c_char) -> *mut c_void {
    Box::into_raw(Box::new(Signature::default())).cast()
}

unsafe extern "C" fn freectx(signature: *mut c_void) {
    if !signature.is_null() {
        // SAFETY: it came from `newctx`, and OpenSSL gives it up.
        drop(unsafe { Box::from_raw(signature.cast::<Signature>()) });
    }
}

unsafe extern "C" fn digest_sign_init(
    signature: *mut c_void,
    digest_name: *const c_char,
    key: *mut c_void,
    parameters: *const OSSL_PARAM,
) -> c_int {
    guarded(|| {
        // SAFETY: the pointers are OpenSSL's: a context of ours, a string or NULL, a key of ours
        // or NULL, and parameters; they live as long as the call.
        let (signature, name, key, given) = unsafe {
            (
                exclusive(signature)?,
                (!digest_name.is_null()).then(|| CStr::from_ptr(digest_name)),
                shared(key),
                Given::new(parameters),
            )
        };
        // Without a key, the former one is meant.
        let former = signature.started.take().map(|started| started.key);
        let key = key.or(former).ok_or("there is no key")?;
        let name = name.map(CStr::to_string_lossy);
        let name = name.as_deref().filter(|name| !name.is_empty());
        let mut started = Started::new(key, name)?;
        started.configure(&given)?;
        signature.started = Some(started);
        Ok(())
    })
}

unsafe extern "C" fn digest_sign(
    signature: *mut c_void,
    out: *mut c_uchar,
    length: *mut usize,
    capacity: usize,
    message: *const c_uchar,
    message_length: usize,
) -> c_int {
    guarded(|| {
        // SAFETY: the pointer is one of ours.
        let signature = unsafe { exclusive(signature) }?;
        let started = signature.started.as_ref().ok_or("there is no key")?;
        if out.is_null() {
            // SAFETY: OpenSSL gives a place for the length, and asks only for it.
            unsafe { length.write(started.key.max_size) };
            return Ok(());
        }
        let message = match message_length {
            0 => &[],
            // SAFETY: the message has this length, and lives as long as the call.
            _ => unsafe { std::slice::from_raw_parts(message, message_length) },
        };
        let made = started.sign(message)?;
        if made.len() > capacity || made.len() > started.key.max_size {
            return Err("the signature is longer than a key of this size makes".to_owned());
        }
        // SAFETY: OpenSSL's buffer has room for `capacity` bytes, and is not ours.
        unsafe {
            out.copy_from_nonoverlapping(made.as_ptr(), made.len());
            length.write(made.len());
        }
        Ok(())
    })
}

unsafe extern "C" fn get_ctx_params(signature: *mut c_void, parameters: *mut OSSL_PARAM) -> c_int {
    guarded(|| {
        // SAFETY: the pointers are one of ours and OpenSSL's parameters.
        let (signature, wanted) = unsafe { (exclusive(signature)?, Wanted::new(parameters)) };
        match &signature.started {
            Some(started) => {
                let identifier = started.scheme.algorithm_identifier(started.digest);
                wanted.set_octets(c"algorithm-id", &identifier)
            }
            None => Ok(()),
        }
    })
}

unsafe extern "C" fn gettable_ctx_params(
    _signature: *mut c_void,
    _provider: *mut c_void,
) -> *const OSSL_PARAM {
    static LIST: List<2> = List::new([params::octets(c"algorithm-id"), params::END]);
    LIST.as_ptr()
}

unsafe extern "C" fn set_ctx_params(
    signature: *mut c_void,
    parameters: *const OSSL_PARAM,
) -> c_int {
    guarded(|| {
        // SAFETY: the pointers are one of ours and OpenSSL's parameters.
        let (signature, given) = unsafe { (exclusive(signature)?, Given::new(parameters)) };
        match &mut signature.started {
            Some(started) => started.configure(&given),
            None => Ok(()),
        }
    })
}

unsafe extern "C" fn settable_ctx_params(
    _signature: *mut c_void,
    _provider: *mut c_void,
) -> *const OSSL_PARAM {
    static LIST: List<5> = List::new([
        params::integer(c"pad-mode"),
        params::text(c"saltlen"),
        params::text(c"mgf1-digest"),
        params::text(c"digest"),
        params::END,
    ]);
    LIST.as_ptr()
}
