//! RSA keys of any backend, in all sizes.

use std::sync::Arc;

use zkey_kmip::secure_key::{KeyKind, KeySpec, SecureKeyBackend};

use crate::bench::{Bench, PADDINGS, import, public_key, try_wrap};
use crate::handshake;

/// The suite has one of 2048 bits for everything.
const LARGE: u32 = 3072;

pub(crate) fn run(bench: &dyn Bench) {
    let backend = bench.backend();
    // Such keys take minutes there.
    let is_slow = test_support::is_emulated();
    for bits in KeySpec::RSA_BITS {
        if is_slow && bits >= LARGE {
            println!("skipped: RSA keys of {bits} bits where programs are emulated");
            continue;
        }
        wrapping_keys(bench, &*backend, bits);
        if bits >= LARGE {
            let key = backend.generate_identity_key(KeySpec::Rsa(bits)).unwrap();
            let status = backend.verify(&key).unwrap();
            assert_eq!((status.kind, status.bits), (KeyKind::Identity, bits));
            handshake::rsa(Arc::from(bench.backend()), &key);
        }
    }
}

/// What fits in becomes a secure key, with every padding that the backend knows.
fn wrapping_keys(bench: &dyn Bench, backend: &dyn SecureKeyBackend, bits: u32) {
    let key = backend.generate_wrapping_key(bits).unwrap();
    let status = backend.verify(&key).unwrap();
    assert_eq!((status.kind, status.bits), (KeyKind::Wrapping, bits));
    let public = public_key(backend, &key);
    let key_types = backend.info().unwrap().card_type.secure_key_types();
    for padding in PADDINGS {
        for size in [16, 24, 32] {
            let fits = padding.largest_aes_key(bits) >= Some(8 * u32::from(size));
            let clear: Vec<u8> = (0..size).collect();
            let place = format!("RSA {bits}, {padding}, {size} bytes");
            assert_eq!(try_wrap(&public, padding, &clear).is_ok(), fits, "{place}");
            if !fits {
                continue;
            }
            for key_type in key_types {
                let secure_key = import(backend, &key, *key_type, padding, &clear);
                if backend.knows_padding(padding) {
                    let secure_key = secure_key.unwrap_or_else(|error| panic!("{place}: {error}"));
                    assert_eq!(bench.clear_key(&secure_key), clear, "{place}");
                } else {
                    secure_key.unwrap_err();
                }
            }
        }
    }
}
