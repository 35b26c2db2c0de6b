//! Backends of secure keys.
//!
//! `suite` is what every backend must do, on a `bench`, and `handshake` what its keys must do in
//! the hands of OpenSSL; `sizes` is about RSA keys of all sizes. `software`, `cca` and `ep11` are about one backend each;
//! `provided_keys` and `openssl_program` are about keys of OpenSSL, with the backend `software`.

mod bench;
mod cca;
mod ep11;
mod handshake;
mod observed;
mod openssl_program;
mod peer;
mod provided_keys;
mod sizes;
mod software;
mod suite;
