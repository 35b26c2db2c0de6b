//! Giving back the record buffers of OpenSSL.
#![allow(unsafe_code)]

use std::ffi::c_int;

use foreign_types::ForeignTypeRef;
use openssl::ssl::SslStream;

// The crates openssl and openssl-sys do not name it.
unsafe extern "C" {
    fn SSL_free_buffers(ssl: *mut openssl_sys::SSL) -> c_int;
}

/// Gives back the buffers of both directions, 16 KiB each, unless something is in them. OpenSSL makes
/// them anew when they are needed.
///
/// `SSL_MODE_RELEASE_BUFFERS` would do so after each record, and wipe all 16 KiB each time.
pub(super) fn release<S>(stream: &mut SslStream<S>) {
    // What was deciphered and not yet read lies there, too, which the function itself does not heed.
    if stream.ssl().pending() > 0 {
        return;
    }
    // SAFETY: the pointer is that of a live connection which nobody else uses meanwhile, since its only
    // owner is borrowed mutably. The function keeps no pointer. It frees nothing but the two buffers, and
    // those only if no part of a record is in them; no deciphered data is, as was looked at above.
    let _is_empty = unsafe { SSL_free_buffers(stream.ssl().as_ptr()) };
}
