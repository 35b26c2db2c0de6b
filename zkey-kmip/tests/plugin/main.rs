//! The KMIP plugin against a key server, over TLS, with the software backend.

mod adaptation;
mod c_conf;
mod c_messages;
mod c_objects;
mod c_program;
#[path = "../common/mod.rs"]
mod common;
mod configure;
mod end_to_end;
mod faults;
mod https;
mod key_server;
mod keys;
mod left_behind;
mod listing;
mod machine;
mod manual_of_s390_tools;
mod misfits;
#[path = "../secure_key/observed.rs"]
mod observed;
mod own_keys;
mod pairs;
mod properties;
mod ready;
mod removal;
mod shown;
mod signing;
mod summary;
mod time_limits;
mod trust;
mod wrapping_key;
