//! Giving back the record buffers of OpenSSL.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};

use foreign_types::ForeignTypeRef;
use openssl::ssl::SslStream;
use openssl_sys::SSL;

// The crates openssl and openssl-sys do not name them.
unsafe extern "C" {
    fn SSL_free_buffers(ssl: *mut SSL) -> c_int;
    fn SSL_has_pending(ssl: *const SSL) -> c_int;
    fn SSL_rstate_string(ssl: *const SSL) -> *const c_char;
}

/// What [`SSL_rstate_string`] says between two records ("read header").
const BETWEEN_RECORDS: &CStr = c"RH";

/// Gives back the buffers of both directions, 16 KiB each, unless something is in them. OpenSSL makes
/// them anew when they are needed.
///
/// `SSL_MODE_RELEASE_BUFFERS` would do so after each record, and wipe all 16 KiB each time.
pub(super) fn release<S>(stream: &mut SslStream<S>) {
    let ssl = stream.ssl().as_ptr();
    // SAFETY: the pointer is that of a live connection which nobody else uses meanwhile, since its only
    // owner is borrowed mutably. The function changes nothing and gives a string that is never freed.
    let state = unsafe { CStr::from_ptr(SSL_rstate_string(ssl)) };
    // SAFETY: as above.
    let is_pending = unsafe { SSL_has_pending(ssl) } != 0;
    // Releases before 3.0.14, 3.1.6, 3.2.2 and 3.3.1 free the buffers also where the header of a record was
    // read and its body has not arrived, or is not taken, and use them afterwards (CVE-2024-4741).
    if is_pending || state != BETWEEN_RECORDS {
        return;
    }
    // SAFETY: the pointer is as above. The function keeps no pointer. It frees nothing but the two buffers,
    // and no part of a record that is read is in them, as was looked at above; whether one that is sent is,
    // it looks itself.
    let _is_empty = unsafe { SSL_free_buffers(ssl) };
}
