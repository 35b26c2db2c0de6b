//! The KMIP plugin against a key server, over TLS, with the software backend.

mod adaptation;
mod c_conf;
mod c_messages;
mod c_objects;
mod c_program;
#[path = "../common/mod.rs"]
mod common;
mod configure;
mod credential;
mod faults;
mod given;
mod https;
mod key_server;
mod keys;
mod left_behind;
mod listing;
mod machine;
mod misfits;
#[path = "../secure_key/observed.rs"]
mod observed;
mod own_keys;
mod pairs;
mod prompts;
mod properties;
mod ready;
mod removal;
mod shown;
mod signing;
mod summary;
mod time_limits;
mod trust;
mod wrapping_key;
