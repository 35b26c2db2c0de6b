//! TLS between our client and our server over real sockets: what is accepted, what is refused,
//! and what the errors tell.

mod files;
mod peers;
mod reconnection;
mod renewal;
mod revocation;
mod trust;
mod world;
