//! The KMIP plugin against a key server, over TLS, with the software backend.

mod configure;
mod https;
mod key_server;
mod keys;
mod machine;
mod own_keys;
