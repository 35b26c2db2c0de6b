//! Errors, those that are returned and those that OpenSSL carries.

use std::any::Any;
use std::ffi::{CString, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use openssl::error::ErrorStack;

/// A key cannot be given to OpenSSL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProviderError {
    /// The type of key is unknown.
    #[error("a key that is neither an elliptic curve key nor an RSA key cannot be used for TLS")]
    KeyType,
    /// OpenSSL failed.
    #[error("OpenSSL cannot {operation}")]
    OpenSsl {
        /// A verb phrase.
        operation: &'static str,
        /// Why not.
        source: ErrorStack,
    },
}

impl ProviderError {
    pub(super) fn openssl(operation: &'static str) -> impl Fn(ErrorStack) -> ProviderError {
        move |source| ProviderError::OpenSsl { operation, source }
    }
}

/// The errors of a library that OpenSSL does not know (`ERR_LIB_USER`).
const LIBRARY: c_int = 128;
/// The only reason; the text says the rest.
const REASON: c_int = 1;

/// The frame of all functions that OpenSSL calls and that can fail: 1, or 0 with the reason on the
/// error queue. A panic must not get into OpenSSL, and becomes an error.
pub(super) fn guarded(body: impl FnOnce() -> Result<(), String>) -> c_int {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref()).to_owned();
        // A payload may panic when it is dropped; it is better lost.
        std::mem::forget(panic);
        Err(format!("internal error: {text}"))
    });
    match result {
        Ok(()) => 1,
        Err(text) => {
            raise(text);
            0
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "panic without text"
    }
}

fn raise(text: String) {
    let text = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
    // SAFETY: both strings end with NUL, the format takes one string, and OpenSSL keeps a copy.
    unsafe {
        openssl_sys::ERR_new();
        openssl_sys::ERR_set_error(LIBRARY, REASON, c"%s".as_ptr(), text.as_ptr());
    }
}
