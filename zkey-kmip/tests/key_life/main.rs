//! What is installed, the program and the shared object of the plugin, and a key server, over TLS.

#[path = "../common/mod.rs"]
mod common;
mod installation;
mod interrupted;
#[path = "../plugin/key_server/mod.rs"]
mod key_server;
mod life;
mod memory;
