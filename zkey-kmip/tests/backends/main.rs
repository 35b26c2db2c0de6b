//! The plugin with each of its backends: software, and emulated CCA and EP11 adapters.
//!
//! `life` is against the reference key server, in all versions, transports and encodings; the other
//! modules are against the stand-in that counts.

#[path = "../plugin/key_server/mod.rs"]
mod key_server;
mod life;
#[path = "../plugin/machine.rs"]
mod machine;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the other test binaries use the rest"
)]
#[path = "../common/proxy.rs"]
mod proxy;
mod reference;
mod round_trips;
mod workplace;
mod wrapping_keys;
