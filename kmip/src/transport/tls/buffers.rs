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

/// Gives back the buffers of both directions, 16 KiB each, unless something is in them, and says whether
/// they were given back. OpenSSL makes them anew when they are needed.
///
/// `SSL_MODE_RELEASE_BUFFERS` would do so after each record, and wipe all 16 KiB each time.
pub(super) fn release<S>(stream: &mut SslStream<S>) -> bool {
    let ssl = stream.ssl().as_ptr();
    // SAFETY: the pointer is that of a live connection which nobody else uses meanwhile, since its only
    // owner is borrowed mutably. The function changes nothing and gives a string that is never freed.
    let state = unsafe { CStr::from_ptr(SSL_rstate_string(ssl)) };
    // SAFETY: as above.
    let is_pending = unsafe { SSL_has_pending(ssl) } != 0;
    // Releases before 3.0.14, 3.1.6, 3.2.2 and 3.3.1 free the buffers also where the header of a record was
    // read and its body has not arrived, or is not taken, and use them afterwards (CVE-2024-4741).
    if is_pending || state != BETWEEN_RECORDS {
        return false;
    }
    // SAFETY: the pointer is as above. The function keeps no pointer. It frees nothing but the two buffers,
    // and no part of a record that is read is in them, as was looked at above; whether one that is sent is,
    // it looks itself.
    unsafe { SSL_free_buffers(ssl) == 1 }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::mem;
    use std::os::unix::net::UnixStream;

    use openssl::error::ErrorStack;
    use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslVersion};

    use super::*;

    /// One side of a connection without certificates, before its handshake.
    fn side(method: SslMethod, inner: UnixStream) -> Result<SslStream<UnixStream>, ErrorStack> {
        let mut context = SslContext::builder(method)?;
        context.set_cipher_list("aNULL:@SECLEVEL=0")?;
        context.set_max_proto_version(Some(SslVersion::TLS1_2))?;
        inner.set_nonblocking(true).unwrap();
        SslStream::new(Ssl::new(&context.build())?, inner)
    }

    fn connection() -> (SslStream<UnixStream>, SslStream<UnixStream>) {
        let (one, other) = UnixStream::pair().unwrap();
        let mut client = side(SslMethod::tls_client(), one).unwrap();
        let mut server = side(SslMethod::tls_server(), other).unwrap();
        let is_done = |outcome: Result<(), openssl::ssl::Error>| match outcome {
            Err(error) if error.code() == ErrorCode::WANT_READ => false,
            outcome => {
                outcome.unwrap();
                true
            }
        };
        // One after the other: each answers what the other has said.
        loop {
            let accepted = is_done(server.accept());
            if is_done(client.connect()) && accepted {
                return (client, server);
            }
        }
    }

    /// A release of OpenSSL that names its state otherwise would never give anything back.
    #[test]
    fn buffers_are_given_back_between_records_and_kept_within_one() {
        const TEXT: &[u8] = b"a record";
        let (mut client, mut server) = connection();
        assert!(release(&mut client) && release(&mut server));
        // What the server sends comes to the client in pieces.
        let (mut feed, pieces) = UnixStream::pair().unwrap();
        pieces.set_nonblocking(true).unwrap();
        let mut wire = mem::replace(client.get_mut(), pieces);
        let mut text = [0; TEXT.len()];
        for _ in 0..2 {
            server.write_all(TEXT).unwrap();
            assert!(release(&mut server));
            let mut record = [0; 200];
            let length = wire.read(&mut record).unwrap();
            let mut rest = &record[..length];
            // Within the header, behind it, and within the body.
            for count in [3, 2, 1, 10] {
                let (piece, behind) = rest.split_at(count);
                feed.write_all(piece).unwrap();
                rest = behind;
                let error = client.ssl_read(&mut text).unwrap_err();
                assert_eq!(error.code(), ErrorCode::WANT_READ);
                assert!(!release(&mut client));
            }
            // And where it has arrived, but is not taken.
            feed.write_all(rest).unwrap();
            client.read_exact(&mut text[..3]).unwrap();
            assert!(!release(&mut client));
            client.read_exact(&mut text[3..]).unwrap();
            assert_eq!(text, TEXT);
            assert!(release(&mut client));
        }
    }
}
