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
    // SAFETY: the pointer is that of a live connection which nobody else uses meanwhile, since its only
    // owner is borrowed mutably. The function keeps no pointer and frees nothing but the two buffers, to which
    // nothing outside of OpenSSL refers.
    let _is_empty = unsafe { SSL_free_buffers(stream.ssl().as_ptr()) };
}
