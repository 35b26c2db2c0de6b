//! Backends of secure keys.
//!
//! `suite` is what every backend must do, on a `bench`, and `handshake` what its keys must do in
//! the hands of OpenSSL. `software` is about the backend for machines without coprocessors;
//! `provided_keys` and `openssl_program` are about keys of OpenSSL, with that backend.

mod bench;
mod cca;
mod handshake;
mod observed;
mod openssl_program;
mod peer;
mod provided_keys;
mod software;
mod suite;
